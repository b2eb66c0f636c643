package pipeline

import (
	"runtime"

	"gocv.io/x/gocv"

	"picam/filters/cv"
)

// Tune sets what is set for a process as a whole: a program that runs Cameras calls it once, before the first, with
// their Options. docs/performance.md has what each part is worth.
//
//   - OpenCV's functions allocate their scratch memory anew for each frame. The C library is told to keep it, rather
//     than to give it back to the system each time.
//   - While all processors are in OpenCV, Go's runtime suspects every 20 µs that they hang. Some processors more than
//     there are, which stay idle, keep it calm.
//   - OpenCV's own threads are off where one processor is to work on each frame.
func Tune(o Options) {
	const spare = 2
	cv.KeepMemory()
	runtime.GOMAXPROCS(runtime.NumCPU() + spare)
	if o.processors() == 1 {
		gocv.SetNumThreads(1)
	}
}

// processors is how many of them work on one frame. Where the source waits and there are several workers, one each is
// best for all of them together; else frames come one at a time, and several bring each through sooner.
func (o Options) processors() int {
	if o.KeepAll && workersOf(o.Workers) > 1 {
		return 1
	}
	return runtime.NumCPU()
}

// workersOf is how many workers a number of them in Options means.
func workersOf(n int) int {
	if n <= 0 {
		return runtime.NumCPU()
	}
	return n
}

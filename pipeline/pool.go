package pipeline

import (
	"runtime"
	"slices"
	"sync"
	"time"

	"picam/mjpeg/codec"
)

// Pool is the workers of all cameras: as many as frames are to be worked on at a time, each with a thread and a
// workerContext of its own. The camera that has had the least of their time comes first, so that neither many frames
// nor a slow chain of one camera keep the others waiting.
//
// A worker cannot be taken off a frame. Where all of them have been on theirs for long, and a camera waits for which
// nobody works, one more worker is started, and the processors are the system's to share out. A worker that waits in a
// source, as with [Options.KeepAll], does not count as working meanwhile.
type Pool struct {
	size       int             // frames worked on at a time
	processors int             // that a worker decodes a frame on
	interrupt  codec.Interrupt // of the workers' decoders

	mu      sync.Mutex
	ready   []*Camera     // that may have a frame for a worker; each stands here once
	workers []*worker     // all that there are
	idle    []*worker     // those that wait; the last one waits for the shortest time, and its memory is the warmest
	floor   time.Duration // used by the camera whose turn came last, at least
	later   *time.Timer   // calls assign; nil: there is no need to
	closed  bool
	ended   sync.WaitGroup

	pixelsMu sync.Mutex
	pixels   []*pixels // that no Frame uses; the one that came last goes first
}

// worker is what a Pool knows of one of its goroutines; guarded by the Pool's mu.
type worker struct {
	wake  chan struct{} // holds a token for one that is idle and should look again
	since time.Time     // when it took its frame; zero: it is idle
	away  bool          // it waits in a source
}

const (
	stuckTime    = 50 * time.Millisecond  // on one frame, after which a worker does not count for cameras that wait
	awayTime     = 2 * time.Millisecond   // in a source, after which a worker does not count
	credit       = 100 * time.Millisecond // of workers' time that a camera which had little to do may make up for
	extraWorkers = 16                     // that there may be at most beside those that are not stuck
	idleTime     = 10 * time.Second       // that a worker over the Pool's size stays for
)

// NewPool returns a Pool for frames that are worked on as o says. It must be closed, after all of its Cameras.
func NewPool(o Options) *Pool {
	return &Pool{size: workersOf(o.Workers), processors: o.processors()}
}

// Close waits until all workers have ended.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	if p.later != nil {
		p.later.Stop()
	}
	for _, w := range p.idle {
		w.wake <- struct{}{}
	}
	p.idle = nil
	p.mu.Unlock()
	p.ended.Wait()
	for _, px := range p.pixels {
		px.close()
	}
	p.pixels = nil
}

// patience is how long decoding may take at the end of a run whose frames are not all wanted.
const patience = 300 * time.Millisecond

// hurry abandons what is still being decoded after patience, unless the timer that it returns is stopped before.
func (p *Pool) hurry() *time.Timer { return time.AfterFunc(patience, p.interrupt.Raise) }

// turn is what the Pool knows of a Camera, guarded by the Pool's mu.
type turn struct {
	queued  bool          // it stands in ready
	used    time.Duration // of workers' time, or as if it had been: see offer
	workers int           // that work for it now
}

// offer says that c may have a frame for a worker.
func (p *Pool) offer(c *Camera) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !c.turn.queued {
		c.turn.queued = true
		c.turn.used = max(c.turn.used, p.floor-credit)
		p.ready = append(p.ready, c)
	}
	p.assign()
}

// assign wakes or starts a worker if there is a camera for it. The caller holds mu.
func (p *Pool) assign() {
	if p.next() == nil {
		return
	}
	if last := len(p.idle) - 1; last >= 0 {
		p.idle[last].wake <- struct{}{}
		p.idle = p.idle[:last]
		return
	}
	w := &worker{wake: make(chan struct{}, 1), since: time.Now()}
	p.workers = append(p.workers, w)
	p.ended.Add(1)
	go p.work(w)
}

// next is the camera that one more worker should work for: of those that it may, the one that has had the least time.
// nil means that there is none; it then sees to it that assign is called when that may have changed by time alone. The
// caller holds mu.
func (p *Pool) next() *Camera {
	if len(p.ready) == 0 {
		return nil
	}
	working, stuck, now := 0, 0, time.Now()
	for _, w := range p.workers {
		switch at := now.Sub(w.since); {
		case w.since.IsZero() || w.away && at > awayTime:
		case at > stuckTime:
			stuck++
		default:
			working++
		}
	}
	var first *Camera
	for _, c := range p.ready {
		allowed := working+stuck < p.size || c.turn.workers == 0 && working < p.size && stuck < p.size+extraWorkers
		if allowed && (first == nil || c.turn.used < first.turn.used) {
			first = c
		}
	}
	if first == nil && p.later == nil {
		p.later = time.AfterFunc(awayTime, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.later = nil
			if !p.closed {
				p.assign()
			}
		})
	}
	return first
}

// work is a worker.
//
// It keeps its thread. The C library has memory for each thread, so that OpenCV's scratch memory of one frame is that
// of the frame before, and still in the processor's cache. While there is always a frame to work on, it lets the
// scheduler see after each that it goes on: Go's runtime suspects a goroutine that hangs in C for 10 ms, takes its
// processor away and then looks after all of them every 20 µs.
func (p *Pool) work(w *worker) {
	defer p.ended.Done()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l := newWorkerContext(p.processors)
	l.interrupt = &p.interrupt
	defer l.close()
	for c, waited := p.take(w); c != nil; c, waited = p.take(w) {
		var took time.Duration
		if f := c.take(p, w); f != nil {
			start := time.Now()
			f.cause, f.err = c.process(l, f)
			c.finish(f)
			took = time.Since(start)
		}
		p.mu.Lock()
		w.since = time.Time{}
		c.turn.workers--
		c.turn.used += took
		p.mu.Unlock()
		if !waited {
			runtime.Gosched()
		}
	}
}

// take waits for a camera whose turn it is. nil means that the worker is to end.
func (p *Pool) take(w *worker) (c *Camera, waited bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.since = time.Time{}
	for !p.closed {
		if c := p.next(); c != nil {
			p.ready = slices.DeleteFunc(p.ready, func(o *Camera) bool { return o == c })
			c.turn.queued = false
			c.turn.workers++
			p.floor = max(p.floor, c.turn.used)
			w.since = time.Now()
			return c, waited
		}
		waited = true
		p.idle = append(p.idle, w)
		over := len(p.workers) > p.size
		p.mu.Unlock()
		woken := w.rest(over)
		p.mu.Lock()
		if woken {
			continue
		}
		if i := slices.Index(p.idle, w); i >= 0 { // else it has been woken meanwhile
			p.idle = slices.Delete(p.idle, i, i+1)
			break
		}
	}
	p.workers = slices.DeleteFunc(p.workers, func(o *worker) bool { return o == w })
	return nil, waited
}

// rest waits to be woken, if not for ever then for idleTime, and reports whether it was.
func (w *worker) rest(over bool) bool {
	if !over {
		<-w.wake
		return true
	}
	limit := time.NewTimer(idleTime)
	defer limit.Stop()
	select {
	case <-w.wake:
		return true
	case <-limit.C:
		return false
	}
}

// leave says that w waits in a source from now on; others may work in its place. join says that it is back.
func (p *Pool) leave(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.away, w.since = true, time.Now()
	if len(p.ready) > 0 {
		p.assign()
	}
}

func (p *Pool) join(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.away, w.since = false, time.Now()
}

// forget takes a camera that has no frames any more out of the Pool.
func (p *Pool) forget(c *Camera) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready = slices.DeleteFunc(p.ready, func(o *Camera) bool { return o == c })
}

// lend gives f memory for its pixels; giveBack takes it again.
func (p *Pool) lend(f *Frame) {
	p.pixelsMu.Lock()
	defer p.pixelsMu.Unlock()
	last := len(p.pixels) - 1
	if last < 0 {
		f.pixels = newPixels()
		return
	}
	f.pixels, p.pixels = p.pixels[last], p.pixels[:last]
}

func (p *Pool) giveBack(f *Frame) {
	if f.pixels == nil {
		return
	}
	p.pixelsMu.Lock()
	defer p.pixelsMu.Unlock()
	p.pixels = append(p.pixels, f.pixels)
	f.pixels, f.shown = nil, nil
}

//go:build unix

package capture

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// interruptible returns a reader of f of which a blocked Read fails as soon as ctx ends or Close is called; f stays
// open. A deadline of f does not do that: inherited pipes have none unless they are made non-blocking, and that would
// change them for every other process that has them too.
func interruptible(ctx context.Context, f *os.File) (io.ReadCloser, error) {
	if own := openAnew(f); own != nil {
		context.AfterFunc(ctx, func() { _ = own.SetReadDeadline(time.Unix(1, 0)) })
		return own, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &pollReader{f: f, wakeup: r, stop: context.AfterFunc(ctx, func() { w.Close() }), wake: w}, nil
}

// openAnew opens the pipe f a second time, for ourselves alone, so that it can be non-blocking, and Go's runtime wait
// for it together with everything else. A thread that sleeps in a system call instead keeps the runtime awake: that
// costs more than twice the processor time for a frame. nil: f is no pipe, or the system cannot do that; Linux can.
func openAnew(f *os.File) *os.File {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return nil
	}
	own, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", f.Fd()), os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	if err := own.SetReadDeadline(time.Time{}); err != nil { // it has none: reading it would block
		_ = own.Close()
		return nil
	}
	return own
}

// pollReader waits with poll(2) for f, or for a pipe of its own that closes.
type pollReader struct {
	f            *os.File
	wakeup, wake *os.File // the two ends of a pipe: closing wake wakes who waits for wakeup
	stop         func() bool
	mu           sync.Mutex // held while wakeup is in use
	fds          [2]unix.PollFd
}

func (r *pollReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fds = [...]unix.PollFd{
		{Fd: int32(r.f.Fd()), Events: unix.POLLIN},
		{Fd: int32(r.wakeup.Fd()), Events: unix.POLLIN}, // -1 after Close, which poll ignores
	}
	for {
		_, err := unix.Poll(r.fds[:], -1)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, os.NewSyscallError("poll", err)
		case r.fds[1].Revents != 0:
			return 0, os.ErrClosed
		default:
			return r.f.Read(p)
		}
	}
}

func (r *pollReader) Close() error {
	r.stop()
	r.wake.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wakeup.Close()
	return nil
}

package sink

import (
	"fmt"
	"sync"
	"time"

	"gocv.io/x/gocv"

	"picam/pipeline"
)

// slot is the side of a window that a camera's pipeline sees: it holds the newest picture until the desktop takes it.
// Pictures are handed over by swapping, so that the lock is held for no longer than that.
type slot struct {
	camera string
	ctl    Toggler // may be nil
	wake   func()

	back picture // the goroutine that calls Show fills it

	mu     sync.Mutex
	newest picture
	fresh  bool // newest has not been taken
	idle   bool // pictures are only counted: the window is gone, or shows a frozen one
	closed bool
	signs  signs
}

// picture is a copy of a Frame's, in a Mat of its own.
type picture struct {
	mat      gocv.Mat // rows × cols × 1 or 3
	captured time.Time
}

// signs say how a camera is doing.
type signs struct {
	pictures int           // shown so far
	last     time.Time     // when the last one came; zero: none has
	interval time.Duration // between the last two; 0 until there were two
	why      pipeline.Silence
}

func newSlot(camera string, ctl Toggler, wake func()) *slot {
	return &slot{
		camera: camera, ctl: ctl, wake: wake,
		back: picture{mat: gocv.NewMat()}, newest: picture{mat: gocv.NewMat()},
	}
}

// Show copies f's picture.
func (s *slot) Show(f *pipeline.Frame) error {
	if s.count(time.Now()) {
		return nil
	}
	m := f.Mat()
	if err := m.CopyTo(&s.back.mat); err != nil {
		return fmt.Errorf("sink: window of %s: %w", s.camera, err)
	}
	s.back.captured = f.Captured
	s.mu.Lock()
	s.back, s.newest = s.newest, s.back
	s.fresh = true
	s.mu.Unlock()
	s.wake()
	return nil
}

// count takes note of a picture and says whether nobody will look at it.
func (s *slot) count(now time.Time) (idle bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.signs.last.IsZero() {
		s.signs.interval = now.Sub(s.signs.last)
	}
	s.signs.pictures++
	s.signs.last = now
	return s.idle
}

// Signal notes why the camera shows no frames.
func (s *slot) Signal(why pipeline.Silence) {
	s.mu.Lock()
	s.signs.why = why
	s.mu.Unlock()
	s.wake()
}

// Close makes the window go away.
func (s *slot) Close() error {
	s.mu.Lock()
	s.closed, s.fresh = true, false
	s.back.mat.Close()
	s.newest.mat.Close()
	s.mu.Unlock()
	s.wake()
	return nil
}

// take swaps p for the newest picture, if there is one that has not been taken.
func (s *slot) take(p *picture) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.fresh {
		return false
	}
	*p, s.newest = s.newest, *p
	s.fresh = false
	return true
}

// rest makes Show only count pictures, or copy them again.
func (s *slot) rest(idle bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = idle
}

func (s *slot) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

func (s *slot) read() signs {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signs
}

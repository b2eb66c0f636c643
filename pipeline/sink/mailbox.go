package sink

import (
	"fmt"
	"sync"
	"time"

	"gocv.io/x/gocv"

	"picam/pipeline"
)

// mailbox is the side of a window that a camera's pipeline sees: it holds the newest frame until the desktop takes it.
// Frames are handed over by swapping, so that the lock is held for no longer than that.
type mailbox struct {
	camera string
	ctl    Toggler // may be nil
	wake   func()

	back frame // the goroutine that calls Show fills it

	mu     sync.Mutex
	newest frame
	fresh  bool // newest has not been taken
	idle   bool // frames are only counted: the window is gone, or shows a frozen one
	closed bool
	signs  signs
}

// frame is a copy of a Frame's, in a Mat of its own.
type frame struct {
	mat      gocv.Mat // rows × cols × 1 or 3
	captured time.Time
}

// signs say how a camera is doing.
type signs struct {
	frames   int           // shown so far
	last     time.Time     // when the last one came; zero: none has
	interval time.Duration // between the last two; 0 until there were two
	why      pipeline.Silence
	player   pipeline.Player // nil: the source is live, or there is none
}

func newMailbox(camera string, ctl Toggler, wake func()) *mailbox {
	return &mailbox{
		camera: camera, ctl: ctl, wake: wake,
		back: frame{mat: gocv.NewMat()}, newest: frame{mat: gocv.NewMat()},
	}
}

// Show copies f's frame.
func (s *mailbox) Show(f *pipeline.Frame) error {
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

// count takes note of a frame and says whether nobody will look at it.
func (s *mailbox) count(now time.Time) (idle bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.signs.last.IsZero() {
		s.signs.interval = now.Sub(s.signs.last)
	}
	s.signs.frames++
	s.signs.last = now
	return s.idle
}

// Signal notes why the camera shows no frames.
func (s *mailbox) Signal(why pipeline.Silence) {
	s.mu.Lock()
	s.signs.why = why
	s.mu.Unlock()
	s.wake()
}

// Play notes what the window's keys move in.
func (s *mailbox) Play(p pipeline.Player) {
	s.mu.Lock()
	s.signs.player = p
	s.mu.Unlock()
	s.wake()
}

// Close makes the window go away.
func (s *mailbox) Close() error {
	s.mu.Lock()
	s.closed, s.fresh = true, false
	s.back.mat.Close()
	s.newest.mat.Close()
	s.mu.Unlock()
	s.wake()
	return nil
}

// take swaps p for the newest frame, if there is one that has not been taken.
func (s *mailbox) take(p *frame) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.fresh {
		return false
	}
	*p, s.newest = s.newest, *p
	s.fresh = false
	return true
}

// rest makes Show only count frames, or copy them again.
func (s *mailbox) rest(idle bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = idle
}

func (s *mailbox) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

func (s *mailbox) read() signs {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signs
}

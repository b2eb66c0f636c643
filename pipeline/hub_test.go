package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

// tap is a Stream's Source that is open until it is closed: give makes Next return a frame.
type tap struct {
	frame  []byte
	ready  chan struct{}
	closed chan struct{}
	once   sync.Once
}

func newTap() *tap {
	return &tap{mjpegtest.Frames(1, 64, 48, 80)[0], make(chan struct{}), make(chan struct{}), sync.Once{}}
}

func (p *tap) Next() (mjpeg.Frame, error) {
	select {
	case <-p.ready:
		return mjpeg.Frame{JPEG: p.frame, Received: time.Now()}, nil
	case <-p.closed:
		return mjpeg.Frame{}, io.EOF
	}
}

func (p *tap) Close() error { p.once.Do(func() { close(p.closed) }); return nil }

func (p *tap) give() { p.ready <- struct{}{} }

// connect runs a stream through the hub and returns its end, and a channel that closes when Handle has returned.
func connect(t *testing.T, h *Hub, camera, sender string) (*tap, chan error) {
	t.Helper()
	p, done := newTap(), make(chan error, 1)
	go func() {
		done <- h.Handle(context.Background(), &Stream{Source: p, Camera: camera, Sender: sender, Close: p.Close})
	}()
	return p, done
}

func hub(t *testing.T, chain string, limit int) *Hub {
	t.Helper()
	c, err := ParseConfig("test", []byte("filters: ["+chain+"]"))
	if err != nil {
		t.Fatal(err)
	}
	return NewHub(c, limit, func(string, *Controller) (Outputs, error) { return Outputs{}, nil }, Options{Workers: 1, KeepAll: true})
}

func names(h *Hub) string {
	var list []string
	for _, s := range h.Stats() {
		state := "+"
		if !s.Connected {
			state = "-"
		}
		list = append(list, fmt.Sprintf("%s%s%d", s.Camera, state, s.FramesIn))
	}
	return strings.Join(list, " ")
}

// eventually waits until names are as wanted.
func eventually(t *testing.T, h *Hub, want string) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for names(h) != want {
		if time.Now().After(deadline) {
			t.Fatalf("cameras are %q, want %q", names(h), want)
		}
		time.Sleep(time.Millisecond)
	}
}

func finish(t *testing.T, h *Hub, dones ...chan error) {
	t.Helper()
	for _, d := range dones {
		if err := <-d; err != nil {
			t.Errorf("handle: %v", err)
		}
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

func TestCameraOutlivesItsConnection(t *testing.T) {
	h := hub(t, "", 0)
	a, doneA := connect(t, h, "door", "s1")
	a.give()
	eventually(t, h, "door+1")
	a.Close()
	eventually(t, h, "door-1")
	b, doneB := connect(t, h, "door", "s2")
	b.give()
	eventually(t, h, "door+2")
	b.Close()
	finish(t, h, doneA, doneB)
}

func TestReconnectionOfOneSenderTakesThePlaceOfItsOldConnection(t *testing.T) {
	h := hub(t, "", 0)
	a, doneA := connect(t, h, "door", "s1")
	a.give()
	eventually(t, h, "door+1")
	b, doneB := connect(t, h, "door", "s1") // the hub closes a
	b.give()
	eventually(t, h, "door+2")
	b.Close()
	finish(t, h, doneA, doneB)
}

func TestTwoLivelyCamerasOfOneName(t *testing.T) {
	for _, sender := range []string{"", "s"} {
		t.Run("sender "+sender, func(t *testing.T) {
			other := sender
			if sender != "" {
				other = sender + "2"
			}
			h := hub(t, "", 0)
			a, doneA := connect(t, h, "cam", sender)
			a.give()
			eventually(t, h, "cam+1")
			b, doneB := connect(t, h, "cam", other)
			b.give()
			a.give()
			eventually(t, h, "cam+2 cam-2+1")
			a.Close()
			b.Close()
			finish(t, h, doneA, doneB)
		})
	}
}

func TestCameraLimitEvictsOnlyTheAbsent(t *testing.T) {
	h := hub(t, "", 2)
	a, doneA := connect(t, h, "a", "1")
	b, doneB := connect(t, h, "b", "2")
	a.give()
	b.give()
	eventually(t, h, "a+1 b+1")
	_, doneC := connect(t, h, "c", "3")
	if err := <-doneC; err == nil || !strings.Contains(err.Error(), "camera c is one too many: 2 are connected") {
		t.Errorf("the third: %v", err)
	}
	a.Close()
	eventually(t, h, "a-1 b+1")
	d, doneD := connect(t, h, "d", "4")
	d.give()
	eventually(t, h, "b+1 d+1")
	b.Close()
	d.Close()
	finish(t, h, doneA, doneB, doneD)
}

func TestOutputsThatCannotBeOpened(t *testing.T) {
	full := errors.New("disk full")
	h := NewHub(&Config{}, 0, func(string, *Controller) (Outputs, error) { return Outputs{}, full }, Options{})
	p, done := connect(t, h, "door", "")
	defer p.Close()
	if err := <-done; !errors.Is(err, full) {
		t.Errorf("handle: %v", err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

func TestReloadChangesAllCamerasOrNone(t *testing.T) {
	controllers := map[string]*Controller{}
	parse := func(text string) *Config {
		t.Helper()
		c, err := ParseConfig("test", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	h := NewHub(parse("filters: [blur]"), 0, func(name string, ctl *Controller) (Outputs, error) {
		controllers[name] = ctl
		return Outputs{}, nil
	}, Options{Workers: 1})
	a, doneA := connect(t, h, "a", "1")
	b, doneB := connect(t, h, "b", "2")
	a.give()
	b.give()
	eventually(t, h, "a+1 b+1")
	if err := h.Reload(parse("filters: [canny]\ncameras: {b: {filters: [grayscale]}}")); err != nil {
		t.Fatal(err)
	}
	if p := controllers["a"].Plan(); !strings.Contains(p.String(), "canny") || p.Version != 2 {
		t.Errorf("a: %s", p)
	}
	if p := controllers["b"].Plan(); p.String() != "decode gray" {
		t.Errorf("b: %s", p)
	}
	a.Close()
	b.Close()
	finish(t, h, doneA, doneB)
}

func TestReconnectionsLeaveNothingBehind(t *testing.T) {
	h := hub(t, "grayscale, blur", 0)
	for range 100 {
		p, done := connect(t, h, "door", "s1")
		p.give()
		p.Close()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	finish(t, h) // leaks of goroutines and Mats are found by TestMain
}

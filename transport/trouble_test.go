package transport

import (
	"bytes"
	"context"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

// faucet is a live Source of what is put into it.
type faucet struct {
	ctx context.Context
	out chan []byte
}

func (f *faucet) Next() (mjpeg.Frame, error) {
	select {
	case p := <-f.out:
		return mjpeg.Frame{JPEG: p}, nil
	case <-f.ctx.Done():
		return mjpeg.Frame{}, f.ctx.Err()
	}
}

// TestTrouble: a receiver is told what is wrong at the camera, before the first frame and between two, and stays
// connected for longer than its idle time.
func TestTrouble(t *testing.T) {
	t.Parallel()
	l := listen(t)
	var g gathered
	start(t, func(ctx context.Context) error {
		return Serve(ctx, l, Limits{Idle: noteRepeat + time.Second}, nil, g.handle)
	})

	var trouble atomic.Value
	trouble.Store("there is no camera:\n plug one in")
	frames := mjpegtest.Frames(2, 64, 48, 70)
	out := make(chan []byte)
	s := &Sender{Addr: l.Addr().String(), Camera: "door", Trouble: func() string { return trouble.Load().(string) }}
	start(t, func(ctx context.Context) error { return s.Run(ctx, &faucet{ctx, out}) })

	stream := func() *Stream { return g.all()[0].s }
	says := func(want string) {
		t.Helper()
		eventually(t, want, func() bool { return len(g.all()) == 1 && stream().Trouble() == want })
	}
	says("there is no camera:? plug one in")
	if stream().Camera() != "door" || stream().Sender() != s.id {
		t.Errorf("camera %q, sender %q", stream().Camera(), stream().Sender())
	}
	for i, p := range frames {
		trouble.Store("")
		out <- p
		eventually(t, "a frame", func() bool { return g.frames() == i+1 })
		says("")
		trouble.Store("it is gone")
		says("it is gone")
	}
	time.Sleep(noteRepeat + 1500*time.Millisecond) // sleep: longer than the time after which it is told again
	trouble.Store("")                              // without a frame: it is only slow
	says("")
	streams := g.all()
	checkFrames(t, streams[0].frames, frames)
	if st := s.Stats(); len(streams) != 1 || st.Connects != 1 || st.Sent != 2 || st.Captured != 2 {
		t.Errorf("%d streams, stats %+v", len(streams), st)
	}
}

// TestTroubleOnTheWire: those who do not want status messages get none, and nobody gets any while there are frames.
func TestTroubleOnTheWire(t *testing.T) {
	t.Parallel()
	frame := jpegOf(3e3)
	for _, c := range []struct {
		name     string
		stamp    bool
		every    time.Duration
		statuses bool
	}{
		{"frames", true, noteCheck / 10, false},
		{"none", true, time.Hour, true},
		{"no stamp", false, time.Hour, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := listen(t)
			s := &Sender{Addr: l.Addr().String(), NoStamp: !c.stamp, Trouble: func() string { return "gone" }}
			start(t, func(ctx context.Context) error {
				return s.Run(ctx, &camera{ctx: ctx, frame: frame, interval: c.every})
			})
			conn := acceptOne(t, l)
			_ = conn.SetReadDeadline(time.Now().Add(10 * noteCheck))
			b, _ := io.ReadAll(conn) // until the deadline
			reader := mjpeg.NewReader(bytes.NewReader(b), 0)
			frames, statuses := 0, 0
			for {
				f, err := reader.NextOrStatus()
				if err != nil {
					break
				}
				if f.JPEG != nil {
					frames++
				} else {
					statuses++
				}
			}
			tolerated := frames / 20 // on a busy computer a frame may be late once or twice
			if frames == 0 || c.statuses && statuses == 0 || !c.statuses && statuses > tolerated || statuses > 3 {
				t.Errorf("%d frames and %d statuses", frames, statuses)
			}
		})
	}
}

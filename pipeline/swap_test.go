package pipeline

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"picam/filters"
	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

// TestEveryStageInPlaceOfEveryOther: while frames are moving, each filter takes the place of each other one, in both
// orders. Every frame is shown, or dropped by a filter that says why; nothing crashes or leaks (see TestMain).
func TestEveryStageInPlaceOfEveryOther(t *testing.T) {
	var kinds []*filters.Stage
	for _, k := range filters.All() {
		if st, faults := filters.Configure(k, nil); len(faults) == 0 { // else it needs a value
			kinds = append(kinds, st)
		}
	}
	ctl, err := NewController(ChainOf(kinds[0]))
	if err != nil {
		t.Fatal(err)
	}
	var done atomic.Bool
	src := &carousel{frames: mjpegtest.Frames(8, 64, 48, 80), end: &done}
	shown := make(chan struct{}, 1)
	sink := sinkFunc(func(*Frame) error {
		select {
		case shown <- struct{}{}:
		default:
		}
		return nil
	})
	swapped := make(chan int, 1)
	go func() {
		defer done.Store(true)
		n := 0
		for i, a := range kinds {
			for _, b := range kinds[i:] {
				for _, st := range []*filters.Stage{a, b} {
					if err := ctl.Replace(ChainOf(st)); err == nil {
						n++
					} else if misfit := (&filters.SizeError{}); !errors.As(err, &misfit) {
						t.Errorf("%s: %v", st, err)
					}
				}
			}
			<-shown
		}
		swapped <- n
	}()
	stats := make(chan Stats)
	go func() { stats <- run(t, ctl, src, Outputs{Sinks: []Sink{sink}}, Options{Workers: 2, KeepAll: true}) }()
	n, s := <-swapped, <-stats
	if least := len(kinds) * len(kinds) / 2; n < least {
		t.Errorf("%d swaps, not %d", n, least)
	}
	if s.FramesOut == 0 || s.Drops() > s.FramesOut {
		t.Errorf("%d frames shown, dropped %v", s.FramesOut, s.Dropped)
	}
	t.Logf("%d swaps, %d frames", n, s.FramesOut)
}

// carousel is a Source that repeats frames until it is told to end.
type carousel struct {
	frames [][]byte
	n      int
	end    *atomic.Bool
}

func (e *carousel) Next() (mjpeg.Frame, error) {
	if e.end.Load() {
		return mjpeg.Frame{}, io.EOF
	}
	e.n++
	return mjpeg.Frame{JPEG: e.frames[e.n%len(e.frames)], Seq: uint64(e.n), Received: time.Now()}, nil
}

// TestFrameTooSmallForAFilter: a frame that a filter cannot work on is dropped, counted and told of; the next one is
// shown.
func TestFrameTooSmallForAFilter(t *testing.T) {
	large, small := mjpegtest.Frames(1, 64, 48, 80)[0], mjpegtest.Frames(1, 16, 16, 80)[0]
	ctl := controller(t, "crop: {x: 30, y: 20, width: 20, height: 20}")
	var log bytes.Buffer
	s := run(t, ctl, repeat([][]byte{large, small, large}, 30), Outputs{Sinks: []Sink{sinkFunc(func(*Frame) error { return nil })}},
		Options{Workers: 2, KeepAll: true, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if s.FramesOut != 20 || s.Dropped["filter_failed"] != 10 {
		t.Errorf("%d frames shown, dropped %v", s.FramesOut, s.Dropped)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "crop") {
		t.Errorf("%d lines:\n%s", n, &log)
	}
}

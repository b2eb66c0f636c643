package capture

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// The tests run on a clock of their own, so they are exact.

func TestPacer(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name string
		fps  float64
		work []time.Duration // between one wait's return and the next wait
		want []time.Duration // when wait returns, from the first return
	}{
		{"as fast as taken", 0, []time.Duration{0, 5 * ms, 0}, []time.Duration{0, 0, 5 * ms, 5 * ms}},
		{"negative too", -1, []time.Duration{0, 0}, []time.Duration{0, 0, 0}},
		{"on time", 10, []time.Duration{0, 10 * ms, 99 * ms}, []time.Duration{0, 100 * ms, 200 * ms, 300 * ms}},
		{"late by less than a tick", 10, []time.Duration{130 * ms, 0, 0},
			[]time.Duration{0, 130 * ms, 200 * ms, 300 * ms}},
		{"late by many ticks", 10, []time.Duration{1030 * ms, 0, 0},
			[]time.Duration{0, 1030 * ms, 1100 * ms, 1200 * ms}},
		{"slow", 0.5, []time.Duration{0, 0}, []time.Duration{0, 2 * time.Second, 4 * time.Second}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pacer{fps: tt.fps}
				start := time.Now()
				for i, want := range tt.want {
					if i > 0 {
						time.Sleep(tt.work[i-1]) // sleep: the work of the test, in made-up time
					}
					if err := p.wait(t.Context()); err != nil {
						t.Fatal(err)
					}
					if got := time.Since(start); got != want {
						t.Errorf("wait %d returned after %v, want %v", i, got, want)
					}
				}
			})
		})
	}
}

// TestPacerDoesNotDrift: no 1/30 of a second is a whole number of nanoseconds.
func TestPacerDoesNotDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pacer{fps: 30}
		start := time.Now()
		const seconds = 1000
		for range 30*seconds + 1 {
			if err := p.wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := time.Since(start); got != seconds*time.Second {
			t.Errorf("took %v", got)
		}
	})
}

func TestPacerEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p := pacer{fps: 0.001}
		for i, want := range []error{nil, context.DeadlineExceeded, context.DeadlineExceeded} {
			if err := p.wait(ctx); err != want {
				t.Errorf("wait %d: %v, want %v", i, err, want)
			}
		}
	})
}

// TestPatternPace is the real clock: frames come neither before their time nor, on the whole, late.
func TestPatternPace(t *testing.T) {
	s := open(t, "pattern:41", Options{Width: 160, Height: 120, FPS: 50})
	frames := all(t, s)
	first := frames[0].Captured
	for i, f := range frames {
		due := first.Add(time.Duration(i) * 20 * time.Millisecond)
		if early := due.Sub(f.Captured); early > 2*time.Millisecond {
			t.Errorf("frame %d came %v early", i, early)
		}
	}
	if took := frames[40].Captured.Sub(first); took > 1600*time.Millisecond {
		t.Errorf("40 frames at 50 a second took %v", took)
	}
}

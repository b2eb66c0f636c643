package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"picam/filters"
	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

// chainOf is a chain of one stateless stage that does what work does.
func chainOf(t testing.TB, work func()) Chain {
	t.Helper()
	kind := filters.Kind{Name: "work", Doc: "Works.", New: func(p *filters.Params) filters.Filter {
		meta := p.Meta()
		return func(src gocv.Mat, dst *gocv.Mat) error {
			if !meta.DryRun {
				work()
			}
			return src.CopyTo(dst)
		}
	}}
	st, faults := filters.Configure(kind, nil)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return ChainOf(st)
}

// endlessly gives the same frame until it is told to end.
type endlessly struct {
	frame []byte
	pause time.Duration // before each, as of a camera
	ended atomic.Bool
}

func (e *endlessly) Next() (mjpeg.Frame, error) {
	if e.ended.Load() {
		return mjpeg.Frame{}, io.EOF
	}
	if e.pause > 0 {
		time.Sleep(e.pause) // sleep: as a camera does
	}
	return mjpeg.Frame{JPEG: e.frame, Received: time.Now()}, nil
}

// TestPoolSharesTimeAlike: of two cameras that always have a frame, one of whose chain takes eight times as long as the
// other's, each has half of the workers' time.
func TestPoolSharesTimeAlike(t *testing.T) {
	pool := NewPool(Options{Workers: 1})
	defer pool.Close()
	var spent [2]atomic.Int64
	enough := make(chan struct{})
	var once sync.Once
	var feeds sync.WaitGroup
	sources := [2]*endlessly{}
	for i, cost := range []time.Duration{5 * time.Millisecond, 40 * time.Millisecond} {
		ctl, err := NewController(chainOf(t, func() {
			for begin := time.Now(); time.Since(begin) < cost; { // a processor's work
			}
			if spent[i].Add(int64(cost)) > int64(600*time.Millisecond) {
				once.Do(func() { close(enough) })
			}
		}))
		if err != nil {
			t.Fatal(err)
		}
		cam := NewCamera(fmt.Sprint(i), ctl, Outputs{}, Options{Workers: 1, KeepAll: true, Pool: pool})
		sources[i] = &endlessly{frame: mjpegtest.Frames(1, 16, 16, 80)[0]}
		feeds.Go(func() {
			if err := cam.Feed(t.Context(), sources[i], "", nil); err != nil {
				t.Error(err)
			}
			if err := cam.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	<-enough
	quick, slow := spent[0].Load(), spent[1].Load()
	sources[0].ended.Store(true)
	sources[1].ended.Store(true)
	feeds.Wait()
	if ratio := float64(quick) / float64(slow); ratio < 0.6 || ratio > 1.6 {
		t.Errorf("the quick camera had %v, the slow one %v", time.Duration(quick), time.Duration(slow))
	}
}

// TestStuckWorkersLeaveOthersAlone: while one camera's chain does not come back from its frames, whichever way it takes
// them in, another camera's frames are shown.
func TestStuckWorkersLeaveOthersAlone(t *testing.T) {
	for _, keepAll := range []bool{false, true} {
		t.Run(fmt.Sprintf("keep all %v", keepAll), func(t *testing.T) {
			o := Options{Workers: 2, KeepAll: keepAll}
			o.Pool = NewPool(o)
			defer o.Pool.Close()
			gate := make(chan struct{})
			var at atomic.Int32
			stuckCtl, err := NewController(chainOf(t, func() { at.Add(1); <-gate }))
			if err != nil {
				t.Fatal(err)
			}
			var running sync.WaitGroup
			frame := mjpegtest.Frames(1, 16, 16, 80)[0]
			stuckSrc, src := &endlessly{frame: frame, pause: time.Millisecond}, &endlessly{frame: frame, pause: time.Millisecond}
			feed := func(cam *Camera, src Source) {
				running.Go(func() {
					if err := cam.Feed(t.Context(), src, "", nil); err != nil {
						t.Error(err)
					}
					if err := cam.Close(); err != nil {
						t.Error(err)
					}
				})
			}
			feed(NewCamera("stuck", stuckCtl, Outputs{}, o), stuckSrc)
			for at.Load() < 2 { // both workers are on a frame of it
				runtime.Gosched()
			}
			shown := make(chan struct{}, 1)
			sink := sinkFunc(func(*Frame) error {
				select {
				case shown <- struct{}{}:
				default:
				}
				return nil
			})
			feed(NewCamera("good", controller(t, "blur"), Outputs{Sinks: []Sink{sink}}, o), src)
			for range 5 {
				<-shown
			}
			src.ended.Store(true)
			stuckSrc.ended.Store(true)
			close(gate)
			running.Wait()
		})
	}
}

// TestPassthroughNeedsNoWorker: a camera whose frames nobody changes is shown, and recorded, while all workers are
// stuck. When a stage is switched on, its frames go to the workers, in order.
func TestPassthroughNeedsNoWorker(t *testing.T) {
	for _, keepAll := range []bool{false, true} {
		t.Run(fmt.Sprintf("keep all %v", keepAll), func(t *testing.T) {
			o := Options{Workers: 1, KeepAll: keepAll}
			o.Pool = NewPool(o)
			defer o.Pool.Close()
			ctl := controller(t, "")
			var last uint64
			var touched atomic.Int32
			shown := make(chan uint64, 1)
			sink := jpegSink{sinkFunc: func(f *Frame) error {
				if f.Seq <= last {
					t.Errorf("frame %d after %d", f.Seq, last)
				}
				last = f.Seq
				if !f.Passthrough() {
					touched.Add(1)
				}
				select {
				case shown <- f.Seq:
				default:
				}
				return nil
			}}
			cam := NewCamera("door", ctl, Outputs{Sinks: []Sink{sink}}, o)
			src := &endlessly{frame: mjpegtest.Frames(1, 16, 16, 80)[0], pause: time.Millisecond}
			fed := make(chan error)
			go func() { fed <- cam.Feed(t.Context(), src, "", nil) }()
			for range 10 {
				<-shown
			}
			if n := len(o.Pool.workers); n != 0 {
				t.Errorf("%d workers for a passthrough camera", n)
			}
			if err := ctl.Replace(ChainOf(stages(t, "blur")...)); err != nil {
				t.Fatal(err)
			}
			for touched.Load() == 0 {
				<-shown
			}
			if err := ctl.Replace(ChainOf()); err != nil {
				t.Fatal(err)
			}
			for before := touched.Load(); ; before = touched.Load() {
				<-shown
				<-shown
				<-shown
				<-shown
				if touched.Load() == before {
					break
				}
			}
			src.ended.Store(true)
			if err := <-fed; err != nil {
				t.Error(err)
			}
			if err := cam.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestManyCamerasShareMemory: the memory for pixels is that of the frames worked on, however many cameras there are.
func TestManyCamerasShareMemory(t *testing.T) {
	o := Options{Workers: 2}
	o.Pool = NewPool(o)
	defer o.Pool.Close()
	const cameras = 20
	ctl := controller(t, "blur")
	var wg sync.WaitGroup
	for i := range cameras {
		cam := NewCamera(fmt.Sprint(i), ctl, Outputs{}, o)
		wg.Go(func() {
			if err := cam.Feed(t.Context(), repeat(mjpegtest.Frames(2, 64, 48, 80), 50), "", nil); err != nil {
				t.Error(err)
			}
			if err := cam.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n, limit := len(o.Pool.pixels), 2*cameras; n == 0 || n > limit {
		t.Errorf("memory for the pixels of %d frames", n)
	}
}

// TestToggleAndReloadAtOnce: while the file is reloaded again and again, no press of a key is lost, and no reload.
func TestToggleAndReloadAtOnce(t *testing.T) {
	ctl := controller(t, "blur: {size: 3}, flip")
	const presses = 101
	var wg sync.WaitGroup
	wg.Go(func() {
		for range presses {
			if err := ctl.Toggle(1); err != nil {
				t.Error(err)
			}
		}
	})
	for i := range 100 {
		if err := ctl.Replace(ChainOf(stages(t, fmt.Sprintf("blur: {size: %d}, flip", 5+2*(i%20)))...)); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	p := ctl.Plan()
	if !p.Stages[1].Off {
		t.Errorf("after %d presses the stage is on", presses)
	}
	if want := "blur size=43 sigma=0"; p.Stages[0].String() != want {
		t.Errorf("the chain in force has %s, not %s of the last reload", p.Stages[0], want)
	}
	if p.Version != 1+presses+100 {
		t.Errorf("version %d after %d changes", p.Version, presses+100)
	}
}

// TestHubWaitsForNobody: while one camera's outputs are being opened, or closed, others come, and Stats and Reload
// answer.
func TestHubWaitsForNobody(t *testing.T) {
	config := func(text string) *Config {
		c, err := ParseConfig("test", []byte("filters: ["+text+"]"))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	opening, closing, gate := make(chan struct{}), make(chan struct{}), make(chan struct{})
	h := NewHub(config("blur"), 2, func(camera string, _ *Controller) (Outputs, error) {
		switch camera {
		case "slow to open":
			close(opening)
			<-gate
		case "slow to close":
			return Outputs{Sinks: []Sink{closer{func() { close(closing); <-gate }}}}, nil
		}
		return Outputs{}, nil
	}, Options{Workers: 1})
	src, done := connect(t, h, "slow to close", "")
	src.give()
	src.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	slow, slowDone := connect(t, h, "slow to open", "")
	<-opening
	good, goodDone := connect(t, h, "good", "") // one too many: the one that has gone makes room
	<-closing
	good.give()
	if s := h.Stats(); len(s) != 1 || s[0].Camera != "good" {
		t.Errorf("stats %+v", s)
	}
	if err := h.Reload(config("flip")); err != nil {
		t.Error(err)
	}
	back, backDone := connect(t, h, "slow to close", "") // waits until it has been closed
	close(gate)
	slow.give()
	for _, a := range h.running() {
		if got := a.ctl.Plan().String(); !strings.Contains(got, "flip") {
			t.Errorf("camera %s, which was opened during a reload, has %s", a.name, got)
		}
	}
	for _, s := range []*tap{slow, good, back} {
		s.Close()
	}
	for _, err := range []error{<-slowDone, <-goodDone} {
		if err != nil {
			t.Error(err)
		}
	}
	if err := <-backDone; err == nil || !strings.Contains(err.Error(), "one too many") {
		t.Errorf("a third camera of two: %v", err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

type closer struct{ close func() }

func (c closer) Show(*Frame) error { return nil }
func (c closer) Close() error      { c.close(); return nil }

// TestSlowFiltersAreTold: sinks hear that the filters are slow, and by how much, not that there is no signal.
func TestSlowFiltersAreTold(t *testing.T) {
	gate := make(chan struct{})
	ctl, err := NewController(chainOf(t, func() { <-gate }))
	if err != nil {
		t.Fatal(err)
	}
	said := make(chan Silence, 10)
	sink := &signaled{sinkFunc(func(*Frame) error { return nil }), func(why Silence) { said <- why }}
	cam := NewCamera("door", ctl, Outputs{Sinks: []Sink{sink}}, Options{Workers: 1})
	src := newTap()
	ctx, cancel := context.WithCancel(t.Context())
	fed := make(chan error)
	go func() { fed <- cam.Feed(ctx, src, "", nil) }()
	<-said // the connection
	var why Silence
	for why == (Silence{}) {
		src.give()
		select {
		case why = <-said:
		case <-time.After(50 * time.Millisecond):
		}
	}
	if why.Kind != FiltersSlow || !strings.Contains(why.Reason, "at work on a frame for") || why.Title() != "FILTERS SLOW" {
		t.Errorf("said %+v", why)
	}
	if s := cam.Stats(); s.State != "filters_slow" || s.Reason != why.Reason {
		t.Errorf("stats: %s, %s", s.State, s.Reason)
	}
	close(gate)
	cancel()
	src.Close()
	if err := <-fed; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := cam.Close(); err != nil {
		t.Error(err)
	}
}

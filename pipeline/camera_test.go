package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"picam/filters"
	"picam/mjpeg"
	"picam/mjpeg/codec"
	"picam/mjpeg/mjpegtest"
)

// list is a Source of frames that are there at once.
type list struct {
	frames [][]byte
	seqs   []uint64 // nil: 1, 2, 3 …
	next   int
	err    error // at the end; nil means io.EOF
}

func (l *list) Next() (mjpeg.Frame, error) {
	if l.next == len(l.frames) {
		if l.err != nil {
			return mjpeg.Frame{}, l.err
		}
		return mjpeg.Frame{}, io.EOF
	}
	f := mjpeg.Frame{JPEG: l.frames[l.next], Seq: uint64(l.next + 1), Received: time.Now()}
	if l.seqs != nil {
		f.Seq = l.seqs[l.next]
	}
	l.next++
	return f, nil
}

// repeat makes a list of n frames out of a few.
func repeat(frames [][]byte, n int) *list {
	l := &list{}
	for i := range n {
		l.frames = append(l.frames, frames[i%len(frames)])
	}
	return l
}

// sinkFunc is a Sink of a function.
type sinkFunc func(f *Frame) error

func (s sinkFunc) Show(f *Frame) error { return s(f) }
func (s sinkFunc) Close() error        { return nil }

// jpegSink is a sinkFunc that needs no pixels, unless they lie where it wants them upright.
type jpegSink struct {
	sinkFunc
	lying bool
}

func (s jpegSink) TakesJPEG() bool { return s.lying }

// run feeds src to a new camera and closes it.
func run(t testing.TB, ctl *Controller, src Source, out Outputs, o Options) Stats {
	t.Helper()
	cam := NewCamera("test", ctl, out, o)
	if err := cam.Feed(t.Context(), src, "", nil); err != nil {
		t.Errorf("feed: %v", err)
	}
	if err := cam.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	s := cam.Stats()
	if s.FramesIn != s.FramesOut+s.Drops() {
		t.Errorf("the account does not add up: %d in, %d out, dropped %v", s.FramesIn, s.FramesOut, s.Dropped)
	}
	return s
}

func TestCameraShowsEveryFrameInOrderWithTheRightPixels(t *testing.T) {
	frames := mjpegtest.Frames(5, 160, 120, 80)
	var want [][]byte
	for _, p := range frames {
		want = append(want, directChain(t, p))
	}
	for _, workers := range []int{1, 2, 5} {
		t.Run(fmt.Sprintf("%d workers", workers), func(t *testing.T) {
			const n = 100
			seen := 0
			sink := sinkFunc(func(f *Frame) error {
				if f.Seq != uint64(seen+1) {
					t.Errorf("frame %d comes as number %d", f.Seq, seen+1)
				}
				m := f.Mat()
				if !bytes.Equal(m.ToBytes(), want[seen%len(want)]) {
					t.Errorf("frame %d is not what OpenCV makes of it", f.Seq)
				}
				if !bytes.Equal(f.JPEG(), frames[seen%len(frames)]) {
					t.Errorf("frame %d has lost its bytes", f.Seq)
				}
				seen++
				return nil
			})
			s := run(t, controller(t, "grayscale, blur, canny: {low: 50, high: 150}"), repeat(frames, n), Outputs{Sinks: []Sink{sink}}, Options{Workers: workers, KeepAll: true})
			if seen != n || s.FramesOut != n {
				t.Errorf("%d frames shown, %d counted, want %d", seen, s.FramesOut, n)
			}
			if s.Decode.Count != n || s.Inside.Count != n || s.Inside.P50 < s.Decode.P50 {
				t.Errorf("latencies: decode %+v, inside %+v", s.Decode, s.Inside)
			}
		})
	}
}

// directChain is grayscale, blur 5, canny 50 150 by plain calls.
func directChain(t testing.TB, jpeg []byte) []byte {
	t.Helper()
	gray := decode(t, jpeg, codec.Gray)
	defer gray.Close()
	smooth, edges := gocv.NewMat(), gocv.NewMat()
	defer smooth.Close()
	defer edges.Close()
	if err := gocv.GaussianBlur(gray, &smooth, image.Pt(5, 5), 0, 0, gocv.BorderDefault); err != nil {
		t.Fatal(err)
	}
	if err := gocv.Canny(smooth, &edges, 50, 150); err != nil {
		t.Fatal(err)
	}
	return edges.ToBytes()
}

func decode(t testing.TB, jpeg []byte, f codec.Format) gocv.Mat {
	t.Helper()
	l := newWorkerContext(1)
	defer l.close()
	h, err := mjpeg.ParseHeader(jpeg)
	if err != nil {
		t.Fatal(err)
	}
	m := gocv.NewMat()
	if err := l.decode(&Plan{decode: f}, jpeg, h, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestLatestReplacesWaitingFrames(t *testing.T) {
	frames := mjpegtest.Frames(3, 64, 48, 80)
	const n = 500
	gate := make(chan struct{})
	var shown []uint64
	sink := sinkFunc(func(f *Frame) error {
		<-gate
		shown = append(shown, f.Seq)
		return nil
	})
	cam := NewCamera("test", controller(t, "blur"), Outputs{Sinks: []Sink{sink}}, Options{Workers: 2})
	// Feed returns although the sink takes nothing: the source is never held up.
	if err := cam.Feed(t.Context(), repeat(frames, n), "", nil); err != nil {
		t.Fatal(err)
	}
	close(gate)
	if err := cam.Close(); err != nil {
		t.Fatal(err)
	}
	s := cam.Stats()
	if last := shown[len(shown)-1]; last != n {
		t.Errorf("the last frame shown is %d, want the newest, %d", last, n)
	}
	// Three in flight (two workers and one being shown) and the one that waits.
	if len(shown) > 4 {
		t.Errorf("%d frames were queued behind a sink that stood still", len(shown))
	}
	if s.Dropped["stale"] != n-int64(len(shown)) {
		t.Errorf("%d stale, %d shown of %d", s.Dropped["stale"], len(shown), n)
	}
}

func TestCameraDropsByCause(t *testing.T) {
	good := mjpegtest.Frames(4, 160, 120, 80)
	big := mjpegtest.Frames(1, 400, 300, 80)[0]
	cut := append(append([]byte(nil), good[0][:len(good[0])*2/3]...), 0xFF, 0xD9)
	noHeader := []byte{0xFF, 0xD8, 0xFF, 0xDA, 0, 2, 1, 2, 3, 0xFF, 0xD9}
	huge := append([]byte(nil), good[0]...)
	sof := bytes.Index(huge, []byte{0xFF, 0xC0})
	copy(huge[sof+5:], []byte{0xFF, 0xFF, 0xFF, 0xFF})
	src := &list{frames: [][]byte{good[0], cut, good[1], big, good[2], noHeader, huge, good[3]}}
	var shown []uint64
	sink := sinkFunc(func(f *Frame) error { shown = append(shown, f.Seq); return nil })
	s := run(t, controller(t, "blur"), src, Outputs{Sinks: []Sink{sink}}, Options{KeepAll: true, MaxPixels: 200 * 150})
	if got := fmt.Sprint(shown); got != "[1 3 5 8]" {
		t.Errorf("shown %v", got)
	}
	for cause, want := range map[string]int64{"damaged": 1, "too_big": 2, "undecodable": 1} {
		if s.Dropped[cause] != want {
			t.Errorf("%s: %d, want %d (%v)", cause, s.Dropped[cause], want, s.Dropped)
		}
	}
}

func TestDamagedFramesAreShownWhereAsked(t *testing.T) {
	good := mjpegtest.Frames(2, 160, 120, 80)
	cut := append(bytes.Clone(good[0][:len(good[0])*2/3]), 0xFF, 0xD9)
	s := run(t, controller(t, "blur"), &list{frames: [][]byte{good[0], cut, good[1]}}, Outputs{}, Options{KeepAll: true, ShowDamaged: true})
	if s.FramesOut != 3 || s.Damaged != 1 || s.Drops() != 0 {
		t.Errorf("%d shown, %d of them damaged, dropped %v", s.FramesOut, s.Damaged, s.Dropped)
	}
}

// TestFramesStandUpright: OpenCV's own decoder turns by the EXIF orientation, and so do we.
func TestFramesStandUpright(t *testing.T) {
	frame := mjpegtest.Frames(1, 161, 120, 90)[0]
	for orientation := 1; orientation <= 8; orientation++ {
		t.Run(fmt.Sprint(orientation), func(t *testing.T) {
			turned := mjpegtest.WithSegment(frame, 0xE1, mjpegtest.Exif(orientation, nil, true))
			want, err := gocv.IMDecode(turned, gocv.IMReadColor)
			if err != nil {
				t.Fatal(err)
			}
			defer want.Close()
			got := decode(t, turned, codec.BGR)
			defer got.Close()
			if got.Cols() != want.Cols() || got.Rows() != want.Rows() || !bytes.Equal(got.ToBytes(), want.ToBytes()) {
				t.Errorf("%d×%d pixels differ from OpenCV's %d×%d", got.Cols(), got.Rows(), want.Cols(), want.Rows())
			}
		})
	}
}

// TestScaledDecodeLooksTheSame: a resize that the decoder does most of is close to one that OpenCV does all of.
func TestScaledDecodeLooksTheSame(t *testing.T) {
	frame := mjpegtest.Frames(1, 640, 480, 90)[0]
	show := func(chain string) gocv.Mat {
		shown := gocv.NewMat()
		sink := sinkFunc(func(f *Frame) error {
			m := f.Mat()
			return m.CopyTo(&shown)
		})
		run(t, controller(t, chain), &list{frames: [][]byte{frame}}, Outputs{Sinks: []Sink{sink}}, Options{KeepAll: true})
		return shown
	}
	for _, size := range []string{"width: 320", "width: 160", "width: 100", "width: 80, height: 31"} {
		t.Run(size, func(t *testing.T) {
			auto, area := show("resize: {"+size+"}"), show("resize: {"+size+", interpolation: area}")
			defer auto.Close()
			defer area.Close()
			if auto.Cols() != area.Cols() || auto.Rows() != area.Rows() {
				t.Fatalf("%d×%d, want %d×%d", auto.Cols(), auto.Rows(), area.Cols(), area.Rows())
			}
			difference := gocv.NewMat()
			defer difference.Close()
			if err := gocv.AbsDiff(auto, area, &difference); err != nil {
				t.Fatal(err)
			}
			if mean := difference.Mean(); mean.Val1 > 3 || mean.Val2 > 3 || mean.Val3 > 3 {
				t.Errorf("levels differ by %v on average", mean)
			}
		})
	}
}

func TestFilterThatFailsCostsOneFrame(t *testing.T) {
	n := 0
	kind := filters.Kind{Name: "moody", Doc: "Fails on the third frame.", In: filters.Any, Out: filters.Any, Stateful: true,
		New: func(*filters.Params) filters.Filter {
			return func(src gocv.Mat, dst *gocv.Mat) error {
				if src.Cols() == 64 { // not the dry run's
					n++
				}
				if n == 3 {
					return errors.New("not today")
				}
				return src.CopyTo(dst)
			}
		}}
	ctl := controllerOf(t, kind)
	s := run(t, ctl, repeat(mjpegtest.Frames(2, 64, 48, 80), 10), Outputs{}, Options{KeepAll: true})
	if s.FramesOut != 9 || s.Dropped["filter_failed"] != 1 {
		t.Errorf("%d shown, dropped %v", s.FramesOut, s.Dropped)
	}
}

func controllerOf(t testing.TB, kinds ...filters.Kind) *Controller {
	t.Helper()
	var chain []*filters.Stage
	for _, k := range kinds {
		st, faults := filters.Configure(k, nil)
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		chain = append(chain, st)
	}
	ctl, err := NewController(ChainOf(chain...))
	if err != nil {
		t.Fatal(err)
	}
	return ctl
}

// counter is a stateful filter that paints frame n in the colour n: it tells whether it has seen all, in order.
var counter = filters.Kind{Name: "counter", Doc: "Counts.", In: filters.Gray, Out: filters.Gray, Stateful: true,
	New: func(*filters.Params) filters.Filter {
		n := 0
		return func(src gocv.Mat, dst *gocv.Mat) error {
			n++
			if err := src.CopyTo(dst); err != nil {
				return err
			}
			dst.SetTo(gocv.NewScalar(float64(n%256), 0, 0, 0))
			return nil
		}
	}}

func TestStatefulStageSeesAllInOrderAndKeepsItsStateOverASwap(t *testing.T) {
	st, _ := filters.Configure(counter, nil)
	blurs := stages(t, "blur, blur: {size: 7}, blur: {size: 9}")
	ctl, err := NewController(ChainOf(blurs[0], st))
	if err != nil {
		t.Fatal(err)
	}
	const n = 200
	seen := 0
	sink := sinkFunc(func(f *Frame) error {
		seen++
		m := f.Mat()
		if got := int(m.GetUCharAt(0, 0)); got != seen%256 {
			t.Errorf("frame %d is the %dth that the stateful stage has seen", seen, got)
		}
		if seen%20 == 0 { // another chain before the stateful stage
			if err := ctl.Replace(ChainOf(blurs[seen/20%3], st)); err != nil {
				t.Error(err)
			}
		}
		return nil
	})
	run(t, ctl, repeat(mjpegtest.Frames(3, 64, 48, 80), n), Outputs{Sinks: []Sink{sink}}, Options{Workers: 4, KeepAll: true})
	if seen != n {
		t.Errorf("%d shown", seen)
	}
	if v := ctl.Plan().Version; v < 8 {
		t.Errorf("only %d versions were in force", v)
	}
}

// TestSwapUnderLoad: each frame is made by one version of the chain, whole. The first stage's parameter shows in the
// width, the second's in the height, both carry the version.
func TestSwapUnderLoad(t *testing.T) {
	chain := func(v int) []*filters.Stage {
		return stages(t, fmt.Sprintf("resize: {width: %d, height: 40}, rotate: {degrees: 90}, resize: {width: %d, height: %d}", 64+v, 64+v, 64+v))
	}
	ctl, err := NewController(ChainOf(chain(0)...))
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[uint64]int{} // of each version
	var mu sync.Mutex
	note := func(v int) { sizes[ctl.Plan().Version] = 64 + v }
	note(0)
	sink := sinkFunc(func(f *Frame) error {
		mu.Lock()
		defer mu.Unlock()
		m := f.Mat()
		if want := sizes[f.Plan().Version]; m.Cols() != want || m.Rows() != want {
			t.Errorf("frame %d of version %d is %d×%d, want %d", f.Seq, f.Plan().Version, m.Cols(), m.Rows(), want)
		}
		return nil
	})
	swapped := make(chan struct{})
	go func() {
		defer close(swapped)
		for v := 1; v <= 50; v++ {
			mu.Lock()
			if err := ctl.Replace(ChainOf(chain(v)...)); err != nil {
				t.Error(err)
			}
			note(v)
			mu.Unlock()
			time.Sleep(time.Millisecond) // sleep: changes come one after another, beside the frames
		}
	}()
	cam := NewCamera("test", ctl, Outputs{Sinks: []Sink{sink}}, Options{Workers: 3, KeepAll: true})
	frames, fed := mjpegtest.Frames(3, 160, 120, 80), 0
	for done := false; !done; fed += 50 {
		if err := cam.Feed(t.Context(), repeat(frames, 50), "", nil); err != nil {
			t.Fatal(err)
		}
		select {
		case <-swapped:
			done = true
		default:
		}
	}
	if err := cam.Close(); err != nil {
		t.Fatal(err)
	}
	if s := cam.Stats(); s.FramesOut != int64(fed) {
		t.Errorf("%d of %d shown: %v", s.FramesOut, fed, s.Dropped)
	}
}

func TestNothingIsDecodedForThoseWhoTakeJPEG(t *testing.T) {
	frames := mjpegtest.Frames(2, 64, 48, 80)
	n := 0
	sink := jpegSink{sinkFunc: func(f *Frame) error {
		n++
		if !f.Decoded.IsZero() || !f.Passthrough() {
			t.Error("the frame was decoded")
		}
		return nil
	}}
	s := run(t, controller(t, ""), repeat(frames, 10), Outputs{Sinks: []Sink{sink}}, Options{KeepAll: true})
	if n != 10 || s.Decode.Count != 0 {
		t.Errorf("%d shown, %d decoded", n, s.Decode.Count)
	}
	// With a stage it is decoded.
	sink = jpegSink{sinkFunc: func(f *Frame) error {
		if f.Decoded.IsZero() || f.Passthrough() {
			t.Error("the frame was not decoded")
		}
		return nil
	}}
	run(t, controller(t, "grayscale"), repeat(frames, 10), Outputs{Sinks: []Sink{sink}}, Options{KeepAll: true})
}

// TestLyingFramesAreTurnedForThoseWhoTakeJPEG: where bytes show something else than pixels, as EXIF says, a sink that
// wants them upright gets pixels; for others, and without a turn, nothing is decoded.
func TestLyingFramesAreTurnedForThoseWhoTakeJPEG(t *testing.T) {
	frame := mjpegtest.Frames(1, 64, 48, 80)[0]
	frames := [][]byte{frame, []byte("\xFF\xD8\xFF\xD9")} // the second one has no header
	for orientation := 1; orientation <= 8; orientation++ {
		frames = append(frames, mjpegtest.WithSegment(frame, 0xE1, mjpegtest.Exif(orientation, nil, true)))
	}
	for _, upright := range []bool{false, true} {
		t.Run(fmt.Sprintf("upright %v", upright), func(t *testing.T) {
			n := 0
			count := jpegSink{lying: true, sinkFunc: func(f *Frame) error {
				orientation := n - 1 // of those with EXIF
				n++
				if turned := upright && orientation > 1; f.Passthrough() == turned || f.Decoded.IsZero() == turned {
					t.Errorf("orientation %d: untouched %v, decoded at %v", orientation, f.Passthrough(), f.Decoded)
				} else if m := f.Mat(); turned && (m.Cols() == 48) != (orientation >= 5) {
					t.Errorf("orientation %d: %d×%d", orientation, m.Cols(), m.Rows())
				}
				return nil
			}}
			sinks := []Sink{count}
			if upright {
				sinks = append(sinks, jpegSink{sinkFunc: func(*Frame) error { return nil }})
			}
			s := run(t, controller(t, ""), &list{frames: frames}, Outputs{Sinks: sinks}, Options{KeepAll: true, Workers: 1})
			if n != len(frames) || s.Drops() != 0 {
				t.Errorf("%d of %d shown: %v", n, len(frames), s.Dropped)
			}
		})
	}
}

func TestSinkThatFailsEndsAlone(t *testing.T) {
	full := errors.New("disk full")
	good, bad := 0, 0
	cam := NewCamera("test", controller(t, ""), Outputs{Sinks: []Sink{
		sinkFunc(func(*Frame) error { bad++; return full }),
		sinkFunc(func(*Frame) error { good++; return nil }),
	}}, Options{KeepAll: true})
	if err := cam.Feed(t.Context(), repeat(mjpegtest.Frames(2, 64, 48, 80), 10), "", nil); err != nil {
		t.Fatal(err)
	}
	if err := cam.Close(); !errors.Is(err, full) {
		t.Errorf("close: %v", err)
	}
	if bad != 1 || good != 10 {
		t.Errorf("the failing sink saw %d, the other %d", bad, good)
	}
}

// rawTape keeps what is written to it.
type rawTape struct {
	bytes.Buffer
	closed bool
}

func (r *rawTape) Close() error { r.closed = true; return nil }

func TestRawGetsEveryFrameAsItCame(t *testing.T) {
	frames := mjpegtest.Frames(7, 64, 48, 80)
	raw := &rawTape{}
	run(t, controller(t, "canny"), &list{frames: frames}, Outputs{Raw: raw}, Options{})
	if !bytes.Equal(raw.Bytes(), bytes.Join(frames, nil)) || !raw.closed {
		t.Errorf("%d bytes kept of %d, closed %v", raw.Len(), len(bytes.Join(frames, nil)), raw.closed)
	}
}

func TestGapsAreCounted(t *testing.T) {
	frames := mjpegtest.Frames(1, 64, 48, 80)
	cam := NewCamera("test", controller(t, ""), Outputs{}, Options{KeepAll: true})
	feed := func(sender string, seqs ...uint64) {
		t.Helper()
		src := repeat(frames, len(seqs))
		src.seqs = seqs
		if err := cam.Feed(t.Context(), src, sender, nil); err != nil {
			t.Fatal(err)
		}
	}
	feed("a", 5, 6, 9) // 7 and 8 are lost; what came before 5 was not for us
	feed("a", 11)      // over a reconnection: 10
	feed("b", 1, 2)    // another sender counts anew
	if err := cam.Close(); err != nil {
		t.Fatal(err)
	}
	if lost := cam.Stats().Lost; lost != 3 {
		t.Errorf("%d lost, want 3", lost)
	}
}

func TestFeedEndsWithItsContextAlthoughTheSinkStandsStill(t *testing.T) {
	gate := make(chan struct{})
	cam := NewCamera("test", controller(t, ""), Outputs{Sinks: []Sink{sinkFunc(func(*Frame) error { <-gate; return nil })}}, Options{Workers: 1, KeepAll: true})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := cam.Feed(ctx, repeat(mjpegtest.Frames(1, 64, 48, 80), 100), "", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("feed: %v", err)
	}
	close(gate)
	if err := cam.Close(); err != nil {
		t.Fatal(err)
	}
	if s := cam.Stats(); s.FramesIn != s.FramesOut+s.Drops() || s.FramesOut != 1 {
		t.Errorf("%+v", s)
	}
}

func TestSignalTellsWhyACameraIsAway(t *testing.T) {
	var mu sync.Mutex
	var said []string
	sink := &signaled{sinkFunc(func(*Frame) error { return nil }), func(why Silence) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, why.Reason)
	}}
	cam := NewCamera("test", controller(t, ""), Outputs{Sinks: []Sink{sink}}, Options{KeepAll: true})
	broken := &list{err: errors.New("connection reset by the camera")}
	if err := cam.Feed(t.Context(), broken, "", nil); err != broken.err {
		t.Errorf("feed: %v", err)
	}
	if s := cam.Stats(); s.Connected || s.Reason != "connection reset by the camera" {
		t.Errorf("connected %v, reason %q", s.Connected, s.Reason)
	}
	if err := cam.Close(); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%q", said); got != `["" "connection reset by the camera"]` {
		t.Errorf("said %s", got)
	}
}

// troubled is a source that has trouble and no frames, until it has both the other way round.
type troubled struct {
	list
	trouble atomic.Pointer[string]
	over    chan struct{}
}

func (s *troubled) Trouble() string { return *s.trouble.Load() }

func (s *troubled) Next() (mjpeg.Frame, error) {
	<-s.over
	return s.list.Next()
}

func TestSignalTellsOfTheSourcesTrouble(t *testing.T) {
	said := make(chan string, 10)
	sink := &signaled{sinkFunc(func(*Frame) error { return nil }), func(why Silence) { said <- why.Reason }}
	cam := NewCamera("test", controller(t, ""), Outputs{Sinks: []Sink{sink}}, Options{KeepAll: true})
	src := &troubled{list: *repeat(mjpegtest.Frames(1, 64, 48, 80), 1), over: make(chan struct{})}
	gone, fine := "it is gone", ""
	src.trouble.Store(&gone)
	fed := make(chan error)
	go func() { fed <- cam.Feed(t.Context(), src, "", nil) }()
	for _, want := range []string{"", "it is gone"} {
		if got := <-said; got != want {
			t.Errorf("said %q, want %q", got, want)
		}
	}
	if s := cam.Stats(); !s.Connected || s.Reason != "it is gone" {
		t.Errorf("connected %v, reason %q", s.Connected, s.Reason)
	}
	src.trouble.Store(&fine)
	close(src.over)
	if err := <-fed; err != nil {
		t.Error(err)
	}
	for _, want := range []string{"", "the camera ended its stream"} {
		if got := <-said; got != want {
			t.Errorf("said %q, want %q", got, want)
		}
	}
	if err := cam.Close(); err != nil {
		t.Fatal(err)
	}
	if len(said) > 0 {
		t.Errorf("said %q as well", <-said)
	}
}

type signaled struct {
	sinkFunc
	signal func(Silence)
}

func (s *signaled) Signal(why Silence) { s.signal(why) }

// endless is a Source of the same frame for b.N times.
type endless struct {
	frame []byte
	left  int
}

func (e *endless) Next() (mjpeg.Frame, error) {
	if e.left--; e.left < 0 {
		return mjpeg.Frame{}, io.EOF
	}
	return mjpeg.Frame{JPEG: e.frame, Received: time.Now()}, nil
}

func BenchmarkCamera(b *testing.B) {
	for _, size := range []struct{ w, h int }{{640, 480}, {1280, 720}, {1920, 1080}} {
		frame := mjpegtest.Frames(1, size.w, size.h, 85)[0]
		for _, chain := range []string{"", "grayscale, blur, canny: {low: 50, high: 150}"} {
			b.Run(fmt.Sprintf("%dx%d/%s", size.w, size.h, chain), func(b *testing.B) {
				cam := NewCamera("bench", controller(b, chain), Outputs{}, Options{KeepAll: true})
				b.SetBytes(int64(len(frame)))
				b.ReportAllocs()
				b.ResetTimer()
				if err := cam.Feed(b.Context(), &endless{frame, b.N}, "", nil); err != nil {
					b.Fatal(err)
				}
				if err := cam.Close(); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

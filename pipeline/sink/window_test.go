package sink

import (
	"image"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"picam/pipeline"
)

func TestWindowSize(t *testing.T) {
	for _, tt := range []struct {
		name                string
		frame, screen, want image.Point
	}{
		{"as it is", image.Pt(640, 480), image.Pt(1920, 1080), image.Pt(640, 480)},
		{"HD", image.Pt(1280, 720), image.Pt(1920, 1080), image.Pt(1280, 720)},
		{"large", image.Pt(3840, 2160), image.Pt(3840, 2160), image.Pt(1280, 720)},
		{"upright", image.Pt(1080, 1920), image.Pt(1920, 1080), image.Pt(405, 720)},
		{"small screen", image.Pt(1280, 720), image.Pt(800, 480), image.Pt(720, 405)},
		{"unknown screen", image.Pt(1920, 1080), image.Point{}, image.Pt(1280, 720)},
		{"small", image.Pt(160, 120), image.Pt(1920, 1080), image.Pt(640, 480)},
		{"one pixel", image.Pt(1, 1), image.Pt(1920, 1080), image.Pt(640, 640)},
		{"a line", image.Pt(10000, 1), image.Pt(1920, 1080), image.Pt(1280, 1)},
		{"a column", image.Pt(1, 10000), image.Pt(1920, 1080), image.Pt(1, 720)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := windowSize(tt.frame, tt.screen); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestWindowSilence(t *testing.T) {
	now := time.Now()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	for _, tt := range []struct {
		name   string
		signs  signs
		born   time.Time
		paused bool
		want   int // seconds; 0: no card
	}{
		{"just opened", signs{}, ago(time.Second), false, 0},
		{"nothing came", signs{}, ago(3 * time.Second), false, 3},
		{"steady", signs{last: ago(40 * time.Millisecond), interval: 40 * time.Millisecond}, ago(time.Hour), false, 0},
		{"a gap", signs{last: ago(1900 * time.Millisecond), interval: 40 * time.Millisecond}, ago(time.Hour), false, 0},
		{"silent", signs{last: ago(2500 * time.Millisecond), interval: 40 * time.Millisecond}, ago(time.Hour), false, 2},
		{"silent, but paused", signs{last: ago(25 * time.Second), interval: 40 * time.Millisecond}, ago(time.Hour), true, 0},
		{"a slow camera", signs{last: ago(9 * time.Second), interval: 5 * time.Second}, ago(time.Hour), false, 0},
		{"a slow camera, gone", signs{last: ago(9 * time.Second), interval: 5 * time.Second, why: pipeline.Silence{Reason: "reset"}},
			ago(time.Hour), false, 9},
		{"a slow camera, silent", signs{last: ago(11 * time.Second), interval: 5 * time.Second}, ago(time.Hour), false, 11},
		{"after a night", signs{last: ago(31 * time.Second), interval: 8 * time.Hour}, ago(24 * time.Hour), false, 31},
		{"ended just now", signs{last: ago(time.Second), interval: 40 * time.Millisecond, why: pipeline.Silence{Reason: "reset"}},
			ago(time.Hour), false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := &window{born: tt.born, paused: tt.paused}
			if got := w.silence(tt.signs, now); got.seconds != tt.want || got.seconds > 0 && got.why != tt.signs.why {
				t.Errorf("got %+v, want %d s", got, tt.want)
			}
		})
	}
}

func TestKeyOf(t *testing.T) {
	for _, tt := range []struct {
		name string
		code int
		want rune
	}{
		{"none", -1, 0},
		{"q", 'q', 'q'},
		{"shift q", 'Q', 'q'},
		{"escape", 27, escape},
		{"GTK with num lock", 0x100000 | 'q', 'q'},
		{"alt", 0xFFE9, 0},
		{"ä", 0xE4, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := keyOf(tt.code); got != tt.want {
				t.Errorf("keyOf(%#x) = %q, want %q", tt.code, got, tt.want)
			}
		})
	}
}

// TestDrawAnySize: cards and annotations of whatever size are drawn, or left out, but OpenCV does not fail on them: its
// exceptions may end the process.
func TestDrawAnySize(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {16, 9}, {1, 480}, {5000, 1}, {641, 479}, {1920, 1080}} {
		for _, kind := range []gocv.MatType{gocv.MatTypeCV8UC1, gocv.MatTypeCV8UC3} {
			s := newMailbox("Küche", nil, func() {})
			w := newWindow(s, "", image.Point{}, true, time.Now())
			w.frame.mat.Close()
			w.frame.mat = gocv.NewMatWithSizeFromScalar(gocv.NewScalar(200, 200, 200, 0), size.Y, size.X, kind)
			w.paused, w.message = true, "saved a frame with a rather long name that does not fit"
			w.updateStatus(signs{frames: 7}, time.Now())
			if err := w.compose(); err != nil {
				t.Errorf("%v: %v", size, err)
			}
			got := image.Pt(w.canvas.Cols(), w.canvas.Rows())
			if want := size.Mul(enlargement(size)); got != want || w.canvas.Channels() != 3 {
				t.Errorf("%v: canvas %v, %d channels", size, got, w.canvas.Channels())
			}
			c := card{"NO SIGNAL", []string{"door", "a reason that is too long for one line, surely, and so is wrapped"}, "q"}
			if err := c.draw(&w.canvas, size); err != nil {
				t.Errorf("card of %v: %v", size, err)
			}
			w.free()
			_ = s.Close()
		}
	}
}

func TestWrap(t *testing.T) {
	const height = 20
	text := "read tcp 192.168.1.7:51324: connection reset by peer and a-word-that-is-longer-than-a-line-can-be"
	width := textWidth("connection reset by peer", height)
	lines := wrap(text, height, width)
	if len(lines) < 4 {
		t.Errorf("lines %q", lines)
	}
	joined := ""
	for _, l := range lines {
		joined += l + " "
		if textWidth(l, height) > width && len(l) < 30 {
			t.Errorf("%q is too long", l)
		}
	}
	if joined != text+" " {
		t.Errorf("words were lost: %q", lines)
	}
}

func TestASCII(t *testing.T) {
	if got := ascii("Küche – 640×480\t“a’s”"); got != "K?che - 640x480 \"a's\"" {
		t.Errorf("%q", got)
	}
}

// TestMailboxNewestWins: the screen takes the newest frame, once, and whole.
func TestMailboxNewestWins(t *testing.T) {
	woken := 0
	s := newMailbox("door", nil, func() { woken++ })
	p := frame{mat: gocv.NewMat()}
	defer func() { p.mat.Close() }()
	if s.take(&p) {
		t.Error("took a frame that never came")
	}
	for _, f := range []*pipeline.Frame{touched(t, 32, 16, 3, 1), touched(t, 64, 48, 1, 2)} {
		if err := s.Show(f); err != nil {
			t.Fatal(err)
		}
	}
	if !s.take(&p) || p.mat.Cols() != 64 || p.mat.Channels() != 1 || woken != 2 {
		t.Errorf("took %d×%d, woken %d times", p.mat.Cols(), p.mat.Rows(), woken)
	}
	if s.take(&p) {
		t.Error("took the same frame twice")
	}
	s.rest(true)
	if err := s.Show(touched(t, 32, 16, 3, 1)); err != nil || s.take(&p) {
		t.Errorf("a resting mailbox kept a frame, %v", err)
	}
	if got := s.read(); got.frames != 3 || got.last.IsZero() {
		t.Errorf("signs %+v", got)
	}
	if err := s.Close(); err != nil || !s.isClosed() || s.take(&p) {
		t.Errorf("closed: %v, %v", s.isClosed(), err)
	}
	s.Signal(pipeline.Silence{Reason: "late"}) // the pipeline may do so
}

// TestMailboxHandsOverWholeFrames: while one goroutine shows frames of one colour each, another never sees a mixed
// one.
func TestMailboxHandsOverWholeFrames(t *testing.T) {
	s := newMailbox("door", nil, func() {})
	var frames []*pipeline.Frame
	for i := range 4 {
		m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(float64(i*60), 0, 0, 0), 120, 160, gocv.MatTypeCV8UC1)
		f := pipeline.NewFrame("door", 1, nil, m, true)
		defer f.Close()
		frames = append(frames, f)
	}
	var showing sync.WaitGroup
	var enough atomic.Bool
	showing.Add(1)
	go func() {
		defer showing.Done()
		for i := 0; !enough.Load(); i++ {
			if err := s.Show(frames[i%len(frames)]); err != nil {
				t.Error(err)
			}
		}
	}()
	p := frame{mat: gocv.NewMat()}
	defer func() { p.mat.Close() }()
	for taken := 0; taken < 50; {
		if !s.take(&p) {
			continue
		}
		taken++
		pixels, err := p.mat.DataPtrUint8()
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range pixels {
			if v != pixels[0] {
				t.Errorf("a frame of %d and %d", pixels[0], v)
				break
			}
		}
	}
	enough.Store(true)
	showing.Wait()
	_ = s.Close()
}

// TestDesktopWithoutRun: sinks of a desktop that has ended do nothing.
func TestDesktopWithoutRun(t *testing.T) {
	d := &Desktop{wake: make(chan struct{}, 1)}
	before := d.Open("door", nil)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	after := d.Open("garage", nil)
	for _, s := range []pipeline.Sink{before, after} {
		if err := s.Show(touched(t, 32, 16, 3, 1)); err != nil {
			t.Error(err)
		}
		if s.(*mailbox).fresh {
			t.Error("it kept a frame")
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

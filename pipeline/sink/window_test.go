package sink

import (
	"fmt"
	"image"
	"slices"
	"strings"
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
		{"left", 0xFF51, arrowLeft},
		{"GTK, right with num lock", 0x100000 | 0xFF53, arrowRight},
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
			s := newMailbox("Küche \"1\" 東京", nil, func() {})
			w := newWindow(s, newView("", image.Point{}), newLettering(), true, time.Now())
			w.frame.mat.Close()
			w.frame.mat = gocv.NewMatWithSizeFromScalar(gocv.NewScalar(200, 200, 200, 0), size.Y, size.X, kind)
			w.paused, w.message = true, "saved a frame with a rather long name that does not fit"
			w.notice = "filters.yaml:3:1: there is no filter blurr; did you mean blur? The filters stay as they were"
			w.updateStatus(signs{frames: 7}, time.Now())
			if err := w.compose(); err != nil {
				t.Errorf("%v: %v", size, err)
			}
			got := image.Pt(w.canvas.Cols(), w.canvas.Rows())
			if want := size.Mul(enlargement(size)); got != want || w.canvas.Channels() != 3 {
				t.Errorf("%v: canvas %v, %d channels", size, got, w.canvas.Channels())
			}
			c := card{"NO SIGNAL", []string{"door", "a reason that is too long for one line, surely, and so is wrapped"}, "q"}
			if err := c.draw(&w.canvas, size, w.letters); err != nil {
				t.Errorf("card of %v: %v", size, err)
			}
			w.free()
			_ = s.Close()
		}
	}
}

func TestWrap(t *testing.T) {
	const height = 20
	l := newLettering()
	width := l.width("connection reset by peer", height)
	for _, tt := range []struct {
		name, text  string
		most, lines int
	}{
		{"nothing", "", 4, 1},
		{"short", "reset by peer", 4, 1},
		{"words", "read tcp 192.168.1.7:51324: connection reset by peer", 9, 3},
		{"a long word", strings.Repeat("Küche", 12), 9, 4},
		{"a long word behind others", "it is called " + strings.Repeat("東京", 20), 9, 5},
		{"no UTF-8", strings.Repeat("\xff", 40), 9, 3},
		{"too much", strings.Repeat("one two three ", 40), 3, 3},
		{"too much in a word", strings.Repeat("x", 5000), 2, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lines := l.wrap(tt.text, height, width, tt.most)
			for _, line := range lines {
				if l.width(line, height) > width {
					t.Errorf("%q is too long", line)
				}
			}
			all := strings.NewReplacer(" ", "", "\n", "").Replace(strings.Join(lines, ""))
			whole := strings.ReplaceAll(tt.text, " ", "")
			if short, cut := strings.CutSuffix(all, "…"); len(lines) > tt.lines+1 || len(lines) < tt.lines-1 ||
				cut != strings.HasPrefix(tt.name, "too much") || !strings.HasPrefix(whole, short) || !cut && all != whole {
				t.Errorf("%d lines: %q", len(lines), lines)
			}
			if len(lines) > tt.most {
				t.Errorf("%d lines", len(lines))
			}
		})
	}
	if got := l.shorten("a camera", height, width); got != "a camera" {
		t.Errorf("shortened to %q", got)
	}
	for _, name := range []string{strings.Repeat("x", 500), strings.Repeat("שלום ", 100), strings.Repeat("\xff", 100)} {
		if got := l.shorten(name, height, width); !strings.HasSuffix(got, "…") || l.width(got, height) > width {
			t.Errorf("shortened to %q", got)
		}
	}
}

func TestPlaceIn(t *testing.T) {
	for _, tt := range []struct {
		name          string
		shape, window image.Point
		want          image.Rectangle
	}{
		{"same", image.Pt(640, 480), image.Pt(640, 480), image.Rect(0, 0, 640, 480)},
		{"same shape", image.Pt(1920, 1080), image.Pt(1280, 720), image.Rect(0, 0, 1280, 720)},
		{"a pixel off", image.Pt(1080, 1920), image.Pt(404, 720), image.Rect(0, 0, 404, 720)},
		{"wide window", image.Pt(480, 640), image.Pt(640, 480), image.Rect(140, 0, 500, 480)},
		{"high window", image.Pt(1280, 480), image.Pt(640, 480), image.Rect(0, 120, 640, 360)},
		{"a line", image.Pt(10000, 1), image.Pt(640, 480), image.Rect(0, 239, 640, 240)},
		{"no size yet", image.Pt(640, 480), image.Point{}, image.Rectangle{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := placeIn(tt.shape, tt.window); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// fakePlayer notes what it is told.
type fakePlayer struct{ told []string }

func (p *fakePlayer) Pause(paused bool)     { p.told = append(p.told, fmt.Sprint("pause ", paused)) }
func (p *fakePlayer) Step(n int)            { p.told = append(p.told, fmt.Sprint("step ", n)) }
func (p *fakePlayer) Seek(by time.Duration) { p.told = append(p.told, fmt.Sprint("seek ", by)) }

// TestPlayerKeys: keys move in a file; at a live camera the space key freezes the window, and arrows do nothing.
func TestPlayerKeys(t *testing.T) {
	keys := []rune{' ', arrowRight, arrowLeft, ' ', arrowRight, arrowLeft}
	for _, tt := range []struct {
		name   string
		player *fakePlayer
		want   []string
	}{
		{"file", &fakePlayer{}, []string{"pause true", "step 1", "step -1", "pause false", "seek 5s", "seek -5s"}},
		{"live", nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newMailbox("door", nil, func() {})
			w := newWindow(s, newView("", image.Point{}), newLettering(), true, time.Now())
			defer s.Close()
			defer w.free()
			if tt.player != nil {
				s.Play(tt.player)
			}
			for i, key := range keys {
				w.press(key, DesktopOptions{}, time.Now())
				if w.paused != (i < 3) || w.frozen() != (w.paused && tt.player == nil) || s.idle != w.frozen() {
					t.Errorf("after key %d: paused %v, frozen %v, idle %v", i, w.paused, w.frozen(), s.idle)
				}
			}
			if tt.player == nil {
				return
			}
			if !slices.Equal(tt.player.told, tt.want) {
				t.Errorf("the file was told %q, want %q", tt.player.told, tt.want)
			}
			tt.player.told = nil
			w.press(' ', DesktopOptions{}, time.Now())
			w.dismiss() // a closed window holds nothing up
			if !slices.Equal(tt.player.told, []string{"pause true", "pause false"}) {
				t.Errorf("a window that closes told the file %q", tt.player.told)
			}
		})
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
	d := newDesktop(DesktopOptions{}, display{})
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

package sink

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"picam/filters"
	"picam/mjpeg"
	"picam/pipeline"
	"picam/pipeline/sink/sinktest"
)

// childVariable makes the test binary a program with windows, see desktopChild.
const childVariable = "PICAM_TEST_DESKTOP"

// desktopChild runs a Desktop and cameras, driven by lines on standard input:
//
//	open NAME           a camera comes; its chain is grayscale
//	stream NAME         it sends frames from now on
//	size NAME COLS ROWS its frames have that size from now on
//	notice TEXT         windows say so
//	stop NAME REASON    its stream ends
//	close NAME          it is given up
//	end                 the program is asked to end
//
// Names are escaped as in the path of an address. Each is answered by a line. When Run ends, a line says how; the
// program ends with its input.
func desktopChild() int {
	d, err := NewDesktop(DesktopOptions{
		Waiting: "On the Pi: picam send --to 192.168.1.5:8002",
		Log:     slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- drive(d, os.Stdin, os.Stdout, cancel) }()
	fmt.Println("run:", d.Run(ctx))
	if err := <-done; err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// testCamera is a Camera and what makes it send.
type testCamera struct {
	cam    *pipeline.Camera
	size   atomic.Pointer[image.Point] // of its frames
	stream context.CancelCauseFunc     // nil: it does not send
	ended  chan struct{}
}

func (c *testCamera) stop(reason error) {
	if c.stream != nil {
		c.stream(reason)
		<-c.ended
		c.stream = nil
	}
}

func drive(d *Desktop, in io.Reader, out io.Writer, end func()) error {
	cameras := map[string]*testCamera{}
	defer func() {
		for _, c := range cameras {
			c.stop(errors.New("ended"))
			_ = c.cam.Close()
		}
	}()
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		verb, rest, _ := strings.Cut(lines.Text(), " ")
		escaped, reason, _ := strings.Cut(rest, " ")
		name, err := url.PathUnescape(escaped)
		if err != nil {
			return err
		}
		c := cameras[name]
		switch verb {
		case "open":
			kind, ok := filters.Find("grayscale")
			if !ok {
				return errors.New("no filter grayscale")
			}
			stage, faults := filters.Configure(kind, nil)
			if len(faults) > 0 {
				return faults[0]
			}
			ctl, err := pipeline.NewController(pipeline.ChainOf(stage))
			if err != nil {
				return err
			}
			c := &testCamera{cam: pipeline.NewCamera(name, ctl,
				pipeline.Outputs{Sinks: []pipeline.Sink{d.Open(name, ctl)}}, pipeline.Options{Workers: 1})}
			c.size.Store(&image.Point{640, 480})
			cameras[name] = c
		case "size":
			size := image.Point{}
			if _, err := fmt.Sscan(reason, &size.X, &size.Y); err != nil {
				return err
			}
			c.size.Store(&size)
		case "notice":
			d.Notice(rest)
		case "stream":
			ctx, cancel := context.WithCancelCause(context.Background())
			c.stream, c.ended = cancel, make(chan struct{})
			go func() {
				defer close(c.ended)
				_ = c.cam.Feed(ctx, &quarters{ctx: ctx, size: &c.size}, "", nil)
			}()
		case "stop":
			c.stop(errors.New(reason))
		case "close":
			c.stop(errors.New("closed"))
			if err := c.cam.Close(); err != nil {
				return err
			}
			delete(cameras, name)
		case "end":
			fmt.Fprintln(out, "done", verb) // before Run's last line
			end()
			continue
		default:
			return fmt.Errorf("unknown command %q", verb)
		}
		fmt.Fprintln(out, "done", verb)
	}
	return nil
}

// quarters is a Source of a frame with a red, a green, a blue and a white quarter, 25 times a second.
type quarters struct {
	ctx   context.Context
	size  *atomic.Pointer[image.Point] // that frames shall have
	has   image.Point                  // that the frame has
	frame []byte
}

func (q *quarters) Next() (mjpeg.Frame, error) {
	select {
	case <-time.After(time.Second / 25):
	case <-q.ctx.Done():
		return mjpeg.Frame{}, context.Cause(q.ctx)
	}
	if size := *q.size.Load(); size != q.has {
		m := image.NewRGBA(image.Rectangle{Max: size})
		half := size.Div(2)
		for i, c := range quarterColours() {
			at := image.Pt(i%2*half.X, i/2*half.Y)
			draw.Draw(m, image.Rectangle{at, at.Add(half)}, image.NewUniform(c), image.Point{}, draw.Src)
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
			return mjpeg.Frame{}, err
		}
		q.frame, q.has = b.Bytes(), size
	}
	now := time.Now()
	return mjpeg.Frame{JPEG: q.frame, Captured: now.Add(-20 * time.Millisecond), Received: now}, nil
}

// quarterColours are those of the quarters, row by row.
func quarterColours() []color.RGBA {
	return []color.RGBA{{200, 30, 30, 255}, {30, 180, 30, 255}, {30, 30, 200, 255}, {230, 230, 230, 255}}
}

func TestDesktop(t *testing.T) {
	t.Parallel()
	x := sinktest.Start(t)
	p := startChild(t, x)

	x.Wait("waiting", func(m image.Image) error { return isCard(x.Window("^picam$", m)) })
	p.do(t, "open door")
	p.do(t, "stream door")

	x.Wait("gray", func(m image.Image) error { return hasQuarters(x.Window("^picam: door$", m), true) })
	x.Key("picam: door", "1")
	x.Wait("stage 1 off", func(m image.Image) error { return hasQuarters(x.Window("^picam: door$", m), false) })
	x.Wait("status line", func(m image.Image) error { return hasStatus(x.Window("^picam: door$", m), true) })
	x.Key("picam: door", "h")
	x.Wait("no status line", func(m image.Image) error { return hasStatus(x.Window("^picam: door$", m), false) })
	x.Key("picam: door", "h")

	x.Key("picam: door", "s")
	saved := p.saved(t)
	if err := hasQuarters(saved, false); err != nil {
		t.Errorf("saved frame: %v", err)
	}
	if err := hasStatus(saved, false); err != nil {
		t.Errorf("saved frame: %v", err)
	}

	x.Key("picam: door", "space")
	x.Wait("paused", func(m image.Image) error { return hasPause(x.Window("^picam: door$", m), true) })
	x.Key("picam: door", "1") // back to gray, as soon as the frame goes on
	if err := hasQuarters(x.Window("^picam: door$", x.Screenshot()), false); err != nil {
		t.Errorf("the frozen frame changed: %v", err)
	}
	x.Key("picam: door", "space")
	x.Wait("going on", func(m image.Image) error { return hasQuarters(x.Window("^picam: door$", m), true) })

	p.do(t, "stop door read tcp 192.168.1.7:51324: connection reset by peer")
	x.Wait("no signal", func(m image.Image) error { return isCard(x.Window("^picam: door$", m)) })
	p.do(t, "stream door")
	x.Wait("back", func(m image.Image) error { return hasQuarters(x.Window("^picam: door$", m), true) })

	p.do(t, "open garage")
	p.do(t, "stream garage")
	x.Wait("two windows", func(m image.Image) error { return hasQuarters(x.Window("^picam: garage$", m), true) })
	p.do(t, "close garage")
	x.Wait("one window", func(image.Image) error {
		if ids := x.Find("^picam: "); len(ids) != 1 {
			return fmt.Errorf("%d windows", len(ids))
		}
		return nil
	})
	p.do(t, "close door")
	x.Wait("waiting again", func(m image.Image) error { return isCard(x.Window("^picam$", m)) })

	x.Key("picam", "q")
	p.ends(t, "run: "+pipeline.ErrQuit.Error())
}

func TestDesktopEndsWithContext(t *testing.T) {
	t.Parallel()
	x := sinktest.Start(t)
	p := startChild(t, x)
	p.do(t, "open door")
	p.do(t, "stream door")
	x.Wait("frame", func(m image.Image) error { return hasQuarters(x.Window("^picam: door$", m), true) })
	p.do(t, "end")
	p.ends(t, "run: <nil>")
}

// TestDesktopNames: whatever a sender calls its camera, its window comes, shows it, and has a title.
func TestDesktopNames(t *testing.T) {
	t.Parallel()
	x := sinktest.Start(t)
	p := startChild(t, x)
	for _, tt := range []struct{ what, name, title string }{
		{"umlaut", "Küche", "picam: Küche"},
		{"quotes and Chinese", `Küche "1" 東京`, `picam: Küche "1" 東京`},
		{"empty", "", "picam"},
		{"spaces", "   ", "picam:    "},
		{"long", strings.Repeat("long name ", 50), "picam: " + strings.Repeat("long name ", 9) + "lon…"},
		{"right to left", "מצלמה 2", "picam: מצלמה 2"},
		{"turns the text", "door\u202egpj.", "picam: doorgpj."},
		{"control characters", "a\tb\x00c\x1b[31m\r\nd\u0085", "picam: a b c [31m  d "},
		{"no UTF-8", "caf\xe9 \xff", "picam: caf\ufffd \ufffd"},
		{"emoji", "👩‍👧 cam", "picam: 👩👧 cam"},
		{"a path", "../../etc/passwd %s %n", "picam: ../../etc/passwd %s %n"},
	} {
		name := url.PathEscape(tt.name)
		p.do(t, "open "+name)
		p.do(t, "stream "+name)
		x.Wait(tt.what, func(m image.Image) error {
			if got := x.Titles("^picam"); len(got) != 1 || got[0] != tt.title {
				return fmt.Errorf("titles %q, want %q", got, tt.title)
			}
			w := x.Window("^picam", m)
			return errors.Join(hasQuarters(w, true), hasStatus(w, true))
		})
		p.do(t, "stop "+name+" gone")
		x.Wait(tt.what+", no signal", func(m image.Image) error { return isCard(x.Window("^picam", m)) })
		p.do(t, "close "+name)
		x.Wait("waiting", func(m image.Image) error { return isCard(x.Window("^picam$", m)) })
	}
	x.Key("picam", "q")
	p.ends(t, "run: "+pipeline.ErrQuit.Error())
}

// TestDesktopShape: a window takes the shape of its frames when that changes, until its user has chosen a size; what is
// then of another shape has bars. f fills the screen.
func TestDesktopShape(t *testing.T) {
	t.Parallel()
	x := sinktest.Start(t)
	x.WindowManager()
	p := startChild(t, x)
	p.do(t, "open door")
	p.do(t, "stream door")
	const name = "^picam: door$"
	in := func(what string, cols, rows int, place image.Rectangle) {
		t.Helper()
		x.Wait(what, func(m image.Image) error {
			w := x.Window(name, m)
			if w == nil {
				return errors.New("no window")
			}
			if b := w.Bounds(); b.Dx() != cols || b.Dy() != rows {
				return fmt.Errorf("the window is %d×%d, want %d×%d", b.Dx(), b.Dy(), cols, rows)
			}
			return fills(w, place)
		})
	}
	in("as it comes", 640, 480, image.Rect(0, 0, 640, 480))
	p.do(t, "size door 480 640")
	in("turned", 480, 640, image.Rect(0, 0, 480, 640))
	p.do(t, "size door 1280 480")
	in("wide", 1152, 432, image.Rect(0, 0, 1152, 432)) // as much as the screen has room for
	p.do(t, "size door 640 240")
	in("smaller", 1152, 432, image.Rect(0, 0, 1152, 432))
	x.Key("picam: door", "f")
	in("full screen", 1280, 720, image.Rect(0, 120, 1280, 600))
	p.do(t, "size door 480 640")
	in("turned in full screen", 1280, 720, image.Rect(370, 0, 910, 720))
	x.Key("picam: door", "f")
	in("back", 480, 640, image.Rect(0, 0, 480, 640))
	x.Key("picam: door", "f")
	in("full screen again", 1280, 720, image.Rect(370, 0, 910, 720))
	x.Key("picam: door", "Escape")
	in("back by escape", 480, 640, image.Rect(0, 0, 480, 640))
	x.Wait("settled", settled())
	x.Resize("picam: door", 600, 600)
	in("resized", 600, 600, image.Rect(75, 0, 525, 600))
	p.do(t, "size door 640 480")
	in("keeps the user's size", 600, 600, image.Rect(0, 75, 600, 525))
	x.Key("picam: door", "q")
	p.ends(t, "run: "+pipeline.ErrQuit.Error())
}

// settled is right when a window manager has had its time.
func settled() func(image.Image) error {
	end := time.Now().Add(settleTime + 100*time.Millisecond)
	return func(image.Image) error {
		if time.Now().Before(end) {
			return errors.New("not yet")
		}
		return nil
	}
}

// fills checks that the quarters, gray, are in a place of a window, and bars are outside.
func fills(window image.Image, place image.Rectangle) error {
	m := window.(rgba)
	at := func(p image.Point) color.RGBA { p = p.Add(m.Bounds().Min); return m.RGBAAt(p.X, p.Y) }
	middle := place.Min.Add(place.Max).Div(2)
	for i, want := range quarterColours() {
		l := color.GrayModel.Convert(want).(color.Gray).Y
		want = color.RGBA{l, l, l, 255}
		const beside = 8
		near1 := middle.Add(image.Pt(i%2*2*beside-beside, i/2*2*beside-beside))
		side := image.Pt(place.Min.X+3+i%2*(place.Dx()-7), middle.Y+i/2*2*beside-beside)
		for _, p := range []image.Point{near1, side} {
			if got := at(p); !near(got, want) {
				return fmt.Errorf("quarter %d is %v at %v, not %v", i, got, p, want)
			}
		}
	}
	for _, p := range []image.Point{place.Min.Sub(image.Pt(4, 4)), place.Max.Add(image.Pt(3, 3))} {
		for _, p := range []image.Point{{p.X, middle.Y}, {middle.X, p.Y}} {
			if whole := m.Bounds().Sub(m.Bounds().Min); p.In(whole) && !near(at(p), color.RGBA{A: 255}) {
				return fmt.Errorf("no bar at %v: %v", p, at(p))
			}
		}
	}
	return nil
}

// TestDesktopLosesItsScreen: when the X server ends, cameras and the program go on.
func TestDesktopLosesItsScreen(t *testing.T) {
	t.Parallel()
	x := sinktest.Start(t)
	p := startChild(t, x)
	p.do(t, "open door")
	p.do(t, "stream door")
	x.Wait("frame", func(m image.Image) error { return hasQuarters(x.Window("^picam: door$", m), true) })
	x.End()
	x.Wait("gone", func(image.Image) error { // its last frame is still there
		if !strings.Contains(p.stderr.String(), "the screen is gone") {
			return errors.New("nothing is said")
		}
		return nil
	})
	p.do(t, "size door 480 640")
	p.do(t, "stop door gone")
	p.do(t, "stream door")
	p.do(t, "open garage")
	p.do(t, "stream garage")
	p.do(t, "notice all goes on")
	p.do(t, "close door")
	p.do(t, "end")
	if line, err := p.out.ReadString('\n'); err != nil || line != "run: <nil>\n" {
		t.Errorf("last line %q, %v", line, err)
	}
}

// TestDesktopNotice: what is to be said stands on whatever is shown, until it is taken back.
func TestDesktopNotice(t *testing.T) {
	t.Parallel()
	x := sinktest.Start(t)
	p := startChild(t, x)
	says := func(what, name string, want bool) {
		t.Helper()
		x.Wait(what, func(m image.Image) error { return hasPause(x.Window(name, m), want) })
	}
	says("waiting", "^picam$", false)
	const notice = "notice filters.yaml:3:5: there is no filter blurr (did you mean blur?); the filters stay as they were"
	p.do(t, notice)
	says("waiting, warned", "^picam$", true)
	p.do(t, "open door")
	p.do(t, "stream door")
	says("frames, warned", "^picam: door$", true)
	p.do(t, "stop door gone")
	x.Wait("no signal", func(m image.Image) error { return isCard(x.Window("^picam: door$", m)) })
	says("no signal, warned", "^picam: door$", true)
	p.do(t, "notice ")
	says("no signal", "^picam: door$", false)
	p.do(t, "stream door")
	x.Wait("frames", func(m image.Image) error { return hasQuarters(x.Window("^picam: door$", m), true) })
	p.do(t, notice)
	says("frames, warned again", "^picam: door$", true)
	x.Key("picam: door", "h")
	says("frames, warned, no status line", "^picam: door$", true)
	p.do(t, "notice ")
	says("frames", "^picam: door$", false)
	x.Key("picam: door", "q")
	p.ends(t, "run: "+pipeline.ErrQuit.Error())
}

func TestDesktopCloseButton(t *testing.T) {
	t.Parallel()
	x := sinktest.Start(t)
	x.WindowManager()
	p := startChild(t, x)
	for _, name := range []string{"door", "garage"} {
		p.do(t, "open "+name)
		p.do(t, "stream "+name)
		x.Wait(name, func(image.Image) error {
			if len(x.Find("^picam: "+name+"$")) != 1 {
				return errors.New("no window")
			}
			return nil
		})
	}
	x.Wait("two windows", func(image.Image) error {
		if len(x.Find("^picam")) != 2 {
			return errors.New("not two windows")
		}
		return nil
	})
	x.Key("picam: garage", "alt+F4")
	x.Wait("one closed", func(image.Image) error {
		if len(x.Find("^picam: garage$")) != 0 {
			return errors.New("still there")
		}
		return nil
	})
	x.Key("picam: door", "space")
	x.Wait("the other goes on", func(m image.Image) error { return hasPause(x.Window("^picam: door$", m), true) })
	x.Key("picam: door", "alt+F4")
	p.ends(t, "run: "+pipeline.ErrQuit.Error())
}

// rgba is a screenshot, or an image.RGBA.
type rgba interface {
	image.Image
	RGBAAt(x, y int) color.RGBA
}

// near says whether a colour is about the wanted one, as JPEG leaves it.
func near(got, want color.RGBA) bool {
	const tolerance = 12
	for _, d := range []int{int(got.R) - int(want.R), int(got.G) - int(want.G), int(got.B) - int(want.B)} {
		if d < -tolerance || d > tolerance {
			return false
		}
	}
	return true
}

// hasQuarters checks the colours of the four quarters a little beside their corners in the middle of the frame, where
// an edge must be.
func hasQuarters(window image.Image, gray bool) error {
	m, ok := window.(rgba)
	if !ok {
		return errors.New("no window")
	}
	b := m.Bounds()
	if b.Dx() != 640 || b.Dy() != 480 {
		return fmt.Errorf("it is %d×%d", b.Dx(), b.Dy())
	}
	const beside = 6
	for i, want := range quarterColours() {
		x, y := b.Min.X+320-beside+i%2*2*beside, b.Min.Y+240-beside+i/2*2*beside
		if gray {
			l := color.GrayModel.Convert(want).(color.Gray).Y
			want = color.RGBA{l, l, l, 255}
		}
		if got := m.RGBAAt(x, y); !near(got, want) {
			return fmt.Errorf("quarter %d is %v, not %v", i, got, want)
		}
	}
	return nil
}

// isCard checks that a window is of a card's colour at its edge, and has bright text.
func isCard(window image.Image) error {
	m, ok := window.(rgba)
	if !ok {
		return errors.New("no window")
	}
	b := m.Bounds()
	if got := m.RGBAAt(b.Min.X+5, b.Min.Y+5); !near(got, surface) {
		return fmt.Errorf("the corner is %v", got)
	}
	// The left end of the title, at least.
	text := image.Rect(b.Min.X, b.Min.Y+b.Dy()/3, b.Min.X+b.Dx()/3, b.Min.Y+b.Dy()/2)
	if n := count(m, text, ink); n < 200 {
		return fmt.Errorf("%d pixels of text", n)
	}
	return nil
}

// hasStatus checks whether the lowest rows are darkened, and the text in them.
func hasStatus(window image.Image, want bool) error {
	m, ok := window.(rgba)
	if !ok {
		return errors.New("no window")
	}
	b := m.Bounds()
	white := near(m.RGBAAt(b.Max.X-4, b.Max.Y-4), quarterColours()[3])
	strip := image.Rect(b.Min.X, b.Max.Y-24, b.Min.X+320, b.Max.Y)
	if text := count(m, strip, ink) > 50; white == want || text != want {
		return fmt.Errorf("white corner: %v, text: %v", white, text)
	}
	return nil
}

// hasPause looks for the word in the left upper corner.
func hasPause(window image.Image, want bool) error {
	m, ok := window.(rgba)
	if !ok {
		return errors.New("no window")
	}
	b := m.Bounds()
	corner := image.Rect(b.Min.X, b.Min.Y, b.Min.X+200, b.Min.Y+60)
	if n := count(m, corner, accent); (n > 50) != want {
		return fmt.Errorf("%d pixels of text", n)
	}
	return nil
}

// count counts the pixels of about that colour in r.
func count(m rgba, r image.Rectangle, c color.RGBA) int {
	n := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if near(m.RGBAAt(x, y), c) {
				n++
			}
		}
	}
	return n
}

// program is a desktopChild.
type program struct {
	cmd    *exec.Cmd
	dir    string
	in     io.WriteCloser
	out    *bufio.Reader
	stderr *lockedBuffer
}

// lockedBuffer can be read while a program writes to it.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func startChild(t *testing.T, x *sinktest.Screen) *program {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // ends all waiting for it, too
	t.Cleanup(cancel)
	p := &program{cmd: exec.CommandContext(ctx, os.Args[0]), dir: t.TempDir(), stderr: &lockedBuffer{}}
	p.cmd.Env = append(x.Env, childVariable+"=1")
	p.cmd.Dir = p.dir
	p.cmd.Stderr = p.stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		if t.Failed() {
			t.Logf("standard error:\n%s", p.stderr)
		}
	})
	return p
}

func (p *program) do(t *testing.T, command string) {
	t.Helper()
	if _, err := fmt.Fprintln(p.in, command); err != nil {
		t.Fatal(err)
	}
	verb, _, _ := strings.Cut(command, " ")
	if line, err := p.out.ReadString('\n'); err != nil || line != "done "+verb+"\n" {
		t.Fatalf("%s: answer %q, %v", command, line, err)
	}
}

// ends waits for the end of the program, which must say that line and leave no Mat open.
func (p *program) ends(t *testing.T, want string) {
	t.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil || line != want+"\n" {
		t.Fatalf("last line %q, %v; want %q", line, err, want)
	}
	p.in.Close()
	if err := p.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

// saved waits for a saved frame.
func (p *program) saved(t *testing.T) *image.RGBA {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		files, err := filepath.Glob(filepath.Join(p.dir, "door-*.png"))
		if err != nil {
			t.Fatal(err)
		}
		if len(files) == 1 {
			data, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			m, err := png.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			frame := image.NewRGBA(m.Bounds())
			draw.Draw(frame, m.Bounds(), m, image.Point{}, draw.Src)
			return frame
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d saved frames", len(files))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

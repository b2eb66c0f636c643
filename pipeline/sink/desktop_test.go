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
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
//	stop NAME REASON    its stream ends
//	close NAME          it is given up
//	end                 the program is asked to end
//
// Each is answered by a line. When Run ends, a line says how; the program ends with its input.
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
	stream context.CancelCauseFunc // nil: it does not send
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
		name, reason, _ := strings.Cut(rest, " ")
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
			cameras[name] = &testCamera{cam: pipeline.NewCamera(name, ctl,
				pipeline.Outputs{Sinks: []pipeline.Sink{d.Open(name, ctl)}}, pipeline.Options{Workers: 1})}
		case "stream":
			ctx, cancel := context.WithCancelCause(context.Background())
			c.stream, c.ended = cancel, make(chan struct{})
			go func() {
				defer close(c.ended)
				_ = c.cam.Feed(ctx, &quarters{ctx: ctx}, "", nil)
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

// quarters is a Source of a frame of 640×480 with a red, a green, a blue and a white quarter, 25 times a second.
type quarters struct {
	ctx   context.Context
	frame []byte
}

func (q *quarters) Next() (mjpeg.Frame, error) {
	select {
	case <-time.After(time.Second / 25):
	case <-q.ctx.Done():
		return mjpeg.Frame{}, context.Cause(q.ctx)
	}
	if q.frame == nil {
		m := image.NewRGBA(image.Rect(0, 0, 640, 480))
		for i, c := range quarterColours() {
			at := image.Pt(i%2*320, i/2*240)
			draw.Draw(m, image.Rectangle{at, at.Add(image.Pt(320, 240))}, image.NewUniform(c), image.Point{}, draw.Src)
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
			return mjpeg.Frame{}, err
		}
		q.frame = b.Bytes()
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
	stderr *bytes.Buffer
}

func startChild(t *testing.T, x *sinktest.Screen) *program {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // ends all waiting for it, too
	t.Cleanup(cancel)
	p := &program{cmd: exec.CommandContext(ctx, os.Args[0]), dir: t.TempDir(), stderr: &bytes.Buffer{}}
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

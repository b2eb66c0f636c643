package sink

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
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
	"strconv"
	"strings"
	"testing"
	"time"

	"picam/filters"
	"picam/mjpeg"
	"picam/pipeline"
)

// childVariable makes the test binary a program with windows, see desktopChild.
const childVariable = "PICAM_TEST_DESKTOP"

// desktopChild runs a Desktop and cameras, driven by lines on standard input:
//
//	open NAME           a camera comes; its chain is grayscale
//	stream NAME         it sends pictures from now on
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
			ctl, err := pipeline.NewController([]*filters.Stage{stage})
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
			end()
		default:
			return fmt.Errorf("unknown command %q", verb)
		}
		fmt.Fprintln(out, "done", verb)
	}
	return nil
}

// quarters is a Source of a picture of 640×480 with a red, a green, a blue and a white quarter, 25 times a second.
type quarters struct {
	ctx     context.Context
	picture []byte
}

func (q *quarters) Next() (mjpeg.Frame, error) {
	select {
	case <-time.After(time.Second / 25):
	case <-q.ctx.Done():
		return mjpeg.Frame{}, context.Cause(q.ctx)
	}
	if q.picture == nil {
		m := image.NewRGBA(image.Rect(0, 0, 640, 480))
		for i, c := range quarterColours() {
			at := image.Pt(i%2*320, i/2*240)
			draw.Draw(m, image.Rectangle{at, at.Add(image.Pt(320, 240))}, image.NewUniform(c), image.Point{}, draw.Src)
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
			return mjpeg.Frame{}, err
		}
		q.picture = b.Bytes()
	}
	now := time.Now()
	return mjpeg.Frame{JPEG: q.picture, Captured: now.Add(-20 * time.Millisecond), Received: now}, nil
}

// quarterColours are those of the quarters, row by row.
func quarterColours() []color.RGBA {
	return []color.RGBA{{200, 30, 30, 255}, {30, 180, 30, 255}, {30, 30, 200, 255}, {230, 230, 230, 255}}
}

func TestDesktop(t *testing.T) {
	t.Parallel()
	x := startXvfb(t)
	p := x.start(t)

	x.wait(t, "waiting", func(m *image.RGBA) error { return isCard(x.window(t, "^picam$", m)) })
	p.do(t, "open door")
	p.do(t, "stream door")

	x.wait(t, "gray", func(m *image.RGBA) error { return hasQuarters(x.window(t, "^picam: door$", m), true) })
	x.key(t, "picam: door", "1")
	x.wait(t, "stage 1 off", func(m *image.RGBA) error { return hasQuarters(x.window(t, "^picam: door$", m), false) })
	x.wait(t, "status line", func(m *image.RGBA) error { return hasStatus(x.window(t, "^picam: door$", m), true) })
	x.key(t, "picam: door", "h")
	x.wait(t, "no status line", func(m *image.RGBA) error { return hasStatus(x.window(t, "^picam: door$", m), false) })
	x.key(t, "picam: door", "h")

	x.key(t, "picam: door", "s")
	saved := p.saved(t)
	if err := hasQuarters(saved, false); err != nil {
		t.Errorf("saved picture: %v", err)
	}
	if err := hasStatus(saved, false); err != nil {
		t.Errorf("saved picture: %v", err)
	}

	x.key(t, "picam: door", "space")
	x.wait(t, "paused", func(m *image.RGBA) error { return hasPause(x.window(t, "^picam: door$", m), true) })
	x.key(t, "picam: door", "1") // back to gray, as soon as the picture goes on
	if err := hasQuarters(x.window(t, "^picam: door$", x.screenshot(t)), false); err != nil {
		t.Errorf("the frozen picture changed: %v", err)
	}
	x.key(t, "picam: door", "space")
	x.wait(t, "going on", func(m *image.RGBA) error { return hasQuarters(x.window(t, "^picam: door$", m), true) })

	p.do(t, "stop door read tcp 192.168.1.7:51324: connection reset by peer")
	x.wait(t, "no signal", func(m *image.RGBA) error { return isCard(x.window(t, "^picam: door$", m)) })
	p.do(t, "stream door")
	x.wait(t, "back", func(m *image.RGBA) error { return hasQuarters(x.window(t, "^picam: door$", m), true) })

	p.do(t, "open garage")
	p.do(t, "stream garage")
	x.wait(t, "two windows", func(m *image.RGBA) error { return hasQuarters(x.window(t, "^picam: garage$", m), true) })
	p.do(t, "close garage")
	x.wait(t, "one window", func(*image.RGBA) error {
		if ids := x.find(t, "^picam: "); len(ids) != 1 {
			return fmt.Errorf("%d windows", len(ids))
		}
		return nil
	})
	p.do(t, "close door")
	x.wait(t, "waiting again", func(m *image.RGBA) error { return isCard(x.window(t, "^picam$", m)) })

	x.key(t, "picam", "q")
	p.ends(t, "run: "+pipeline.ErrQuit.Error())
}

func TestDesktopEndsWithContext(t *testing.T) {
	t.Parallel()
	x := startXvfb(t)
	p := x.start(t)
	p.do(t, "open door")
	p.do(t, "stream door")
	x.wait(t, "picture", func(m *image.RGBA) error { return hasQuarters(x.window(t, "^picam: door$", m), true) })
	p.do(t, "end")
	p.ends(t, "run: <nil>")
}

func TestDesktopCloseButton(t *testing.T) {
	t.Parallel()
	x := startXvfb(t)
	x.windowManager(t)
	p := x.start(t)
	for _, name := range []string{"door", "garage"} {
		p.do(t, "open "+name)
		p.do(t, "stream "+name)
		x.wait(t, name, func(*image.RGBA) error {
			if len(x.find(t, "^picam: "+name+"$")) != 1 {
				return errors.New("no window")
			}
			return nil
		})
	}
	x.wait(t, "two windows", func(*image.RGBA) error {
		if len(x.find(t, "^picam")) != 2 {
			return errors.New("not two windows")
		}
		return nil
	})
	x.key(t, "picam: garage", "alt+F4")
	x.wait(t, "one closed", func(*image.RGBA) error {
		if len(x.find(t, "^picam: garage$")) != 0 {
			return errors.New("still there")
		}
		return nil
	})
	x.key(t, "picam: door", "space")
	x.wait(t, "the other goes on", func(m *image.RGBA) error { return hasPause(x.window(t, "^picam: door$", m), true) })
	x.key(t, "picam: door", "alt+F4")
	p.ends(t, "run: "+pipeline.ErrQuit.Error())
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

// hasQuarters checks the colours of the four quarters a little beside their corners in the middle of the picture, where
// an edge must be.
func hasQuarters(m *image.RGBA, gray bool) error {
	if m == nil {
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
func isCard(m *image.RGBA) error {
	if m == nil {
		return errors.New("no window")
	}
	b := m.Bounds()
	if got := m.RGBAAt(b.Min.X+5, b.Min.Y+5); !near(got, surface) {
		return fmt.Errorf("the corner is %v", got)
	}
	if n := count(m, b, ink); n < 200 {
		return fmt.Errorf("%d pixels of text", n)
	}
	return nil
}

// hasStatus checks whether the lowest rows are darkened, and the text in them.
func hasStatus(m *image.RGBA, want bool) error {
	if m == nil {
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
func hasPause(m *image.RGBA, want bool) error {
	if m == nil {
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
func count(m *image.RGBA, r image.Rectangle, c color.RGBA) int {
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

// xvfb is an X server without a screen.
type xvfb struct {
	env     []string // of programs that use it
	screen  string   // a file
	display string
}

// startXvfb starts a server of the test's own, on a display that is free.
func startXvfb(t *testing.T, args ...string) *xvfb {
	t.Helper()
	for _, program := range []string{"Xvfb", "xdotool"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed (Debian: xvfb xdotool)", program)
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	dir := t.TempDir()
	args = append(args, "-displayfd", "3", "-screen", "0", "1280x720x24", "-fbdir", dir, "-nolisten", "tcp")
	cmd := exec.Command("Xvfb", args...)
	cmd.ExtraFiles = []*os.File{w}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb did not start: %v", err)
	}
	runtimeDir := t.TempDir()
	if err := os.Chmod(runtimeDir, 0o700); err != nil { // Qt wants it so
		t.Fatal(err)
	}
	display := ":" + strings.TrimSpace(line)
	return &xvfb{screen: filepath.Join(dir, "Xvfb_screen0"), display: display, env: append(os.Environ(), "DISPLAY="+display, "XDG_RUNTIME_DIR="+runtimeDir,
		"QT_QPA_PLATFORM=xcb", "XAUTHORITY=/dev/null")}
}

// windowManager starts one: without it no window can be closed by its user.
func (x *xvfb) windowManager(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("openbox"); err != nil {
		t.Skip("openbox is not installed")
	}
	cmd := exec.Command("openbox")
	cmd.Env = x.env
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

func (x *xvfb) xdotool(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("xdotool", args...)
	cmd.Env = x.env
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) { // it fails where it finds nothing
		t.Fatal(err)
	}
	return string(out)
}

// find returns the windows whose name matches a regular expression.
func (x *xvfb) find(t *testing.T, name string) []string {
	t.Helper()
	return strings.Fields(x.xdotool(t, "search", "--onlyvisible", "--name", name))
}

// window cuts the only window of that name out of a screenshot: nil if there is none.
func (x *xvfb) window(t *testing.T, name string, screen *image.RGBA) *image.RGBA {
	t.Helper()
	ids := x.find(t, name)
	if len(ids) != 1 {
		return nil
	}
	values := map[string]int{}
	for _, line := range strings.Fields(x.xdotool(t, "getwindowgeometry", "--shell", ids[0])) {
		key, value, _ := strings.Cut(line, "=")
		values[key], _ = strconv.Atoi(value)
	}
	r := image.Rect(0, 0, values["WIDTH"], values["HEIGHT"]).Add(image.Pt(values["X"], values["Y"]))
	return screen.SubImage(r).(*image.RGBA)
}

// key presses a key in the window of that name.
func (x *xvfb) key(t *testing.T, name, key string) {
	t.Helper()
	ids := x.find(t, "^"+name+"$")
	if len(ids) != 1 {
		t.Fatalf("key %s: %d windows %q", key, len(ids), name)
	}
	x.xdotool(t, "windowraise", ids[0], "mousemove", "--window", ids[0], "50", "50", "windowfocus", "--sync", ids[0], "key", key)
}

// screenshot reads the file in which the server keeps its screen, whose format is that of the program xwd.
func (x *xvfb) screenshot(t *testing.T) *image.RGBA {
	t.Helper()
	data, err := os.ReadFile(x.screen)
	if err != nil {
		t.Fatal(err)
	}
	field := func(i int) int { return int(binary.BigEndian.Uint32(data[4*i:])) }
	headerSize, width, height, bitsPerPixel, stride, colours := field(0), field(4), field(5), field(11), field(12), field(19)
	if bitsPerPixel != 32 {
		t.Fatalf("%d bits per pixel", bitsPerPixel)
	}
	pixels := data[headerSize+12*colours:]
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		in, out := pixels[y*stride:][:4*width], m.Pix[y*m.Stride:]
		for i := 0; i < len(in); i += 4 {
			out[i], out[i+1], out[i+2], out[i+3] = in[i+2], in[i+1], in[i], 0xFF
		}
	}
	return m
}

// wait looks at the screen until it is right. Screenshots go to the folder $PICAM_SCREENSHOTS, if it is set.
func (x *xvfb) wait(t *testing.T, what string, check func(*image.RGBA) error) {
	t.Helper()
	start := time.Now()
	for {
		m := x.screenshot(t)
		err := check(m)
		if err == nil || time.Since(start) > 20*time.Second {
			t.Logf("%s: after %v", what, time.Since(start).Round(time.Millisecond))
			if dir := os.Getenv("PICAM_SCREENSHOTS"); dir != "" {
				var b bytes.Buffer
				_ = png.Encode(&b, m)
				name := strings.ReplaceAll(t.Name()+"-"+what, " ", "-") + ".png"
				_ = os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644)
			}
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// program is a desktopChild.
type program struct {
	cmd    *exec.Cmd
	dir    string
	in     io.WriteCloser
	out    *bufio.Reader
	stderr *bytes.Buffer
}

func (x *xvfb) start(t *testing.T) *program {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // ends all waiting for it, too
	t.Cleanup(cancel)
	p := &program{cmd: exec.CommandContext(ctx, os.Args[0]), dir: t.TempDir(), stderr: &bytes.Buffer{}}
	p.cmd.Env = append(x.env, childVariable+"=1")
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

// saved waits for a saved picture.
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
			picture := image.NewRGBA(m.Bounds())
			draw.Draw(picture, m.Bounds(), m, image.Point{}, draw.Src)
			return picture
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d saved pictures", len(files))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

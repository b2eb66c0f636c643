// Package sinktest gives tests a screen: an X server of their own (Xvfb), its screenshots and its keys.
package sinktest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Screen is an X server without a monitor, of 1280×720 pixels.
type Screen struct {
	Display string   // as in the variable DISPLAY
	Env     []string // of programs that are to appear on it
	t       testing.TB
	server  *os.Process
	managed bool   // there is a window manager
	file    string // in which the server keeps its frame
}

// Start starts a server on a display that is free, and ends it with the test. args are more arguments for Xvfb. Where
// the programs for it are missing, the test is skipped.
//
// As Xvfb does by itself, the server begins anew when its last client has gone, and drops the next one meanwhile.
func Start(t testing.TB, args ...string) *Screen {
	t.Helper()
	for _, program := range []string{"Xvfb", "xdotool"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed (scripts/deps.sh test)", program)
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	dir, runtimeDir := t.TempDir(), t.TempDir()
	if err := os.Chmod(runtimeDir, 0o700); err != nil { // Qt wants it so
		t.Fatal(err)
	}
	args = append(args, "-displayfd", "3", "-screen", "0", "1280x720x24", "-fbdir", dir, "-nolisten", "tcp")
	cmd := exec.Command("Xvfb", args...)
	cmd.ExtraFiles = []*os.File{w}
	err = cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb did not start: %v", err)
	}
	display := ":" + strings.TrimSpace(line)
	return &Screen{
		Display: display,
		Env: append(os.Environ(), "DISPLAY="+display, "XAUTHORITY=/dev/null", "XDG_RUNTIME_DIR="+runtimeDir,
			"QT_QPA_PLATFORM=xcb"),
		t: t, server: cmd.Process,
		file: filepath.Join(dir, "Xvfb_screen0"),
	}
}

// End ends the server at once, as a crash would.
func (s *Screen) End() {
	s.t.Helper()
	if err := s.server.Kill(); err != nil {
		s.t.Fatal(err)
	}
}

// WindowManager starts one: without it, nothing closes a window as its user would (alt+F4). Where openbox is missing,
// the test is skipped.
func (s *Screen) WindowManager() {
	s.t.Helper()
	if _, err := exec.LookPath("openbox"); err != nil {
		s.t.Skip("openbox is not installed")
	}
	cmd := exec.Command("openbox")
	cmd.Env = s.Env
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.managed = true
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// xdotool returns what that program prints: nothing where it finds no window.
func (s *Screen) xdotool(args ...string) string {
	s.t.Helper()
	cmd := exec.Command("xdotool", args...)
	cmd.Env = s.Env
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	return string(out)
}

// Find returns the windows whose name matches a regular expression.
func (s *Screen) Find(name string) []string {
	s.t.Helper()
	return strings.Fields(s.xdotool("search", "--onlyvisible", "--name", name))
}

// Titles returns the titles of the windows whose name matches a regular expression.
func (s *Screen) Titles(name string) (titles []string) {
	s.t.Helper()
	for _, id := range s.Find(name) {
		titles = append(titles, strings.TrimSuffix(s.xdotool("getwindowname", id), "\n"))
	}
	return titles
}

// Resize gives the only window of exactly that name another size, as its user would.
func (s *Screen) Resize(name string, cols, rows int) {
	s.t.Helper()
	ids := s.Find("^" + name + "$")
	if len(ids) != 1 {
		s.t.Fatalf("resize: %d windows %q", len(ids), name)
	}
	s.xdotool("windowsize", "--sync", ids[0], strconv.Itoa(cols), strconv.Itoa(rows))
}

// Window cuts the only window whose name matches out of a screenshot: nil if there is none.
func (s *Screen) Window(name string, screenshot image.Image) image.Image {
	s.t.Helper()
	ids := s.Find(name)
	if len(ids) != 1 {
		return nil
	}
	values := map[string]int{}
	report := s.xdotool("getwindowgeometry", "--shell", ids[0])
	if s.managed { // counts the window manager's frame twice: the pointer tells where the window is
		report += s.xdotool("mousemove", "--window", ids[0], "0", "0", "getmouselocation", "--shell")
	}
	for _, line := range strings.Fields(report) {
		key, value, _ := strings.Cut(line, "=")
		values[key], _ = strconv.Atoi(value)
	}
	r := image.Rect(0, 0, values["WIDTH"], values["HEIGHT"]).Add(image.Pt(values["X"], values["Y"]))
	return screenshot.(interface {
		SubImage(image.Rectangle) image.Image
	}).SubImage(r)
}

// Key presses a key in the only window of exactly that name, with the pointer over it.
func (s *Screen) Key(name, key string) {
	s.t.Helper()
	ids := s.Find("^" + name + "$")
	if len(ids) != 1 {
		s.t.Fatalf("key %s: %d windows %q", key, len(ids), name)
	}
	s.xdotool("windowraise", ids[0], "mousemove", "--window", ids[0], "50", "50",
		"windowfocus", "--sync", ids[0], "key", key)
}

// Screenshot is all that can be seen.
func (s *Screen) Screenshot() image.Image {
	s.t.Helper()
	data, err := os.ReadFile(s.file)
	if err != nil {
		s.t.Fatal(err)
	}
	// The file is as the program xwd makes them: a header of 32-bit numbers, a palette, rows of blue, green, red,
	// nothing.
	field := func(i int) int { return int(binary.BigEndian.Uint32(data[4*i:])) }
	headerSize, width, height, bitsPerPixel := field(0), field(4), field(5), field(11)
	stride, colours := field(12), field(19)
	if bitsPerPixel != 32 {
		s.t.Fatalf("%d bits per pixel", bitsPerPixel)
	}
	return &screenshot{pixels: data[headerSize+12*colours:], stride: stride, bounds: image.Rect(0, 0, width, height)}
}

// screenshot reads pixels where they are: tests look often, and at little.
type screenshot struct {
	pixels []byte // of the whole screen
	stride int
	bounds image.Rectangle
}

func (s *screenshot) ColorModel() color.Model { return color.RGBAModel }
func (s *screenshot) Bounds() image.Rectangle { return s.bounds }
func (s *screenshot) At(x, y int) color.Color { return s.RGBAAt(x, y) }

func (s *screenshot) RGBAAt(x, y int) color.RGBA {
	p := s.pixels[y*s.stride+4*x:][:3]
	return color.RGBA{p[2], p[1], p[0], 0xFF}
}

func (s *screenshot) SubImage(r image.Rectangle) image.Image {
	return &screenshot{s.pixels, s.stride, r.Intersect(s.bounds)}
}

// Wait looks at the screen until it is right, for 20 seconds at most. Screenshots go to the folder $PICAM_SCREENSHOTS,
// if it is set.
func (s *Screen) Wait(what string, check func(screenshot image.Image) error) {
	s.t.Helper()
	start := time.Now()
	for {
		m := s.Screenshot()
		err := check(m)
		if err == nil || time.Since(start) > 20*time.Second {
			s.t.Logf("%s: after %v", what, time.Since(start).Round(time.Millisecond))
			s.keep(what, m)
			if err != nil {
				s.t.Fatalf("%s: %v", what, err)
			}
			return
		}
		time.Sleep(30 * time.Millisecond)
	}
}

func (s *Screen) keep(what string, m image.Image) {
	s.t.Helper()
	dir := os.Getenv("PICAM_SCREENSHOTS")
	if dir == "" {
		return
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		s.t.Fatal(err)
	}
	name := strings.NewReplacer(" ", "-", "/", "-").Replace(s.t.Name()+"-"+what) + ".png"
	if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

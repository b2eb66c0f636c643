// Package sinktest gives tests a screen: an X server of their own (Xvfb), its screenshots and its keys.
package sinktest

import (
	"bufio"
	"bytes"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Screen is an X server without a monitor.
type Screen struct {
	Env []string // of programs that are to appear on it
	t   testing.TB
}

// Start starts a server on a display that is free, and ends it with the test. Where the programs for it are missing, the
// test is skipped.
func Start(t testing.TB) *Screen {
	t.Helper()
	for _, program := range []string{"Xvfb", "xdotool", "import"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed (scripts/deps.sh test)", program)
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	// Without -noreset it begins anew when its last client has gone, and may refuse the next one meanwhile.
	cmd := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "1600x900x24", "-nolisten", "tcp", "-noreset")
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
	return &Screen{
		Env: append(os.Environ(), "DISPLAY=:"+strings.TrimSpace(line), "XDG_RUNTIME_DIR="+t.TempDir(), "QT_QPA_PLATFORM=xcb", "XAUTHORITY=/dev/null"),
		t:   t,
	}
}

// Run runs a program on the screen and returns what it prints.
func (s *Screen) Run(program string, args ...string) []byte {
	s.t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = s.Env
	out, err := cmd.Output()
	if err != nil && program != "xdotool" { // which fails where it finds nothing
		s.t.Fatalf("%s: %v", cmd, err)
	}
	return out
}

// Find returns the windows whose name matches a regular expression.
func (s *Screen) Find(name string) []string {
	s.t.Helper()
	return strings.Fields(string(s.Run("xdotool", "search", "--onlyvisible", "--name", name)))
}

// Window cuts the only window of that name out of a screenshot: nil if there is none.
func (s *Screen) Window(name string, screenshot image.Image) image.Image {
	s.t.Helper()
	ids := s.Find(name)
	if len(ids) != 1 {
		return nil
	}
	values := map[string]int{}
	for _, line := range strings.Fields(string(s.Run("xdotool", "getwindowgeometry", "--shell", ids[0]))) {
		key, value, _ := strings.Cut(line, "=")
		values[key], _ = strconv.Atoi(value)
	}
	r := image.Rect(0, 0, values["WIDTH"], values["HEIGHT"]).Add(image.Pt(values["X"], values["Y"]))
	return screenshot.(interface {
		SubImage(image.Rectangle) image.Image
	}).SubImage(r)
}

// Key presses a key in the only window of exactly that name.
func (s *Screen) Key(name, key string) {
	s.t.Helper()
	ids := s.Find("^" + name + "$")
	if len(ids) != 1 {
		s.t.Fatalf("key %s: %d windows %q", key, len(ids), name)
	}
	s.Run("xdotool", "windowraise", ids[0], "mousemove", "--window", ids[0], "50", "50", "windowfocus", "--sync", ids[0])
	s.Run("xdotool", "key", key)
}

// Screenshot is all that can be seen.
func (s *Screen) Screenshot() image.Image {
	s.t.Helper()
	m, err := png.Decode(bytes.NewReader(s.Run("import", "-window", "root", "-depth", "8", "png24:-")))
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

// Wait looks at the screen until it is right. Screenshots go to the folder $PICAM_SCREENSHOTS, if it is set.
func (s *Screen) Wait(what string, check func(image.Image) error) {
	s.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		m := s.Screenshot()
		err := check(m)
		if err == nil || time.Now().After(deadline) {
			if dir := os.Getenv("PICAM_SCREENSHOTS"); dir != "" {
				var b bytes.Buffer
				_ = png.Encode(&b, m)
				name := strings.ReplaceAll(s.t.Name()+"-"+what, " ", "-") + ".png"
				_ = os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644)
			}
			if err != nil {
				s.t.Fatalf("%s: %v", what, err)
			}
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

//go:build cgo && unix

package e2e

import (
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// make demo is the first thing that a newcomer types.
func TestDemo(t *testing.T) {
	demo := func(t *testing.T, seconds ...string) *process {
		t.Helper()
		cmd := exec.Command(project("scripts/demo.sh"), seconds...)
		cmd.Dir = t.TempDir()
		cmd.Env = append(os.Environ(), "PICAM_BINARY="+binary(t), "DISPLAY=", "QT_QPA_PLATFORM=")
		// A group of its own, as a terminal gives, so that Ctrl-C reaches all of it.
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		return start(t, cmd)
	}
	finished := func(t *testing.T, p *process) {
		t.Helper()
		p.ends(0)
		if p.err != nil {
			t.Errorf("%v: a process left behind has the output open", p.err)
		}
		p.says(`demo: received \d+ frames`)
		frames := jpegsIn(t, readFileIfThere(t, filepath.Join(p.cmd.Dir, "demo.mjpeg")))
		if len(frames) == 0 {
			t.Fatal("no recording")
		}
		checkDemo(t, decoded(t, frames[len(frames)-1]))
	}
	t.Run("for seconds", func(t *testing.T) {
		finished(t, demo(t, "3"))
	})
	t.Run("until Ctrl-C", func(t *testing.T) {
		p := demo(t)
		p.says(`demo · 800×450 · [1-9][0-9.]* fps · [0-9.]+ ms .* dropped \d+`)
		if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		finished(t, p)
	})
	t.Run("says why send failed", func(t *testing.T) {
		p := demo(t, "soon")
		p.says("invalid time interval")
		p.ends(1)
	})
}

// checkDemo holds that a frame of make demo shows something: on the left a colourful scene, on the right its edges.
func checkDemo(t *testing.T, img image.Image) {
	t.Helper()
	if size := img.Bounds().Size(); size != image.Pt(1600, 450) {
		t.Fatalf("the demo shows %v", size)
	}
	colourful, edges := 0, 0
	for y := range 300 { // above the number
		for x := range 800 {
			r, g, b, _ := img.At(x, y).RGBA()
			if max(r, g, b)-min(r, g, b) > 0x3000 {
				colourful++
			}
			if r, _, _, _ := img.At(800+x, y).RGBA(); r > 0x8000 {
				edges++
			}
		}
	}
	if colourful < 800*300/2 || edges < 2000 || edges > 800*300/10 {
		t.Errorf("%d colourful pixels on the left, %d white ones on the right", colourful, edges)
	}
}

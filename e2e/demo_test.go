//go:build cgo && unix

package e2e

import (
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
		if size(filepath.Join(p.cmd.Dir, "demo.mjpeg")) == 0 {
			t.Error("no recording")
		}
	}
	t.Run("for seconds", func(t *testing.T) {
		finished(t, demo(t, "3"))
	})
	t.Run("until Ctrl-C", func(t *testing.T) {
		p := demo(t)
		p.says(`demo · 1280×720 · [1-9][0-9.]* fps · [0-9.]+ ms .* dropped \d+`)
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

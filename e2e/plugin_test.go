//go:build cgo && linux

package e2e

import (
	"bytes"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"picam/mjpeg/mjpegtest"
)

// TestPluginFilterKilledUnderLoad: a filter of the user's own is killed again and again while frames go through it. All
// of them are shown, the filter comes back, and no process is left behind.
func TestPluginFilterKilledUnderLoad(t *testing.T) {
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("for this test, install gcc")
	}
	dir := t.TempDir()
	if out, err := exec.Command(project("docs/plugins/build.sh"), dir, "c").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	program := filepath.Join(dir, "negative")
	config := writeFile(t, "filters.yaml", "filters:\n  - exec: {command: ['"+program+"']}\n")
	stats := filepath.Join(dir, "stats.json")
	const n = 300
	clip := writeFile(t, "clip.mjpeg", string(bytes.Join(mjpegtest.Frames(n, 320, 240, 80), nil)))
	recv := picam(t, "recv", "--from", "file:"+clip, "--fps", "60", "--policy", "all", "--once", "--display", "none",
		"--config", config, "--stats-file", stats)
	killed := map[int]bool{}
	for range 3 {
		until(t, "the filter runs", func() bool {
			for _, pid := range running(t, program) {
				if !killed[pid] {
					killed[pid] = true
					return syscall.Kill(pid, syscall.SIGKILL) == nil
				}
			}
			return false
		})
	}
	recv.says("stage=exec .*: killed")
	until(t, "the filter comes back", func() bool { return len(running(t, program)) > 0 })
	until(t, "the dead are buried", func() bool { return !hasZombie(t, recv.cmd.Process.Pid) })
	recv.ends(0)
	if left := running(t, program); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
	c := readCameraStats(t, stats)[0]
	if c.FramesIn != n || c.FramesOut != n || c.Bypassed["exec"] < 3 || c.Bypassed["exec"] == n {
		t.Errorf("%+v", c)
	}
}

// TestPythonTypesTheWholeWay: what a filter in Python returns goes from the camera's JPEG to a recording as what it
// means, and what means nothing leaves the frame as it was and is told.
func TestPythonTypesTheWholeWay(t *testing.T) {
	interpreter := "python3"
	if exec.Command(interpreter, "-c", "import numpy").Run() != nil {
		interpreter = "/usr/bin/python3" // not every one that is first in PATH has Debian's numpy
		need(t, interpreter)
	}
	answers := []struct {
		python string
		want   func(v uint8) uint8
	}{
		{"p / 255", func(v uint8) uint8 { return v }},
		{"(p / 255).astype(np.float32)", func(v uint8) uint8 { return v }},
		{"p > 127", func(v uint8) uint8 { return 255 * (v >> 7) }},
		{"p.astype(np.uint16)", func(v uint8) uint8 { return v }},
		{"255 - p.astype(int)", func(v uint8) uint8 { return 255 - v }},
		{"np.asfortranarray(255 - p)", func(v uint8) uint8 { return 255 - v }},
		{"p.astype(np.uint16) * 256", func(v uint8) uint8 { return v }}, // the last one: it ends the filter
	}
	var lambdas []string
	for _, a := range answers {
		lambdas = append(lambdas, "lambda p: "+a.python)
	}
	program := writeFile(t, "answers.py", fmt.Sprintf("import sys\nsys.path.insert(0, %q)\n"+
		"import numpy as np, picam_filter\nanswers = [%s]\n"+
		"picam_filter.run(lambda p, info: answers[info['seq'] - 1](p))\n", project("docs/plugins"), strings.Join(lambdas, ", ")))
	config := writeFile(t, "filters.yaml",
		fmt.Sprintf("filters:\n  - exec: {command: [%s, %s], timeout: 20}\n", interpreter, program))
	path, _ := clip(t, len(answers), 65, 47)
	dir := t.TempDir()
	record := func(name string, args ...string) (*process, string) {
		out := filepath.Join(dir, name, "%06d.png")
		args = append(args, "--from", "file:"+path, "--display", "none", "--record", out)
		p := picam(t, append([]string{"recv"}, args...)...)
		p.ends(0)
		return p, out
	}
	_, plain := record("plain")
	recv, out := record("out", "--config", config)
	for i, a := range answers {
		want := decoded(t, readFile(t, fmt.Sprintf(plain, i+1))).(*image.RGBA).Pix
		got := decoded(t, readFile(t, fmt.Sprintf(out, i+1))).(*image.RGBA).Pix
		for j := range want {
			if j%4 != 3 { // alpha
				want[j] = a.want(want[j])
			}
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: other pixels", a.python)
		}
	}
	recv.says(`stage=exec err=".*work returned uint16 of shape \(47, 65, 3\), \d+ to \d{4,5}; return an array`)
}

// running lists the processes of a program.
func running(t *testing.T, program string) (pids []int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		words, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if strings.HasPrefix(string(words), program+"\x00") {
			pids = append(pids, pid)
		}
	}
	return pids
}

// hasZombie says whether a process has children that have ended and that it has not waited for.
func hasZombie(t *testing.T, parent int) bool {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		text, _ := os.ReadFile(path)
		_, rest, _ := strings.Cut(string(text), ") ") // state, parent, …
		fields := strings.Fields(rest)
		if len(fields) > 1 && fields[0] == "Z" && fields[1] == strconv.Itoa(parent) {
			return true
		}
	}
	return false
}

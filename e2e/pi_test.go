//go:build cgo && linux

package e2e

import (
	"bytes"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"picam/capture"
)

// These tests are of what make pi and make debs make, and of what stands in packaging/.

// Each Pi's program runs, as that Pi's processor would run it, and sends to a receiver here.
func TestPi(t *testing.T) {
	const n = 20
	for _, tt := range []struct{ target, qemu, cpu string }{
		{"linux-armv6", "qemu-arm-static", "arm1176"},
		{"linux-armv7", "qemu-arm-static", "cortex-a7"},
		{"linux-arm64", "qemu-aarch64-static", "cortex-a53"},
	} {
		t.Run(tt.target, func(t *testing.T) {
			need(t, tt.qemu)
			program := static(t, tt.target)
			version := start(t, exec.Command(tt.qemu, "-cpu", tt.cpu, program, "version"))
			version.ends(0)
			if !strings.HasPrefix(version.text(), "picam v1.2.3 (go") {
				t.Errorf("it is %q", version.text())
			}
			dir := t.TempDir()
			out, stats := filepath.Join(dir, "out.mjpeg"), filepath.Join(dir, "stats.json")
			recv, addr := recvProcess(t, "--once", "--policy", "all", "--record-raw", out, "--stats-file", stats)
			start(t, exec.Command(tt.qemu, "-cpu", tt.cpu, program, "send", "--to", addr, "--name", tt.target,
				"--source", "pattern:20", "--size", "320x240", "--fps", "-1", "--policy", "all")).ends(0)
			recv.ends(0)
			got := jpegsIn(t, readFile(t, out))
			if len(got) != n {
				t.Errorf("%d of %d frames arrived", len(got), n)
			}
			first := uint32(0)
			for i, p := range got {
				frame, err := jpeg.Decode(bytes.NewReader(p))
				if err != nil {
					t.Fatal(err)
				}
				number, ok := capture.PatternNumber(frame)
				if i == 0 {
					first = number
				}
				if !ok || number != first+uint32(i) {
					t.Errorf("frame %d bears the number %d (%v), the first one %d", i, number, ok, first)
				}
			}
			if s := readCameraStats(t, stats)[0]; s.Camera != tt.target || s.FramesIn != n || s.Lost != 0 || s.Total.Count != n {
				t.Errorf("the receiver counts %+v", s)
			}
		})
	}
}

// What anybody builds from the same sources is the same, wherever they lie.
func TestStaticBuildIsReproducible(t *testing.T) {
	var built [][]byte
	for _, folder := range []string{"a", "somewhere/else"} {
		sources := filepath.Join(t.TempDir(), folder)
		for _, name := range staticSources(t) {
			to := filepath.Join(sources, name)
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(to, readFile(t, project(name)), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		path, err := buildStatic(sources, t.TempDir(), "linux-amd64")
		if err != nil {
			t.Fatal(err)
		}
		program := readFile(t, path)
		if bytes.Contains(program, []byte(sources)) {
			t.Errorf("the folder where it was built, %s, is in it", sources)
		}
		built = append(built, program)
	}
	if !bytes.Equal(built[0], built[1]) {
		t.Errorf("two builds of the same sources differ (%d and %d bytes)", len(built[0]), len(built[1]))
	}
}

// staticSources lists the files that the static program is built from.
func staticSources(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-f",
		`{{$dir := .Dir}}{{with .Module}}{{if .Main}}{{range $.GoFiles}}{{$dir}}/{{.}}{{"\n"}}{{end}}`+
			`{{range $.EmbedFiles}}{{$dir}}/{{.}}{{"\n"}}{{end}}{{end}}{{end}}`, ".")
	cmd.Dir = project("")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"go.mod", "go.sum", "scripts/static.sh"}
	for _, path := range strings.Fields(string(out)) {
		names = append(names, strings.TrimPrefix(path, cmd.Dir+"/"))
	}
	return names
}

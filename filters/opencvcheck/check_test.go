package opencvcheck

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The compiler is shown OpenCVs of several versions, of which only the header with the version is real.
func TestVersions(t *testing.T) {
	compiler, err := exec.LookPath("g++")
	if err != nil {
		t.Skip(err)
	}
	for _, test := range []struct {
		major, minor int
		ok           bool
	}{
		{3, 4, false},
		{4, 0, false},
		{4, 6, false},
		{4, 8, false},
		{4, 9, true},
		{4, 10, true},
		{5, 0, true},
	} {
		t.Run(fmt.Sprintf("%d.%d", test.major, test.minor), func(t *testing.T) {
			dir := t.TempDir()
			header := filepath.Join(dir, "opencv2", "core", "version.hpp")
			if err := os.MkdirAll(filepath.Dir(header), 0o755); err != nil {
				t.Fatal(err)
			}
			text := fmt.Sprintf("#define CV_VERSION_MAJOR %d\n#define CV_VERSION_MINOR %d\n", test.major, test.minor)
			if err := os.WriteFile(header, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(compiler, "-fsyntax-only", "-I", dir, "check.cpp").CombinedOutput()
			if (err == nil) != test.ok {
				t.Fatalf("error %v, want none: %v\n%s", err, test.ok, out)
			}
			if !test.ok && !strings.Contains(string(out), "make build") {
				t.Errorf("the message does not say what to type:\n%s", out)
			}
		})
	}
}

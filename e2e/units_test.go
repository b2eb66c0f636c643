//go:build cgo && linux

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// unitFile copies a unit of packaging/ into a folder, with a picam that is there, and returns its path.
func unitFile(t *testing.T, name string) string {
	t.Helper()
	text := strings.ReplaceAll(string(readFile(t, project("packaging/"+name))), "/usr/bin/picam", binary(t))
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// systemd finds nothing wrong with the services, and rates them as docs/pi.md says.
func TestUnits(t *testing.T) {
	need(t, "systemd-analyze")
	docs := string(readFile(t, project("docs/pi.md")))
	version, err := exec.Command("systemd-analyze", "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"picam-send@.service", "picam-recv.service"} {
		t.Run(name, func(t *testing.T) {
			path := unitFile(t, name)
			// It also looks at the whole of the computer's own units; only what it says of this one counts.
			out, err := exec.Command("systemd-analyze", "verify", "--man=no", path).CombinedOutput()
			if err != nil || strings.Contains(string(out), "picam") {
				t.Errorf("systemd-analyze verify: %v\n%s", err, out)
			}
			out, err = exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", path).CombinedOutput()
			if err != nil && strings.Contains(string(out), "offline") {
				t.Skip("this systemd-analyze is too old")
			}
			number := func(pattern, text string) float64 {
				m := regexp.MustCompile(pattern).FindStringSubmatch(text)
				if m == nil {
					t.Fatalf("no %s in\n%s", pattern, text)
				}
				n, err := strconv.ParseFloat(m[1], 64)
				if err != nil {
					t.Fatal(err)
				}
				return n
			}
			got := number(`exposure level for \S+: ([\d.]+)`, string(out))
			want := number("\\| `"+regexp.QuoteMeta(name)+"` \\| ([\\d.]+) \\|", docs)
			switch {
			case strings.HasPrefix(string(version), "systemd 252 ") && got != want:
				t.Errorf("the exposure is %.1f, docs/pi.md says %.1f", got, want)
			case got > 3: // other versions look at more, or at less
				t.Errorf("the exposure is %.1f", got)
			}
		})
	}
}

// A line of a service's settings that is to be used is one, and names a flag that there is.
func TestSettings(t *testing.T) {
	for name, command := range map[string]string{"camera.env": "send", "recv.env": "recv"} {
		help := picam(t, command, "--help")
		help.ends(0)
		lines := 0
		for line := range strings.Lines(string(readFile(t, project("packaging/"+name)))) {
			line = strings.TrimSpace(line)
			variable, _, ok := strings.Cut(strings.TrimPrefix(line, "#"), "=")
			switch {
			case ok && strings.HasPrefix(variable, "PICAM_"):
				lines++
				flag := "--" + strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(variable, "PICAM_")), "_", "-")
				if !strings.Contains(help.text(), "\n  "+flag) {
					t.Errorf("%s: picam %s has no flag for %s", name, command, variable)
				}
			case line != "" && !strings.HasPrefix(line, "# "):
				t.Errorf("%s: %q is neither a setting nor a comment", name, line)
			}
		}
		if lines == 0 {
			t.Errorf("%s has no settings", name)
		}
	}
}

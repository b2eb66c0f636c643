//go:build cgo

package cli

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// printed is what a command prints.
func printed(t *testing.T, args ...string) string {
	t.Helper()
	var b bytes.Buffer
	if err := newApp("", &b, io.Discard).Run(append([]string{"picam"}, args...)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestManHasEverything(t *testing.T) {
	page := printed(t, "man")
	if out, err := exec.Command("man", "--version").Output(); err == nil && strings.HasPrefix(string(out), "man ") {
		cmd := exec.Command("man", "--warnings", "-l", writeFile(t, "picam.1", page))
		cmd.Env = append(os.Environ(), "MANWIDTH=100", "LC_ALL=C.UTF-8")
		var complaints bytes.Buffer
		cmd.Stderr = &complaints
		text, err := cmd.Output()
		if err != nil || complaints.Len() > 0 {
			t.Errorf("man: %v\n%s", err, &complaints)
		}
		page = string(text)
	} else {
		page = strings.ReplaceAll(page, `\-`, "-")
	}
	for _, c := range newApp("", io.Discard, io.Discard).Commands {
		_, section, found := strings.Cut(page[strings.Index(page, "COMMANDS"):], "picam "+c.Name+"\n")
		if !found {
			t.Errorf("the page lacks picam %s", c.Name)
		}
		for _, o := range optionsOf(c) {
			if !strings.Contains(section, "--"+o.name) {
				t.Errorf("the page lacks picam %s --%s", c.Name, o.name)
			}
		}
	}
	for _, hidden := range []string{"%!", "`"} {
		if strings.Contains(page, hidden) {
			t.Errorf("the page has %q in it", hidden)
		}
	}
}

func TestBashCompletion(t *testing.T) {
	need(t, "bash")
	script := writeFile(t, "picam.bash", printed(t, "completion", "bash"))
	dir := t.TempDir()
	for _, name := range []string{"filters.yaml", "my clip.mjpeg"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	all := func(command string) string {
		var c *cli.Command
		for _, one := range newApp("", io.Discard, io.Discard).Commands {
			if one.Name == command {
				c = one
			}
		}
		list := []string{"--help"}
		for _, o := range optionsOf(c) {
			list = append(list, "--"+o.name)
		}
		return strings.Join(list, " ")
	}
	for _, tt := range []struct{ typed, want string }{
		{"picam r", "recv"},
		{"picam se", "send"},
		{"picam ", "send recv devices filters check version --help"},
		{"picam send --so", "--source"},
		{"picam send --source pat", "pattern"},
		{"picam send --source r", "rpicam"},
		{"picam send --to ", ""},
		{"picam send --policy ", "auto latest all"},
		{"picam recv --display n", "none"},
		{"picam recv --from ca", "camera"},
		{"picam filters graysc", "grayscale"},
		{"picam filters ", strings.Join(filterNames(), " ")},
		{"picam completion z", "zsh"},
		{"picam help di", "discover"},
		{"picam --v", "--version"},
		{"picam probe v", "v4l2"},
		{"picam probe --js", "--json"},
		{"picam send ", all("send")},
		{"picam recv --", all("recv")},
		{"picam recv --record-raw out.mjpeg --dis", "--display"},
		{"picam recv --config ", ""}, // files: readline's own
		{"picam check ", ""},
	} {
		t.Run(tt.typed, func(t *testing.T) {
			words := strings.Split(tt.typed, " ")
			cmd := exec.Command("bash", "--norc", "-c", `. "$1"; shift
				COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _picam; echo "${COMPREPLY[*]}"; complete -p picam`, "bash", script)
			cmd.Args = append(cmd.Args, words...)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			got, registered, _ := strings.Cut(string(out), "\n")
			// list and others come and go; those that are asked for are there.
			if err != nil || got != tt.want && !(tt.typed == "picam " && containsAll(got, tt.want)) {
				t.Errorf("%v: offers %q, want %q", err, got, tt.want)
			}
			if registered != "complete -o default -F _picam picam\n" {
				t.Errorf("bash knows it as %q", registered)
			}
		})
	}
}

func containsAll(text, words string) bool {
	for _, w := range strings.Fields(words) {
		if !strings.Contains(" "+text+" ", " "+w+" ") {
			return false
		}
	}
	return true
}

// zsh and fish read their scripts, and fish completes by its own.
func TestOtherCompletions(t *testing.T) {
	t.Run("zsh", func(t *testing.T) {
		need(t, "zsh")
		script := writeFile(t, "_picam", printed(t, "completion", "zsh"))
		cmd := exec.Command("zsh", "-f", "-c", `autoload -U compinit && compinit -D && . "$1" && print $_comps[picam]`, "zsh", script)
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != "_picam\n" {
			t.Errorf("%v: %s", err, out)
		}
	})
	t.Run("fish", func(t *testing.T) {
		need(t, "fish")
		script := writeFile(t, "picam.fish", printed(t, "completion", "fish"))
		for typed, want := range map[string]string{
			"picam re":               "recv\t",
			"picam send --so":        "--source\t",
			"picam send --source p":  "pattern",
			"picam probe pa":         "pattern",
			"picam recv --display n": "none",
			"picam filters graysc":   "grayscale",
		} {
			cmd := exec.Command("fish", "--no-config", "-c", "source $argv[1]; complete -C $argv[2]", script, typed)
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.HasPrefix(string(out), want) {
				t.Errorf("%s: %v, offers %q, want %q", typed, err, out, want)
			}
		}
	})
	t.Run("no shell", func(t *testing.T) {
		err := newApp("", io.Discard, io.Discard).Run([]string{"picam", "completion", "tcsh"})
		if err == nil || !strings.Contains(err.Error(), "picam completion bash") {
			t.Error(err)
		}
	})
}

//go:build cgo && linux

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// installed lists the files under a folder.
func installed(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			files = append(files, strings.TrimPrefix(path, dir))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	return files
}

// TestMakeInstall: what the README writes as picam works, and make uninstall leaves nothing but what was there before.
func TestMakeInstall(t *testing.T) {
	need(t, "make")
	files := []string{"/bin/picam", "/share/bash-completion/completions/picam", "/share/doc/picam/filters.yaml",
		"/share/fish/vendor_completions.d/picam.fish", "/share/man/man1/picam.1", "/share/zsh/site-functions/_picam"}
	services := []string{"/lib/systemd/system/picam-recv.service", "/lib/systemd/system/picam-send@.service",
		"/share/doc/picam/camera.env", "/share/doc/picam/recv.env"}
	for _, tt := range []struct {
		name     string
		dest     bool
		prefix   string
		services bool
	}{
		{"for a packager", true, "/usr", true},
		{"as usual", true, "", true},
		{"into a home", false, "home of mine", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			prefix := tt.prefix
			args := []string{"DESTDIR=" + dir}
			if !tt.dest {
				prefix = filepath.Join(dir, tt.prefix)
				args = nil
			}
			if prefix != "" {
				args = append(args, "PREFIX="+prefix)
			} else {
				prefix = "/usr/local"
			}
			root := prefix
			if tt.dest {
				root = dir + prefix
			}
			if err := os.MkdirAll(filepath.Join(root, "share/doc"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(root, "bin.txt"), []byte("precious"), 0o644); err != nil {
				t.Fatal(err)
			}
			run := func(target string) string {
				cmd := exec.Command("make", append([]string{"-s", target, "MAKE=false"}, args...)...)
				// A picam has been built: the test's.
				cmd.Env = append(os.Environ(), "PICAM_BINARY="+binary(t))
				cmd.Dir = withPicam(t)
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("make %s: %v\n%s", target, err, out)
				}
				return string(out)
			}
			said := run("install")
			want := append([]string{"/bin.txt"}, files...)
			if tt.services {
				want = append(want, services...)
			}
			slices.Sort(want)
			if got := installed(t, root); !slices.Equal(got, want) {
				t.Errorf("installed %q, want %q", got, want)
			}
			if warned := strings.Contains(said, "not in your PATH"); warned == tt.dest {
				t.Errorf("it says %q", said)
			}
			cmd := exec.Command("sh", "-c", "picam version")
			cmd.Env = append(os.Environ(), "PATH="+filepath.Join(root, "bin")+":"+os.Getenv("PATH"))
			if out, err := cmd.CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "picam ") {
				t.Errorf("picam version: %v\n%s", err, out)
			}
			for file, args := range map[string][]string{
				"/share/man/man1/picam.1": {"man"}, "/share/zsh/site-functions/_picam": {"completion", "zsh"},
				"/share/bash-completion/completions/picam":    {"completion", "bash"},
				"/share/fish/vendor_completions.d/picam.fish": {"completion", "fish"},
			} {
				want, err := exec.Command(binary(t), args...).Output()
				if err != nil || string(readFile(t, filepath.Join(root, file))) != string(want) {
					t.Errorf("%s is not what picam %v prints, %v", file, args, err)
				}
			}
			if tt.services {
				for _, unit := range services[:2] {
					text := string(readFile(t, filepath.Join(root, unit)))
					if !strings.Contains(text, "\nExecStart="+prefix+"/bin/picam ") {
						t.Errorf("%s runs another picam", unit)
					}
				}
			}
			run("uninstall")
			if got := installed(t, root); !slices.Equal(got, []string{"/bin.txt"}) {
				t.Errorf("left behind: %q", got)
			}
		})
	}
	t.Run("without the right to", func(t *testing.T) {
		cmd := exec.Command(project("scripts/install.sh"))
		cmd.Env = append(os.Environ(), "PICAM_BINARY="+binary(t), "PREFIX=/proc/picam")
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "sudo make install, or make install PREFIX=$HOME/.local") {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

// withPicam is a folder with what make install takes from the project, and a ./picam.
func withPicam(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, target := range map[string]string{
		"Makefile": project("Makefile"), "scripts": project("scripts"), "packaging": project("packaging"), "picam": binary(t),
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestDepsSayHowMuch: before apt-get installs hundreds of packages, their number and size are told.
func TestDepsSayHowMuch(t *testing.T) {
	for _, tt := range []struct{ name, asked, want string }{
		{"much", "0 upgraded, 418 newly installed, 0 to remove and 5 not upgraded.\nNeed to get 157 MB of archives.\n" +
			"After this operation, 612 MB of additional disk space will be used.",
			"(418 packages with what they need: 157 MB to download, 612 MB on the disk)"},
		{"some is there", "2 upgraded, 3 newly installed, 0 to remove and 5 not upgraded.\nNeed to get 1,024 kB/157 MB of archives.\n" +
			"After this operation, 12.5 MB of additional disk space will be used.",
			"(5 packages with what they need: 1,024 kB to download, 12.5 MB on the disk)"},
		{"nobody knows", "E: Unable to locate package", "installing g++ pkg-config libopencv-dev libjpeg-dev\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bin := t.TempDir()
			for _, tool := range []string{"dirname", "awk", "sort", "head", "sh", "env"} {
				target, err := exec.LookPath(tool)
				if err != nil {
					t.Skip(err)
				}
				if err := os.Symlink(target, filepath.Join(bin, tool)); err != nil {
					t.Fatal(err)
				}
			}
			for name, script := range map[string]string{
				"go": "echo go version go1.99.0 linux/amd64", "id": "echo 0", "dpkg-query": "exit 1",
				"apt-get": "case \"$*\" in\n*--assume-no*) echo '" + tt.asked + "'; exit 1 ;;\n" +
					"install*) echo \"apt-get $*\" ;;\nesac",
			} {
				if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command(project("scripts/deps.sh"))
			cmd.Env = []string{"PATH=" + bin}
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			said, _, done := strings.Cut(string(out), "apt-get install -y")
			if !done || !strings.Contains(said, tt.want) {
				t.Errorf("it says %q, want %q before it installs", out, tt.want)
			}
		})
	}
}

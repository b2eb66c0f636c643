//go:build cgo && linux

package e2e

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// thorough says whether the packages are compressed, and looked at by lintian, which takes some time: PICAM_DEBS=1
// does.
func thorough() bool { return os.Getenv("PICAM_DEBS") != "" }

// debs makes the packages of a version from what is in a folder, all or only some, and returns their paths by name and
// architecture, such as picam-send_armhf.
func debs(t *testing.T, dir, version string, only ...string) map[string]string {
	t.Helper()
	cmd := exec.Command(project("scripts/debs.sh"), append([]string{dir}, only...)...)
	cmd.Env = append(os.Environ(), "VERSION="+version, "PICAM_BINARY="+binary(t), "SOURCE_DATE_EPOCH=1700000000")
	if !thorough() {
		cmd.Env = append(cmd.Env, "DEB_COMPRESSION=none")
	}
	switch out, err := cmd.CombinedOutput(); {
	case strings.Contains(string(out), "finds no packages"):
		t.Skipf("OpenCV is not Debian's here: %s", out)
	case err != nil:
		t.Fatalf("%v\n%s", err, out)
	}
	made := map[string]string{}
	names, err := filepath.Glob(filepath.Join(dir, "*_"+strings.TrimPrefix(version, "v")+"-1_*.deb"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range names {
		parts := strings.Split(strings.TrimSuffix(filepath.Base(path), ".deb"), "_")
		made[parts[0]+"_"+parts[2]] = path
	}
	return made
}

// output runs a program of Debian's and returns what it prints.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v", name, args, err)
	}
	return string(out)
}

// tinyRoot makes a system that is just enough for dpkg to run the packages' scripts in: a shell and rm.
func tinyRoot(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can enter another root")
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Skip("busybox is not installed (scripts/deps.sh test)")
	}
	if f, err := elf.Open(busybox); err != nil {
		t.Fatal(err)
	} else if libraries, err := f.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Skipf("busybox is not static (%v, %v): install busybox-static", libraries, err)
	}
	root := t.TempDir()
	put := func(from, to string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(to)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, to), readFile(t, from), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put(busybox, "bin/busybox")
	// Busybox's own shell takes its own programs even where there are others.
	shell, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		t.Skip(err)
	}
	put(shell, "bin/sh")
	for _, m := range regexp.MustCompile(`(?m)(/\S+) \(0x`).FindAllStringSubmatch(output(t, "ldd", shell), -1) {
		put(m[1], m[1])
	}
	for _, dir := range []string{"var/lib/dpkg/info", "var/lib/dpkg/updates", "etc", "tmp", "dev"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mknod(filepath.Join(root, "dev/null"), syscall.S_IFCHR|0o666, 1<<8|3); err != nil {
		t.Skipf("there can be no /dev/null: %v", err)
	}
	if err := os.Symlink("busybox", filepath.Join(root, "bin/rm")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "var/lib/dpkg/status"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}

// dpkg works on a tiny root, in which no package that others depend on is installed.
func dpkg(t *testing.T, root string, args ...string) {
	t.Helper()
	options := []string{"--root=" + root, "--log=/dev/null", "--force-depends", "--force-confdef"}
	cmd := exec.Command("dpkg", append(options, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	cmd.Stdin = nil
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("dpkg %q: %v\n%s", args, err, out)
	}
}

// files lists what is in a root and was not before, with slashes in front.
func files(t *testing.T, root string, before map[string]bool) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		name := strings.TrimPrefix(path, root)
		if err == nil && !d.IsDir() && !before[name] && !strings.HasPrefix(name, "/var/lib/dpkg/") {
			list = append(list, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// The packages are made, installed, brought up to date, replaced by one another, removed and purged.
func TestDebs(t *testing.T) {
	need(t, "dpkg", "dpkg-deb", "dpkg-shlibdeps")
	dir := t.TempDir()
	for _, target := range []string{"linux-armv6", "linux-arm64", "linux-amd64"} {
		if err := os.Link(static(t, target), filepath.Join(dir, "picam-"+target)); err != nil {
			t.Fatal(err)
		}
	}
	here := strings.TrimSpace(output(t, "dpkg", "--print-architecture"))
	send, full := "picam-send_"+here, "picam_"+here
	older, newer := debs(t, dir, "v1.2.3"), debs(t, dir, "v1.2.4", send, full)
	if len(older) != 4 || len(newer) != 2 {
		t.Fatalf("there are %v and %v", older, newer)
	}

	t.Run("what they are", func(t *testing.T) {
		machines := map[string]elf.Machine{
			"picam-send_armhf": elf.EM_ARM, "picam-send_arm64": elf.EM_AARCH64, "picam-send_amd64": elf.EM_X86_64, full: 0,
		}
		for name, machine := range machines {
			deb := older[name]
			if deb == "" {
				t.Fatalf("there is no %s, but %v", name, older)
			}
			control := output(t, "dpkg-deb", "--field", deb)
			names := strings.Split(name, "_")
			for _, want := range []string{"Package: " + names[0], "Architecture: " + names[1], "Version: 1.2.3-1"} {
				want += "\n"
				if !strings.Contains(control, want) {
					t.Errorf("%s: no %q in\n%s", name, want, control)
				}
			}
			root := t.TempDir()
			output(t, "dpkg-deb", "--extract", deb, root)
			f, err := elf.Open(filepath.Join(root, "usr/bin/picam"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			libraries, err := f.ImportedLibraries()
			if err != nil {
				t.Fatal(err)
			}
			depends := regexp.MustCompile(`(?m)^Depends: (.*)$`).FindStringSubmatch(control)
			if name == full {
				// What the program is linked with, and what it loads when it is wanted.
				for _, want := range []string{"core", "imgproc", "calib3d", "objdetect", "photo", "video"} {
					if depends == nil || !regexp.MustCompile(`\blibopencv-`+want+`\d`).MatchString(depends[1]) {
						t.Errorf("%s does not depend on OpenCV's %s: %v", name, want, depends)
					}
				}
				recommended := regexp.MustCompile(`(?m)^Recommends: libopencv-highgui\d`).MatchString(control)
				if !recommended || depends == nil || strings.Contains(depends[1], "highgui") {
					t.Errorf("%s needs OpenCV's windows where there is no screen, or does not recommend them:\n%s", name, control)
				}
				for _, want := range []string{"libc6", "libjpeg", "libstdc++6"} {
					if depends == nil || !strings.Contains(depends[1], want) {
						t.Errorf("%s does not depend on %s: %v", name, want, depends)
					}
				}
				if f.Section(".symtab") != nil {
					t.Errorf("%s has symbols that only a debugger reads", name)
				}
			} else if f.Machine != machine || len(libraries) > 0 || depends != nil {
				t.Errorf("%s is for %v, needs %v, depends on %v", name, f.Machine, libraries, depends)
			}
			listing := output(t, "dpkg-deb", "--contents", deb)
			for line := range strings.Lines(listing) {
				if !regexp.MustCompile(`^(drwxr-xr-x|-rw-r--r--|-rwxr-xr-x) root/root +\d+ 2023-11-14 `).MatchString(line) {
					t.Errorf("%s: %s", name, line)
				}
				if strings.HasPrefix(line, "-rwx") && !strings.HasSuffix(line, " ./usr/bin/picam\n") {
					t.Errorf("%s has another program: %s", name, line)
				}
			}
			for _, want := range []string{
				"/lib/systemd/system/picam-send@.service", "/etc/picam/camera.env", "/usr/share/man/man1/picam.1.gz",
				"/completions/picam", "/vendor-completions/_picam", "/vendor_completions.d/picam.fish",
				"/copyright", "/changelog.gz", "/changelog.Debian.gz",
			} {
				if !strings.Contains(listing, want+"\n") {
					t.Errorf("%s has no %s", name, want)
				}
			}
			copyright := string(readFile(t, filepath.Join(root, "usr/share/doc", names[0], "copyright")))
			for _, want := range []string{"Permission is hereby granted", "Go (LICENSE)", "github.com/urfave/cli/v2@"} {
				if !strings.Contains(copyright, want) {
					t.Errorf("%s: its copyright says nothing of %q", name, want)
				}
			}
			if strings.Contains(copyright, "gocv.io") != (name == full) {
				t.Errorf("%s: its copyright speaks of gocv: %v", name, name != full)
			}
			if thorough() {
				need(t, "lintian")
				if out := output(t, "lintian", "--fail-on", "none", "--allow-root", deb); out != "" {
					t.Errorf("lintian: %s", out)
				}
			}
		}
	})
	t.Run("the same bytes again", func(t *testing.T) {
		before := map[string][]byte{}
		for name, path := range older {
			before[name] = readFile(t, path)
		}
		for name, path := range debs(t, dir, "v1.2.3", "picam-send_armhf", full) {
			if !bytes.Equal(readFile(t, path), before[name]) {
				t.Errorf("%s has come out otherwise", name)
			}
		}
	})

	const edited = "PICAM_TO=desk\n"
	env := "/etc/picam/camera.env"
	t.Run("installed, brought up to date, removed, purged", func(t *testing.T) {
		root, before := tinyRoot(t), map[string]bool{}
		for _, name := range files(t, root, nil) {
			before[name] = true
		}
		dpkg(t, root, "--install", older[send])
		for name, mode := range map[string]os.FileMode{
			"/usr/bin/picam": 0o755, env: 0o644, "/lib/systemd/system/picam-send@.service": 0o644,
		} {
			info, err := os.Stat(root + name)
			if err != nil || info.Mode() != mode {
				t.Errorf("%s: %v, %v", name, info, err)
			}
		}
		version := start(t, exec.Command(root+"/usr/bin/picam", "version"))
		version.ends(0)
		// As systemctl enable does it, and as a user changes the settings and adds a camera.
		wants := root + "/etc/systemd/system/multi-user.target.wants"
		if err := os.MkdirAll(wants, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("/lib/systemd/system/picam-send@.service", wants+"/picam-send@camera.service"); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{env, "/etc/picam/door.env"} {
			if err := os.WriteFile(root+name, []byte(edited), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		dpkg(t, root, "--install", newer[send])
		if got := string(readFile(t, root+env)); got != edited {
			t.Errorf("after the update the settings are %q", got)
		}
		got := output(t, "dpkg-query", "--admindir="+root+"/var/lib/dpkg", "-W", "-f", "${Version} ${db:Status-Status}", "picam-send")
		if got != "1.2.4-1 installed" {
			t.Errorf("the package is %q", got)
		}
		dpkg(t, root, "--remove", "picam-send")
		if got := files(t, root, before); !slices.Equal(got, []string{
			env, "/etc/picam/door.env", "/etc/systemd/system/multi-user.target.wants/picam-send@camera.service",
		}) {
			t.Errorf("removed, there is %q", got)
		}
		dpkg(t, root, "--purge", "picam-send")
		if got := files(t, root, before); !slices.Equal(got, []string{"/etc/picam/door.env"}) {
			t.Errorf("purged, there is %q, and should be what only the user has made", got)
		}
	})
	t.Run("one in the place of the other", func(t *testing.T) {
		root, before := tinyRoot(t), map[string]bool{}
		for _, name := range files(t, root, nil) {
			before[name] = true
		}
		dpkg(t, root, "--install", older[send])
		if err := os.WriteFile(root+env, []byte(edited), 0o644); err != nil {
			t.Fatal(err)
		}
		dpkg(t, root, "--auto-deconfigure", "--force-conflicts", "--install", newer[full])
		if got := string(readFile(t, root+env)); got != edited {
			t.Errorf("the other package's settings are %q", got)
		}
		dpkg(t, root, "--purge", "picam-send")
		if got := files(t, root, before); !slices.Contains(got, env) || !slices.Contains(got, "/usr/bin/picam") ||
			!slices.Contains(got, "/lib/systemd/system/picam-recv.service") {
			t.Errorf("of the other package there is %q", got)
		}
		dpkg(t, root, "--purge", "picam")
		if got := files(t, root, before); len(got) > 0 {
			t.Errorf("purged, there is %q", got)
		}
	})
}

// What git calls a version becomes one that Debian sorts as it should be.
func TestDebVersions(t *testing.T) {
	need(t, "dpkg", "dpkg-deb", "dpkg-shlibdeps")
	before := ""
	for _, tt := range []struct{ version, epoch, want string }{
		{"0123abc", "1700000000", "0~20231114221320.0123abc-1"},
		{"0000abc-dirty", "1700000100", "0~20231114221500.0000abc.dirty-1"},
		{"v0.1.0-rc1", "1700000000", "0.1.0~rc1-1"},
		{"v0.1.0-rc1-2-g0123abc", "1700000000", "0.1.0~rc1+2.g0123abc-1"},
		{"v0.1.0", "1700000000", "0.1.0-1"},
		{"v0.1.0-2-g0123abc", "1700000000", "0.1.0+2.g0123abc-1"},
		{"v0.1.0-10-g0123abc-dirty", "1700000000", "0.1.0+10.g0123abc+dirty-1"},
		{"v0.1.1", "1700000000", "0.1.1-1"},
	} {
		cmd := exec.Command(project("scripts/debs.sh"), "--debian-version")
		cmd.Env = append(os.Environ(), "VERSION="+tt.version, "SOURCE_DATE_EPOCH="+tt.epoch)
		out, err := cmd.CombinedOutput()
		got := strings.TrimSpace(string(out))
		if err != nil || got != tt.want {
			t.Errorf("%s becomes %s (%v), want %s", tt.version, got, err, tt.want)
		}
		if err := exec.Command("dpkg", "--compare-versions", before, "lt", got).Run(); err != nil {
			t.Errorf("%s is not newer than %s: %v", got, before, err)
		}
		before = got
	}
}

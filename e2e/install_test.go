//go:build cgo && linux

package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// raspberry is a Pi for scripts/install-pi.sh: a tiny root, with the programs that the script calls there, and on this
// side an ssh and an scp that lead into it.
type raspberry struct {
	t    *testing.T
	root string
	bin  string // of this side
	dist string
}

// On the Pi: a systemctl that keeps the state of units in /units, and writes down what it was told to do.
const fakeSystemctl = `#!/bin/sh
for unit; do :; done
unit=${unit%.service}
case $1 in
is-enabled | is-active) [ -e "/units/$unit.${1#is-}" ]; exit ;;
list-units) for file in /units/*.active; do file=${file##*/}; echo "${file%.active}.service loaded active running"; done; exit ;;
status) echo "the status of $unit"; exit ;;
esac
echo "$*" >>/units/told
case $1 in
enable) touch "/units/$unit.enabled" ;;
restart)
	if [ -e /units/broken ]; then echo "Job for $unit failed." >&2; exit 1; fi
	touch "/units/$unit.active" ;;
esac
`

const fakeSSH = `#!/bin/sh
while :; do
	case $1 in
	-O) exit 0 ;;
	-o) shift 2 ;;
	-*) shift ;;
	*) break ;;
	esac
done
case $1 in
unknown*) echo "ssh: Could not resolve hostname $1: Name or service not known" >&2; exit 255 ;;
esac
shift
PATH=/bin exec %s %s /bin/sh -c "echo Welcome to your Pi; $*"
`

const fakeSCP = `#!/bin/sh
for last; do :; done
to=%s${last#*:}
for file; do
	[ -f "$file" ] || continue
	if [ -e %[1]s/units/full ] && [ "${file##*/}" = picam ]; then
		head -c 1000 "$file" >"$to/picam"
		echo "scp: write remote \"picam\": No space left on device" >&2
		exit 1
	fi
	cp "$file" "$to/"
done
`

// newRaspberry makes one of a kind of processor (uname -m), and of a system (dpkg --print-architecture; "" has no
// dpkg).
func newRaspberry(t *testing.T, machine, arch string) *raspberry {
	t.Helper()
	chroot, err := exec.LookPath("chroot")
	if err != nil {
		t.Skip(err)
	}
	p := &raspberry{t: t, root: tinyRoot(t), bin: t.TempDir()}
	for _, name := range strings.Fields("awk cat chmod cmp cut dirname env grep head mkdir mktemp mv sed sleep tail touch tr true") {
		if err := os.Symlink("busybox", filepath.Join(p.root, "bin", name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(p.root, "units"), 0o755); err != nil {
		t.Fatal(err)
	}
	p.program("uname", `case $1 in -s) cat /units/system 2>/dev/null || echo Linux ;; *) echo `+machine+` ;; esac`)
	p.program("id", "cat /units/id 2>/dev/null || echo 0")
	p.program("sudo", `[ -e /units/sudoer ] || { echo "sudo: a password is required" >&2; exit 1; }
[ "$1" != -n ] || shift
exec "$@"`)
	p.program("cp", `case $2 in
"$(cat /units/disk-full 2>/dev/null)")
	head -c 1000 "$1" >"$2"
	echo "cp: error writing '$2': No space left on device" >&2
	exit 1 ;;
esac
exec /bin/busybox cp "$@"`)
	if arch != "" {
		p.program("dpkg", `if [ "$1" = --print-architecture ]; then echo `+arch+`; exit; fi
echo "dpkg $*" >>/units/told
/bin/busybox cp /units/deb-picam /usr/bin/picam`)
		p.program("dpkg-query", "cat /units/package 2>/dev/null")
		p.program("dpkg-deb", "/bin/busybox cat /units/deb-picam") // what its tar then takes out
		p.program("tar", "exec /bin/busybox cat")
	}
	p.write(filepath.Join(p.root, "bin/systemctl"), fakeSystemctl)
	p.program("journalctl", "echo its last words")
	p.write(filepath.Join(p.bin, "ssh"), fmt.Sprintf(fakeSSH, chroot, p.root))
	p.write(filepath.Join(p.bin, "scp"), fmt.Sprintf(fakeSCP, p.root))
	return p
}

// program puts a script on the Pi.
func (p *raspberry) program(name, script string) {
	p.t.Helper()
	path := filepath.Join(p.root, "bin", name)
	_ = os.Remove(path)
	p.write(path, "#!/bin/sh\n"+script+"\n")
}

func (p *raspberry) write(path, text string) {
	p.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		p.t.Fatal(err)
	}
}

// set makes a file in /units, which says how the Pi is.
func (p *raspberry) set(name, text string) {
	p.t.Helper()
	p.write(filepath.Join(p.root, "units", name), text)
}

func (p *raspberry) clear(name string) { _ = os.Remove(filepath.Join(p.root, "units", name)) }

// told returns what systemctl and dpkg were told since the last call.
func (p *raspberry) told() []string {
	p.t.Helper()
	path := filepath.Join(p.root, "units/told")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	if err := os.Remove(path); err != nil {
		p.t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// tells checks what systemctl was told since the last call.
func (p *raspberry) tells(want ...string) {
	p.t.Helper()
	if got := p.told(); !slices.Equal(got, want) {
		p.t.Errorf("systemctl is told %q, want %q", got, want)
	}
}

// state is each file of the Pi that an installation may touch, by its name, with its time and its bytes.
func (p *raspberry) state() map[string]string {
	p.t.Helper()
	state := map[string]string{}
	for _, dir := range []string{"etc", "usr", "tmp"} {
		err := filepath.WalkDir(filepath.Join(p.root, dir), func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err == nil && (!d.IsDir() || dir == "tmp") {
				info, err := d.Info()
				if err != nil {
					return err
				}
				what := ""
				if !d.IsDir() {
					what = fmt.Sprint(info.ModTime(), info.Mode(), len(readFile(p.t, path)))
				}
				state[strings.TrimPrefix(path, p.root)] = what
			}
			return err
		})
		if err != nil {
			p.t.Fatal(err)
		}
	}
	return state
}

// install runs the script, and checks how it ends and what it says.
func (p *raspberry) install(status int, want string, args ...string) string {
	p.t.Helper()
	cmd := exec.Command(project("scripts/install-pi.sh"), args...)
	cmd.Env = append(os.Environ(), "PATH="+p.bin+":"+os.Getenv("PATH"), "PICAM_DIST="+p.dist)
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != status || !strings.Contains(string(out), want) {
		p.t.Errorf("install-pi.sh %q ended with %d (%v), want %d and %q\n%s", args, got, err, status, want, out)
	}
	return string(out)
}

// runnableDist is a folder with the static program of this computer under the names of all targets.
func runnableDist(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	program := staticHere(t)
	for _, target := range []string{"armv6", "armv7", "arm64", "amd64"} {
		if err := os.Link(program, filepath.Join(dir, "picam-linux-"+target)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestInstallPi(t *testing.T) {
	need(t, "busybox")
	dist := runnableDist(t)
	p := newRaspberry(t, "armv7l", "armhf")
	p.dist = dist
	const program, unit, env = "/usr/local/bin/picam", "/etc/systemd/system/picam-send@.service", "/etc/picam/door.env"
	on := func(name string) string { return filepath.Join(p.root, name) }

	out := p.install(0, "picam-send@door runs on pi", "pi", "--name", "door", "--to", "desk:8002",
		"--source=exec:cat \"$HOME\"/x.mjpeg", "--hflip", "--fps", "-1")
	for _, want := range []string{"journalctl -f -u picam-send@door", "picam-linux-armv7", "picam v1.2.3"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q, but\n%s", want, out)
		}
	}
	p.tells("daemon-reload", "enable --quiet picam-send@door", "restart picam-send@door")
	if string(readFile(t, on(program))) != string(readFile(t, filepath.Join(dist, "picam-linux-armv7"))) {
		t.Error("another program was installed")
	}
	if info, err := os.Stat(on(program)); err != nil || info.Mode() != 0o755 {
		t.Errorf("%s is %v, %v", program, info, err)
	}
	if got := string(readFile(t, on(unit))); !strings.Contains(got, "ExecStart=/usr/local/bin/picam send\n") {
		t.Errorf("the service is\n%s", got)
	}
	settings := string(readFile(t, on(env)))
	for _, want := range []string{
		"\nPICAM_TO=\"desk:8002\"\n", "\nPICAM_SOURCE=\"exec:cat \\\"\\$HOME\\\"/x.mjpeg\"\n", "\nPICAM_HFLIP=\"true\"\n",
		"\nPICAM_FPS=\"-1\"\n", "\n#PICAM_SIZE=",
	} {
		if strings.Count(settings, want) != 1 {
			t.Errorf("no %q in the settings\n%s", want, settings)
		}
	}
	if strings.Count(settings, "\nPICAM_TO=")+strings.Count(settings, "\nPICAM_SOURCE=") != 2 {
		t.Errorf("settings of before are left in\n%s", settings)
	}

	before := p.state()
	again := func() {
		t.Helper()
		p.install(0, "nothing to do", "pi", "--name", "door", "--to", "desk:8002", "--hflip")
		p.tells()
		if after := p.state(); !maps.Equal(after, before) {
			t.Errorf("there was\n%v\nand is\n%v", before, after)
		}
	}
	again()

	t.Run("other settings", func(t *testing.T) {
		p.install(0, "wrote "+env, "pi", "--name", "door", "--listen", ":8002", "--quality", "70")
		settings := string(readFile(t, on(env)))
		if !strings.Contains(settings, "PICAM_LISTEN=\":8002\"") || strings.Contains(settings, "\nPICAM_TO=") ||
			!strings.Contains(settings, "PICAM_HFLIP") {
			t.Errorf("the settings are\n%s", settings)
		}
		p.tells("daemon-reload", "restart picam-send@door")
		p.install(0, "wrote "+env, "pi", "--name", "door", "--to", "desk:8002")
		p.told()
		before = p.state()
		again()
	})
	newer := t.TempDir()
	t.Run("another camera, and another picam", func(t *testing.T) {
		p.write(filepath.Join(newer, "picam-linux-armv7"), "#!/bin/sh\nprintf 'picam v9\\n  --to ADDRESS\\n  --fps N\\n'\n")
		p.dist = newer
		defer func() { p.dist = dist }()
		p.install(0, "starting picam-send@door.service", "pi", "--name", "garden")
		p.tells("daemon-reload", "enable --quiet picam-send@garden", "restart picam-send@garden",
			"try-restart picam-send@door.service")
	})
	t.Run("a service that fails", func(t *testing.T) {
		p.set("broken", "")
		p.install(1, "the status of picam-send@door\nits last words\n", "pi", "--name", "door")
		p.clear("broken")
		p.install(0, "runs on pi", "pi", "--name", "door")
	})
	p.told()
	before = p.state()
	again()

	// Whatever goes wrong, what was there stays.
	other := t.TempDir()
	p.write(filepath.Join(other, "picam-linux-armv7"), "not a program\n")
	for _, tt := range []struct {
		name string
		how  []string // files of /units, and what they hold
		dist string
		args []string
		want string
	}{
		{"no host", nil, dist, nil, "on which computer?"},
		{"a host that nobody knows", nil, dist, []string{"unknown-pi"}, "cannot log in to unknown-pi by ssh, see above"},
		{"no argument of it", nil, dist, []string{"pi", "door"}, `"door" is no flag`},
		{"a flag that there is not", nil, dist, []string{"pi", "--fsp", "30"}, "picam send has no flag --fsp"},
		{"a name that is none", nil, dist, []string{"pi", "--name", "front door"}, "--name front door: take letters"},
		{"nothing to install", nil, other + "/none", []string{"pi"}, "type make pi"},
		{"a program that does not run", nil, other, []string{"pi"}, "does not run on pi"},
		{"no right to use sudo", []string{"id=1000"}, dist, []string{"pi", "--fps", "5"}, "installing needs root on pi"},
		{"a full disk, while copying", []string{"full="}, dist, []string{"pi", "--fps", "5"}, "No space left on device"},
		{"a full disk, for the settings", []string{"disk-full=/etc/picam/camera.env.new"}, dist,
			[]string{"pi", "--fps", "5"}, "No space left on device"},
		{"a full disk, for the program", []string{"disk-full=/usr/local/bin/picam.new"}, newer,
			[]string{"pi", "--fps", "5"}, "No space left on device"},
		{"another system", []string{"system=FreeBSD"}, dist, []string{"pi"}, "pi is a FreeBSD computer"},
		{"installed as a package", []string{"package=installed"}, dist, []string{"pi"}, "add --deb"},
		{"no package", nil, dist, []string{"pi", "--deb"}, "type make debs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, how := range tt.how {
				name, text, _ := strings.Cut(how, "=")
				p.set(name, text+"\n")
				defer p.clear(name)
			}
			p.dist = tt.dist
			p.t = t
			p.install(1, tt.want, tt.args...)
			p.tells()
			if after := p.state(); !maps.Equal(after, before) {
				t.Errorf("there was\n%v\nand is\n%v", before, after)
			}
		})
	}
	p.t, p.dist = t, dist
	t.Run("sudo", func(t *testing.T) {
		p.t = t
		p.set("id", "1000\n")
		p.set("sudoer", "")
		p.install(0, "nothing to do", "pi", "--name", "door")
	})
	t.Run("no ssh", func(t *testing.T) {
		cmd := exec.Command(project("scripts/install-pi.sh"), "pi")
		path := t.TempDir()
		for _, name := range []string{"sh", "dirname"} {
			target, err := exec.LookPath(name)
			if err != nil {
				t.Skip(err)
			}
			if err := os.Symlink(target, filepath.Join(path, name)); err != nil {
				t.Fatal(err)
			}
		}
		cmd.Env = []string{"PATH=" + path}
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "ssh is not installed here") {
			t.Errorf("%v, %s", err, out)
		}
	})
}

// Each Pi gets the program that it can run.
func TestInstallPiKinds(t *testing.T) {
	need(t, "busybox")
	dist := runnableDist(t)
	for _, tt := range []struct {
		name, machine, arch string
		want                string // "": none
	}{
		{"Zero and 1", "armv6l", "armhf", "picam-linux-armv6"},
		{"2 and 3", "armv7l", "armhf", "picam-linux-armv7"},
		{"4 with a 64-bit kernel under a 32-bit system", "aarch64", "armhf", "picam-linux-armv7"},
		{"3, 4, 5, Zero 2", "aarch64", "arm64", "picam-linux-arm64"},
		{"a PC", "x86_64", "amd64", "picam-linux-amd64"},
		{"another Linux on a Zero", "armv6l", "", "picam-linux-armv6"},
		{"something else", "riscv64", "riscv64", ""},
		{"a very old PC", "i686", "i386", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newRaspberry(t, tt.machine, tt.arch)
			p.dist = dist
			if tt.want == "" {
				p.install(1, "for which there is no picam here", "pi")
				if got := p.state(); len(got) != 1 { // /tmp
					t.Errorf("there is %v", got)
				}
				return
			}
			p.install(0, "pi is a "+tt.machine+", "+tt.arch+": "+tt.want, "pi")
		})
	}
}

// A package is installed once, and takes the place of what was installed without one.
func TestInstallPiDeb(t *testing.T) {
	need(t, "busybox")
	p := newRaspberry(t, "aarch64", "arm64")
	p.dist = runnableDist(t)
	p.install(0, "runs on pi", "pi")
	p.told()
	for _, version := range []string{"0~20250101.abc", "1.10.0", "1.9.0"} {
		p.write(filepath.Join(p.dist, "picam-send_"+version+"-1_arm64.deb"), version)
	}
	p.set("deb-picam", "#!/bin/sh\nprintf 'picam v1.10.0\\n  --to ADDRESS\\n'\n")
	p.write(filepath.Join(p.root, "usr/bin/.keep"), "")
	p.install(0, "picam-send_1.10.0-1_arm64.deb", "pi", "--deb")
	told := p.told()
	if len(told) != 3 || !strings.HasPrefix(told[0], "dpkg -i --force-confold /tmp/picam-") ||
		told[1] != "daemon-reload" || told[2] != "restart picam-send@camera" {
		t.Errorf("it is told %q", told)
	}
	for _, name := range []string{"usr/local/bin/picam", "etc/systemd/system/picam-send@.service"} {
		if _, err := os.Stat(filepath.Join(p.root, name)); err == nil {
			t.Errorf("%s is still there", name)
		}
	}
	p.set("package", "installed")
	p.install(0, "nothing to do", "pi", "--deb")
	p.tells()
}

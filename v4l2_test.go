//go:build cgo && linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

// These trials run the static sender on a virtual machine that has real V4L2 cameras: vivid (raw formats), v4l2loopback
// (MJPEG that a program writes) and a USB camera in software under uvcvideo. What happens there is recorded by a receiver
// on this computer.
//
// PICAM_V4L2_VM names the machine's folder, with its run.sh; then the trials take their time. Without it they are short,
// with the one that stands in ../shared, and skipped if there is none.

// vmFolder returns where the machine is, and whether there is time.
func vmFolder(t *testing.T) (folder string, long bool) {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skip("the machine with V4L2 cameras is for amd64 only")
	}
	folder = os.Getenv("PICAM_V4L2_VM")
	if long = folder != ""; !long {
		folder = filepath.Join("..", "shared", "v4l2-vm")
		if _, err := os.Stat(folder); err != nil {
			t.Skip("no machine with V4L2 cameras; PICAM_V4L2_VM may name its folder")
		}
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := buildVM(filepath.Join(folder, "build.sh")); err != nil {
		t.Skipf("the machine with V4L2 cameras cannot be built: %v", err)
	}
	return folder, long
}

// builtVM is the outcome of building the machine: it is tried once.
var builtVM = struct {
	sync.Once
	err error
}{}

func buildVM(script string) error {
	builtVM.Do(func() {
		if out, err := exec.Command(script).CombinedOutput(); err != nil {
			builtVM.err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(out[max(0, len(out)-500):]))
		}
	})
	return builtVM.err
}

var buildStatic = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "picam-static-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "picam")
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// vm is a machine that runs a program, whose output is that of the process.
type vm struct {
	*process
	folder, ctl string
	out         string // the program's folder, here
}

// startVM starts a machine with its options and a script, in which /picam is the static sender.
func startVM(t *testing.T, folder, script string, options ...string) *vm {
	t.Helper()
	begun := time.Now()
	static, err := buildStatic()
	if err != nil {
		t.Fatal(err)
	}
	m := &vm{folder: folder, ctl: t.TempDir(), out: t.TempDir()}
	args := []string{filepath.Join(folder, "run.sh"), "--quiet", "--timeout", "240", "--ctl", m.ctl, "--out", m.out,
		"--file", static + ":/picam"}
	m.process = start(t, exec.Command("nice", append(append(args, options...), "sh", "-c", script)...))
	t.Cleanup(func() { // before the process is killed, which would leave its folder behind
		select {
		case <-m.done:
		default:
			_ = m.cmd.Process.Signal(os.Interrupt)
			select {
			case <-m.done:
			case <-time.After(patience):
			}
		}
	})
	deadline := time.Now().Add(3 * patience)
	for size(filepath.Join(m.ctl, "started")) == 0 {
		select {
		case <-m.done:
			t.Fatalf("the machine did not start: %v", m.err)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("the machine does not start")
		}
	}
	t.Logf("the machine runs after %v", time.Since(begun).Round(100*time.Millisecond))
	return m
}

// do runs a snippet of shell on the machine and returns its output.
func (m *vm) do(snippet string) string {
	m.t.Helper()
	out, err := exec.Command(filepath.Join(m.folder, "ctl.sh"), m.ctl, snippet).CombinedOutput()
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", snippet, err, out)
	}
	return string(out)
}

// at runs a snippet and returns the machine's time when it was done.
func (m *vm) at(snippet string) time.Time {
	m.t.Helper()
	lines := strings.Split(strings.TrimSpace(m.do(snippet+"; touch /run/now; stat -c %y /run/now")), "\n")
	now, err := time.Parse("2006-01-02 15:04:05.999999999 -0700", lines[len(lines)-1])
	if err != nil {
		m.t.Fatal(err)
	}
	return now
}

// logTimes returns the times of the lines of a log that a pattern fits.
func logTimes(t *testing.T, log, pattern string) []time.Time {
	t.Helper()
	var times []time.Time
	for _, m := range regexp.MustCompile(`(?m)^time=(\S+) .*(?:`+pattern+`)`).FindAllStringSubmatch(log, -1) {
		at, err := time.Parse(time.RFC3339Nano, m[1])
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, at)
	}
	return times
}

// saysAgain waits for the n-th line of log that a pattern fits, and returns its time.
func (m *vm) saysAgain(n int, pattern string) time.Time {
	m.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		times := logTimes(m.t.(*testing.T), m.text(), pattern)
		if len(times) >= n {
			return times[n-1]
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("it does not say %q %d times", pattern, n)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// recorder is a receiver on this computer that keeps what arrives.
type recorder struct {
	*process
	port, file, stats string
}

func record(t *testing.T) *recorder {
	t.Helper()
	dir := t.TempDir()
	r := &recorder{file: filepath.Join(dir, "out.mjpeg"), stats: filepath.Join(dir, "stats.json")}
	p, addr := recvProcess(t, "--once", "--record-raw", r.file, "--stats-file", r.stats)
	r.process, r.port = p, addr[strings.LastIndex(addr, ":")+1:]
	return r
}

// account checks that all counts of a trial add up: the camera's, which its source has logged, the sender's in its file of
// statistics, and how many pictures were received. It returns how many were dropped, by cause.
func account(t *testing.T, log, senderStats string, received int) map[string]int {
	t.Helper()
	_, line, ok := strings.Cut(log, `msg="camera closed" `)
	if !ok {
		t.Fatalf("no account of the camera in\n%s", log)
	}
	line, _, _ = strings.Cut(line, "\n")
	counts, sum := map[string]int{}, 0
	for _, m := range regexp.MustCompile(`(\w+|"[^"]+")=(\d+)`).FindAllStringSubmatch(line, -1) {
		n, _ := strconv.Atoi(m[2]) // it is a number
		counts[strings.Trim(m[1], `"`)] = n
		sum += n
	}
	if sum != 2*counts["captured"] {
		t.Errorf("the camera's account does not add up: %s", line)
	}
	var sender struct{ Captured, Sent, Dropped int }
	if err := json.Unmarshal(readFile(t, senderStats), &sender); err != nil {
		t.Fatal(err)
	}
	// The end may come when a picture is between the source and the sender, or when some are on their way to the receiver:
	// no more than a second's.
	const onTheWay = 30
	switch between := counts["given"] - sender.Captured; {
	case between < 0 || between > 1:
		t.Errorf("the camera gave %d pictures, the sender took %d", counts["given"], sender.Captured)
	case sender.Captured != sender.Sent+sender.Dropped:
		t.Errorf("the sender's account does not add up: %+v", sender)
	case received > sender.Sent || received < sender.Sent-onTheWay:
		t.Errorf("%d were sent, %d were received", sender.Sent, received)
	}
	t.Logf("camera: %s; sender: %+v; received %d", line, sender, received)
	return counts
}

// damage is what a camera of the machine does to its pictures.
type damage struct {
	flags string
	// as is what must arrive of a picture of the clip; nil: nothing.
	as func(i int, picture []byte) []byte
}

func noDamage() damage { return damage{"", func(_ int, p []byte) []byte { return p }} }

func bareAndPadded() damage {
	return damage{"-x nodht,pad=64", func(_ int, p []byte) []byte { return mjpeg.AddHuffmanTables(nil, mjpegtest.WithoutDHT(p)) }}
}

// broken breaks some pictures of a clip of 60: half of them, junk in their place, nothing at all.
func broken() damage {
	return damage{"-x trunc=4,junk=6,empty=10", func(i int, p []byte) []byte {
		if (i+1)%4 == 0 || (i+1)%6 == 0 || (i+1)%10 == 0 {
			return nil
		}
		return p
	}}
}

// arrived checks pictures of a clip that a camera plays round and round, and returns how many of its good ones are
// missing.
func arrived(t *testing.T, got, clip [][]byte, d damage) (missing int) {
	t.Helper()
	wanted := map[string]int{}
	for i, p := range clip {
		if p = d.as(i, p); p != nil {
			wanted[string(p)] = i
		}
	}
	last, seen := -1, map[int]bool{}
	for i, p := range got {
		n, ok := wanted[string(p)]
		switch {
		case !ok:
			t.Errorf("picture %d of %d, of %d bytes, is none of the clip's good ones", i+1, len(got), len(p))
		case n == last:
			t.Errorf("picture %d arrived twice", i+1)
		}
		last, seen[n] = n, true
	}
	return len(wanted) - len(seen)
}

// TestV4L2Pictures: from each kind of camera exactly the good pictures arrive, and all counts add up.
func TestV4L2Pictures(t *testing.T) {
	folder, long := vmFolder(t)
	trials := []struct {
		name          string
		loopback, uvc damage
		rounds        int // of the clip at least
	}{
		{"damaged", bareAndPadded(), broken(), 2},
		{"damaged the other way", broken(), bareAndPadded(), 5},
		{"whole, for a minute", noDamage(), noDamage(), 30},
	}
	if !long {
		trials = trials[:1]
		trials[0].rounds = 1
	}
	clip := mjpegtest.Pictures(60, 320, 240, 80)
	file := writeFile(t, "clip.mjpeg", string(bytes.Join(clip, nil)))
	for _, trial := range trials {
		t.Run(trial.name, func(t *testing.T) {
			loopback, uvc := record(t), record(t)
			send := func(name, camera, port, more string) string {
				return fmt.Sprintf("/picam send --to host:%s --source v4l2:%s --name %s --status never --log-level debug "+
					"--stats-file %[3]s.json %s 2>%[3]s.log & ", port, camera, name, more)
			}
			script, recorders := send("loopback", "1", loopback.port, "")+send("uvc", "/dev/video2", uvc.port, ""), []*recorder{loopback, uvc}
			var vivid *recorder
			if long { // to encode its pictures takes the emulated processor most of its time
				vivid = record(t)
				script += send("vivid", "0", vivid.port, "--size 320x180 --fps 5")
				recorders = append(recorders, vivid)
			}
			m := startVM(t, folder, script+"wait",
				"--feed", file, "--feed-flags", trial.loopback.flags, "--uvc-clip", file, "--uvc-flags", trial.uvc.flags)
			for _, r := range []*recorder{loopback, uvc} {
				length := int64(len(clip[0]))
				r.grows(int64(trial.rounds*len(clip)) * length * 2 / 3) // a third may be broken
			}
			if long {
				vivid.grows(1)
			}
			m.do("killall -INT picam")
			m.ends(0)
			for _, r := range recorders {
				r.ends(0)
			}
			if long {
				encoded(t, m, vivid)
			}
			for _, c := range []struct {
				name     string
				recorder *recorder
				damage   damage
			}{{"loopback", loopback, trial.loopback}, {"uvc", uvc, trial.uvc}} {
				got := pictures(t, readFile(t, c.recorder.file))
				// In a short trial a good picture may be dropped, as late, each time that it comes.
				if missing := arrived(t, got, clip, c.damage); missing > 0 && long {
					t.Errorf("%s: %d of the clip's good pictures never arrived", c.name, missing)
				}
				counts := account(t, m.log(c.name), m.file(c.name+".json"), len(got))
				isBroken := counts["half"] > 0 && counts["no JPEG"] > 0
				if isBroken != strings.Contains(c.damage.flags, "trunc") {
					t.Errorf("%s: %v", c.name, counts)
				}
			}
		})
	}
}

// encoded checks the pictures of the camera that gives no JPEG.
func encoded(t *testing.T, m *vm, vivid *recorder) {
	t.Helper()
	got := pictures(t, readFile(t, vivid.file))
	account(t, m.log("vivid"), m.file("vivid.json"), len(got))
	for i, p := range got {
		img, err := jpeg.Decode(bytes.NewReader(p))
		if err != nil || img.Bounds().Size() != image.Pt(320, 180) {
			t.Errorf("vivid's picture %d: %v", i+1, err)
		}
	}
	if !strings.Contains(m.log("vivid"), "320×180 at 5 a second") {
		t.Errorf("vivid is set to something else:\n%s", m.log("vivid"))
	}
}

// file is a file that the program wrote, and log its log.
func (m *vm) file(name string) string { return filepath.Join(m.out, name) }
func (m *vm) log(name string) string  { return string(readFile(m.t, m.file(name+".log"))) }

// grows waits until the recording is so many bytes longer than it is.
func (r *recorder) grows(by int64) {
	r.t.Helper()
	from, deadline := size(r.file), time.Now().Add(3*patience)
	for size(r.file) < from+by {
		if time.Now().After(deadline) {
			r.t.Fatalf("%d bytes were recorded, not %d", size(r.file)-from, by)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestV4L2Trouble: whatever happens to a camera is told in its own sentence, once each time, and pictures come again soon
// after it is over.
func TestV4L2Trouble(t *testing.T) {
	folder, long := vmFolder(t)
	if !long {
		t.Skip("the emulated machine is too slow for this beside other tests; PICAM_V4L2_VM may name its folder")
	}
	const again = `msg="the camera gives pictures"`
	type event struct{ begin, says, end string }
	unplugUVC := event{"cam unplug uvc", `Virtual USB.* is gone: plug it in again`, "cam plug uvc"}
	stallUVC := event{"cam stall uvc", "gives no pictures, though it answers", "cam resume uvc"}
	hangUVC := event{"cam hang uvc", "does not answer", "cam resume uvc"}
	trials := []struct {
		camera string
		events []event
	}{
		{"uvc", []event{unplugUVC, stallUVC, hangUVC, unplugUVC}},
		{"loopback", []event{
			{"cam unplug loopback", "is a loopback device that no program writes to", "cam plug loopback"},
			{"cam stall loopback", "gives no pictures, though it answers", "cam resume loopback"},
		}},
		{"vivid", []event{
			{"cam unplug vivid", "vivid .* is gone: plug it in again", "cam plug vivid"},
			{"cam disconnect vivid", "vivid .* is gone: plug it in again", "true"},
		}},
	}
	const soon = 2 * time.Second
	for range 20 {
		trials[0].events = append(trials[0].events, unplugUVC)
	}
	for _, trial := range trials {
		t.Run(trial.camera, func(t *testing.T) {
			r := record(t)
			m := startVM(t, folder, "/picam send --to host:"+r.port+" --source v4l2: --size 640x480 --status never "+
				"--log-level debug --stats-file send.json & echo $! >/run/first.pid; wait; "+
				"until [ -e /run/over ]; do usleep 50000; done", "--devices", trial.camera)
			r.grows(1)
			before := m.resources()
			said := map[string]int{}
			var slowest time.Duration
			for i, e := range trial.events {
				m.do(e.begin)
				said[e.says]++
				m.saysAgain(said[e.says], e.says)
				over := m.at(e.end)
				took := m.saysAgain(i+1, again).Sub(over)
				slowest = max(slowest, took)
				if took > soon {
					t.Errorf("%s: pictures came %v after its end", e.begin, took)
				}
				r.grows(100_000)
				t.Logf("%s: pictures %v after its end", e.begin, took)
			}
			after := m.resources()
			t.Logf("slowest return %v; before %+v, after %+v", slowest, before, after)
			if after.files > before.files || after.threads > before.threads+4 || after.memory > before.memory+20<<20 {
				t.Errorf("something leaks: before %+v, after %+v", before, after)
			}
			for pattern, n := range said {
				if got := len(logTimes(t, m.text(), pattern)); got != n {
					t.Errorf("%q was said %d times, not %d", pattern, got, n)
				}
			}
			if trial.camera == "uvc" {
				takeOver(t, m)
			} else {
				m.do("kill -INT $(cat /run/first.pid)")
			}
			r.ends(0)
			m.do("(usleep 300000; touch /run/over) >/dev/null 2>&1 &") // the machine ends then, and answers no more
			m.ends(0)
			got := pictures(t, readFile(t, r.file))
			account(t, m.text(), m.file("send.json"), len(got))
			if trial.camera != "vivid" {
				clip := pictures(t, readFile(t, filepath.Join(vmCache(), "640x480.mjpeg")))
				arrived(t, got, clip, noDamage()) // not all of them: the clip begins anew with each plug
			}
		})
	}
}

// takeOver starts another sender, which is told who has the camera and gets it when that ends.
func takeOver(t *testing.T, m *vm) {
	t.Helper()
	r := record(t)
	m.do("cd /out; /picam send --to host:" + r.port + " --source v4l2: --size 640x480 --status never --log-level debug 2>second.log &")
	until(t, "it says who has the camera", func() bool {
		return size(m.file("second.log")) > 0 && strings.Contains(m.log("second"), "is in use by picam (process ")
	})
	m.do("kill -INT $(cat /run/first.pid)")
	r.grows(100_000)
	m.do("killall -INT picam")
	r.ends(0)
}

// resources are what the program on the machine has.
type resources struct{ files, threads, memory int }

func (m *vm) resources() resources {
	m.t.Helper()
	var r resources
	text := m.do(`p=$(cat /run/first.pid); ls /proc/$p/fd | wc -l; awk '/^Threads|^VmRSS/ {print $2}' /proc/$p/status`)
	if _, err := fmt.Sscan(text, &r.files, &r.memory, &r.threads); err != nil {
		m.t.Fatalf("%v: %s", err, text)
	}
	r.memory <<= 10
	return r
}

// vmCache is where the machine's build leaves its clips.
func vmCache() string {
	if dir := os.Getenv("V4L2VM_CACHE"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "v4l2-vm")
}

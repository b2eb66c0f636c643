//go:build cgo && linux

package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"math"
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
// (MJPEG that a program writes) and a USB camera in software under uvcvideo. What happens there is recorded by a
// receiver on this computer. The machine is v4l2vm/; its README.md says what it can do.
//
// They are short, and skipped where there is no QEMU, unless PICAM_CAMERAS is set, as make test-cameras does.

// machineFolder is where the machine is run from.
func machineFolder() string { return project("e2e/v4l2vm") }

// cameras makes the machine ready, and says whether there is time for the long form of a trial.
func cameras(t *testing.T) (long bool) {
	t.Helper()
	long = os.Getenv("PICAM_CAMERAS") != ""
	absent := t.Skipf
	if long {
		absent = t.Fatalf
	}
	if runtime.GOARCH != "amd64" {
		absent("the machine with V4L2 cameras is for amd64 only")
	}
	said, status := buildMachine()
	switch status {
	case 0:
	case 3:
		absent("no machine with V4L2 cameras: %s", said)
	default:
		t.Fatalf("the machine with V4L2 cameras cannot be built: %s", said)
	}
	return long
}

// buildMachine builds the machine, if that has not been done, and returns the last that this said, and its exit status.
var buildMachine = sync.OnceValues(func() (said string, status int) {
	cmd := exec.Command(filepath.Join(machineFolder(), "build.sh"))
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		return err.Error(), -1
	}
	return string(bytes.TrimSpace(out[max(0, len(out)-500):])), cmd.ProcessState.ExitCode()
})

// vm is a machine that runs a program, whose output is that of the process.
type vm struct {
	*process
	ctl string // the folder of its control
	out string // the program's folder, here
}

// startVM starts a machine with its options and a script, in which /picam is the static sender.
func startVM(t *testing.T, script string, options ...string) *vm {
	t.Helper()
	begun := time.Now()
	m := &vm{ctl: t.TempDir(), out: t.TempDir()}
	args := []string{filepath.Join(machineFolder(), "run.sh"), "--quiet", "--timeout", "240", "--ctl", m.ctl, "--out", m.out,
		"--file", staticHere(t) + ":/picam"}
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
	for size(filepath.Join(m.ctl, "started")) == 0 || size(filepath.Join(m.ctl, "cmd")) == 0 { // the second is where do works
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
	out, err := exec.Command(filepath.Join(machineFolder(), "ctl.sh"), m.ctl, snippet).CombinedOutput()
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

// account checks that all counts of a trial add up: the camera's, which its source has logged, the sender's in its file
// of statistics, and how many frames were received. It returns how many were dropped, by cause.
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
	sender := readSenderStats(t, senderStats)
	// The end may come when a frame is between the source and the sender, or when some are on their way to the
	// receiver: no more than a second's.
	const onTheWay = 30
	switch between := counts["given"] - sender.Captured; {
	case between < 0 || between > 1:
		t.Errorf("the camera gave %d frames, the sender took %d", counts["given"], sender.Captured)
	case sender.Captured != sender.Sent+sender.Dropped:
		t.Errorf("the sender's account does not add up: %+v", sender)
	case received > sender.Sent || received < sender.Sent-onTheWay:
		t.Errorf("%d were sent, %d were received", sender.Sent, received)
	}
	t.Logf("camera: %s; sender: %+v; received %d", line, sender, received)
	return counts
}

// damage is what a camera of the machine does to its frames.
type damage struct {
	flags string
	// as is what must arrive of a frame of the clip; nil: nothing.
	as func(i int, frame []byte) []byte
}

func noDamage() damage { return damage{"", func(_ int, p []byte) []byte { return p }} }

func bareAndPadded() damage {
	return damage{"-x nodht,pad=64", func(_ int, p []byte) []byte { return mjpeg.AddHuffmanTables(nil, mjpegtest.WithoutDHT(p)) }}
}

// broken breaks some frames of a clip of 60: half of them, junk in their place, nothing at all.
func broken() damage {
	return damage{"-x trunc=4,junk=6,empty=10", func(i int, p []byte) []byte {
		if (i+1)%4 == 0 || (i+1)%6 == 0 || (i+1)%10 == 0 {
			return nil
		}
		return p
	}}
}

// arrived checks frames of a clip that a camera plays round and round, and returns how many of its good ones are
// missing, and how many came twice, one after the other.
func arrived(t *testing.T, got, clip [][]byte, d damage) (missing, twice int) {
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
			t.Errorf("frame %d of %d, of %d bytes, is none of the clip's good ones", i+1, len(got), len(p))
		case n == last:
			twice++
		}
		last, seen[n] = n, true
	}
	return len(wanted) - len(seen), twice
}

// TestV4L2Frames: from each kind of camera exactly the good frames arrive, and all counts add up.
func TestV4L2Frames(t *testing.T) {
	long := cameras(t)
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
	clip := mjpegtest.Frames(60, 320, 240, 80)
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
			if long { // to encode its frames takes the emulated processor most of its time
				vivid = record(t)
				// One raw frame for comparison, without the time in it.
				script = "v4l2-ctl -d0 -c osd_text_mode=2 --set-fmt-video=width=320,height=180,pixelformat=YU12 --stream-mmap " +
					"--stream-count=1 --stream-to=vivid.yuv 2>/dev/null; " +
					script + send("vivid", "0", vivid.port, "--size 320x180 --fps 5")
				recorders = append(recorders, vivid)
			}
			m := startVM(t, script+"wait",
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
				got := jpegsIn(t, readFile(t, c.recorder.file))
				missing, twice := arrived(t, got, clip, c.damage)
				// In a short trial a good frame may be dropped, as late, each time that it comes.
				if missing > 0 && long {
					t.Errorf("%s: %d of the clip's good frames never arrived", c.name, missing)
				}
				if twice > 0 {
					t.Errorf("%s: %d frames arrived twice", c.name, twice)
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

// encoded checks the frames of the camera that gives no JPEG: they are what it draws, but for the loss of JPEG.
func encoded(t *testing.T, m *vm, vivid *recorder) {
	t.Helper()
	got := jpegsIn(t, readFile(t, vivid.file))
	account(t, m.log("vivid"), m.file("vivid.json"), len(got))
	raw := readFile(t, m.file("vivid.yuv"))
	var worst [3]float64
	for i, p := range got {
		img, err := jpeg.Decode(bytes.NewReader(p))
		if err != nil {
			t.Errorf("vivid's frame %d: %v", i+1, err)
			continue
		}
		for plane, d := range planesDiffer(t, img, raw, 320, 180) {
			worst[plane] = max(worst[plane], d)
		}
	}
	t.Logf("vivid: %d frames differ from what it draws by %.2f, %.2f and %.2f of 255 at most, on average", len(got), worst[0],
		worst[1], worst[2])
	if max(worst[0], worst[1], worst[2]) > 3 {
		t.Error("that is too much")
	}
	if !strings.Contains(m.log("vivid"), "320×180 at 5 a second") {
		t.Errorf("vivid is set to something else:\n%s", m.log("vivid"))
	}
}

// planesDiffer returns the mean differences of a frame's Y, Cb and Cr to those of one in YU12, whose black is 16 and
// white 235 (ITU-R BT.601).
func planesDiffer(t *testing.T, img image.Image, raw []byte, w, h int) (mean [3]float64) {
	t.Helper()
	c, ok := img.(*image.YCbCr)
	if !ok || c.Rect != image.Rect(0, 0, w, h) || c.SubsampleRatio != image.YCbCrSubsampleRatio420 || len(raw) != w*h*3/2 {
		t.Fatalf("%T of %v for %d bytes", img, img.Bounds(), len(raw))
	}
	differ := func(got []byte, stride, w, h int, zero, steps float64) float64 {
		sum := 0.0
		for y := range h {
			for x := range w {
				want := (float64(raw[y*w+x])-16)*255/steps + zero
				sum += math.Abs(min(max(want, 0), 255) - float64(got[y*stride+x]))
			}
		}
		raw = raw[w*h:]
		return sum / float64(w*h)
	}
	const chroma = 128 - 112.0*255/224 // where 16 comes to be if 128 stays where it is
	return [3]float64{
		differ(c.Y, c.YStride, w, h, 0, 219), differ(c.Cb, c.CStride, w/2, h/2, chroma, 224),
		differ(c.Cr, c.CStride, w/2, h/2, chroma, 224),
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

// TestV4L2Trouble: whatever happens to a camera is told in its own sentence, once each time, and frames come again soon
// after it is over.
func TestV4L2Trouble(t *testing.T) {
	long := cameras(t)
	const (
		again     = `msg="the camera gives frames"`
		vividGone = "vivid .* is gone: plug it in again"
	)
	type event struct {
		begin, says, end string
		also             string // is said too
	}
	unplugUVC := event{"cam unplug uvc", `Virtual USB.* is gone: plug it in again`, "cam plug uvc", ""}
	feed := func(flags string) string {
		return `cam unplug loopback; echo "FEED_FLAGS='` + flags + `'" >>/job/in/settings; cam plug loopback`
	}
	stallUVC := event{"cam stall uvc", "gives no frames, though it answers", "cam resume uvc", ""}
	hangUVC := event{"cam hang uvc", "does not answer", "cam resume uvc", ""}
	trials := []struct {
		camera string
		events []event
	}{
		{"uvc", []event{unplugUVC, stallUVC, hangUVC, unplugUVC}},
		{"loopback", []event{
			{"cam unplug loopback", "is a loopback device that no program writes to", "cam plug loopback", ""},
			{"cam stall loopback", "gives no frames, though it answers", "cam resume loopback", ""},
			// Another writer takes the place of the first one before that is noticed.
			{feed("-r 30 -x trunc=1"), "gives only broken frames", feed("-r 30"), ""},
		}},
		{"vivid", []event{
			{"cam unplug vivid", vividGone, "cam plug vivid", ""},
			{"cam disconnect vivid", vividGone, "true", ""},
			// What its driver can do to those who read it: an error that only a new start ends, here in taking a frame,
			// ...
			{"v4l2-ctl -d0 -c inject_fatal_streaming_error=1", "vivid .*: input/output error: picam tries again", "true", ""},
			// ... and, after a disconnection, at a start.
			{"v4l2-ctl -d0 -c inject_vidioc_streamon_error=1 -c disconnect=1", "start: invalid argument: picam tries again", "true", vividGone},
		}},
	}
	const soon = 2 * time.Second
	if long {
		for range 20 {
			trials[0].events = append(trials[0].events, unplugUVC)
		}
	} else {
		trials = trials[1:] // emulated USB has been seen to take half a minute to tell of an unplugged camera
		for i := range trials {
			trials[i].events = trials[i].events[:1]
		}
	}
	for _, trial := range trials {
		t.Run(trial.camera, func(t *testing.T) {
			r := record(t)
			m := startVM(t, "/picam send --to host:"+r.port+" --source v4l2: --size 640x480 --status never "+
				"--log-level debug --stats-file send.json & echo $! >/run/first.pid; wait; "+
				"until [ -e /run/over ]; do usleep 50000; done", "--devices", trial.camera)
			r.grows(1)
			before := m.resources()
			said := map[string]int{}
			var slowest time.Duration
			for i, e := range trial.events {
				m.do(e.begin)
				said[e.says]++
				if e.also != "" {
					said[e.also]++
				}
				m.saysAgain(said[e.says], e.says)
				over := m.at(e.end)
				took := m.saysAgain(i+1, again).Sub(over)
				slowest = max(slowest, took)
				if took > soon && long { // beside other tests the emulated machine has little of the processor
					t.Errorf("%s: frames came %v after its end", e.begin, took)
				}
				r.grows(100_000)
				t.Logf("%s: frames %v after its end", e.begin, took)
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
			if trial.camera == "uvc" && long {
				takeOver(t, m)
			} else {
				m.do("kill -INT $(cat /run/first.pid)")
			}
			r.ends(0)
			m.do("(usleep 300000; touch /run/over) >/dev/null 2>&1 &") // the machine ends then, and answers no more
			m.ends(0)
			got := jpegsIn(t, readFile(t, r.file))
			account(t, m.text(), m.file("send.json"), len(got))
			if trial.camera != "vivid" {
				clip := jpegsIn(t, readFile(t, filepath.Join(machineCache(), "640x480.mjpeg")))
				// Some may be missing, or come twice: the clip begins anew with each plug.
				arrived(t, got, clip, noDamage())
			}
		})
	}
}

// TestV4L2Controls: cameras are listed with what they have, and their controls are set by the names that they have.
func TestV4L2Controls(t *testing.T) {
	cameras(t)
	_, addr := recvProcess(t)
	m := startVM(t, "until [ -e /run/over ]; do usleep 50000; done", "--devices", "vivid,uvc")

	// Beside other tests the emulated cameras take longer to answer than a real one may.
	until(t, "both cameras answer", func() bool {
		var list []struct{ Driver, Trouble string }
		if err := json.Unmarshal([]byte(m.do("/picam devices --json")), &list); err != nil {
			t.Fatal(err)
		}
		if len(list) != 2 { // another node has metadata
			t.Fatalf("cameras: %+v", list)
		}
		return list[0].Driver == "vivid" && list[1].Driver == "uvcvideo" && list[0].Trouble+list[1].Trouble == ""
	})
	text := m.do("/picam devices")
	for _, want := range []string{
		"--source v4l2:/dev/video0", "YU12 encoded", "--control contrast=128 of 0 to 255", // vivid
		"--source v4l2:/dev/video1", "MJPG as it is", "1280x720", "30, 25, 15, 10, 5 a second", "--control brightness=0 of -64 to 64",
		"--control auto_exposure=3 of 1 (Manual Mode), 3 (Aperture Priority Mode)",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("picam devices does not say %q", want)
		}
	}

	for _, tt := range []struct{ node, control, want string }{
		{"0", "contrast=256", "control contrast=256: it takes 0 to 255"},
		{"0", "contrst=1", "control contrst: this camera has none of that name; it has brightness 0 to 255; contrast 0 to 255"},
		{"1", "exposure_auto=2", "control exposure_auto=2: it takes 1 (Manual Mode), 3 (Aperture Priority Mode)"},
		{"1", "zoom=1", "control zoom: this camera has none of that name; it has brightness -64 to 64"},
	} {
		// Its status is none of the snippet's, with which do would end the test.
		said := m.do("/picam send --to host:1 --source v4l2:" + tt.node + " --control " + tt.control + " 2>&1; echo status $?")
		if !strings.Contains(said, tt.want) || !strings.Contains(said, "status 1") {
			t.Errorf("--control %s: %s", tt.control, said)
		}
	}

	send := func(node, controls string) string {
		return fmt.Sprintf("/picam send --to host:%s --source v4l2:%s --name n%[2]s --size 320x180 --control %s --status never "+
			"2>/out/n%[2]s.log & echo $! >>/run/senders; ", addr[strings.LastIndex(addr, ":")+1:], node, controls)
	}
	m.do(send("0", "brightness=128,contrast=77") + send("1", "brightness=20,exposure_auto=1,exposure_time_absolute=200"))
	for _, node := range []string{"0", "1"} {
		until(t, "a camera is opened", func() bool {
			return size(m.file("n"+node+".log")) > 0 && strings.Contains(m.log("n"+node), "camera opened")
		})
	}
	got := m.do("v4l2-ctl -d0 -C brightness,contrast; v4l2-ctl -d1 -C brightness,auto_exposure,exposure_time_absolute")
	const want = "brightness: 128\ncontrast: 77\nbrightness: 20\nauto_exposure: 1 (Manual Mode)\nexposure_time_absolute: 200\n"
	if got != want {
		t.Errorf("v4l2-ctl says %q", got)
	}
	if text := m.do("/picam devices"); strings.Count(text, "in use by picam (process ") != 2 {
		t.Errorf("picam devices does not say who has the cameras:\n%s", text)
	}
	m.do("kill -INT $(cat /run/senders); (usleep 500000; touch /run/over) >/dev/null 2>&1 &")
	m.ends(0)
}

// starve runs a program for which each start of a camera (VIDIOC_STREAMON) fails as the kernel lets it where a USB bus
// is full. The machine's virtual USB controller has no limit to reach.
const starve = `
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/videodev2.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, VIDIOC_STREAMON, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSPC),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { sizeof f / sizeof *f, f };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p))
		return 125;
	execv(argv[1], argv + 1);
	return 126;
}
`

// TestV4L2FullBus: sender and receiver say that the USB bus is full, and what to do.
func TestV4L2FullBus(t *testing.T) {
	cameras(t)
	program := filepath.Join(t.TempDir(), "starve")
	if out, err := exec.Command("gcc", "-static", "-Wall", "-o", program, writeFile(t, "starve.c", starve)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p, addr := recvProcess(t)
	m := startVM(t, "/starve /picam send --to host:"+addr[strings.LastIndex(addr, ":")+1:]+" --source v4l2: --status never",
		"--devices", "uvc", "--file", program+":/starve")
	const sentence = `Virtual USB \(/dev/video0\): there is no room for MJPG 1280×720 at 30 a second on its USB bus: ask for a smaller ` +
		`--size or --fps, or plug it in where no other camera is; picam tries again`
	m.says(sentence)
	p.says("no signal.*" + sentence)
	m.do("(usleep 300000; killall -INT picam) >/dev/null 2>&1 &")
	m.ends(0)
}

// TestV4L2Lasts: after many unplug rounds, and after some time at 30 frames a second, the sender has no more than
// before. PICAM_V4L2_ROUNDS (20) and PICAM_V4L2_MINUTES (1) say how many. What it had on the way is logged.
func TestV4L2Lasts(t *testing.T) {
	if !cameras(t) {
		t.Skip("it takes minutes: make test-cameras")
	}
	number := func(name string, usual int) int {
		n, err := strconv.Atoi(cmp.Or(os.Getenv(name), strconv.Itoa(usual)))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	rounds, minutes := number("PICAM_V4L2_ROUNDS", 20), number("PICAM_V4L2_MINUTES", 1)
	// A sample is: seconds, files, then of /proc/PID/status VmRSS, RssAnon and Threads.
	const functions = `sample() { echo $(cut -d' ' -f1 /proc/uptime) $(ls /proc/$p/fd | wc -l) ` +
		`$(awk '/^VmRSS|^RssAnon|^Threads/ {print $2}' /proc/$p/status) >>/out/$1.samples; }
		says() { until [ "$(grep -c "$3" /out/$1.log)" -ge $2 ]; do usleep 30000; done 2>/dev/null; }
		begin() { /picam send --to host:$2 --source v4l2: --size $3 --status never 2>/out/$1.log & p=$!; says $1 1 "camera opened"; }
		end() { kill -QUIT $p; wait $p; }
		rounds() { sleep 3; sample $1; i=1; while [ $i -le $2 ]; do
			cam unplug uvc >/dev/null 2>&1; says $1 $i "is gone"
			cam plug uvc >/dev/null 2>&1; says $1 $i "the camera gives frames"; usleep 300000; sample $1
			i=$((i + 1)); done; sleep 3; sample $1; }
		minutes() { i=0; while [ $i -le $(($2 * 6)) ]; do sleep 10; sample $1; i=$((i + 1)); done; }
		`
	_, addr := recvProcess(t)
	limit := 120 + 5*rounds + 80*minutes
	m := startVM(t, functions+fmt.Sprintf("begin few %[1]s 640x480; rounds few 2; end; "+
		"begin many %[1]s 640x480; rounds many %[2]d; end; begin time %[1]s 1280x720; minutes time %[3]d; end; true",
		addr[strings.LastIndex(addr, ":")+1:], rounds, minutes), "--devices", "uvc", "--timeout", strconv.Itoa(limit))
	select {
	case <-m.done:
	case <-time.After(time.Duration(limit) * time.Second):
	}
	m.ends(0)
	few := m.after("few")
	for _, name := range []string{"many", "time"} {
		all := m.samples(name)
		first, half, last := all[0], all[len(all)/2], all[len(all)-1]
		t.Logf("%s: %d samples; %+v, halfway %+v, at the end %+v", name, len(all), first, half, last)
		// Go collects garbage when there are 4 MB, which takes some dozens of rounds.
		const collected, later = 8 << 20, 1 << 20
		if last.files != first.files || last.threads > first.threads+2 || last.memory > first.memory+collected ||
			len(all) > 100 && last.memory > half.memory+later {
			t.Errorf("%s: something leaks", name)
		}
		if got := m.after(name); got != few {
			t.Errorf("%s: %d goroutines, not %d", name, got, few)
		}
	}
}

// samples are the resources that a sender had, one after another.
func (m *vm) samples(name string) (list []resources) {
	m.t.Helper()
	for line := range strings.Lines(string(readFile(m.t, m.file(name+".samples")))) {
		var r resources
		var seconds float64
		var all int // with the program's own pages, and the camera's buffers
		if _, err := fmt.Sscan(line, &seconds, &r.files, &all, &r.memory, &r.threads); err != nil {
			m.t.Fatalf("%q: %v", line, err)
		}
		r.memory <<= 10
		list = append(list, r)
	}
	return list
}

// after is how many goroutines of the program's own a sender had when it was ended by SIGQUIT.
func (m *vm) after(name string) (goroutines int) {
	m.t.Helper()
	for _, by := range regexp.MustCompile(`(?m)^created by (\S+)`).FindAllStringSubmatch(m.log(name), -1) {
		if !strings.HasPrefix(by[1], "runtime.") {
			goroutines++
		}
	}
	if goroutines == 0 {
		m.t.Errorf("%s has left no list of goroutines", name)
	}
	return goroutines
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

// resources are what the program on the machine has; files but for those in /out, such as that of its statistics, which
// is written each second.
type resources struct{ files, threads, memory int }

func (m *vm) resources() resources {
	m.t.Helper()
	var r resources
	text := m.do(`p=$(cat /run/first.pid); ls -l /proc/$p/fd | grep -vc /out/; awk '/^Threads|^VmRSS/ {print $2}' /proc/$p/status`)
	if _, err := fmt.Sscan(text, &r.files, &r.memory, &r.threads); err != nil {
		m.t.Fatalf("%v: %s", err, text)
	}
	r.memory <<= 10
	return r
}

// machineCache is where the machine's build leaves its clips.
func machineCache() string {
	if dir := os.Getenv("V4L2VM_CACHE"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "picam-v4l2vm")
}

package capture

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// absent is a node that no computer has.
const absent = "/dev/video4321"

func TestV4L2OpenErrors(t *testing.T) {
	for _, tt := range []struct {
		spec    string
		options Options
		want    string
	}{
		{"v4l2:video0", Options{}, `camera "video0": want its node, such as v4l2:/dev/video0`},
		{"v4l2:-1", Options{}, `camera "-1": want its node`},
		{"v4l2:/dev/null", Options{}, "v4l2: /dev/null is no camera; picam devices lists those that there are"},
		{"v4l2:/proc", Options{}, "v4l2: /proc is no camera"},
		{"v4l2:" + absent, Options{Controls: "brightness"}, `control "brightness": want NAME=NUMBER`},
		{"v4l2:" + absent, Options{Controls: "a=1,=2"}, `control "=2": want NAME=NUMBER`},
		{"v4l2:" + absent, Options{Controls: "a=low"}, `control "a=low": want NAME=NUMBER`},
	} {
		t.Run(tt.spec+" "+tt.options.Controls, func(t *testing.T) {
			s, err := Open(t.Context(), tt.spec, tt.options)
			if err == nil {
				s.Close()
				t.Fatal("no error")
			}
			if !strings.HasPrefix(err.Error(), "capture: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want %q", err, tt.want)
			}
		})
	}
}

// TestV4L2Waits: a camera that is not there yet is told of once, and waited for.
func TestV4L2Waits(t *testing.T) {
	link := filepath.Join(t.TempDir(), "usb-camera-video-index0")
	for _, tt := range []struct{ spec, want string }{
		{"v4l2:4321", "there is no camera at " + absent +
			": plug it in, or take one that picam devices lists; picam waits for it"},
		{"v4l2:" + link, "there is no camera at " + link},
	} {
		text, log := newLog()
		s := open(t, tt.spec, Options{Log: log})
		waitFor(t, "some tries", func() bool { return strings.Contains(text.String(), tt.want) })
		if got := s.(Troubled).Trouble(); !strings.HasPrefix(got, tt.want) {
			t.Errorf("trouble %q", got)
		}
		time.Sleep(2 * troubleMissing.pause()) // sleep: for a second line, which must not come
		if n := strings.Count(text.String(), "\n"); n != 1 {
			t.Errorf("%d lines: %s", n, text)
		}
		ended := make(chan error, 1)
		go func() {
			_, err := s.Next()
			ended <- err
		}()
		s.Close()
		if err := <-ended; err != os.ErrClosed {
			t.Errorf("Next returned %v after Close", err)
		}
		if got := s.(Counted).Counts(); got != (Counts{}) {
			t.Errorf("counts %+v", got)
		}
	}
}

// TestV4L2Fails: what turns out to be no camera, when it comes at last, ends Next.
func TestV4L2Fails(t *testing.T) {
	link := filepath.Join(t.TempDir(), "camera")
	s := open(t, "v4l2:"+link, Options{})
	if err := os.Symlink("/dev/null", link); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.Next(); err == nil || !strings.Contains(err.Error(), "capture: v4l2: /dev/null is no camera") {
			t.Errorf("got %v", err)
		}
	}
}

func TestCaptureTime(t *testing.T) {
	now := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	const up = 1000 * time.Second // since the start of the computer
	for _, tt := range []struct {
		name  string
		flags uint32
		up    time.Duration
		at    time.Duration // the buffer's time
		want  time.Duration // before now
	}{
		{"a moment ago", bufFlagMonotonicClock, up, up - 33*time.Millisecond, 33 * time.Millisecond},
		{"start of exposure", bufFlagMonotonicClock | 0x10000, up, up - time.Second, time.Second},
		{"among other flags", bufFlagMonotonicClock | 0x5, up, up - time.Second, time.Second},
		{"the clock is not known", 0, up, up - time.Second, 0},
		{"copied from elsewhere", 0x4000, up, up - time.Second, 0},
		{"in the future", bufFlagMonotonicClock, up, up + time.Millisecond, 0},
		{"long ago", bufFlagMonotonicClock, up, up - time.Minute, 0},
		{"by the calendar", bufFlagMonotonicClock, up, 1.7e9 * time.Second, 0},
		{"none", bufFlagMonotonicClock, up, 0, 0},
		{"none, on a computer that has just started", bufFlagMonotonicClock, 5 * time.Second, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := videoBuffer{flags: tt.flags, timestamp: unix.NsecToTimeval(int64(tt.at))}
			if got := now.Sub(captureTime(&b, now, tt.up)); got != tt.want {
				t.Errorf("%v before now, want %v", got, tt.want)
			}
		})
	}
	if up := sinceStart(); up <= 0 {
		t.Errorf("the computer started %v ago", up)
	}
}

func TestTrouble(t *testing.T) {
	const node, name = "/dev/video3", "HD Webcam"
	m := mode{"MJPG", 1280, 720, 30}
	wrap := func(err error) error { return fmt.Errorf("start: %w", err) }
	for _, tt := range []struct {
		err  error
		name string
		kind troubleKind
		want string
	}{
		{wrap(unix.ENODEV), name, troubleUnplugged,
			"HD Webcam (/dev/video3) is gone: plug it in again; picam waits for it"},
		{errNoCamera, name, troubleUnplugged, "is gone"},
		{unix.ENOENT, name, troubleUnplugged, "is gone"},
		{wrap(unix.ESHUTDOWN), name, troubleUnplugged, "is gone"},
		{wrap(unix.EBUSY), name, troubleBusy, "is in use by another program: end that, or take another camera"},
		{wrap(unix.ENOSPC), name, troubleNoBandwidth,
			"there is no room for MJPG 1280×720 at 30 a second on its USB bus: ask for " +
				"a smaller --size or --fps"},
		{unix.EACCES, "", troubleDenied, "/dev/video3 may not be opened by this user: sudo usermod -aG video $USER"},
		{unix.ENOTTY, "", troubleUnusable, "/dev/video3 is no camera"},
		{wrap(unix.ENOLINK), name, troubleUnusable, "is a part of a camera that libcamera puts together"},
		{wrap(unix.ETIMEDOUT), name, troubleHung, "does not answer"},
		{errStalled, name, troubleStalled, "gives no frames, though it answers"},
		{errBroken, name, troubleBroken, "gives only broken frames, which picam drops: look at its cable"},
		{errNotFed, name, troubleNotFed, "a loopback device that no program writes to"},
		{unusableError("its formats are H264"), name, troubleUnusable,
			"HD Webcam (/dev/video3): its formats are H264; picam devices"},
		{wrap(unix.EIO), name, troubleOther, "HD Webcam (/dev/video3): start: input/output error: picam tries again"},
	} {
		t.Run(tt.err.Error(), func(t *testing.T) {
			got := newTrouble(tt.err, node, tt.name, m)
			if got.kind != tt.kind || !strings.Contains(got.Error(), tt.want) {
				t.Errorf("kind %d, %q; want %d, %q", got.kind, got.Error(), tt.kind, tt.want)
			}
			short := once(got.troubleError).Error()
			if regexp.MustCompile(`picam (waits|tries|keeps)`).MatchString(short) {
				t.Errorf("who does not try again says %q", short)
			}
		})
	}
}

// TestUsable: nodes that look like cameras and are none for picam.
func TestUsable(t *testing.T) {
	webcam := webcam()
	for _, tt := range []struct {
		name    string
		camera  camera
		formats []DeviceFormat
		want    string // the error
		part    bool
	}{
		{"a camera", camera{caps: capVideoCapture | capStreaming}, webcam, "", false},
		{"the capture side of a loopback device", camera{driver: loopbackDriver, caps: capVideoCapture | capStreaming},
			webcam, "", false},
		{"the other side", camera{driver: loopbackDriver, caps: capStreaming}, nil, errNotFed.Error(), false},
		{"metadata", camera{caps: capStreaming | 0x0080_0000}, nil, "no frames come from this node", false},
		{"a codec", camera{caps: capStreaming | 0x0000_4000, driver: "bcm2835-codec"}, nil,
			"no frames come from this node", false},
		{"frames in parts", camera{caps: capStreaming | capVideoCaptureMplane}, nil, "multi-planar", false},
		{"without mapped memory", camera{caps: capVideoCapture}, webcam, "no frames come from this node", false},
		{"nothing that can be used", camera{caps: capVideoCapture | capStreaming}, only("H264", webcam),
			"its formats are H264", false},
		{"of a Raspberry Pi's camera", camera{caps: capVideoCapture | capStreaming, driver: "unicam"},
			webcam, "", true},
		{"of another board's", camera{caps: capVideoCapture | capStreaming | capMediaController, driver: "sun6i-csi"},
			webcam, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.camera.usable(tt.formats, Options{})
			if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if got := tt.camera.isPart(); got != tt.part {
				t.Errorf("a part: %v", got)
			}
		})
	}
}

// TestUsers: the sentence about a camera in use names who has it.
func TestUsers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "camera")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := users(path); len(got) != 0 {
		t.Errorf("itself: %q", got)
	}
	holder := holdOpen(t, f)
	waitFor(t, "it is seen", func() bool { return len(users(path)) > 0 })
	want := fmt.Sprintf("sleep (process %d)", holder)
	if got := newTrouble(unix.EBUSY, path, "", mode{}).text; !strings.Contains(got, "is in use by "+want) {
		t.Errorf("%q does not name %s", got, want)
	}
}

// sysFolder makes a /dev and a /sys/class/video4linux of the places.
func sysFolder(t *testing.T, list []identity) (dev, class string) {
	t.Helper()
	dir := t.TempDir()
	dev, class = filepath.Join(dir, "dev"), filepath.Join(dir, "class")
	write := func(path, text string) {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range list {
		node := filepath.Base(p.node)
		write(filepath.Join(dev, node), "")
		write(filepath.Join(class, node, "name"), p.name+"\n")
		write(filepath.Join(class, node, "index"), p.index+"\n")
		if p.device != "" {
			device := filepath.Join(dir, p.device)
			if err := os.MkdirAll(device, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(device, filepath.Join(class, node, "device")); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(filepath.Join(dev, "video"), "")
	write(filepath.Join(dev, "video-front"), "")
	write(filepath.Join(dev, "vbi0"), "")
	return dev, class
}

func TestPlaces(t *testing.T) {
	want := []identity{
		{"video0", "UVC Camera", "usb1/1-1:1.0", "0"},
		{"video1", "UVC Camera", "usb1/1-1:1.0", "1"},
		{"video2", "loopback", "", "0"},
		{"video10", "codec", "platform/codec", "0"},
	}
	dev, class := sysFolder(t, want)
	for i, p := range want {
		want[i].node = filepath.Join(dev, p.node)
		if p.device != "" {
			want[i].device = filepath.Join(filepath.Dir(dev), p.device)
		}
	}
	if got := identities(dev, class); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for i, p := range want {
		want[i] = identity{node: p.node}
	}
	if got := identities(dev, filepath.Join(class, "none")); !reflect.DeepEqual(got, want) {
		t.Errorf("without /sys: got %q, want %q", got, want)
	}
}

func TestReunite(t *testing.T) {
	at := func(node, name, device, index string) identity {
		return identity{"/dev/video" + node, name, device, index}
	}
	known := at("0", "cam", "usb1", "0")
	other, metadata := at("2", "cam", "usb2", "0"), at("1", "cam", "usb1", "1")
	for _, tt := range []struct {
		name        string
		known       identity
		now, others []identity
		anyName     bool
		want        string // the node's number
	}{
		{"it has not gone", known, []identity{other, known}, nil, false, "0"},
		{"it has another node", known, []identity{other, at("5", "cam", "usb1", "0")}, nil, false, "5"},
		{"another camera has its node", known, []identity{at("0", "cam", "usb2", "0")}, []identity{other}, false, ""},
		{"its metadata is no camera", known, []identity{metadata}, []identity{}, true, ""},
		{"it has just gone", known, []identity{other}, nil, true, ""},
		{"the others are not it", known, []identity{other}, []identity{other}, true, ""},
		{"in another port", known, []identity{other, at("3", "cam", "usb3", "0")}, []identity{other}, false, "3"},
		{"one of another name came", known, []identity{other, at("3", "new", "usb3", "0")},
			[]identity{other}, false, ""},
		{"one of another name will do", known, []identity{other, at("3", "new", "usb3", "0")},
			[]identity{other}, true, "3"},
		{"where it was before one that came", known,
			[]identity{at("0", "cam", "usb3", "0"), at("4", "cam", "usb1", "0")}, []identity{}, true, "4"},
		{"a virtual one by its node", at("7", "loop", "", "0"),
			[]identity{at("6", "loop", "", "0"), at("7", "loop", "", "0")}, nil, false, "7"},
		{"no other virtual one", at("7", "loop", "", "0"), []identity{at("6", "loop", "", "0")},
			[]identity{at("6", "loop", "", "0")}, false, ""},
		{"without /sys", identity{node: "/dev/video7"}, []identity{{node: "/dev/video7"}}, nil, false, "7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := reunite(tt.known, tt.now, tt.others, tt.anyName)
			if ok != (tt.want != "") || ok && got != "/dev/video"+tt.want {
				t.Errorf("got %q, %v; want %q", got, ok, tt.want)
			}
		})
	}
}

func TestNodeNumber(t *testing.T) {
	for path, want := range map[string]int{
		"/dev/video0": 0, "/dev/video12": 12, "/dev/video": -1, "/dev/video-front": -1, "/dev/camera1": -1, "": -1,
		"/dev/v4l/by-id/usb-046d_C270-video-index0": -1,
	} {
		if got := nodeNumber(path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}

// TestDevices: what there is can be listed, and a context that has ended does not hang it.
func TestDevices(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("over"))
	for _, ctx := range []context.Context{t.Context(), ctx} {
		list := Devices(ctx)
		if list == nil {
			t.Error("nil")
		}
		for _, d := range list {
			if !strings.HasPrefix(d.Source, "v4l2:/dev/") || !strings.HasPrefix(d.Path, "/dev/video") ||
				d.Users == nil {
				t.Errorf("%+v", d)
			}
		}
	}
}

// holdOpen starts a program that has f open, and returns its number.
func holdOpen(t *testing.T, f *os.File) (process int) {
	t.Helper()
	cmd := exec.Command("sleep", "60")
	cmd.ExtraFiles = []*os.File{f}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd.Process.Pid
}

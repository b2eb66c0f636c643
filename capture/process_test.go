package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"picam/mjpeg/mjpegtest"
)

// logBuffer is a log that the test may read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func newLog() (*logBuffer, *slog.Logger) {
	l := &logBuffer{}
	return l, slog.New(slog.NewTextHandler(l, nil))
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

// waitFor waits until a condition holds.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still not: %s", what)
		}
	}
}

func TestRpicam(t *testing.T) {
	for _, tt := range []struct {
		program, spec string
		options       Options
		want          string
	}{
		{"rpicam-vid", "rpicam", Options{}, "-t 0 -n --codec mjpeg --flush -o -"},
		{"libcamera-vid", "rpicam", Options{}, "-t 0 -n --codec mjpeg --flush -o -"},
		{"rpicam-vid", "rpicam:1", Options{Width: 640, Height: 480, FPS: 12.5, Quality: 70},
			"-t 0 -n --codec mjpeg --flush -o - --camera 1 --width 640 --height 480 --quality 70 --framerate 12.5"},
		{"rpicam-vid", "rpicam:0", Options{Rpicam: Rpicam{HFlip: true, VFlip: true, Rotation: 180,
			Args: []string{"--exposure", "sport", "--roi=0,0,1,1"}}},
			"-t 0 -n --codec mjpeg --flush -o - --camera 0 --hflip --vflip --rotation 180 --exposure sport " +
				"--roi=0,0,1,1"},
		{"rpicam-vid", "auto", Options{}, "-t 0 -n --codec mjpeg --flush -o -"},
	} {
		t.Run(tt.program+" "+tt.spec, func(t *testing.T) {
			journal := installFake(t, tt.program, "run")
			s := open(t, tt.spec, tt.options)
			want := mjpegtest.Frames(8, 64, 48, 80)
			for i := range 10 {
				f, err := s.Next()
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(f.JPEG, want[i%8]) || f.Seq != uint64(i+1) || f.Captured != f.Received ||
					f.Captured.IsZero() {
					t.Fatalf("frame %d: %d bytes, seq %d, captured %v, received %v", i+1, len(f.JPEG), f.Seq,
						f.Captured, f.Received)
				}
			}
			start := time.Now()
			s.Close()
			if took := time.Since(start); took > stopTime {
				t.Errorf("Close took %v", took)
			}
			if got := read(t, journal); got != "start "+tt.want+"\nstopped\n" {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRpicamErrors(t *testing.T) {
	t.Run("no program", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		_, err := Open(t.Context(), "rpicam", Options{})
		if err == nil || !strings.Contains(err.Error(), "not found: on a Raspberry Pi 'sudo apt install rpicam-apps'") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no program for this computer", func(t *testing.T) {
		installFake(t, "rpicam-vid", "run")
		path, err := exec.LookPath("rpicam-vid")
		if err != nil {
			t.Fatal(err)
		}
		os.Remove(path)
		if err := os.WriteFile(path, []byte("\x7fELF?"), 0o700); err != nil {
			t.Fatal(err)
		}
		_, err = Open(t.Context(), "rpicam", Options{})
		if err == nil || !strings.Contains(err.Error(), "exec format error") {
			t.Errorf("got %v", err)
		}
	})
}

// TestRpicamExplains: what rpicam-vid says becomes a sentence that says what to do, in the log and for receivers. What
// will never work ends the source.
func TestRpicamExplains(t *testing.T) {
	for _, tt := range []struct {
		says, want string
		hopeless   bool
	}{
		{"ERROR: the system appears to be configured for the legacy camera stack",
			"switch Legacy Camera off in sudo raspi-config", true},
		{"ERROR: *** no cameras available ***", "push its ribbon cable in anew at both ends", false},
		{"ERROR: *** selected camera is not available ***", "there is no camera of this number: picam devices", true},
		{"Pipeline handler in use by another process\nERROR: *** failed to acquire camera /base/x ***",
			"in use by another program", false},
		{"ERROR: *** unrecognised option '--flash' ***", "does not know an option: see --rpicam-arg", true},
		{"WARN The sensor kernel driver needs to be fixed\nERROR: *** failed to start camera ***",
			"older than its camera programs", false},
		{"dmaHeap allocation failure for rpicam-apps2\nERROR: *** failed to allocate capture buffers for stream ***",
			"not enough memory", false},
		{"ERROR: Device timeout detected, attempting a restart!!!", "has stopped to answer", false},
		{"rpicam-vid: symbol lookup error: undefined symbol", "sudo apt install --reinstall rpicam-apps", false},
		{"something new", "rpicam-vid: exit status 255", false},
	} {
		t.Run(tt.want, func(t *testing.T) {
			installFake(t, "rpicam-vid", "says run")
			t.Setenv("FAKE_SAYS", tt.says)
			text, log := newLog()
			s := open(t, "rpicam", Options{Log: log})
			type result struct{ err error }
			next := make(chan result, 1)
			go func() {
				_, err := s.Next()
				next <- result{err}
			}()
			if !tt.hopeless {
				waitFor(t, "trouble", func() bool { return s.(Troubled).Trouble() != "" })
				if got := s.(Troubled).Trouble(); !strings.Contains(got, tt.want) {
					t.Errorf("trouble %q, want %q", got, tt.want)
				}
			}
			got := <-next
			if tt.hopeless {
				if got.err == nil || !strings.Contains(got.err.Error(), tt.want) ||
					!strings.Contains(got.err.Error(), "exit status 255") {
					t.Errorf("got %v", got.err)
				}
				return
			}
			if got.err != nil || s.(Troubled).Trouble() != "" || !strings.Contains(text.String(), tt.want) {
				t.Errorf("error %v, trouble %q, log %s", got.err, s.(Troubled).Trouble(), text)
			}
		})
	}
}

func TestIsPi5(t *testing.T) {
	for model, want := range map[string]bool{
		"Raspberry Pi 5 Model B Rev 1.0\x00": true, "Raspberry Pi 500 Rev 1.0\x00": true,
		"Raspberry Pi Compute Module 5 Rev 1.0": true,
		"Raspberry Pi 4 Model B Rev 1.5\x00":    false, "Raspberry Pi Zero 2 W Rev 1.0": false, "": false,
	} {
		path := filepath.Join(t.TempDir(), "model")
		if err := os.WriteFile(path, []byte(model), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := isPi5(path); got != want {
			t.Errorf("%q: %v", model, got)
		}
	}
	if isPi5(filepath.Join(t.TempDir(), "none")) {
		t.Error("a computer without a model")
	}
}

// Without a camera, auto waits for one, and says of both kinds why there is none. Its stream, for probe, does not wait.
func TestAutoWithoutCamera(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has V4L2")
	}
	for _, tt := range []struct{ behaviour, want string }{
		{"", "rpicam-vid not found"},
		{"nocamera", "rpicam-vid --list-cameras: No cameras available!"},
		{"broken", "rpicam-vid --list-cameras: exit status 127: error while loading"},
	} {
		t.Run(tt.behaviour, func(t *testing.T) {
			t.Setenv("PATH", t.TempDir())
			if tt.behaviour != "" {
				installFake(t, "rpicam-vid", tt.behaviour)
			}
			text, log := newLog()
			s, err := Open(t.Context(), "auto", Options{Log: log})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			const waits = "there is no camera: plug one in; picam waits for it"
			if got := s.(Troubled).Trouble(); got != waits {
				t.Errorf("the trouble is %q", got)
			}
			for _, want := range []string{"--source pattern", tt.want, waits} {
				if !strings.Contains(text.String(), want) {
					t.Errorf("the log lacks %q:\n%s", want, text)
				}
			}
			_, err = OpenStream(t.Context(), "auto", Options{})
			if err == nil {
				t.Fatal("a stream without a camera")
			}
			for _, want := range []string{"auto: no camera found: rpicam (", tt.want, "v4l2 (",
				"try picam use --source pattern"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not contain %q", err, want)
				}
			}
		})
	}
}

// TestProcessIsStartedAgain: whatever a program dies of, frames come again, numbered on, and the log says what it
// was.
func TestProcessIsStartedAgain(t *testing.T) {
	for _, tt := range []struct {
		behaviour string
		first     int    // frames before it fails
		want      string // in the log
	}{
		{"give=3 run", 3, "rpicam-vid: exit status 7: [0:01:02.123] [1234]  INFO Camera camera_manager.cpp:297 " +
			"libcamera v0.2.0; ERROR: *** the camera fell off ***"},
		{"nocamera run", 0, "libcamera v0.2.0; ERROR: *** no cameras available ***"},
		{"text run", 0, "exit status 0, no frame in the 11 bytes that it wrote: "},
		{"closed run", 0, "exit status 5: "},
		{"silent run", 1, "no frame for 1s: "},
	} {
		t.Run(tt.behaviour, func(t *testing.T) {
			journal := installFake(t, "rpicam-vid", tt.behaviour)
			path, err := exec.LookPath("rpicam-vid")
			if err != nil {
				t.Fatal(err)
			}
			text, log := newLog()
			s, err := openProcess(t.Context(), program{argv: []string{path}, silence: time.Second}, Options{Log: log})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for i := range tt.first + 3 {
				f, err := s.Next()
				if err != nil {
					t.Fatal(err)
				}
				if f.Seq != uint64(i+1) {
					t.Errorf("frame %d has Seq %d", i+1, f.Seq)
				}
			}
			for _, want := range []string{tt.want, "picam starts it again", "the camera gives frames"} {
				if !strings.Contains(text.String(), want) {
					t.Errorf("log does not contain %q: %s", want, text)
				}
			}
			if n := strings.Count(read(t, journal), "start "); n != 2 {
				t.Errorf("%d starts", n)
			}
		})
	}
}

// TestProcessTellsOnce: a program that fails again and again costs a line for each trouble, not one for each start.
func TestProcessTellsOnce(t *testing.T) {
	journal := installFake(t, "rpicam-vid", "varies varies text varies text run")
	path, err := exec.LookPath("rpicam-vid")
	if err != nil {
		t.Fatal(err)
	}
	text, log := newLog()
	s, err := openProcess(t.Context(), program{argv: []string{path}}, Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.retry.InitialInterval, s.retry.MaxInterval = time.Millisecond, time.Millisecond
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(read(t, journal), "start "); n != 6 {
		t.Errorf("%d starts", n)
	}
	if n := strings.Count(text.String(), "level=WARN"); n != 2 || strings.Count(text.String(), "gives frames") != 1 {
		t.Errorf("%d troubles told: %s", n, text)
	}
}

// TestProcessThatCannotBeStartedAgain: a program that is gone is waited for too.
func TestProcessThatCannotBeStartedAgain(t *testing.T) {
	installFake(t, "rpicam-vid", "give=1 run")
	path, err := exec.LookPath("rpicam-vid")
	if err != nil {
		t.Fatal(err)
	}
	text, log := newLog()
	s := open(t, "rpicam", Options{Log: log})
	if err := os.Rename(path, path+".gone"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	next := make(chan error, 1)
	go func() {
		_, err := s.Next()
		next <- err
	}()
	waitFor(t, "it is missed", func() bool { return strings.Contains(text.String(), "no such file") })
	if err := os.Rename(path+".gone", path); err != nil {
		t.Fatal(err)
	}
	if err := <-next; err != nil {
		t.Error(err)
	}
}

// TestProcessThatDoesNotStop: it is killed, and nobody but Close waits for that.
func TestProcessThatDoesNotStop(t *testing.T) {
	installFake(t, "rpicam-vid", "deaf")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, err := Open(ctx, "rpicam", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	pid := s.(*process).child.cmd.Process.Pid
	start := time.Now()
	cancel()
	for err == nil { // what has arrived may still be given
		_, err = s.Next()
	}
	if took := time.Since(start); !errors.Is(err, context.Canceled) || took > time.Second {
		t.Errorf("Next returned after %v: %v", took, err)
	}
	s.Close()
	if took := time.Since(start); took > stopTime+2*time.Second {
		t.Errorf("Close returned after %v", took)
	}
	if _, err := os.Stat("/proc/self"); err == nil {
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err == nil {
			t.Error("the program is still there, as a zombie perhaps")
		}
	}
}

// TestProcessGroup: what a shell started stops too.
func TestProcessGroup(t *testing.T) {
	journal := installFake(t, "rpicam-vid", "run")
	path, err := exec.LookPath("rpicam-vid")
	if err != nil {
		t.Fatal(err)
	}
	s, err := openProcess(t.Context(), program{argv: []string{"/bin/sh", "-c", path + "; echo never"}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	s.Close()
	waitFor(t, "the shell's child has stopped", func() bool { return strings.HasSuffix(read(t, journal), "stopped\n") })
}

func TestTail(t *testing.T) {
	for _, tt := range []struct {
		name   string
		writes []string
		want   string
	}{
		{"nothing", nil, ""},
		{"one line in parts", []string{"no ", "camera", "\n"}, "no camera"},
		{"the last three", []string{"1\n2\n\n3\r\n  4 \n"}, "2; 3; 4"},
		{"no line end", []string{"a\nb"}, "a; b"},
		{"long ago", []string{"old\n", strings.Repeat("x\n", tailSize)}, "x; x; x"},
		{"longer than is kept", []string{"old\n", strings.Repeat("y", 3*tailSize) + "\nend"},
			strings.Repeat("y", tailSize-4) + "; end"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var tl tail
			for _, w := range tt.writes {
				if n, err := tl.Write([]byte(w)); n != len(w) || err != nil {
					t.Fatal(n, err)
				}
			}
			if got := tl.lastLines(); got != tt.want {
				t.Errorf("got %.60q, want %.60q", got, tt.want)
			}
			if len(tl.buf) > tailSize {
				t.Errorf("%d bytes kept", len(tl.buf))
			}
		})
	}
}

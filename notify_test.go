//go:build cgo && linux

package main

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"picam/capture"
	"picam/transport"
)

// manager is the end of NOTIFY_SOCKET that systemd has.
type manager struct {
	t    testing.TB
	name string
	conn *net.UnixConn
	rest []string // lines that came with one that was heard
}

// newManager listens at a path of the file system, or, with abstract, at a name that is none.
func newManager(t testing.TB, abstract bool) *manager {
	t.Helper()
	name := filepath.Join(t.TempDir(), "notify")
	if abstract {
		name = "@" + name
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &manager{t: t, name: name, conn: conn}
}

// start starts picam as systemd does, with a watchdog, and with more of the environment.
func (m *manager) start(watchdog time.Duration, env []string, args ...string) *process {
	m.t.Helper()
	cmd := exec.Command(binary(m.t), args...)
	cmd.Env = append(os.Environ(), "DISPLAY=", "WAYLAND_DISPLAY=", "NOTIFY_SOCKET="+m.name)
	if watchdog > 0 {
		cmd.Env = append(cmd.Env, fmt.Sprintf("WATCHDOG_USEC=%d", watchdog.Microseconds()))
	}
	cmd.Env = append(cmd.Env, env...)
	return start(m.t, cmd)
}

// next is the next message, as lines; nil if none comes in time.
func (m *manager) next(patience time.Duration) []string {
	if lines := m.rest; len(lines) > 0 {
		m.rest = nil
		return lines
	}
	buf := make([]byte, 4096)
	_ = m.conn.SetReadDeadline(time.Now().Add(patience))
	n, err := m.conn.Read(buf)
	if err != nil {
		return nil
	}
	return strings.Split(string(buf[:n]), "\n")
}

// hears waits for a line that begins so, and returns it and the lines before.
func (m *manager) hears(prefix string) (line string, before []string) {
	m.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		lines := m.next(time.Until(deadline))
		for i, line := range lines {
			if strings.HasPrefix(line, prefix) {
				m.rest = lines[i+1:]
				return line, before
			}
			before = append(before, line)
		}
	}
	m.t.Fatalf("systemd hears no %q, only %q", prefix, before)
	return "", nil
}

// quiet waits until no ping has come for so long.
func (m *manager) quiet(silence time.Duration) {
	m.t.Helper()
	deadline, last := time.Now().Add(patience), time.Now()
	for time.Since(last) < silence {
		if time.Now().After(deadline) {
			m.t.Fatal("the pings go on")
		}
		if slices.Contains(m.next(silence-time.Since(last)), "WATCHDOG=1") {
			last = time.Now()
		}
	}
}

// systemd hears from the real program what it has to know, at both kinds of address.
func TestNotify(t *testing.T) {
	nobody := freePort(t)
	for _, tt := range []struct {
		name     string
		abstract bool
		watchdog bool
		env      []string
		args     []string
		status   string
	}{
		{"send that waits", false, true, nil,
			[]string{"send", "--listen", "127.0.0.1:0", "--source", "pattern"}, "no receiver · 0 frames sent"},
		{"send, and nobody is there", true, true, nil,
			[]string{"send", "--to", nobody, "--source", "pattern"}, "no receiver · 0 frames sent"},
		{"send, and there is no camera", false, true, nil,
			[]string{"send", "--to", nobody, "--source", "v4l2:/dev/video-none"}, "there is no camera at /dev/video-none"},
		{"recv", true, true, nil, []string{"recv", "--listen", "127.0.0.1:0", "--display", "none"}, "waiting for a camera"},
		{"no watchdog", false, false, nil, []string{"recv", "--listen", "127.0.0.1:0", "--display", "none"}, "waiting for a camera"},
		{"somebody else's watchdog", false, false, []string{"WATCHDOG_USEC=5000000", "WATCHDOG_PID=1"},
			[]string{"recv", "--listen", "127.0.0.1:0", "--display", "none"}, "waiting for a camera"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := newManager(t, tt.abstract)
			watchdog := time.Duration(0)
			if tt.watchdog {
				watchdog = time.Minute
			}
			p := m.start(watchdog, tt.env, tt.args...)
			if _, before := m.hears("READY=1"); len(before) > 0 {
				t.Errorf("before it is ready systemd hears %q", before)
			}
			if tt.watchdog {
				m.hears("WATCHDOG=1")
			}
			status, before := m.hears("STATUS=")
			if !strings.HasPrefix(status, "STATUS="+tt.status) {
				t.Errorf("the status is %q, want %q", status, tt.status)
			}
			if tt.watchdog {
				_, more := m.hears("WATCHDOG=1")
				before = append(before, more...)
			}
			if tt.watchdog && tt.args[0] == "recv" {
				p.signal(syscall.SIGHUP) // which would have it read its filters again, if there were any
				m.hears("WATCHDOG=1")
			}
			p.signal(syscall.SIGTERM)
			_, more := m.hears("STOPPING=1")
			if all := append(before, more...); !tt.watchdog && slices.Contains(all, "WATCHDOG=1") {
				t.Errorf("systemd hears %q", all)
			}
			p.ends(0)
		})
	}
}

// What cannot begin is not ready.
func TestNotReady(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, args := range [][]string{
		{"recv", "--display", "none", "--listen", taken.Addr().String()},
		{"send", "--source", "pattern", "--listen", taken.Addr().String()},
		{"send", "--source", "file:none.mjpeg", "--to", taken.Addr().String()},
	} {
		m := newManager(t, false)
		m.start(time.Minute, nil, args...).ends(1)
		for news := m.next(time.Millisecond); news != nil; news = m.next(time.Millisecond) {
			if slices.Contains(news, "READY=1") {
				t.Errorf("%q is ready", args)
			}
		}
	}
}

// An address at which nobody listens costs a warning, and no more.
func TestNotifyNobody(t *testing.T) {
	m := newManager(t, false)
	m.conn.Close()
	p := m.start(time.Minute, nil, "recv", "--listen", "127.0.0.1:0", "--display", "none")
	p.says("cannot tell systemd")
	p.signal(syscall.SIGTERM)
	p.ends(0)
}

// A program that does not run tells the watchdog nothing.
func TestFrozenProgram(t *testing.T) {
	t.Parallel()
	m := newManager(t, false)
	p := m.start(time.Minute, nil, "send", "--listen", "127.0.0.1:0", "--source", "pattern")
	m.hears("WATCHDOG=1")
	p.signal(syscall.SIGSTOP)
	m.quiet(2500 * time.Millisecond) // more than two would have come
	p.signal(syscall.SIGCONT)
	m.hears("WATCHDOG=1")
}

// Nor does one whose work stands still: here what it records to takes nothing any more.
func TestHangingWork(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "out.mjpeg")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	opened := make(chan *os.File, 1)
	go func() {
		f, err := os.Open(fifo)
		if err != nil {
			t.Error(err)
		}
		opened <- f
	}()
	m := newManager(t, false)
	p := m.start(2*time.Second, nil, "recv", "--listen", "127.0.0.1:0", "--display", "none", "--record-raw", fifo, "--overwrite")
	addr := p.says(`msg=listening address=(\S+)`)
	m.hears("WATCHDOG=1")
	picam(t, "send", "--to", addr, "--name", "door", "--source", "pattern", "--size", "64x48", "--fps", "400")
	reader := <-opened
	defer reader.Close()
	status, _ := m.hears("STATUS=no frame comes out")
	if !strings.Contains(status, "outputs of door") {
		t.Errorf("the status is %q", status)
	}
	p.says("picam hangs")
	m.quiet(2500 * time.Millisecond)
	go func() {
		buf := make([]byte, 1<<16)
		for {
			if _, err := reader.Read(buf); err != nil {
				return
			}
		}
	}()
	p.says("picam goes on")
	m.hears("WATCHDOG=1")
}

func TestNoNotifier(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	n := newNotifier(slog.New(slog.DiscardHandler))
	if n != nil || n.patience() != 0 {
		t.Fatalf("there is a notifier, %+v", n)
	}
	n.ready() // and nothing happens
	n.tick("line", "")
	n.stopping()
}

func TestPulse(t *testing.T) {
	type step struct {
		second int
		due    bool
		count  int64
		want   bool
	}
	for _, tt := range []struct {
		name     string
		patience time.Duration
		steps    []step
	}{
		{"moves", 3 * time.Second, []step{{0, true, 1, false}, {3, true, 2, false}, {6, true, 3, false}, {9, true, 4, false}}},
		{"stands still", 3 * time.Second, []step{{0, true, 1, false}, {3, true, 1, false}, {4, true, 1, true}, {9, true, 1, true}}},
		{"goes on", 3 * time.Second,
			[]step{{0, true, 1, false}, {4, true, 1, true}, {5, true, 2, false}, {8, true, 2, false}, {9, true, 2, true}}},
		{"has no reason to move", 3 * time.Second,
			[]step{{0, false, 1, false}, {9, false, 1, false}, {10, true, 1, false}, {13, true, 1, true}}},
		{"nobody waits", 0, []step{{0, true, 1, false}, {999, true, 1, false}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var p stallDetector
			begin := time.Now()
			for _, s := range tt.steps {
				if got := p.stalled(begin.Add(time.Duration(s.second)*time.Second), tt.patience, s.due, s.count); got != s.want {
					t.Errorf("after %d s: stalled is %v", s.second, got)
				}
			}
		})
	}
}

// counted is a source that tells no more than a sender's watch asks it for.
type counted struct {
	capture.Source
	captured int64
}

func (c *counted) Counts() capture.Counts { return capture.Counts{Captured: c.captured} }

func TestHungSender(t *testing.T) {
	const source, sending = "the source gives neither frames nor a reason", "frames wait and are not sent"
	away := func() string { return "it is unplugged" }
	here := func() string { return "" }
	under := transport.SenderStats{Captured: 12, Sent: 10, Receivers: 1}
	for _, tt := range []struct {
		name   string
		sender *transport.Sender
		camera bool
		fps    float64
		stats  transport.SenderStats
		move   func(*transport.SenderStats, *counted) // what moves each second
		want   string                                 // after 35 s of a watchdog of 30 s
	}{
		{"a camera that is away", &transport.Sender{Trouble: away}, true, 0, transport.SenderStats{}, nil, ""},
		{"a camera that says nothing", &transport.Sender{Trouble: here}, true, 0, transport.SenderStats{}, nil, source},
		{"a slow camera", &transport.Sender{Trouble: here}, true, 0.1, transport.SenderStats{}, nil, ""},
		{"a camera that gives only broken frames", &transport.Sender{Trouble: here}, true, 0, transport.SenderStats{},
			func(_ *transport.SenderStats, c *counted) { c.captured++ }, ""},
		{"a program that pauses", &transport.Sender{}, false, 0, transport.SenderStats{}, nil, ""},
		{"a receiver that is not there", &transport.Sender{}, false, 0, transport.SenderStats{Captured: 12, Sent: 10}, nil, ""},
		{"frames that wait", &transport.Sender{}, false, 0, under,
			func(s *transport.SenderStats, _ *counted) { s.Captured++; s.Dropped++ }, sending},
		{"a frame that goes out slowly", &transport.Sender{}, false, 0, under,
			func(s *transport.SenderStats, _ *counted) { s.Bytes++ }, ""},
		{"a patient sender", &transport.Sender{WriteTimeout: time.Minute}, false, 0, under, nil, ""},
		{"one that keeps all", &transport.Sender{KeepAll: true}, true, 0, under, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := &counted{}
			w := &senderWatch{
				systemd: &notifier{watchdog: 30 * time.Second}, sender: tt.sender, src: src, camera: tt.camera, fps: tt.fps,
			}
			begin, s, got := time.Now(), tt.stats, ""
			for second := range 36 {
				if tt.move != nil {
					tt.move(&s, src)
				}
				if got = w.stalled(begin.Add(time.Duration(second)*time.Second), s); got != "" && second <= 30 {
					t.Errorf("after %d s: %s", second, got)
				}
			}
			if got != tt.want {
				t.Errorf("it is %q, want %q", got, tt.want)
			}
		})
	}
}

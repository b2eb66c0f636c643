//go:build cgo && linux

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
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
	dir := t.TempDir()
	fifo := filepath.Join(dir, "out-door.mjpeg")
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
	p := m.start(2*time.Second, nil, "recv", "--listen", "127.0.0.1:0", "--display", "none", "--record-raw",
		filepath.Join(dir, "out.mjpeg"), "--overwrite")
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

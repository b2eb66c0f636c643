//go:build cgo

package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long the tests wait for what must come; a slow machine needs it, a quick one does not.
const patience = 30 * time.Second

// process is a program that a test runs.
type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // of the end

	mu     sync.Mutex
	output bytes.Buffer // stdout and stderr
	grown  chan struct{}
}

// Write collects the output.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.output.Write(b)
	close(p.grown)
	p.grown = make(chan struct{})
	return len(b), nil
}

func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// picam starts the program. It is killed at the end of the test, if it still runs then.
func picam(t testing.TB, args ...string) *process {
	t.Helper()
	return start(t, exec.Command(binary(t), args...))
}

func start(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, done: make(chan struct{}), grown: make(chan struct{})}
	if cmd.Stdout == nil {
		cmd.Stdout = p
	}
	cmd.Stderr = p
	cmd.WaitDelay = time.Second
	if cmd.Env == nil {
		cmd.Env = append(os.Environ(), "DISPLAY=", "WAYLAND_DISPLAY=", "PICAM_ANNOUNCE=false")
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		select {
		case <-p.done:
		default:
			_ = cmd.Process.Kill()
			<-p.done
		}
		if t.Failed() {
			t.Logf("$ %s\n%s", strings.Join(cmd.Args, " "), p.text())
		}
		if strings.Contains(p.text(), "DATA RACE") {
			t.Errorf("data race in %s:\n%s", strings.Join(cmd.Args, " "), p.text())
		}
	})
	return p
}

// says waits until the output matches a pattern, and returns the first group or the match.
func (p *process) says(pattern string) string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	timeout := time.After(patience)
	for {
		p.mu.Lock()
		m, grown := re.FindStringSubmatch(p.output.String()), p.grown
		p.mu.Unlock()
		if m != nil {
			return m[len(m)-1]
		}
		select {
		case <-grown:
		case <-p.done:
			if m := re.FindStringSubmatch(p.text()); m != nil {
				return m[len(m)-1]
			}
			p.t.Fatalf("%s ended (%v) without saying %q", p.cmd.Args, p.err, pattern)
		case <-timeout:
			p.t.Fatalf("%s does not say %q", p.cmd.Args, pattern)
		}
	}
}

// ends waits for the end and checks the exit status.
func (p *process) ends(status int) {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("%s does not end", p.cmd.Args)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != status {
		p.t.Errorf("%s ended with status %d, want %d", p.cmd.Args, got, status)
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// interrupt asks for the end as Ctrl-C does and expects a good one.
func (p *process) interrupt() {
	p.t.Helper()
	p.signal(syscall.SIGINT)
	p.ends(0)
}

// recvProcess starts a receiver on a free port and returns it with its address.
func recvProcess(t testing.TB, args ...string) (*process, string) {
	t.Helper()
	p := picam(t, append([]string{"recv", "--listen", "127.0.0.1:0", "--display", "none"}, args...)...)
	return p, p.says(`msg=listening address=(\S+)`)
}

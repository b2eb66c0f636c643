//go:build linux

// Package networktest gives a test a network of its own.
package networktest

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// Run runs the test again in a process with a network of its own, which is empty, and calls f there. tools are the
// programs that it needs; without one of them, or without the right to make networks, the test is skipped.
func Run(t *testing.T, tools []string, f func()) {
	t.Helper()
	const inside = "PICAM_TEST_INSIDE"
	if os.Getenv(inside) != "" {
		f()
		return
	}
	for _, tool := range append([]string{"unshare"}, tools...) {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s: %v", tool, err)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("needs root, for network namespaces")
	}
	if out, err := exec.Command("unshare", "--net", "true").CombinedOutput(); err != nil {
		t.Skipf("no network namespaces here: %v: %s", err, out)
	}
	t.Parallel()
	cmd := exec.Command("unshare", "--net", os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inside+"=1", "GORACE=atexit_sleep_ms=0") // not a second more at the end
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

// Command runs a command line in the network that the calling thread is in. It ends at the first command that fails.
func Command(t *testing.T, format string, args ...any) {
	t.Helper()
	line := fmt.Sprintf(format, args...)
	if out, err := exec.Command("sh", "-c", "set -e; "+line).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", line, err, out)
	}
}

// Namespace makes a network, empty, and a thread in it, which ends with the test. run runs a function there: programs
// that it starts, and sockets that it opens, are in that network. thread names the network to ip's netns.
func Namespace(t testing.TB) (thread int, run func(f func()), err error) {
	t.Helper()
	calls := make(chan func())
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread, and so the network, ends with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		thread = unix.Gettid()
		made <- err
		for f := range calls {
			f()
		}
	}()
	t.Cleanup(func() { close(calls) })
	err = <-made
	return thread, func(f func()) {
		done := make(chan struct{})
		calls <- func() { defer close(done); f() }
		<-done
	}, err
}

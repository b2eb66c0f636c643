//go:build unix

package plugin

import (
	"errors"
	"os/exec"
	"syscall"
)

// ownGroup gives the program a process group of its own, so that all of that can be killed, and a Ctrl-C that is meant
// for picam does not end it first.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup kills the program and what it has started. There may be nothing left to kill.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

func isBrokenPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }

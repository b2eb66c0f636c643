//go:build unix

package capture

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// interruptGroup gives the program a process group of its own, and ends it by a SIGINT to all of that: what a shell
// started ends too, and a Ctrl-C that is meant for picam does not end the camera first.
func interruptGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return err
	}
}

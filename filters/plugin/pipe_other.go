//go:build !linux

package plugin

import (
	"os"
	"os/exec"
)

func enlarge(*os.File) {}

// awaitExit waits until the program has ended, and kills what it has started and left behind.
func awaitExit(cmd *exec.Cmd) {
	_ = cmd.Wait() // its error is in ProcessState
	killGroup(cmd.Process.Pid)
}

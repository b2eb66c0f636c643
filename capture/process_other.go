//go:build !unix

package capture

import "os/exec"

// interruptGroup does nothing: there is no SIGINT, the program is killed.
func interruptGroup(*exec.Cmd) {}

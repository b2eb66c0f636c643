package plugin

import (
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// pipeSize is the most that a user may give a pipe, if the system was not told otherwise. A frame then goes through
// in few pieces, and picam and the program wait for each other less often.
const pipeSize = 1 << 20

// enlarge makes a pipe larger, where that is allowed.
func enlarge(pipe *os.File) {
	conn, err := pipe.SyscallConn()
	if err != nil {
		return
	}
	_ = conn.Control(func(fd uintptr) {
		_, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize)
	})
}

// awaitExit waits until the program has ended, and kills what it has started and left behind. Meanwhile the process
// stays there, so that no other one can have its number.
func awaitExit(cmd *exec.Cmd) {
	var err error = unix.EINTR
	for err == unix.EINTR {
		var info unix.Siginfo
		err = unix.Waitid(unix.P_PID, cmd.Process.Pid, &info, unix.WEXITED|unix.WNOWAIT, nil)
	}
	killGroup(cmd.Process.Pid)
	_ = cmd.Wait() // its error is in ProcessState
}

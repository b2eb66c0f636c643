//go:build unix

package sink

import (
	"errors"
	"os"
	"syscall"
)

// lock locks f until it is closed, or returns ErrInUse. File systems that know no locks are taken as they are.
func lock(f *os.File) error {
	if errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK) {
		return ErrInUse
	}
	return nil
}

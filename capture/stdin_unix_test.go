//go:build unix

package capture

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"picam/mjpeg/mjpegtest"
)

// TestInheritedStdin takes frames from what other processes may have as their standard input too: it stays blocking for
// them, and a source that waits for it ends at once all the same.
func TestInheritedStdin(t *testing.T) {
	pipe := func(t *testing.T) (r, w *os.File) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		return r, w
	}
	socket := func(t *testing.T) (r, w *os.File) {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		return os.NewFile(uintptr(fds[0]), "socket"), os.NewFile(uintptr(fds[1]), "socket")
	}
	for name, ends := range map[string]func(*testing.T) (r, w *os.File){"pipe": pipe, "socket": socket} {
		t.Run(name, func(t *testing.T) {
			r, w := ends(t)
			defer w.Close()
			fd := int(r.Fd()) // blocking from here on
			setStdin(t, r)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			s, err := Open(ctx, "-", Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := s.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			}()
			want := mjpegtest.Frames(1, 64, 48, 80)[0]
			if _, err := w.Write(want); err != nil {
				t.Fatal(err)
			}
			if f, err := s.Next(); err != nil || !bytes.Equal(f.JPEG, want) {
				t.Fatalf("%d bytes, %v", len(f.JPEG), err)
			}
			if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
				t.Errorf("flags %#o, %v: it is not blocking any more", flags, err)
			}

			enough := errors.New("enough")
			ended := time.AfterFunc(50*time.Millisecond, func() { cancel(enough) })
			defer ended.Stop()
			if _, err := s.Next(); err != enough {
				t.Errorf("a Next that waits ended with %v", err)
			}
		})
	}
}

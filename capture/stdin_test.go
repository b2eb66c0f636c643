package capture

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

// replaceStdin makes standard input a pipe, which blocks as an inherited one does, and returns its other end.
func replaceStdin(t *testing.T) (w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Fd() // makes it blocking
	setStdin(t, r)
	t.Cleanup(func() { w.Close() })
	return w
}

func setStdin(t *testing.T, f *os.File) {
	before := os.Stdin
	os.Stdin = f
	t.Cleanup(func() {
		os.Stdin = before
		f.Close()
	})
}

// writeTo writes n frames, which are small enough for a pipe that nobody reads.
func writeTo(t *testing.T, w io.Writer, n int) [][]byte {
	t.Helper()
	frames := mjpegtest.Frames(n, 64, 48, 80)
	if _, err := w.Write(bytes.Join(frames, nil)); err != nil {
		t.Fatal(err)
	}
	return frames
}

func TestStdin(t *testing.T) {
	t.Run("pipe", func(t *testing.T) {
		w := replaceStdin(t)
		want := writeTo(t, w, 8)
		s := open(t, "-", Options{})
		for i, p := range want { // each without waiting for the one after it
			f, err := s.Next()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(f.JPEG, p) || f.Seq != uint64(i+1) || f.Captured.IsZero() || f.Captured != f.Received {
				t.Errorf("frame %d: %d bytes, seq %d, captured %v, received %v", i+1, len(f.JPEG), f.Seq,
					f.Captured, f.Received)
			}
		}
		w.Close()
		if _, err := s.Next(); err != io.EOF {
			t.Errorf("got %v, want EOF", err)
		}
	})
	t.Run("file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a")
		want := writeFrames(t, path, 3)
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		setStdin(t, f)
		checkFrames(t, jpegs(all(t, open(t, "-", Options{}))), want)
	})
	t.Run("stamp", func(t *testing.T) {
		w := replaceStdin(t)
		stamp := mjpeg.Stamp{Camera: "door", Seq: 1234, Time: time.Unix(1e9, 0)}
		w.Write(append(stamp.AppendTo(nil), mjpegtest.Frames(1, 64, 48, 80)[0][2:]...))
		f, err := open(t, "-", Options{}).Next()
		if err != nil || f.Seq != 1234 || !f.Captured.Equal(stamp.Time) {
			t.Errorf("seq %d, captured %v, %v", f.Seq, f.Captured, err)
		}
	})
	t.Run("stays open", func(t *testing.T) {
		w := replaceStdin(t)
		open(t, "-", Options{}).Close()
		want := writeTo(t, w, 1)[0]
		got := make([]byte, len(want))
		if _, err := io.ReadFull(os.Stdin, got); err != nil || !bytes.Equal(got, want) {
			t.Errorf("after Close: %v", err)
		}
	})
}

func TestStdinErrors(t *testing.T) {
	for _, tt := range []struct{ name, input, want string }{
		{"nothing", "", "standard input: no JPEG frame in 0 bytes: want MJPEG"},
		{"text", "hello", "standard input: no JPEG frame in 5 bytes: want MJPEG"},
		{"cut", string(mjpegtest.Frames(1, 64, 48, 80)[0][:400]), "no whole JPEG frame (1 cut) in 400 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := replaceStdin(t)
			io.WriteString(w, tt.input)
			w.Close()
			if _, err := open(t, "-", Options{}).Next(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	t.Run("device", func(t *testing.T) {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		setStdin(t, f)
		_, err = Open(t.Context(), "-", Options{})
		if err == nil || !strings.Contains(err.Error(), "a terminal or a device: want a pipe") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("directory", func(t *testing.T) {
		f, err := os.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		setStdin(t, f)
		_, err = open(t, "-", Options{}).Next()
		if err == nil || !strings.HasPrefix(err.Error(), "capture: standard input: ") {
			t.Errorf("got %v", err)
		}
	})
}

package mjpeg_test

import (
	"bytes"
	"io"
	"testing"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

// TestScannerReset: wherever a scanner stands, after Reset it is as good as new.
func TestScannerReset(t *testing.T) {
	want := mjpegtest.Frames(3, 64, 48, 80)
	stream := append([]byte("junk"), bytes.Join(want, []byte{0, 0})...)
	for _, before := range mjpegtest.Streams() {
		if before.Size > 1e6 {
			continue
		}
		for _, frames := range []int{0, 1, 1 << 20} {
			var s mjpeg.Scanner
			s.Reset(before.Reader())
			for range frames {
				if !s.Scan() {
					break
				}
			}
			s.Reset(bytes.NewReader(stream))
			if s.Frame() != nil || s.Stats() != (mjpeg.Stats{}) {
				t.Errorf("%s, %d frames: a frame or %+v left", before.Name, frames, s.Stats())
			}
			got := scanAll(&s)
			checkFrames(t, got, want)
			checkAccount(t, s.Stats(), got, int64(len(stream)))
			if s.Err() != nil {
				t.Error(s.Err())
			}
		}
	}
	t.Run("inside a frame", func(t *testing.T) {
		for n := 0; n < len(want[0]); n += 7 {
			s := mjpeg.NewScanner(bytes.NewReader(want[0][:n]))
			s.Scan()
			s.Reset(bytes.NewReader(stream))
			checkFrames(t, scanAll(s), want)
		}
	})
	t.Run("after an error", func(t *testing.T) {
		s := mjpeg.NewScanner(readerFunc(func([]byte) (int, error) { return 0, io.ErrClosedPipe }))
		s.Scan()
		s.Reset(bytes.NewReader(stream))
		checkFrames(t, scanAll(s), want)
		if s.Err() != nil {
			t.Error(s.Err())
		}
	})
}

func TestScannerResetAllocs(t *testing.T) {
	frame := mjpegtest.Frames(1, 640, 480, 90)[0]
	var s mjpeg.Scanner
	var r bytes.Reader
	got := testing.AllocsPerRun(20, func() {
		r.Reset(frame)
		s.Reset(&r)
		if !s.Scan() || s.Scan() {
			t.Error("no frame, or two")
		}
	})
	if got > 0 {
		t.Errorf("%v allocations a frame", got)
	}
}

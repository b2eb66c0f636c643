package pipeline

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"picam/mjpeg/mjpegtest"
)

// withScans returns a progressive gray frame that says it has width × height pixels, and n scans of nothing after its
// own.
func withScans(t *testing.T, width, height, n int) []byte {
	t.Helper()
	m := gocv.NewMatWithSize(64, 64, gocv.MatTypeCV8UC1)
	defer m.Close()
	encoded, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, m, []int{gocv.IMWriteJpegProgressive, 1})
	if err != nil {
		t.Fatal(err)
	}
	defer encoded.Close()
	frame := slices.Clone(encoded.GetBytes())
	sof := bytes.Index(frame, []byte("\xFF\xC2"))
	binary.BigEndian.PutUint16(frame[sof+5:], uint16(height))
	binary.BigEndian.PutUint16(frame[sof+7:], uint16(width))
	sos := bytes.LastIndex(frame, []byte("\xFF\xDA"))
	return slices.Concat(frame[:len(frame)-2], bytes.Repeat(frame[sos:sos+10], n), frame[len(frame)-2:])
}

// TestTooCostlyFrames holds that frames of endless work are dropped for that, at once, and that others go on.
func TestTooCostlyFrames(t *testing.T) {
	good := mjpegtest.Frames(2, 160, 120, 80)
	for _, bomb := range [][]byte{withScans(t, 64, 64, 600), withScans(t, 8192, 8192, 450)} {
		var log bytes.Buffer
		cam := NewCamera("test", controller(t, "blur"), Outputs{},
			Options{KeepAll: true, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err := cam.Feed(t.Context(), &list{frames: [][]byte{good[0], bomb, good[1]}}, "", nil); err != nil {
			t.Fatal(err)
		}
		if err := cam.Close(); err != nil {
			t.Error(err)
		}
		if s := cam.Stats(); s.FramesOut != 2 || s.Dropped["too_costly"] != 1 || s.Drops() != 1 {
			t.Errorf("%d shown, dropped %v", s.FramesOut, s.Dropped)
		}
		if !strings.Contains(log.String(), "too costly: a frame of ") {
			t.Errorf("the log says %s", log.String())
		}
	}
}

// TestCloseInterrupts holds that the end of a run does not wait for a long decode.
func TestCloseInterrupts(t *testing.T) {
	long := withScans(t, 8192, 8192, 4)
	close := func(keepAll bool) (Stats, time.Duration) {
		cam := NewCamera("test", controller(t, "blur"), Outputs{}, Options{KeepAll: keepAll})
		if err := cam.Feed(t.Context(), &list{frames: [][]byte{long}}, "", nil); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if err := cam.Close(); err != nil {
			t.Error(err)
		}
		return cam.Stats(), time.Since(begin)
	}
	s, all := close(true)
	if s.Dropped["too_costly"] != 0 {
		t.Errorf("with KeepAll: dropped %v", s.Dropped)
	}
	if all < 2*patience {
		t.Skipf("this computer decodes the frame in %v", all)
	}
	s, some := close(false)
	if s.Dropped["too_costly"] != 1 || some > patience+(all-patience)/2 {
		t.Errorf("it took %v of %v, dropped %v", some, all, s.Dropped)
	}
}

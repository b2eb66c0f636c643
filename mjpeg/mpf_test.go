package mjpeg_test

import (
	"bytes"
	"slices"
	"testing"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

func TestMultiFrame(t *testing.T) {
	p := mjpegtest.Frames(3, 64, 48, 75)
	photo := mjpegtest.MultiFrame(p...)
	behind := len(p[1]) + len(p[2])
	first := photo[:len(photo)-behind]
	want := []mjpeg.Extent{
		{Size: int64(len(first))}, {int64(len(first)), int64(len(p[1]))}, {int64(len(first) + len(p[1])), int64(len(p[2]))},
	}
	if got := mjpeg.MultiFrame(first); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for i, e := range want[1:] {
		if !bytes.Equal(photo[e.Offset:][:e.Size], p[i+1]) {
			t.Errorf("%d is another frame", i)
		}
	}
	// The segment moves with what stands before it, and the offsets with the segment.
	if got := mjpeg.MultiFrame(mjpegtest.WithSegment(first, 0xE1, make([]byte, 96))); len(got) != 3 || got[1].Offset != want[1].Offset+100 {
		t.Errorf("behind another segment: %v", got)
	}

	index := bytes.Index(first, []byte("MPF"))
	patch := func(offset int, with string) []byte {
		return slices.Concat(first[:index+offset], []byte(with), first[index+offset+len(with):])
	}
	for name, frame := range map[string][]byte{
		"none":                  p[0],
		"nothing":               nil,
		"cut":                   first[:index+20],
		"another name":          patch(0, "MPG"),
		"no TIFF":               patch(4, "MX"),
		"another tag":           patch(14, "\xB0\x01"),
		"a list that is beyond": patch(22, "\x00\x00\xFF\x00"),
		"a list without an end": patch(18, "\xFF\xFF\xFF\xFF"),
		"an empty list":         patch(18, "\x00\x00\x00\x00"),
	} {
		if got := mjpeg.MultiFrame(frame); len(got) > 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
}

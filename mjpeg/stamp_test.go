package mjpeg_test

import (
	"bytes"
	"testing"
	"time"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

func TestStampRoundTrip(t *testing.T) {
	picture := mjpegtest.Pictures(1, 32, 32, 50)[0]
	s := mjpeg.Stamp{Camera: "front dóor 100%", Sender: "abc", Seq: 7, Time: time.Unix(0, 123456789), Offset: -5, Synced: true}
	b := append(s.AppendTo(nil), picture[2:]...)
	t.Logf("%q", b[:100])
	var got mjpeg.Stamp
	n := got.Parse(b)
	if got != s {
		t.Errorf("got %+v", got)
	}
	if !bytes.Equal(mjpeg.Unstamp(b, n), picture) {
		t.Error("picture differs")
	}
}

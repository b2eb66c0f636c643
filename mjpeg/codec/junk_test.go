package codec

import (
	"bytes"
	"fmt"
	"testing"

	"picam/mjpeg/mjpegtest"
)

// TestJunk: junk between segments, as some cameras leave it, changes no pixel and is no damage.
func TestJunk(t *testing.T) {
	p, err := NewParallel(2, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	d, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	frames := map[string][]byte{"image/jpeg": mjpegtest.Frames(1, 96, 64, 75)[0]}
	for _, name := range []string{"progressive", "restart", "arithmetic", "gray"} {
		frames[name] = mjpegtest.Fixture(name)
	}
	for name, frame := range frames {
		want := make([]byte, 96*64*3)
		if err := d.Decode(want, 96*3, frame, BGR); err != nil {
			t.Fatal(name, err)
		}
		places := mjpegtest.Segments(frame)[1:]
		if name == "progressive" {
			places = append(places, bytes.LastIndex(frame, []byte("\xFF\xDA"))) // behind the tables between two scans
		}
		for _, junk := range []string{"\x00", "sixteen bytes...", "\xFF\x00", "a\xFF\x00\xFF\xFF\xD3b", "\xFF\x01"} {
			for i := range len(places) + 1 {
				before := places
				if i < len(places) {
					before = places[i : i+1]
				}
				with := mjpegtest.WithJunk(frame, []byte(junk), before...)
				t.Run(fmt.Sprintf("%s/%q/%d", name, junk, i), func(t *testing.T) {
					if w, h, err := d.Size(with); err != nil || w != 96 || h != 64 {
						t.Errorf("size %d×%d, %v", w, h, err)
					}
					for what, decode := range map[string]func([]byte, int, []byte, Format, int) error{
						"Decoder": d.DecodeScaled, "Parallel": p.DecodeScaled,
					} {
						got := make([]byte, len(want))
						if err := decode(got, 96*3, with, BGR, 1); err != nil || !bytes.Equal(got, want) {
							t.Errorf("%s: %v, or other pixels", what, err)
						}
					}
				})
			}
		}
	}
	t.Run("allocations", func(t *testing.T) {
		with := mjpegtest.WithJunk(frames["gray"], []byte("abc"), mjpegtest.Segments(frames["gray"])[1:]...)
		got := make([]byte, 96*64*3)
		if n := testing.AllocsPerRun(100, func() { _ = d.Decode(got, 96*3, with, BGR) }); n > 0 {
			t.Errorf("%v for a frame", n)
		}
	})
}

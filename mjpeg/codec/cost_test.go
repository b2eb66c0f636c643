package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"picam/mjpeg/mjpegtest"
)

// withScans returns a progressive frame of width × height pixels whose last scan comes n times more, with no data.
func withScans(t testing.TB, width, height, n int) []byte {
	t.Helper()
	frame := file(t, "progressive")
	at := bytes.LastIndex(frame, []byte("\xFF\xDA"))
	empty := frame[at:segmentEnd(frame, at+2)]
	out := slices.Concat(frame[:len(frame)-2], bytes.Repeat(empty, n), frame[len(frame)-2:])
	return withSize(out, width, height)
}

// withSize returns a frame of any kind whose header has another size.
func withSize(frame []byte, width, height int) []byte {
	out := slices.Clone(frame)
	_, sof, _ := walk(out)
	binary.BigEndian.PutUint16(out[sof+5:], uint16(height))
	binary.BigEndian.PutUint16(out[sof+7:], uint16(width))
	return out
}

// TestTooCostly holds that what would keep a processor busy for long is not begun, and that all else is.
func TestTooCostly(t *testing.T) {
	arithmetic := slices.Concat(file(t, "arithmetic"), make([]byte, maxWork/arithmeticByte))
	multiple := bytes.Replace(mjpegtest.Frames(1, 64, 48, 80)[0], []byte("\xFF\xDA\x00\x0C\x03\x01\x00\x02\x11\x03\x11"),
		[]byte("\xFF\xDA\x00\x08\x01\x01\x00"), 1) // sequential, one component in each scan
	tests := []struct {
		name  string
		frame []byte
		want  string // "": it is not too costly
	}{
		{"progressive", file(t, "progressive"), ""},
		{"progressive of 64 megapixels", withSize(file(t, "progressive"), 8192, 8192), ""},
		{"490 scans more", withScans(t, 97, 61, 490), ""},
		{"491 scans more", withScans(t, 97, 61, 491), "a frame of 97×61 pixels has 501 scans, the limit is 500"},
		{"100000 scans", withScans(t, 97, 61, 100000), "has 100010 scans"},
		{"50 scans more, VGA", withScans(t, 640, 480, 50), ""},
		{"50 scans more, large", withScans(t, 8192, 8192, 50), "a frame of 8192×8192 pixels (scans: 60, bytes: "},
		{"the sides the other way", withScans(t, 65000, 1200, 50), "the limit is 12582912"},
		{"baseline, however large", withSize(mjpegtest.Frames(1, 64, 48, 80)[0], 65500, 65500), ""},
		{"arithmetic", file(t, "arithmetic"), ""},
		{"much arithmetic", arithmetic, "a frame of 97×61 pixels (scans: 1, bytes: "},
		{"sequential, a scan for each component", multiple, ""},
		{"sequential, a scan for each component, too large", withSize(multiple, 40000, 40000), "the limit is"},
	}
	d := newDecoder(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pixels := make([]byte, 97*61*3)
			begin := time.Now()
			err := d.Decode(pixels, 97*3, tt.frame, BGR)
			if errors.Is(err, ErrTooCostly) != (tt.want != "") {
				t.Errorf("error %v", err)
			}
			if said := fmt.Sprint(err); tt.want != "" &&
				(!strings.HasPrefix(said, "codec: decode: too costly: ") || !strings.Contains(said, tt.want)) {
				t.Errorf("error %s, want %s", said, tt.want)
			}
			if tt.want != "" && !bytes.Equal(pixels, make([]byte, len(pixels))) {
				t.Errorf("decoded all the same, in %v", time.Since(begin))
			}
		})
	}
}

// TestInterrupt holds that decoding of all kinds ends when it is interrupted, also while it is under way.
func TestInterrupt(t *testing.T) {
	for _, name := range []string{"sampling_2x1", "progressive", "arithmetic", "cmyk", "restart"} {
		var interrupt Interrupt
		p, err := NewParallel(2, &interrupt)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		pixels := make([]byte, 97*61*3)
		if err := p.DecodeScaled(pixels, 97*3, file(t, name), BGR, 1); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		interrupt.Raise()
		if err := p.DecodeScaled(pixels, 97*3, file(t, name), BGR, 1); !errors.Is(err, ErrInterrupted) {
			t.Errorf("%s, interrupted: %v", name, err)
		}
	}
	t.Run("under way", func(t *testing.T) {
		// Of this size, the scans take most of a second, one after the other.
		frame := withScans(t, 4096, 4096, 20)
		var interrupt Interrupt
		p, err := NewParallel(1, &interrupt)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		pixels := make([]byte, 4096*4096)
		if err := checkCost(frame); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if err := p.DecodeScaled(pixels, 4096, frame, Gray, 1); err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
		all := time.Since(begin)
		begin = time.Now()
		time.AfterFunc(all/10, interrupt.Raise)
		if err := p.DecodeScaled(pixels, 4096, frame, Gray, 1); !errors.Is(err, ErrInterrupted) {
			t.Errorf("error %v", err)
		}
		if took := time.Since(begin); took < all/10 || took > all/2 {
			t.Errorf("interrupted after a tenth of %v, it ended after %v", all, took)
		}
	})
}

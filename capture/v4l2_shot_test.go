package capture

import (
	"bytes"
	"image"
	"strings"
	"testing"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

func TestShotFill(t *testing.T) {
	frames := mjpegtest.Frames(2, 64, 48, 80)
	p, other := frames[0], frames[1]
	exif := mjpegtest.WithSegment(p, 0xE1, mjpegtest.Exif(1, mjpegtest.Frames(1, 16, 16, 50)[0], true))
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	jpeg, raw := layout{mode: mode{format: "MJPG"}}, layout{mode: mode{"YUYV", 4, 2, 0}, stride: 8}
	for _, tt := range []struct {
		name   string
		layout layout
		buffer []byte
		want   []byte // nil: it is dropped
		why    Drop
	}{
		{"whole", jpeg, p, p, 0},
		{"padded", jpeg, join(p, make([]byte, 100)), p, 0},
		{"with another EOI", jpeg, join(p, []byte("\xFF\xD9")), p, 0},
		{"over an old one", jpeg, join(p, other[len(p)/2:]), p, 0},
		{"with a thumbnail", jpeg, exif, exif, 0},
		{"empty", jpeg, nil, nil, Empty},
		{"half", jpeg, p[:len(p)/2], nil, Half},
		{"half, then zeros", jpeg, join(p[:len(p)/2], make([]byte, len(p)/2)), nil, Half},
		{"half, then zeros and EOI's bytes", jpeg, join(p[:100], make([]byte, 400), []byte("\xFF\xD9")), nil, Half},
		{"half over an old one", jpeg, join(p[:len(p)/2], other), nil, Half},
		{"only the header", jpeg, p[:200], nil, Half},
		{"the last byte is missing", jpeg, p[:len(p)-1], nil, Half},
		{"noise", jpeg, bytes.Repeat([]byte{37, 74}, 500), nil, NotJPEG},
		{"zeros", jpeg, make([]byte, 5000), nil, NotJPEG},
		{"without a size", jpeg, []byte("\xFF\xD8\xFF\xDA\x00\x02\x00\xFF\xD9"), nil, NotJPEG},
		{"too long", jpeg, mjpegtest.WithSegment(p, 0xFE, make([]byte, 9000)), nil, Over},
		{"raw", raw, []byte("0123456789ABCDEF"), []byte("0123456789ABCDEF"), 0},
		{"raw, padded", raw, []byte("0123456789ABCDEF...."), []byte("0123456789ABCDEF"), 0},
		{"half of raw", raw, []byte("01234567"), nil, Half},
		{"no raw", raw, nil, nil, Empty},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s shot
			for range 2 { // also when it is used again
				why, ok := s.fill(tt.buffer, tt.layout, 8000)
				got := s.jpeg
				if tt.layout == raw {
					got = s.raw
				}
				switch {
				case ok != (tt.want != nil) || !ok && why != tt.why:
					t.Errorf("%v, %v; want %v", ok, why, tt.why)
				case ok && !bytes.Equal(got, tt.want):
					t.Errorf("%d bytes, want %d", len(got), len(tt.want))
				}
				s.fill(other, jpeg, 0)
			}
		})
	}
}

func TestDevelop(t *testing.T) {
	text, log := newLog()
	d := developer{log: log}
	p := mjpegtest.Frames(1, 64, 48, 80)[0]
	bare := mjpegtest.WithoutDHT(p)
	var s shot
	jpeg := layout{mode: mode{format: "MJPG"}}
	develop := func() []byte {
		t.Helper()
		b, err := d.develop(&s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	s.fill(p, jpeg, 0)
	if got := develop(); !bytes.Equal(got, p) {
		t.Error("a whole frame is changed")
	}
	s.fill(bare, jpeg, 0)
	for range 3 {
		if got := develop(); !bytes.Equal(got, mjpeg.AddHuffmanTables(nil, bare)) {
			t.Error("the tables are not added")
		}
	}
	if n := strings.Count(text.String(), "\n"); n != 1 ||
		!strings.Contains(text.String(), "lack their Huffman tables") {
		t.Errorf("log: %s", text)
	}

	// Samples of a frame whose upper half is black and whose lower half is white, in limited range.
	s.fill(append(bytes.Repeat([]byte{16, 128}, 64*24), bytes.Repeat([]byte{235, 128}, 64*24)...),
		layout{mode: mode{"YUYV", 64, 48, 30}, stride: 2 * 64}, 0)
	for range costAfter + 5 {
		img := grayOf(decode(t, develop()))
		if up, down := img.GrayAt(20, 4).Y, img.GrayAt(20, 44).Y; img.Bounds() != image.Rect(0, 0, 64, 48) ||
			up > 2 || down < 253 {
			t.Errorf("%v, above %d, below %d", img.Bounds(), up, down)
		}
	}
	if n := strings.Count(text.String(), "\n"); n != 2 ||
		!strings.Contains(text.String(), "this camera gives no JPEG") {
		t.Errorf("log: %s", text)
	}
	// A camera that came back with another size and range.
	s.fill(bytes.Repeat([]byte{16}, 32*16), layout{mode: mode{"GREY", 32, 16, 30}, stride: 32, fullRange: true}, 0)
	if img := decode(t, develop()).(*image.Gray); img.Bounds() != image.Rect(0, 0, 32, 16) || img.Pix[0] != 16 {
		t.Errorf("%v, %d", img.Bounds(), img.Pix[0])
	}
	// One that cannot be is told, not a crash.
	s.layout.stride = 31
	if _, err := d.develop(&s); err == nil || !strings.Contains(err.Error(), "31 bytes from row to row") {
		t.Error(err)
	}
}

// TestShotAllocs: once its memory has grown, nothing more is allocated for a frame, whatever comes of it.
func TestShotAllocs(t *testing.T) {
	p := mjpegtest.Frames(1, 320, 240, 90)[0]
	bare := mjpegtest.WithoutDHT(p)
	jpeg := layout{mode: mode{format: "MJPG"}}
	_, log := newLog()
	d := developer{log: log}
	var s shot
	d.repaired = true
	if n := testing.AllocsPerRun(50, func() {
		for _, b := range [][]byte{p, bare, p[:len(p)/2], nil} {
			if _, ok := s.fill(b, jpeg, 0); ok {
				if _, err := d.develop(&s); err != nil {
					t.Fatal(err)
				}
			}
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestDropString(t *testing.T) {
	seen := map[string]bool{}
	for d := range Drop(NumDrops) {
		if s := d.String(); s == "" || seen[s] || strings.HasPrefix(s, "Drop(") {
			t.Errorf("cause %d is %q", int(d), s)
		} else {
			seen[s] = true
		}
	}
	if got := Drop(99).String(); got != "Drop(99)" {
		t.Error(got)
	}
}

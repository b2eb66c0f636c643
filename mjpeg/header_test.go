package mjpeg_test

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"slices"
	"strings"
	"testing"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

// withSOF replaces the frame header of a frame of image/jpeg: marker, components and the sampling factors of each.
func withSOF(frame []byte, marker byte, sampling ...byte) []byte {
	start := bytes.Index(frame, []byte("\xFF\xC0"))
	end := start + 2 + int(frame[start+3])
	sof := []byte{0xFF, marker, 0, byte(8 + 3*len(sampling)), 8, 0, 48, 0, 64, byte(len(sampling))}
	for i, s := range sampling {
		sof = append(sof, byte(i+1), s, 0)
	}
	return slices.Concat(frame[:start], sof, frame[end:])
}

func TestParseHeader(t *testing.T) {
	frame := mjpegtest.Frames(1, 64, 48, 75)[0]
	base := mjpeg.Header{Width: 64, Height: 48, Components: 3, Subsampling: "4:2:0", HasDHT: true}
	with := func(change func(h *mjpeg.Header)) mjpeg.Header {
		h := base
		change(&h)
		return h
	}
	fixture := func(change func(h *mjpeg.Header)) mjpeg.Header {
		h := base
		h.Width, h.Height = 96, 64
		change(&h)
		return h
	}
	tests := []struct {
		name    string
		changed []byte
		want    mjpeg.Header
	}{
		{"baseline", frame, base},
		{"with fill", slices.Concat(frame[:2], []byte("\xFF\xFF\xFF"), frame[2:]), base},
		{"no DHT", mjpegtest.WithoutDHT(frame), with(func(h *mjpeg.Header) { h.HasDHT = false })},
		{"DHT in a comment", mjpegtest.WithSegment(mjpegtest.WithoutDHT(frame), 0xFE, []byte("\xFF\xC4")),
			with(func(h *mjpeg.Header) { h.HasDHT = false })},
		{"largest", mjpegtest.WithSize(frame, 65535, 65535),
			with(func(h *mjpeg.Header) { h.Width, h.Height = 65535, 65535 })},
		{"restart interval", mjpegtest.WithSegment(frame, 0xDD, []byte{1, 2}),
			with(func(h *mjpeg.Header) { h.RestartInterval = 258 })},
		{"Se 0", mjpegtest.WithScan(frame, 0, 0, 0), with(func(h *mjpeg.Header) { h.OddScan = true })},
		{"Ss 1", mjpegtest.WithScan(frame, 1, 63, 0), with(func(h *mjpeg.Header) { h.OddScan = true })},
		{"Al 1", mjpegtest.WithScan(frame, 0, 63, 1), with(func(h *mjpeg.Header) { h.OddScan = true })},
		{"Ah 1", mjpegtest.WithScan(frame, 0, 63, 0x10), with(func(h *mjpeg.Header) { h.OddScan = true })},
		{"Se 0, extended", mjpegtest.WithScan(withSOF(frame, 0xC1, 0x22, 0x11, 0x11), 0, 0, 0),
			with(func(h *mjpeg.Header) { h.OddScan = true })},
		{"Se 5, progressive", mjpegtest.WithScan(withSOF(frame, 0xC2, 0x22, 0x11, 0x11), 0, 5, 0),
			with(func(h *mjpeg.Header) { h.Progressive = true })},
		{"predictor 1, lossless", mjpegtest.WithScan(withSOF(frame, 0xC3, 0x22, 0x11, 0x11), 1, 0, 0), base},
		{"progressive fixture", mjpegtest.Fixture("progressive"),
			fixture(func(h *mjpeg.Header) { h.Progressive = true })},
		{"restart fixture", mjpegtest.Fixture("restart"), fixture(func(h *mjpeg.Header) { h.RestartInterval = 1 })},
		{"gray fixture", mjpegtest.Fixture("gray"),
			fixture(func(h *mjpeg.Header) { h.Components, h.Subsampling = 1, "" })},
		{"arithmetic fixture", mjpegtest.Fixture("arithmetic"),
			fixture(func(h *mjpeg.Header) { h.Arithmetic, h.HasDHT = true, false })},
		{"CMYK", withSOF(frame, 0xC0, 0x11, 0x11, 0x11, 0x11),
			with(func(h *mjpeg.Header) { h.Components, h.Subsampling = 4, "" })},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := mjpeg.ParseHeader(tt.changed)
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestParseHeaderProcess(t *testing.T) {
	frame := mjpegtest.Frames(1, 64, 48, 75)[0]
	const progressive, arithmetic = "\xC2\xC6\xCA\xCE", "\xC9\xCA\xCB\xCD\xCE\xCF"
	for marker := byte(0xC0); marker <= 0xCF; marker++ {
		if marker == 0xC4 || marker == 0xC8 || marker == 0xCC {
			continue // no frame headers
		}
		h, err := mjpeg.ParseHeader(withSOF(frame, marker, 0x11))
		if err != nil {
			t.Errorf("SOF %X: %v", marker, err)
		}
		name := string([]byte{marker})
		if h.Progressive != strings.Contains(progressive, name) || h.Arithmetic != strings.Contains(arithmetic, name) {
			t.Errorf("SOF %X: got %+v", marker, h)
		}
	}
}

func TestParseHeaderSubsampling(t *testing.T) {
	frame := mjpegtest.Frames(1, 64, 48, 75)[0]
	tests := []struct {
		sampling string // of the three components
		want     string
	}{
		{"\x11\x11\x11", "4:4:4"},
		{"\x22\x22\x22", "4:4:4"},
		{"\x21\x11\x11", "4:2:2"},
		{"\x42\x22\x22", "4:2:2"},
		{"\x22\x11\x11", "4:2:0"},
		{"\x12\x11\x11", "4:4:0"},
		{"\x41\x11\x11", "4:1:1"},
		{"\x42\x11\x11", "4:1:0"},
		{"\x14\x11\x11", ""},
		{"\x11\x21\x21", ""},
		{"\x31\x21\x21", ""},
		{"\x22\x11\x21", ""},
		{"\x22\x00\x00", ""},
		{"\x00\x11\x11", ""},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%x", tt.sampling), func(t *testing.T) {
			h, err := mjpeg.ParseHeader(withSOF(frame, 0xC0, []byte(tt.sampling)...))
			if err != nil || h.Subsampling != tt.want {
				t.Errorf("got %q, %v, want %q", h.Subsampling, err, tt.want)
			}
		})
	}
}

func TestParseHeaderErrors(t *testing.T) {
	frame := mjpegtest.Frames(1, 64, 48, 75)[0]
	tests := []struct {
		name    string
		changed string
		want    string
	}{
		{"empty", "", `frame begins with "", not with SOI (FF D8)`},
		{"text", "GET / HTTP/1.1", `frame begins with "GE", not with SOI (FF D8)`},
		{"SOI only", "\xFF\xD8", "frame ends at offset 2, before its first scan"},
		{"fill only", "\xFF\xD8\xFF\xFF", "frame ends at offset 4, before its first scan"},
		{"no marker", "\xFF\xD8\x41", "byte 41 at offset 2, where a marker (FF) must stand"},
		{"too much junk", "\xFF\xD8\xFF\xE0\x00\x02" + strings.Repeat("\x00", 4097) + "\xFF\xDB\x00\x02",
			"4097 bytes between segments up to offset 4103 belong to none; 4096 are the limit"},
		{"too much junk in all", "\xFF\xD8" + strings.Repeat("\xFF\xE0\x00\x02"+strings.Repeat("\x00", 3000), 2) + "\xFF\xDB\x00\x02",
			"6000 bytes between segments up to offset 6010 belong to none; 4096 are the limit"},
		{"junk to the end", "\xFF\xD8\xFF\xE0\x00\x02abc\xFF\x00", "frame ends at offset 11, before its first scan"},
		{"EOI behind junk", "\xFF\xD8\xFF\xE0\x00\x02abc\xFF\xD9", "marker FFD9 at offset 9, before the first scan"},
		{"reserved marker", "\xFF\xD8\xFF\x02", "marker FF02 at offset 2, before the first scan"},
		{"EOI", "\xFF\xD8\xFF\xD9", "marker FFD9 at offset 2, before the first scan"},
		{"SOI again", "\xFF\xD8\xFF\xFF\xD8", "marker FFD8 at offset 3, before the first scan"},
		{"no length", "\xFF\xD8\xFF\xE0\x00", "frame ends at offset 5, inside segment FFE0"},
		{"length 1", "\xFF\xD8\xFF\xE0\x00\x01", "segment FFE0 at offset 2 has length 1, under 2"},
		{"length too large", "\xFF\xD8\xFF\xFE\x00\x06abc",
			"segment FFFE at offset 2 is 6 bytes long, the frame ends after 5"},
		{"cut", string(frame[:400]), "segment FFC4 at offset 155 is 418 bytes long, the frame ends after 243"},
		{"no frame header", "\xFF\xD8\xFF\xDA\x00\x02",
			"segment FFDA at offset 2: a scan without a frame header (SOF) before it"},
		{"two frame headers", "\xFF\xD8" + strings.Repeat("\xFF\xC0\x00\x0B\x08\x00\x01\x00\x01\x01\x01\x11\x00", 2),
			"segment FFC0 at offset 15: a second frame header"},
		{"short frame header", "\xFF\xD8\xFF\xC0\x00\x04\x08\x00",
			"segment FFC0 at offset 2: frame header of 2 bytes does not fit its number of components"},
		{"components missing", string(withSOF(frame, 0xC0)),
			"segment FFC0 at offset 136: frame header of 6 bytes does not fit its number of components"},
		{"no width", string(mjpegtest.WithSize(frame, 0, 48)), "segment FFC0 at offset 136: size 0×48"},
		{"no height", string(mjpegtest.WithSize(frame, 64, 0)), "segment FFC0 at offset 136: size 64×0"},
		{"restart interval", "\xFF\xD8\xFF\xDD\x00\x03\x01", "segment FFDD at offset 2: 1 bytes, not 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := mjpeg.ParseHeader([]byte(tt.changed))
			if err == nil || err.Error() != "mjpeg: "+tt.want {
				t.Errorf("got  %v\nwant mjpeg: %s", err, tt.want)
			}
			if h != (mjpeg.Header{}) {
				t.Errorf("got %+v with the error", h)
			}
		})
	}
}

func TestOrientation(t *testing.T) {
	frame := mjpegtest.Frames(1, 64, 48, 75)[0]
	check := func(name string, want int, payloads ...string) {
		t.Run(name, func(t *testing.T) {
			changed := frame
			for _, p := range slices.Backward(payloads) {
				changed = mjpegtest.WithSegment(changed, 0xE1, []byte(p))
			}
			if h, err := mjpeg.ParseHeader(changed); err != nil || h.Orientation != want {
				t.Errorf("got %d, %v, want %d", h.Orientation, err, want)
			}
		})
	}
	for o := range 9 {
		check(fmt.Sprintf("%d little-endian", o), o, string(mjpegtest.Exif(o, nil, true)))
		check(fmt.Sprintf("%d big-endian", o), o, string(mjpegtest.Exif(o, nil, false)))
	}
	check("with thumbnail", 6, string(mjpegtest.Exif(6, frame, true)))
	check("after XMP", 6, "http://ns.adobe.com/xap/1.0/\x00", string(mjpegtest.Exif(6, nil, true)))
	check("the first", 6, string(mjpegtest.Exif(6, nil, true)), string(mjpegtest.Exif(3, nil, true)))
	check("9", 0, string(mjpegtest.Exif(9, nil, true)))

	exif := string(mjpegtest.Exif(6, nil, false)) // Exif00 MM002A 00000008 0001 0112 0003 00000001 00060000 00000000
	patch := func(offset int, with string) string { return exif[:offset] + with + exif[offset+len(with):] }
	check("patched by nothing", 6, patch(6, "MM"))
	check("not TIFF", 0, patch(6, "MN"))
	check("wrong order", 0, patch(6, "II"))
	check("directory far away", 0, patch(10, "\xFF\xFF\xFF\xFF"))
	check("directory at the end", 0, patch(10, "\x00\x00\x00\x19"))
	check("too many entries", 6, patch(14, "\xFF\xFF"))
	check("no entries", 0, patch(14, "\x00\x00"))
	check("another tag", 0, patch(16, "\x01\x13"))
	check("a LONG", 0, patch(18, "\x00\x04"))
	check("two values", 0, patch(20, "\x00\x00\x00\x02"))
	for n := range len(exif) {
		want := 0
		if n >= 16+12 {
			want = 6 // the next directory's offset is not needed
		}
		check(fmt.Sprintf("cut to %d bytes", n), want, exif[:n])
	}
}

func TestAddHuffmanTables(t *testing.T) {
	frame := mjpegtest.Frames(1, 64, 48, 75)[0]
	bare := mjpegtest.WithoutDHT(frame)
	decode := func(t *testing.T, changed []byte) image.Image {
		t.Helper()
		img, err := jpeg.Decode(bytes.NewReader(changed))
		if err != nil {
			t.Fatal(err)
		}
		return img
	}

	t.Run("added", func(t *testing.T) {
		got := mjpeg.AddHuffmanTables([]byte("before"), bare)
		// The standard's tables are those of image/jpeg, which writes them last before the scan.
		if want := append([]byte("before"), frame...); !bytes.Equal(got, want) {
			t.Error("got another frame than image/jpeg's")
		}
	})
	t.Run("DHT in a comment does not count", func(t *testing.T) {
		changed := mjpegtest.WithSegment(bare, 0xFE, []byte("\xFF\xC4\x00\x02 \xFF\xDA"))
		got, want := decode(t, mjpeg.AddHuffmanTables(nil, changed)), decode(t, frame)
		if !slices.Equal(got.(*image.YCbCr).Y, want.(*image.YCbCr).Y) {
			t.Error("the pixels differ")
		}
	})
	asItIs := map[string][]byte{
		"has tables":    frame,
		"progressive":   mjpegtest.Fixture("progressive"),
		"arithmetic":    mjpegtest.Fixture("arithmetic"),
		"cut in header": bare[:100],
		"empty":         nil,
	}
	for name, changed := range asItIs {
		t.Run(name, func(t *testing.T) {
			if got := mjpeg.AddHuffmanTables(nil, changed); !bytes.Equal(got, changed) {
				t.Error("the frame was changed")
			}
		})
	}
}

func TestHeaderAllocs(t *testing.T) {
	frame := mjpegtest.WithoutDHT(mjpegtest.Frames(1, 64, 48, 75)[0])
	frame = mjpegtest.WithSegment(frame, 0xE1, mjpegtest.Exif(6, nil, true))
	buf := make([]byte, 0, 2*len(frame)+1000)
	allocs := testing.AllocsPerRun(100, func() {
		if _, err := mjpeg.ParseHeader(frame); err != nil {
			t.Fatal(err)
		}
		buf = mjpeg.AddHuffmanTables(buf[:0], frame)
	})
	if allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// FuzzParseHeader holds that no input makes ParseHeader panic, that what it accepts keeps the documented ranges, and
// that AddHuffmanTables gives such a frame tables without changing anything else.
func FuzzParseHeader(f *testing.F) {
	frame := mjpegtest.Frames(1, 32, 32, 50)[0]
	f.Add(frame)
	f.Add(mjpegtest.WithoutDHT(frame))
	f.Add(mjpegtest.WithSegment(frame, 0xE1, mjpegtest.Exif(6, nil, true)))
	f.Add(mjpegtest.WithSegment(frame, 0xE1, mjpegtest.Exif(6, nil, false)))
	f.Add(mjpegtest.WithJunk(mjpegtest.WithoutDHT(frame), []byte("a\xFF\x00\xFF\xFF\xD0"), mjpegtest.Segments(mjpegtest.WithoutDHT(frame))[1:]...))
	f.Add(mjpegtest.WithScan(frame, 0, 0, 0))
	f.Add(mjpegtest.MultiFrame(frame, frame))
	for _, name := range []string{"progressive", "arithmetic", "gray", "restart"} {
		f.Add(mjpegtest.Fixture(name))
	}
	f.Fuzz(func(t *testing.T, changed []byte) {
		h, err := mjpeg.ParseHeader(changed)
		repaired := mjpeg.AddHuffmanTables(nil, changed)
		mjpeg.MultiFrame(changed) // does not panic
		clean := mjpeg.AppendWithoutJunk(nil, changed)
		if err != nil {
			if h != (mjpeg.Header{}) || !bytes.Equal(repaired, changed) {
				t.Fatalf("%v, but %+v", err, h)
			}
			return
		}
		if h.Width < 1 || h.Width > 65535 || h.Height < 1 || h.Height > 65535 || h.Components < 1 ||
			h.Orientation < 0 || h.Orientation > 8 || h.RestartInterval < 0 || h.RestartInterval > 65535 {
			t.Fatalf("got %+v", h)
		}
		without := h
		without.Junk = 0
		if got, err := mjpeg.ParseHeader(clean); err != nil || got != without || len(clean) > len(changed)-h.Junk {
			t.Fatalf("got %+v, %v without %d bytes of junk, %+v before", got, err, len(changed)-len(clean), h)
		}
		again, err := mjpeg.ParseHeader(repaired)
		if err != nil {
			t.Fatal(err)
		}
		if !again.HasDHT && !again.Arithmetic {
			t.Fatal("no tables were added")
		}
		again.HasDHT = h.HasDHT
		if again != h {
			t.Fatalf("got %+v after the repair, %+v before", again, h)
		}
	})
}

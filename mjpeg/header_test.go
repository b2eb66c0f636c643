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

// withSOF replaces the frame header of a picture of image/jpeg: marker, components and the sampling factors of each.
func withSOF(picture []byte, marker byte, sampling ...byte) []byte {
	start := bytes.Index(picture, []byte("\xFF\xC0"))
	end := start + 2 + int(picture[start+3])
	sof := []byte{0xFF, marker, 0, byte(8 + 3*len(sampling)), 8, 0, 48, 0, 64, byte(len(sampling))}
	for i, s := range sampling {
		sof = append(sof, byte(i+1), s, 0)
	}
	return slices.Concat(picture[:start], sof, picture[end:])
}

func TestParseHeader(t *testing.T) {
	picture := mjpegtest.Pictures(1, 64, 48, 75)[0]
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
		name  string
		frame []byte
		want  mjpeg.Header
	}{
		{"baseline", picture, base},
		{"with fill", slices.Concat(picture[:2], []byte("\xFF\xFF\xFF"), picture[2:]), base},
		{"no DHT", mjpegtest.WithoutDHT(picture), with(func(h *mjpeg.Header) { h.HasDHT = false })},
		{"DHT in a comment", mjpegtest.WithSegment(mjpegtest.WithoutDHT(picture), 0xFE, []byte("\xFF\xC4")),
			with(func(h *mjpeg.Header) { h.HasDHT = false })},
		{"largest", mjpegtest.WithSize(picture, 65535, 65535),
			with(func(h *mjpeg.Header) { h.Width, h.Height = 65535, 65535 })},
		{"restart interval", mjpegtest.WithSegment(picture, 0xDD, []byte{1, 2}),
			with(func(h *mjpeg.Header) { h.RestartInterval = 258 })},
		{"Se 0", mjpegtest.WithScan(picture, 0, 0, 0), with(func(h *mjpeg.Header) { h.OddScan = true })},
		{"Ss 1", mjpegtest.WithScan(picture, 1, 63, 0), with(func(h *mjpeg.Header) { h.OddScan = true })},
		{"Al 1", mjpegtest.WithScan(picture, 0, 63, 1), with(func(h *mjpeg.Header) { h.OddScan = true })},
		{"Ah 1", mjpegtest.WithScan(picture, 0, 63, 0x10), with(func(h *mjpeg.Header) { h.OddScan = true })},
		{"Se 0, extended", mjpegtest.WithScan(withSOF(picture, 0xC1, 0x22, 0x11, 0x11), 0, 0, 0),
			with(func(h *mjpeg.Header) { h.OddScan = true })},
		{"Se 5, progressive", mjpegtest.WithScan(withSOF(picture, 0xC2, 0x22, 0x11, 0x11), 0, 5, 0),
			with(func(h *mjpeg.Header) { h.Progressive = true })},
		{"predictor 1, lossless", mjpegtest.WithScan(withSOF(picture, 0xC3, 0x22, 0x11, 0x11), 1, 0, 0), base},
		{"progressive fixture", mjpegtest.Fixture("progressive"),
			fixture(func(h *mjpeg.Header) { h.Progressive = true })},
		{"restart fixture", mjpegtest.Fixture("restart"), fixture(func(h *mjpeg.Header) { h.RestartInterval = 1 })},
		{"gray fixture", mjpegtest.Fixture("gray"),
			fixture(func(h *mjpeg.Header) { h.Components, h.Subsampling = 1, "" })},
		{"arithmetic fixture", mjpegtest.Fixture("arithmetic"),
			fixture(func(h *mjpeg.Header) { h.Arithmetic, h.HasDHT = true, false })},
		{"CMYK", withSOF(picture, 0xC0, 0x11, 0x11, 0x11, 0x11),
			with(func(h *mjpeg.Header) { h.Components, h.Subsampling = 4, "" })},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := mjpeg.ParseHeader(tt.frame)
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
	picture := mjpegtest.Pictures(1, 64, 48, 75)[0]
	const progressive, arithmetic = "\xC2\xC6\xCA\xCE", "\xC9\xCA\xCB\xCD\xCE\xCF"
	for marker := byte(0xC0); marker <= 0xCF; marker++ {
		if marker == 0xC4 || marker == 0xC8 || marker == 0xCC {
			continue // no frame headers
		}
		h, err := mjpeg.ParseHeader(withSOF(picture, marker, 0x11))
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
	picture := mjpegtest.Pictures(1, 64, 48, 75)[0]
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
			h, err := mjpeg.ParseHeader(withSOF(picture, 0xC0, []byte(tt.sampling)...))
			if err != nil || h.Subsampling != tt.want {
				t.Errorf("got %q, %v, want %q", h.Subsampling, err, tt.want)
			}
		})
	}
}

func TestParseHeaderErrors(t *testing.T) {
	picture := mjpegtest.Pictures(1, 64, 48, 75)[0]
	tests := []struct {
		name  string
		frame string
		want  string
	}{
		{"empty", "", `picture begins with "", not with SOI (FF D8)`},
		{"text", "GET / HTTP/1.1", `picture begins with "GE", not with SOI (FF D8)`},
		{"SOI only", "\xFF\xD8", "picture ends at offset 2, before its first scan"},
		{"fill only", "\xFF\xD8\xFF\xFF", "picture ends at offset 4, before its first scan"},
		{"no marker", "\xFF\xD8\x41", "byte 41 at offset 2, where a marker (FF) must stand"},
		{"too much junk", "\xFF\xD8\xFF\xE0\x00\x02" + strings.Repeat("\x00", 4097) + "\xFF\xDB\x00\x02",
			"4097 bytes between segments up to offset 4103 belong to none; 4096 are the limit"},
		{"too much junk in all", "\xFF\xD8" + strings.Repeat("\xFF\xE0\x00\x02"+strings.Repeat("\x00", 3000), 2) + "\xFF\xDB\x00\x02",
			"6000 bytes between segments up to offset 6010 belong to none; 4096 are the limit"},
		{"junk to the end", "\xFF\xD8\xFF\xE0\x00\x02abc\xFF\x00", "picture ends at offset 11, before its first scan"},
		{"EOI behind junk", "\xFF\xD8\xFF\xE0\x00\x02abc\xFF\xD9", "marker FFD9 at offset 9, before the first scan"},
		{"reserved marker", "\xFF\xD8\xFF\x02", "marker FF02 at offset 2, before the first scan"},
		{"EOI", "\xFF\xD8\xFF\xD9", "marker FFD9 at offset 2, before the first scan"},
		{"SOI again", "\xFF\xD8\xFF\xFF\xD8", "marker FFD8 at offset 3, before the first scan"},
		{"no length", "\xFF\xD8\xFF\xE0\x00", "picture ends at offset 5, inside segment FFE0"},
		{"length 1", "\xFF\xD8\xFF\xE0\x00\x01", "segment FFE0 at offset 2 has length 1, under 2"},
		{"length too large", "\xFF\xD8\xFF\xFE\x00\x06abc",
			"segment FFFE at offset 2 is 6 bytes long, the picture ends after 5"},
		{"cut", string(picture[:400]), "segment FFC4 at offset 155 is 418 bytes long, the picture ends after 243"},
		{"no frame header", "\xFF\xD8\xFF\xDA\x00\x02",
			"segment FFDA at offset 2: a scan without a frame header (SOF) before it"},
		{"two frame headers", "\xFF\xD8" + strings.Repeat("\xFF\xC0\x00\x0B\x08\x00\x01\x00\x01\x01\x01\x11\x00", 2),
			"segment FFC0 at offset 15: a second frame header"},
		{"short frame header", "\xFF\xD8\xFF\xC0\x00\x04\x08\x00",
			"segment FFC0 at offset 2: frame header of 2 bytes does not fit its number of components"},
		{"components missing", string(withSOF(picture, 0xC0)),
			"segment FFC0 at offset 136: frame header of 6 bytes does not fit its number of components"},
		{"no width", string(mjpegtest.WithSize(picture, 0, 48)), "segment FFC0 at offset 136: size 0×48"},
		{"no height", string(mjpegtest.WithSize(picture, 64, 0)), "segment FFC0 at offset 136: size 64×0"},
		{"restart interval", "\xFF\xD8\xFF\xDD\x00\x03\x01", "segment FFDD at offset 2: 1 bytes, not 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := mjpeg.ParseHeader([]byte(tt.frame))
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
	picture := mjpegtest.Pictures(1, 64, 48, 75)[0]
	check := func(name string, want int, payloads ...string) {
		t.Run(name, func(t *testing.T) {
			frame := picture
			for _, p := range slices.Backward(payloads) {
				frame = mjpegtest.WithSegment(frame, 0xE1, []byte(p))
			}
			if h, err := mjpeg.ParseHeader(frame); err != nil || h.Orientation != want {
				t.Errorf("got %d, %v, want %d", h.Orientation, err, want)
			}
		})
	}
	for o := range 9 {
		check(fmt.Sprintf("%d little-endian", o), o, string(mjpegtest.Exif(o, nil, true)))
		check(fmt.Sprintf("%d big-endian", o), o, string(mjpegtest.Exif(o, nil, false)))
	}
	check("with thumbnail", 6, string(mjpegtest.Exif(6, picture, true)))
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
	picture := mjpegtest.Pictures(1, 64, 48, 75)[0]
	bare := mjpegtest.WithoutDHT(picture)
	decode := func(t *testing.T, frame []byte) image.Image {
		t.Helper()
		img, err := jpeg.Decode(bytes.NewReader(frame))
		if err != nil {
			t.Fatal(err)
		}
		return img
	}

	t.Run("added", func(t *testing.T) {
		got := mjpeg.AddHuffmanTables([]byte("before"), bare)
		// The standard's tables are those of image/jpeg, which writes them last before the scan.
		if want := append([]byte("before"), picture...); !bytes.Equal(got, want) {
			t.Error("got another picture than image/jpeg's")
		}
	})
	t.Run("DHT in a comment does not count", func(t *testing.T) {
		frame := mjpegtest.WithSegment(bare, 0xFE, []byte("\xFF\xC4\x00\x02 \xFF\xDA"))
		got, want := decode(t, mjpeg.AddHuffmanTables(nil, frame)), decode(t, picture)
		if !slices.Equal(got.(*image.YCbCr).Y, want.(*image.YCbCr).Y) {
			t.Error("the pixels differ")
		}
	})
	asItIs := map[string][]byte{
		"has tables":    picture,
		"progressive":   mjpegtest.Fixture("progressive"),
		"arithmetic":    mjpegtest.Fixture("arithmetic"),
		"cut in header": bare[:100],
		"empty":         nil,
	}
	for name, frame := range asItIs {
		t.Run(name, func(t *testing.T) {
			if got := mjpeg.AddHuffmanTables(nil, frame); !bytes.Equal(got, frame) {
				t.Error("the picture was changed")
			}
		})
	}
}

func TestHeaderAllocs(t *testing.T) {
	frame := mjpegtest.WithoutDHT(mjpegtest.Pictures(1, 64, 48, 75)[0])
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
// that AddHuffmanTables gives such a picture tables without changing anything else.
func FuzzParseHeader(f *testing.F) {
	picture := mjpegtest.Pictures(1, 32, 32, 50)[0]
	f.Add(picture)
	f.Add(mjpegtest.WithoutDHT(picture))
	f.Add(mjpegtest.WithSegment(picture, 0xE1, mjpegtest.Exif(6, nil, true)))
	f.Add(mjpegtest.WithSegment(picture, 0xE1, mjpegtest.Exif(6, nil, false)))
	f.Add(mjpegtest.WithJunk(mjpegtest.WithoutDHT(picture), []byte("a\xFF\x00\xFF\xFF\xD0"), mjpegtest.Segments(mjpegtest.WithoutDHT(picture))[1:]...))
	f.Add(mjpegtest.WithScan(picture, 0, 0, 0))
	f.Add(mjpegtest.MultiPicture(picture, picture))
	for _, name := range []string{"progressive", "arithmetic", "gray", "restart"} {
		f.Add(mjpegtest.Fixture(name))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		h, err := mjpeg.ParseHeader(frame)
		repaired := mjpeg.AddHuffmanTables(nil, frame)
		mjpeg.MultiPicture(frame) // does not panic
		clean := mjpeg.AppendWithoutJunk(nil, frame)
		if err != nil {
			if h != (mjpeg.Header{}) || !bytes.Equal(repaired, frame) {
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
		if got, err := mjpeg.ParseHeader(clean); err != nil || got != without || len(clean) > len(frame)-h.Junk {
			t.Fatalf("got %+v, %v without %d bytes of junk, %+v before", got, err, len(frame)-len(clean), h)
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

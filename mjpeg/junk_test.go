package mjpeg_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image/jpeg"
	"slices"
	"strings"
	"testing"
	"time"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

const mostJunk = 4096

// plainAndExif are frames of 64 × 48 pixels, with JFIF alone and with EXIF data that have a thumbnail.
func plainAndExif() (plain, exif []byte) {
	thumbnail := mjpegtest.Frames(1, 16, 16, 50)[0]
	jfif := []byte("JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
	plain = mjpegtest.WithSegment(mjpegtest.Frames(1, 64, 48, 75)[0], 0xE0, jfif)
	exif = mjpegtest.WithSegment(mjpegtest.Frames(1, 64, 48, 75)[0], 0xE1, mjpegtest.Exif(1, thumbnail, true))
	return plain, mjpegtest.WithSegment(exif, 0xE0, jfif)
}

// junkIn counts a frame's junk in the simplest way: what is neither marker nor fill nor segment nor scan.
func junkIn(t *testing.T, frame []byte) (junk int) {
	t.Helper()
	for i := 2; i < len(frame)-2; {
		n := 0
		for frame[i+n] != 0xFF || frame[i+n+1] <= 1 || frame[i+n+1] >= 0xD0 && frame[i+n+1] <= 0xD7 || frame[i+n+1] == 0xFF {
			switch fill := frame[i+n] == 0xFF && frame[i+n+1] == 0xFF; {
			case fill && n == 0:
				i++
			case frame[i+n] == 0xFF && !fill:
				n += 2
			default:
				n++
			}
		}
		junk += n
		i += n
		if frame[i+1] == 0xD9 {
			break
		}
		scan := frame[i+1] == 0xDA
		i += 2 + int(binary.BigEndian.Uint16(frame[i+2:]))
		for scan && (frame[i] != 0xFF || frame[i+1] == 0 || frame[i+1] >= 0xD0 && frame[i+1] <= 0xD7) {
			i++
		}
	}
	return junk
}

// TestScannerJunk: junk of whatever kind, at whatever place between segments, belongs to its frame, which is whole for
// whoever walks its segments.
func TestScannerJunk(t *testing.T) {
	plain, exif := plainAndExif()
	kinds := map[string]string{
		"one zero":          "\x00",
		"zeros":             strings.Repeat("\x00", 16),
		"text":              "padding up to a multiple of 64 bytes",
		"most":              strings.Repeat("\x00", mostJunk),
		"most of FF 00":     strings.Repeat("\xFF\x00", mostJunk/2),
		"FF 00":             "\xFF\x00",
		"FF 00 in it":       "a\xFF\x00b",
		"FF 00 at its end":  "a\xFF\x00",
		"FF in it":          "a\xFF\xFF\x00b",
		"fill behind it":    "a\xFF\xFF\xFF",
		"restart markers":   "\xFF\xD0\xFF\xD1\xFF\xD7",
		"restarts in it":    "a\xFF\xD3b",
		"TEM":               "\xFF\x01",
		"D8, not behind FF": "\xD8\xD9\xD8",
		"half a SOI":        "\xFE\xD8\xFF\x00\xD8\xFF\x00",
	}
	for kind, junk := range kinds {
		for name, frame := range map[string][]byte{"plain": plain, "with a thumbnail": exif} {
			clean, err := mjpeg.ParseHeader(frame)
			if err != nil {
				t.Fatal(err)
			}
			places := mjpegtest.Segments(frame)
			for at := range len(places) + 1 { // the last: at all places
				before := places[at%len(places) : at%len(places)+1]
				switch {
				case at == 0 && junk[0] != 0xFF: // OpenCV and browsers, too, know a frame by FF D8 FF
					continue
				case at == len(places) && len(junk) > mostJunk/10:
					continue
				case at == len(places):
					before = places[1:]
				}
				with := mjpegtest.WithJunk(frame, []byte(junk), before...)
				t.Run(fmt.Sprintf("%s/%s/%d", kind, name, at), func(t *testing.T) {
					total := len(junk) * len(before)
					stream := slices.Concat(with, plain, with, []byte("\r\n"), with, exif)
					for _, reader := range readers {
						s := mjpeg.NewScanner(reader.wrap(bytes.NewReader(stream)))
						got := scanAll(s)
						checkFrames(t, got, [][]byte{with, plain, with, with, exif})
						want := mjpeg.Stats{
							Bytes: int64(len(stream)), Frames: 5, JunkFrames: 3, JunkBytes: 3 * int64(total), Skipped: 2,
						}
						if s.Stats() != want {
							t.Fatalf("got %+v, want %+v", s.Stats(), want)
						}
					}
					if n := junkIn(t, with); n != total {
						t.Fatalf("junkIn counts %d bytes, want %d", n, total)
					}
					h, err := mjpeg.ParseHeader(with)
					if err != nil || h.Junk != total {
						t.Fatalf("%+v, %v, want %d bytes of junk", h, err, total)
					}
					if !bytes.Equal(mjpeg.AppendWithoutJunk(nil, with), frame) {
						t.Error("without junk it is another frame")
					}
					if h.Junk = 0; h != clean {
						t.Errorf("got %+v, without junk %+v", h, clean)
					}

					bare := mjpegtest.WithJunk(mjpegtest.WithoutDHT(frame), []byte(junk), mjpegtest.Segments(frame)[1])
					repaired := mjpeg.AddHuffmanTables(nil, bare)
					again, err := mjpeg.ParseHeader(repaired)
					if err != nil || !again.HasDHT || again.Junk != len(junk) {
						t.Errorf("with tables added: %+v, %v", again, err)
					}

					stamp := mjpeg.Stamp{Camera: "door", Seq: 7}
					r := mjpeg.NewReader(bytes.NewReader(stamped(stamp, with)), 0)
					if f, err := r.Next(); err != nil || f.Seq != 7 || !bytes.Equal(f.JPEG, with) {
						t.Errorf("stamped: frame %d of %d bytes, %v", f.Seq, len(f.JPEG), err)
					}
				})
			}
		}
	}
}

// TestJunkPixels: image/jpeg, which takes most junk, gives the pixels of the frame without it.
func TestJunkPixels(t *testing.T) {
	_, exif := plainAndExif()
	with := mjpegtest.WithJunk(mjpegtest.WithoutDHT(exif), []byte("a\xFF\x00b"), mjpegtest.Segments(exif)[1:3]...)
	want, err := jpeg.Decode(bytes.NewReader(exif))
	if err != nil {
		t.Fatal(err)
	}
	got, err := jpeg.Decode(bytes.NewReader(mjpeg.AddHuffmanTables(nil, with)))
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Error("the pixels differ")
	}
}

// TestScannerTooMuchJunk: what is over the limit, or leads nowhere, costs its frame alone.
func TestScannerTooMuchJunk(t *testing.T) {
	plain, exif := plainAndExif()
	places := mjpegtest.Segments(exif)
	second, third := places[1], places[2] // before APP1, behind it
	thumbnail := exif[bytes.Index(exif[2:], []byte("\xFF\xD8"))+2 : third]
	junk := func(n int) []byte { return bytes.Repeat([]byte{0xAA}, n) }
	// lead is an APP0 segment so long that it ends n bytes into stream.
	lead := func(n int, stream []byte) []byte {
		return slices.Concat([]byte{0xFF, 0xD8, 0xFF, 0xE0, byte((n + 2) >> 8), byte(n + 2)}, stream)
	}
	progressive := mjpegtest.Fixture("progressive")
	restart := mjpegtest.Fixture("restart")
	between := bytes.LastIndex(progressive, []byte("\xFF\xDA")) // behind the tables between two scans
	type damage = [mjpeg.NumDamage]int64
	malformed, torn, cut := damage{mjpeg.Malformed: 1}, damage{mjpeg.Torn: 1}, damage{mjpeg.Cut: 1}

	tests := []struct {
		name   string
		stream []byte
		want   [][]byte
		damage damage
	}{
		{"too much before a thumbnail, which is not shown for the frame",
			slices.Concat(mjpegtest.WithJunk(exif, junk(mostJunk), second), plain),
			[][]byte{mjpegtest.WithJunk(exif, junk(mostJunk), second), plain}, damage{}},
		{"one byte too much", slices.Concat(mjpegtest.WithJunk(plain, junk(mostJunk+1), second), plain), [][]byte{plain},
			malformed},
		{"one byte too much, FF 00", slices.Concat(mjpegtest.WithJunk(plain, append(junk(mostJunk-1), 0xFF, 0), second), plain),
			[][]byte{plain}, malformed},
		{"one byte too much, fill in it",
			slices.Concat(mjpegtest.WithJunk(plain, append(junk(mostJunk-3), 0xFF, 0xFF, 0xFF, 0), second), plain),
			[][]byte{plain}, malformed},
		{"too much in all", slices.Concat(mjpegtest.WithJunk(exif, junk(mostJunk/2+1), second, third), plain),
			[][]byte{thumbnail, plain}, malformed},
		{"a reserved marker in it", slices.Concat(mjpegtest.WithJunk(plain, []byte("a\xFF\x02"), second), plain),
			[][]byte{plain}, malformed},
		{"the next frame in it", slices.Concat(plain[:second], junk(5), plain), [][]byte{plain}, torn},
		{"the next frame in it, which has some too",
			slices.Concat(plain[:second], junk(5), mjpegtest.WithJunk(plain, junk(9), second), plain),
			[][]byte{mjpegtest.WithJunk(plain, junk(9), second), plain}, torn},
		{"EOI in it", slices.Concat(plain[:second], junk(5), []byte("\xFF\xD9"), plain), [][]byte{plain}, malformed},
		{"the end in it", slices.Concat(plain, plain[:second], junk(5)), [][]byte{plain}, cut},
		{"in front of a later scan", mjpegtest.WithJunk(progressive, junk(7), between),
			[][]byte{mjpegtest.WithJunk(progressive, junk(7), between)}, damage{}},
		{"a segment in a scan, then data", slices.Concat(restart[:len(restart)-50], []byte("\xFF\xE5\x00\x08"),
			restart[len(restart)-50:], plain), [][]byte{plain}, malformed},
		{"a length that ends in a thumbnail of its own frame is wrong",
			slices.Concat(lead(len(thumbnail)/2+bytes.Index(exif, thumbnail)-2, exif[2:]), plain),
			[][]byte{thumbnail, plain}, malformed},
		{"a length that ends between frames is wrong",
			lead(2*len(plain)+3, slices.Concat(plain, plain, []byte("\r\n--B\r\n\r\n"), plain)), [][]byte{plain, plain, plain},
			torn},
	}
	for _, tt := range tests {
		for _, reader := range readers {
			t.Run(tt.name+"/"+reader.name, func(t *testing.T) {
				s := mjpeg.NewScanner(reader.wrap(bytes.NewReader(tt.stream)))
				got := scanAll(s)
				checkFrames(t, got, tt.want)
				checkAccount(t, s.Stats(), got, int64(len(tt.stream)))
				if dam := s.Stats().Damaged; dam != tt.damage {
					t.Errorf("damaged %v, want %v", dam, tt.damage)
				}
			})
		}
	}
}

// TestScannerWrongLengths: wherever a wrong length leads, but to an FF by chance, all frames from the next one on are
// given out, also where all of them have junk and thumbnails.
func TestScannerWrongLengths(t *testing.T) {
	_, exif := plainAndExif()
	const junk = "\x00a\xFF\x00b"
	with := mjpegtest.WithJunk(exif, []byte(junk), mjpegtest.Segments(exif)[1:]...)
	stream := bytes.Repeat(with, 6)
	want := slices.Repeat([][]byte{with}, 5)
	for i, at := range mjpegtest.Segments(exif) {
		at += i * len(junk)
		for length := 0; at+2+length < len(stream); length++ {
			if stream[at+2+length] == 0xFF || stream[at+2+length-1] == 0xFF {
				continue
			}
			binary.BigEndian.PutUint16(stream[at+2:], uint16(length))
			s := mjpeg.NewScanner(bytes.NewReader(stream))
			// Of the frame with the wrong length, its thumbnail or a part may come before.
			if got := scanAll(s); len(got) < len(want) || !slices.EqualFunc(got[len(got)-len(want):], want, bytes.Equal) {
				t.Errorf("length %d at %d, to %d of a frame of %d bytes: %d frames and %+v", length, at,
					(at+2+length)%len(with), len(with), len(got), s.Stats())
			}
		}
		copy(stream, with)
	}
}

// TestScannerJunkTime: whatever wrong lengths lead to, bytes are looked at a few times at most.
func TestScannerJunkTime(t *testing.T) {
	const size = 4 << 20
	for name, end := range map[string]string{
		"zeros":    strings.Repeat("\x00", mostJunk+1),
		"FF 00":    strings.Repeat("\xFF\x00", mostJunk/2+1),
		"fill":     "\x00" + strings.Repeat("\xFF", mostJunk),
		"EOI":      strings.Repeat("\x00", mostJunk-1) + "\xFF\xD9",
		"reserved": strings.Repeat("\xFF\x00", mostJunk/2) + "\xFF\x02",
	} {
		t.Run(name, func(t *testing.T) {
			const segments = 10_000
			var input []byte
			for len(input) < size {
				for i := range segments {
					length := min((segments-i)*6-4, 1<<16-1)
					input = append(input, 0xFF, 0xD8, 0xFF, 0xFE, byte(length>>8), byte(length))
				}
				input = append(input, end...)
			}
			start := time.Now()
			s := mjpeg.NewScanner(bytes.NewReader(input))
			checkFrames(t, scanAll(s), nil)
			checkAccount(t, s.Stats(), nil, int64(len(input)))
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("%d bytes took %v", len(input), took)
			}
		})
	}
}

func TestScannerJunkAllocs(t *testing.T) {
	plain, _ := plainAndExif()
	with := mjpegtest.WithJunk(plain, []byte("\x00a\xFF\x00b"), mjpegtest.Segments(plain)[1:]...)
	s := mjpeg.NewScanner(&endless{clip: with})
	for range 1000 { // until the buffer is large enough
		s.Scan()
	}
	if allocs := testing.AllocsPerRun(1000, func() { s.Scan() }); allocs > 0 {
		t.Errorf("%v allocations for each frame", allocs)
	}
	if st := s.Stats(); st.JunkFrames != st.Frames {
		t.Errorf("%+v", st)
	}
}

func TestStatsPlus(t *testing.T) {
	plain, _ := plainAndExif()
	with := mjpegtest.WithJunk(plain, []byte("abc"), mjpegtest.Segments(plain)[1])
	parts := [][]byte{slices.Concat(plain, []byte("gap"), with), slices.Concat(with, plain[:200], plain)}
	var sum mjpeg.Stats
	for _, p := range parts {
		s := mjpeg.NewScanner(bytes.NewReader(p))
		scanAll(s)
		sum = sum.Plus(s.Stats())
	}
	whole := mjpeg.NewScanner(bytes.NewReader(bytes.Join(parts, nil)))
	scanAll(whole)
	if sum != whole.Stats() || sum.JunkBytes != 6 || sum.Damaged[mjpeg.Malformed] != 1 {
		t.Errorf("got %+v, want %+v", sum, whole.Stats())
	}
}

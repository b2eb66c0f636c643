package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os/exec"
	"slices"
	"testing"

	"gocv.io/x/gocv"

	"picam/mjpeg/mjpegtest"
)

// encodeWith encodes rows of pixels by OpenCV, with a restart marker after so many MCUs; 0: without.
func encodeWith(t testing.TB, pixels []byte, width, height int, f Format, quality, interval int) []byte {
	t.Helper()
	kind := gocv.MatTypeCV8UC1
	if f == BGR {
		kind = gocv.MatTypeCV8UC3
	}
	m, err := gocv.NewMatFromBytes(height, width, kind, pixels[:width*height*f.channels()])
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	out, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, m,
		[]int{gocv.IMWriteJpegQuality, quality, gocv.IMWriteJpegRstInterval, interval})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	return slices.Clone(out.GetBytes())
}

// textured returns pixels that are drawn, with noise as a camera's.
func textured(t testing.TB, width, height int, f Format) []byte {
	t.Helper()
	pixels, _, _, err := decode(t, newDecoder(t), mjpegtest.Frames(1, width, height, 95)[0], f, 1)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, 8))
	for i, p := range pixels {
		pixels[i] = byte(min(255, max(0, int(p)+int(rng.NormFloat64()*6))))
	}
	return pixels
}

// kinds are the kinds of frame that oddities come in, 96 pixels wide.
var kinds = []struct {
	name     string
	format   Format
	interval int
	noDHT    bool
}{
	{"gray", Gray, 0, false},
	{"gray, restarts", Gray, 12, false}, // a row of MCUs
	{"gray, odd restarts", Gray, 5, false},
	{"colour", BGR, 0, false},
	{"colour, restarts", BGR, 6, false},
	{"colour, odd restarts", BGR, 4, false},
	{"colour without tables", BGR, 0, true},
	{"colour without tables, restarts", BGR, 6, true},
}

// oddity makes a frame that decoders show of a good one.
type oddity struct {
	name string
	make func(good, more []byte) []byte // more is the good one with more rows below
}

// between puts junk before each segment with a marker.
func between(marker byte, junk string) func(good, more []byte) []byte {
	return func(good, _ []byte) []byte {
		out := slices.Clone(good[:2])
		for at := 2; ; {
			end := segmentEnd(good, at+2)
			if good[at+1] == marker {
				out = append(out, junk...)
			}
			if good[at+1] == 0xDA {
				return append(out, good[at:]...)
			}
			out = append(out, good[at:end]...)
			at = end
		}
	}
}

// scanParameters writes Ss, Se, Ah and Al.
func scanParameters(ss, se, a byte) func(good, more []byte) []byte {
	return func(good, _ []byte) []byte {
		out := slices.Clone(good)
		_, _, scan := walk(out)
		copy(out[segmentEnd(out, scan)-3:], []byte{ss, se, a})
		return out
	}
}

var oddities = []oddity{
	{"a byte before the tables", between(0xDB, "\x00")},
	{"bytes before the frame header", between(0xC0, "\x12\x34\x56\x78junk of a camera")},
	{"bytes with zeros after FF before the scan", between(0xDA, "a\xFF\x00b\xFF\xFF\x00c")},
	{"much before JFIF", between(0xE0, string(bytes.Repeat([]byte("0123456789"), 61)))},
	{"fill", between(0xDB, "\xFF\xFF")},
	{"end of spectrum 0", scanParameters(0, 0, 0)},
	{"spectrum 1 to 5", scanParameters(1, 5, 0)},
	{"spectrum beyond 63", scanParameters(0, 200, 0)},
	{"approximation", scanParameters(0, 63, 0x21)},
	{"more rows", func(good, more []byte) []byte {
		_, sof, _ := walk(good)
		height := binary.BigEndian.Uint16(good[sof+5:])
		return mjpegtest.WithSize(more, 96, int(height))
	}},
	{"two oddities", func(good, more []byte) []byte {
		return scanParameters(0, 0, 0)(between(0xDA, "x")(good, more), nil)
	}},
	{"three oddities", func(good, more []byte) []byte {
		_, sof, _ := walk(good)
		height := binary.BigEndian.Uint16(good[sof+5:])
		return scanParameters(0, 0, 0)(between(0xDA, "x")(mjpegtest.WithSize(more, 96, int(height)), nil), nil)
	}},
}

// forEachOddity calls f with each oddity of each kind of frame, good and odd.
func forEachOddity(t *testing.T, f func(t *testing.T, good, odd []byte)) {
	const width, height, more = 96, 64, 48
	for _, k := range kinds {
		pixels := textured(t, width, height+more, k.format)
		encode := func(height int) []byte {
			frame := encodeWith(t, pixels, width, height, k.format, 80, k.interval)
			if k.noDHT {
				frame = mjpegtest.WithoutDHT(frame)
			}
			return frame
		}
		good, taller := encode(height), encode(height+more)
		for _, o := range oddities {
			t.Run(k.name+"/"+o.name, func(t *testing.T) { f(t, good, o.make(good, taller)) })
		}
	}
}

// decoders are all ways that a frame is decoded.
func decoders(t *testing.T) map[string]interface {
	DecodeScaled(dst []byte, stride int, jpeg []byte, f Format, scale int) error
} {
	return map[string]interface {
		DecodeScaled(dst []byte, stride int, jpeg []byte, f Format, scale int) error
	}{"any": newDecoder(t), "libjpeg-turbo": newTurboOnly(t), "parallel": newParallel(t, 3)}
}

// TestOddities holds that what cameras write against the standard, and no decoder minds, is decoded to the pixels of a
// frame without it.
func TestOddities(t *testing.T) {
	size, ways := newDecoder(t), decoders(t)
	forEachOddity(t, func(t *testing.T, good, odd []byte) {
		for name, d := range ways {
			for i := range 8 {
				f, scale := []Format{Gray, BGR}[i%2], 1<<(i/2)
				want, _, _, err := decode(t, size, good, f, scale)
				if err != nil {
					t.Fatal(err)
				}
				width, height, err := size.Size(odd)
				if err != nil {
					t.Fatal(err)
				}
				width, height = ScaledSize(width, height, scale)
				got := make([]byte, width*height*f.channels())
				if err := d.DecodeScaled(got, width*f.channels(), odd, f, scale); err != nil {
					t.Errorf("%s, %d channels, 1:%d: %v", name, f.channels(), scale, err)
				} else if !bytes.Equal(got, want) {
					t.Errorf("%s, %d channels, 1:%d: other pixels", name, f.channels(), scale)
				}
			}
		}
	})
}

// TestOdditiesTaken holds that a camera which writes them in every frame costs no more for it.
func TestOdditiesTaken(t *testing.T) {
	d := newWithBaseline(t)
	takes := func(frame []byte, f Format) verdict {
		const width, height = 96, 64
		row := width * f.channels()
		return d.decodeBaseline(make([]byte, row*height), row, frame, f, 1)
	}
	forEachOddity(t, func(t *testing.T, good, odd []byte) {
		for _, f := range []Format{Gray, BGR} {
			if got, want := takes(odd, f), takes(good, f); got != want || f == Gray && got != whole {
				t.Errorf("%d channels: %v, without the oddity %v", f.channels(), got, want)
			}
		}
	})
}

// TestOdditiesHideNoDamage holds that damage is seen behind each of them.
func TestOdditiesHideNoDamage(t *testing.T) {
	size, ways := newDecoder(t), decoders(t)
	damages := map[string]func(frame []byte, scan int) []byte{
		"zeros":             func(p []byte, scan int) []byte { return zeros(p, scan+200, scan+400) },
		"a part is missing": func(p []byte, scan int) []byte { return slices.Concat(p[:scan+200], p[scan+290:]) },
		"cut":               func(p []byte, scan int) []byte { return eoi(p[:scan+300]) },
		"EOI missing":       func(p []byte, _ int) []byte { return p[:len(p)-2] },
	}
	forEachOddity(t, func(t *testing.T, _, odd []byte) {
		_, _, scan := walk(odd)
		for damage, do := range damages {
			bad := do(odd, segmentEnd(odd, scan))
			for name, d := range ways {
				for i := range 4 {
					f, scale := []Format{Gray, BGR}[i%2], []int{1, 4}[i/2]
					width, height, err := size.Size(bad)
					if err != nil {
						t.Fatal(err)
					}
					row := width * f.channels()
					err = d.DecodeScaled(make([]byte, row*height), row, bad, f, scale)
					if !errors.Is(err, ErrDamaged) {
						t.Errorf("%s, %s, %d channels, 1:%d: %v", damage, name, f.channels(), scale, err)
					}
				}
			}
		}
	})
}

// TestSurplus holds that only whole rows of MCUs are taken for rows beyond the height: anything else is decoding that
// has lost its way.
func TestSurplus(t *testing.T) {
	const width, height = 96, 64
	pixels := textured(t, width, height, BGR)
	frame := encodeWith(t, pixels, width, height, BGR, 80, 0)
	less := mjpegtest.WithSize(frame, width, height-16)
	restarts := mjpegtest.WithSize(encodeWith(t, pixels, width, height, BGR, 80, 6), width, height-32)
	tests := []struct {
		name    string
		frame   []byte
		damaged bool
	}{
		{"a row", less, false},
		{"all rows but one", mjpegtest.WithSize(frame, width, 16), false},
		{"a row, last one of MCUs in part", mjpegtest.WithSize(frame, width, height-20), false},
		{"half a row", mjpegtest.WithSize(frame, width/2, height), false}, // as many MCUs: 2 × 3 × 4
		{"two and a half rows", mjpegtest.WithSize(frame, width-16, height), true},
		{"a row and padding", padded(less, 3), false},
		{"a row and much more", padded(less, 40), true},
		{"a row in which codes are wrong", zeros(less, len(less)-100, len(less)-2), true},
		{"restarts, a row without its marker", bytes.Replace(restarts, []byte("\xFF\xD1"), nil, 1), true},
		{"restarts, a row with another marker", bytes.Replace(restarts, []byte("\xFF\xD2"), []byte("\xFF\xD7"), 1), true},
	}
	for _, tt := range tests {
		for name, d := range map[string]*Decoder{"any": newDecoder(t), "libjpeg-turbo": newTurboOnly(t)} {
			for _, f := range []Format{Gray, BGR} {
				_, _, _, err := decode(t, d, tt.frame, f, 1)
				if errors.Is(err, ErrDamaged) != tt.damaged || !tt.damaged && err != nil {
					t.Errorf("%s, %s, %d channels: %v", tt.name, name, f.channels(), err)
				}
			}
		}
	}
}

// withTable returns a frame whose quantization tables have other values from the first to the last place of the
// zigzag order.
func withTable(frame []byte, first, last int, value byte) []byte {
	out := slices.Clone(frame)
	for at := 2; out[at+1] != 0xDA; at = segmentEnd(out, at+2) {
		if out[at+1] != 0xDB {
			continue
		}
		for table := at + 4; table < segmentEnd(out, at+2); table += 65 {
			for i := first; i <= last; i++ {
				out[table+1+i] = value
			}
		}
	}
	return out
}

// withSymbol returns a frame whose AC tables have another symbol in the place of one.
func withSymbol(frame []byte, from, to byte) []byte {
	out := slices.Clone(frame)
	for at := 2; out[at+1] != 0xDA; at = segmentEnd(out, at+2) {
		if p := payload(out, at+2); out[at+1] == 0xC4 && p[0]>>4 == 1 {
			p[17+bytes.IndexByte(p[17:], from)] = to
		}
	}
	return out
}

// TestImpossible holds that damage is seen by what no encoder makes, where every code is one.
func TestImpossible(t *testing.T) {
	white := bytes.Repeat([]byte{255}, 96*64*3)
	noise := contrasts(t, 96, 64) // qualities 100 to 1, gray and colour
	flat := encodeWith(t, white, 96, 16, BGR, 80, 0)
	flatRestarts := encodeWith(t, white, 96, 64, BGR, 80, 3)
	tests := []struct {
		name    string
		frame   []byte
		damaged bool
	}{
		{"white", encodeWith(t, white, 96, 64, BGR, 50, 0), false},
		{"brighter than white", withTable(encodeWith(t, white, 96, 64, BGR, 50, 0), 0, 0, 30), true},
		{"brighter than white, gray", withTable(encodeWith(t, white, 96, 64, Gray, 50, 0), 0, 0, 30), true},
		{"noise", noise[0], false},
		{"more contrast than there is", withTable(noise[0], 1, 63, 255), true},
		{"more contrast than there is, colour", withTable(noise[1], 1, 63, 255), true},
		{"coefficients behind the block", withSymbol(noise[0], 0x01, 0xF1), true},
		{"coefficients behind the block, colour", withSymbol(noise[1], 0x01, 0xF1), true},
		{"an MCU less", mjpegtest.WithSize(flat, 80, 16), true},
		{"a third of the MCUs less", mjpegtest.WithSize(flat, 64, 16), true},
		{"all MCUs", flat, false},
		{"zeros", padded(flat, 6), false},
		{"the same byte", bytes.Replace(padded(flat, 6), []byte("\x00\x00\x00\x00\x00\x00\xFF\xD9"),
			[]byte("\x15\x15\x15\x15\x15\x15\xFF\xD9"), 1), false},
		{"restarts", flatRestarts, false},
		{"restarts, padding", padded(flatRestarts, 6), false},
	}
	for _, tt := range tests {
		for name, d := range map[string]*Decoder{"any": newDecoder(t), "libjpeg-turbo": newTurboOnly(t)} {
			for i := range 8 {
				f, scale := []Format{Gray, BGR}[i%2], 1<<(i/2)
				_, _, _, err := decode(t, d, tt.frame, f, scale)
				if errors.Is(err, ErrDamaged) != tt.damaged || !tt.damaged && err != nil {
					t.Errorf("%s, %s, %d channels, 1:%d: %v", tt.name, name, f.channels(), scale, err)
				}
			}
		}
	}
}

// extremes are pixels of the largest coefficients that there are: each block has the signs of one of the transform's
// functions, in black and white.
func extremes() (pixels []byte, width, height int) {
	width, height = 8*8*2, 8*8*2
	pixels = make([]byte, width*height)
	for y := range height {
		for x := range width {
			u, v := x/16, y/16
			cos := math.Cos(float64(2*(x%8)+1)*float64(u)*math.Pi/16) * math.Cos(float64(2*(y%8)+1)*float64(v)*math.Pi/16)
			if cos > 0 == (x/8%2 == 0) {
				pixels[y*width+x] = 255
			}
		}
	}
	return pixels, width, height
}

// TestEncodersArePossible holds that nothing is called damaged that an encoder makes of the widest contrasts.
func TestEncodersArePossible(t *testing.T) {
	ways := map[string]*Decoder{"any": newDecoder(t), "libjpeg-turbo": newTurboOnly(t)}
	whole := func(name string, frame []byte) {
		t.Helper()
		for way, d := range ways {
			for _, f := range []Format{Gray, BGR} {
				if _, _, _, err := decode(t, d, frame, f, 1); err != nil {
					t.Errorf("%s, %s, %d channels: %v", name, way, f.channels(), err)
				}
			}
			if got := d.check(frame); got == impossible {
				t.Errorf("%s: impossible", name)
			}
		}
	}
	basis, width, height := extremes()
	rng := rand.New(rand.NewPCG(5, 5))
	noise := make([]byte, width*height)
	for i := range noise {
		noise[i] = byte(255 * rng.IntN(2))
	}
	for name, gray := range map[string][]byte{"functions": basis, "noise": noise, "black": make([]byte, width*height)} {
		bgr := make([]byte, 0, 3*len(gray))
		img := image.NewRGBA(image.Rect(0, 0, width, height))
		for i, p := range gray {
			q := gray[(i*7+11)%len(gray)]
			bgr = append(bgr, p, q, 255-p)
			img.SetRGBA(i%width, i/width, color.RGBA{255 - p, q, p, 255})
		}
		for quality := 1; quality <= 100; quality++ {
			for _, interval := range []int{0, 3} {
				whole(fmt.Sprint(name, ", gray, quality ", quality), encodeWith(t, gray, width, height, Gray, quality, interval))
				whole(fmt.Sprint(name, ", quality ", quality), encodeWith(t, bgr, width, height, BGR, quality, interval))
			}
			var out bytes.Buffer
			if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: quality}); err != nil {
				t.Fatal(err)
			}
			whole(fmt.Sprint(name, ", image/jpeg, quality ", quality), out.Bytes())
		}
		// Programs take pixels from standard input and write one frame.
		gst := func(quality int) []string {
			return []string{"gst-launch-1.0", "-q", "fdsrc", fmt.Sprint("blocksize=", len(bgr)), "!",
				"rawvideoparse", "format=bgr", fmt.Sprint("width=", width), fmt.Sprint("height=", height), "!", "videoconvert", "!", "jpegenc",
				fmt.Sprint("quality=", quality), "!", "fdsink"}
		}
		for _, args := range [][]string{
			gst(50), gst(85), gst(98), // at 100 its fast transform makes what nobody can decode
			{"ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", fmt.Sprint(width, "x", height), "-i", "-",
				"-f", "mjpeg", "-q:v", "1", "-qmin", "1", "-pix_fmt", "yuvj422p", "-"},
			{"ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", fmt.Sprint(width, "x", height), "-i", "-",
				"-f", "mjpeg", "-q:v", "31", "-pix_fmt", "yuvj420p", "-"},
		} {
			if _, err := exec.LookPath(args[0]); err != nil {
				t.Logf("no %s", args[0])
				continue
			}
			cmd := exec.Command(args[0], args[1:]...)
			cmd.Stdin = bytes.NewReader(bgr)
			out, err := cmd.Output()
			if err != nil || !bytes.HasPrefix(out, []byte("\xFF\xD8")) {
				t.Errorf("%v: %d bytes, %v", args, len(out), err)
				continue
			}
			whole(fmt.Sprint(name, ", ", args[0]), out)
		}
	}
}

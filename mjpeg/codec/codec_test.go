package codec

import (
	"bytes"
	"errors"
	"fmt"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"gocv.io/x/gocv"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

// frames are JPEGs of all kinds, by name.
func frames(t testing.TB) map[string][]byte {
	t.Helper()
	list := map[string][]byte{
		"640x480": mjpegtest.Frames(1, 640, 480, 80)[0],
		"641x479": mjpegtest.Frames(1, 641, 479, 90)[0],
		"1x1":     mjpegtest.Frames(1, 1, 1, 80)[0],
		"3x5":     mjpegtest.Frames(1, 3, 5, 80)[0],
		"17x1":    mjpegtest.Frames(1, 17, 1, 80)[0],
		"1x17":    mjpegtest.Frames(1, 1, 17, 80)[0],
		"stamped": mjpegtest.WithSegment(mjpegtest.Frames(1, 64, 48, 80)[0], 0xE7,
			[]byte("picam\x001 cam=x seq=1")),
		"without DHT": mjpegtest.WithoutDHT(mjpegtest.Frames(1, 64, 48, 80)[0]),
		"FF before FF": bytes.Replace(mjpegtest.Frames(1, 64, 48, 80)[0], []byte("\xFF\xDA"),
			[]byte("\xFF\xFF\xFF\xDA"), 1),
	}
	files, err := filepath.Glob("testdata/*.jpg")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files in testdata: %v", len(files), err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		list[strings.TrimSuffix(filepath.Base(f), ".jpg")] = b
	}
	return list
}

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".jpg")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newDecoder(t testing.TB) *Decoder {
	t.Helper()
	d, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func newEncoder(t testing.TB) *Encoder {
	t.Helper()
	e, err := NewEncoder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// decode decodes a frame into memory of just its size.
func decode(t testing.TB, d *Decoder, frame []byte, f Format, scale int) (pixels []byte, width, height int, err error) {
	t.Helper()
	width, height, err = d.Size(frame)
	if err != nil {
		return nil, 0, 0, err
	}
	width, height = ScaledSize(width, height, scale)
	pixels = make([]byte, width*height*f.channels())
	return pixels, width, height, d.DecodeScaled(pixels, width*f.channels(), frame, f, scale)
}

// TestEqualsOpenCV holds that pixels are those of OpenCV's imdecode, at all scales.
func TestEqualsOpenCV(t *testing.T) {
	flags := map[Format]map[int]gocv.IMReadFlag{
		Gray: {1: gocv.IMReadGrayScale, 2: gocv.IMReadReducedGrayscale2, 4: gocv.IMReadReducedGrayscale4,
			8: gocv.IMReadReducedGrayscale8},
		BGR: {1: gocv.IMReadColor, 2: gocv.IMReadReducedColor2, 4: gocv.IMReadReducedColor4,
			8: gocv.IMReadReducedColor8},
	}
	d := newDecoder(t)
	for name, frame := range frames(t) {
		for f, scales := range flags {
			for scale, flag := range scales {
				t.Run(fmt.Sprintf("%s/%d channels/1:%d", name, f.channels(), scale), func(t *testing.T) {
					got, width, height, err := decode(t, d, frame, f, scale)
					if err != nil {
						t.Fatal(err)
					}
					want := gocv.NewMat()
					defer want.Close()
					if err := gocv.IMDecodeIntoMat(frame, flag, &want); err != nil {
						t.Fatal(err)
					}
					if want.Cols() != width || want.Rows() != height || want.Channels() != f.channels() {
						t.Fatalf("%d×%d, OpenCV gives %d×%d×%d", width, height, want.Cols(), want.Rows(),
							want.Channels())
					}
					if n, most := differ(got, want.ToBytes()); n > 0 {
						t.Errorf("%d of %d bytes differ from OpenCV's, by up to %d", n, len(got), most)
					}
				})
			}
		}
	}
}

// differ counts bytes that are not equal, and says by how much they differ at most.
func differ(a, b []byte) (n, most int) {
	for i := range a {
		if a[i] != b[i] {
			n++
			most = max(most, int(a[i])-int(b[i]), int(b[i])-int(a[i]))
		}
	}
	return n, most
}

// TestStaysInBounds holds that only pixels are written: not the gaps between rows, not what is before or after.
func TestStaysInBounds(t *testing.T) {
	d := newDecoder(t)
	const guard, margin = 0xA5, 64
	for name, frame := range frames(t) {
		for _, f := range []Format{Gray, BGR} {
			for _, scale := range []int{1, 2, 4, 8} {
				for _, gap := range []int{0, 1, 13} {
					pixels, width, height, err := decode(t, d, frame, f, scale)
					if err != nil {
						t.Fatal(name, err)
					}
					row := width * f.channels()
					stride := row + gap
					size := stride*(height-1) + row
					buf := bytes.Repeat([]byte{guard}, margin+size+margin)
					if err := d.DecodeScaled(buf[margin:margin+size], stride, frame, f, scale); err != nil {
						t.Fatal(name, err)
					}
					want := bytes.Repeat([]byte{guard}, len(buf))
					for y := range height {
						copy(want[margin+y*stride:], pixels[y*row:(y+1)*row])
					}
					if !bytes.Equal(buf, want) {
						t.Errorf("%s, %d channels, 1:%d, gap %d: bytes beside the pixels were written", name,
							f.channels(), scale, gap)
					}
					err = d.DecodeScaled(buf[margin:margin+size-1], stride, frame, f, scale)
					if err == nil || errors.Is(err, ErrDamaged) || !bytes.Equal(buf, want) {
						t.Errorf("%s: one byte too few: %v", name, err)
					}
				}
			}
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	frame := mjpegtest.Frames(1, 64, 48, 80)[0]
	lossless := bytes.Replace(frame, []byte("\xFF\xC0"), []byte("\xFF\xC3"), 1)
	dst := make([]byte, 64*48*3)
	tests := []struct {
		name   string
		dst    []byte
		stride int
		frame  []byte
		f      Format
		scale  int
		want   string // begins so
	}{
		{"empty", dst, 192, nil, BGR, 1, "codec: decode: Empty input file"},
		{"text", dst, 192, []byte("hello"), BGR, 1, "codec: decode: Not a JPEG file: starts with 0x68 0x65"},
		{"no SOI", dst, 192, append([]byte("??"), frame[2:]...), BGR, 1, "codec: decode: "},
		{"SOI alone", dst, 192, []byte("\xFF\xD8"), BGR, 1, "codec: decode: JPEG datastream contains no image"},
		{"two SOI", dst, 192, append([]byte("\xFF\xD8"), frame...), BGR, 1,
			"codec: decode: "},
		{"no scan", dst, 192, []byte("\xFF\xD8\xFF\xD9"), BGR, 1, "codec: decode: JPEG datastream contains no image"},
		{"tables before it", dst, 192, append([]byte("\xFF\xD8\xFF\xDB\x00\x02\xFF\xD9"), frame...), BGR, 1,
			"codec: decode: JPEG datastream contains no image"},
		{"no bytes", nil, 192, frame, BGR, 1,
			"codec: decode: 64×48 pixels of 3 bytes do not fit in 0 bytes with a stride of 192"},
		{"gray bytes for colour", dst[:64*48], 64, frame, BGR, 1, "codec: decode: 64×48 pixels of 3 bytes do not fit"},
		{"stride too small", dst, 191, frame, BGR, 1, "codec: decode: 64×48 pixels of 3 bytes do not fit"},
		{"stride too large", dst, 193, frame, BGR, 1, "codec: decode: 64×48 pixels of 3 bytes do not fit"},
		{"stride 0", dst, 0, frame, BGR, 1, "codec: decode: 64×48 pixels of 3 bytes do not fit"},
		{"stride below 0", dst, -192, frame, BGR, 1, "codec: decode: stride -192 is not 0 to"},
		{"huge stride", dst, 1<<32 + 192, frame, BGR, 1, "codec: decode: stride 4294967488 is not 0 to"},
		{"scaled", dst[:32*24-1], 32, frame, Gray, 2, "codec: decode: 32×24 pixels of 1 bytes do not fit in 767 bytes"},
		{"claims to be huge", dst, 192, mjpegtest.WithSize(frame, 65500, 65500), BGR, 1,
			"codec: decode: 65500×65500 pixels of 3 bytes do not fit"},
		{"height 0", dst, 192, mjpegtest.WithSize(frame, 64, 0), BGR, 1, "codec: decode: "},
		{"unknown format", dst, 192, frame, 7, 1, "codec: decode: unknown format 7"},
		{"scale 3", dst, 192, frame, BGR, 3, "codec: decode: scale 3 is not 1, 2, 4 or 8"},
		{"scale 0", dst, 192, frame, BGR, 0, "codec: decode: scale 0 is not 1, 2, 4 or 8"},
		{"lossless", dst, 192, lossless, BGR, 2, "codec: decode: "}, // "Unsupported", or that it has no scale: by version,
	}
	d := newDecoder(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := d.DecodeScaled(tt.dst, tt.stride, tt.frame, tt.f, tt.scale)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) || errors.Is(err, ErrDamaged) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
			if _, _, err := d.Size(tt.frame); err == nil && strings.Contains(tt.want, "contains no image") {
				t.Error("it has a size all the same")
			}
			// The next frame is none the worse for it.
			if err := d.Decode(dst, 192, frame, BGR); err != nil {
				t.Errorf("the frame after it: %v", err)
			}
		})
	}
	two := append([]byte("\xFF\xD8"), frame...)
	if _, _, err := d.Size(two); err == nil || !strings.HasPrefix(err.Error(), "codec: header: ") {
		t.Errorf("Size: %v", err)
	}
	if w, h, err := d.Size(frame); w != 64 || h != 48 || err != nil {
		t.Errorf("Size of the frame after it: %d×%d, %v", w, h, err)
	}
	d.Close()
	d.Close()
	if err := d.Decode(dst, 192, frame, BGR); err == nil {
		t.Error("decodes after Close")
	}
	if _, _, err := d.Size(frame); err == nil {
		t.Error("reads a header after Close")
	}
}

// TestKeepsNothing holds that a frame without Huffman tables means the standard ones, whatever came before it.
func TestKeepsNothing(t *testing.T) {
	own := file(t, "restart") // with tables of its own
	d := newDecoder(t)
	without := mjpegtest.WithoutDHT(mjpegtest.Frames(1, 64, 48, 80)[0])
	want, _, _, err := decode(t, d, without, BGR, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := decode(t, d, own, BGR, 1); err != nil {
		t.Fatal(err)
	}
	got, _, _, err := decode(t, d, without, BGR, 1)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("differs after a frame with tables of its own: %v", err)
	}
}

func TestInParallel(t *testing.T) {
	frame := mjpegtest.Frames(1, 160, 120, 80)[0]
	want, _, _, err := decode(t, newDecoder(t), frame, BGR, 1)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		d, e := newDecoder(t), newEncoder(t)
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 20 {
				got, w, h, err := decode(t, d, frame, BGR, 1)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("differs: %v", err)
				}
				if _, err := e.Encode(nil, got, w*3, w, h, BGR, 80); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
}

func TestEncode(t *testing.T) {
	d, e := newDecoder(t), newEncoder(t)
	for _, size := range [][2]int{{1, 1}, {3, 5}, {16, 16}, {97, 61}, {640, 480}} {
		for _, f := range []Format{Gray, BGR} {
			for _, gap := range []int{0, 5} {
				t.Run(fmt.Sprintf("%dx%d/%d channels/gap %d", size[0], size[1], f.channels(), gap), func(t *testing.T) {
					width, height := size[0], size[1]
					source := mjpegtest.Frames(1, width, height, 95)[0]
					stride := width*f.channels() + gap
					pixels := make([]byte, stride*(height-1)+width*f.channels())
					if err := d.Decode(pixels, stride, source, f); err != nil {
						t.Fatal(err)
					}
					got, err := e.Encode([]byte("before"), pixels, stride, width, height, f, 90)
					if err != nil {
						t.Fatal(err)
					}
					frame, ok := bytes.CutPrefix(got, []byte("before"))
					if !ok {
						t.Fatal("what was in dst is gone")
					}
					h, err := mjpeg.ParseHeader(frame)
					if err != nil || h.Width != width || h.Height != height || h.Progressive ||
						h.Components != f.channels() ||
						f == BGR && h.Subsampling != "4:2:0" {
						t.Errorf("header %+v, %v", h, err)
					}
					if _, err := jpeg.Decode(bytes.NewReader(frame)); err != nil {
						t.Errorf("image/jpeg: %v", err)
					}
					again := make([]byte, len(pixels))
					if err := d.Decode(again, stride, frame, f); err != nil {
						t.Fatal(err)
					}
					if mean := meanDifference(pixels, again); mean > 6 {
						t.Errorf("pixels differ by %.1f in the mean from those encoded", mean)
					}
				})
			}
		}
	}
}

func meanDifference(a, b []byte) float64 {
	sum := 0.0
	for i := range a {
		sum += math.Abs(float64(a[i]) - float64(b[i]))
	}
	return sum / float64(len(a))
}

// TestEncodeEqualsOpenCV holds that OpenCV's imencode loses no less.
func TestEncodeEqualsOpenCV(t *testing.T) {
	d, e := newDecoder(t), newEncoder(t)
	pixels, width, height, err := decode(t, d, mjpegtest.Frames(1, 640, 480, 95)[0], BGR, 1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.Encode(nil, pixels, width*3, width, height, BGR, 80)
	if err != nil {
		t.Fatal(err)
	}
	m, err := gocv.NewMatFromBytes(height, width, gocv.MatTypeCV8UC3, pixels)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	want, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, m, []int{gocv.IMWriteJpegQuality, 80})
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	if !bytes.Equal(got, want.GetBytes()) {
		t.Errorf("%d bytes differ from OpenCV's %d", len(got), want.Len())
	}
}

func TestEncodeErrors(t *testing.T) {
	pixels := make([]byte, 30*10)
	tests := []struct {
		name                                     string
		pixels                                   []byte
		stride, width, height, channels, quality int
		want                                     string
	}{
		{"quality 0", pixels, 30, 10, 10, 3, 0, "codec: encode: quality 0 is not 1 to 100"},
		{"quality 101", pixels, 30, 10, 10, 3, 101, "codec: encode: quality 101 is not 1 to 100"},
		{"width 0", pixels, 30, 0, 10, 3, 80, "codec: encode: 0×10 pixels: a side must be 1 to 65500"},
		{"height below 0", pixels, 30, 10, -1, 3, 80, "codec: encode: 10×-1 pixels"},
		{"too wide", make([]byte, 65501), 65501, 65501, 1, 1, 80, "codec: encode: 65501×1 pixels"},
		{"one byte too few", pixels[:299], 30, 10, 10, 3, 80,
			"codec: encode: 10×10 pixels of 3 bytes are more than 299 bytes with a stride of 30 hold"},
		{"no bytes", nil, 30, 10, 10, 3, 80, "codec: encode: 10×10 pixels of 3 bytes are more"},
		{"stride too small", pixels, 29, 10, 10, 3, 80, "codec: encode: 10×10 pixels of 3 bytes are more"},
		{"stride 0", pixels, 0, 10, 10, 3, 80, "codec: encode: 10×10 pixels of 3 bytes are more"},
		{"huge stride", pixels, 1<<32 + 30, 10, 1, 3, 80, "codec: encode: 10×1 pixels of 3 bytes are more"},
		{"unknown format", pixels, 30, 10, 10, 0, 80, "codec: encode: unknown format 7"},
	}
	e := newEncoder(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := map[int]Format{1: Gray, 3: BGR, 0: 7}[tt.channels]
			got, err := e.Encode([]byte("x"), tt.pixels, tt.stride, tt.width, tt.height, f, tt.quality)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) || string(got) != "x" {
				t.Errorf("%q and error %v, want %s", got, err, tt.want)
			}
		})
	}
	if _, err := e.Encode(nil, pixels, 30, 10, 10, BGR, 80); err != nil {
		t.Error(err)
	}
	e.Close()
	e.Close()
	if _, err := e.Encode(nil, pixels, 30, 10, 10, BGR, 80); err == nil {
		t.Error("encodes after Close")
	}
}

// TestNoAllocation holds that a frame costs no Go memory, also one that TurboJPEG warns of.
func TestNoAllocation(t *testing.T) {
	d, e := newDecoder(t), newEncoder(t)
	pixels := make([]byte, 97*61*3)
	out := make([]byte, 0, 1<<16)
	for name, frame := range map[string][]byte{
		"baseline": file(t, "sampling_2x2"), "padded": padded(file(t, "restart"), 3), "cmyk": file(t, "cmyk"),
	} {
		allocs := testing.AllocsPerRun(20, func() {
			if _, _, err := d.Size(frame); err != nil {
				t.Fatal(err)
			}
			if err := d.Decode(pixels, 97*3, frame, BGR); err != nil {
				t.Fatal(err)
			}
			if _, err := e.Encode(out, pixels, 97*3, 97, 61, BGR, 80); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}

// FuzzDecode holds that no bytes make the decoder write beside the pixels, or differ between two decoders.
func FuzzDecode(f *testing.F) {
	for _, frame := range frames(f) {
		if len(frame) < 5000 {
			f.Add(frame, false, uint8(1))
			f.Add(frame[:len(frame)*2/3], true, uint8(2))
		}
	}
	f.Add(padded(file(f, "restart"), 3), true, uint8(8))
	for _, interval := range []int{0, 6} {
		pixels := textured(f, 96, 64, BGR)
		good, taller := encodeWith(f, pixels, 96, 32, BGR, 60, interval), encodeWith(f, pixels, 96, 64, BGR, 60, interval)
		for _, o := range oddities {
			f.Add(o.make(good, taller), false, uint8(1))
			f.Add(o.make(good, taller), true, uint8(4))
		}
	}
	fuzzAgainst(f, newDecoder(f))
}

// fuzzAgainst holds that d makes of any bytes what libjpeg-turbo makes of them, and writes nothing beside the pixels.
// The fuzzed arguments are the frame, whether it is decoded to gray, and the scale's power of two.
func fuzzAgainst(f *testing.F, d interface {
	DecodeScaled(dst []byte, stride int, jpeg []byte, f Format, scale int) error
}) {
	reference := newTurboOnly(f)
	f.Fuzz(func(t *testing.T, frame []byte, gray bool, scale uint8) {
		width, height, err := reference.Size(frame)
		if err != nil || width*height > 1<<18 {
			t.Skip()
		}
		format, s := BGR, 1<<(scale%4)
		if gray {
			format = Gray
		}
		width, height = ScaledSize(width, height, s)
		row := width * format.channels()
		size := (row+3)*(height-1) + row
		want, got := bytes.Repeat([]byte{0xA5}, size+64), bytes.Repeat([]byte{0xA5}, size+64)
		wantErr := reference.DecodeScaled(want[:size], row+3, frame, format, s)
		err = d.DecodeScaled(got[:size], row+3, frame, format, s)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("error %v, want %v", err, wantErr)
		}
		if err == nil && !bytes.Equal(got, want) {
			t.Error("other pixels")
		}
		for i, b := range got {
			if b != 0xA5 && (i >= size || i%(row+3) >= row) {
				t.Fatalf("byte %d of %d was written, rows are of %d and 3", i, size, row)
			}
		}
	})
}

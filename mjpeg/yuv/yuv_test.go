package yuv

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
)

// scene is a frame as a camera of a format sees it, with values from black to white in full range.
func scene(format string, w, h int) image.Image {
	ratio := image.YCbCrSubsampleRatio420
	if format == "YUYV" || format == "UYVY" {
		ratio = image.YCbCrSubsampleRatio422
	}
	img := image.NewYCbCr(image.Rect(0, 0, w, h), ratio)
	rng := rand.New(rand.NewPCG(1, 2))
	for y := range h {
		for x := range w {
			img.Y[img.YOffset(x, y)] = uint8(min(255, (x*x/7+y*3)%240+rng.IntN(5)))
			img.Cb[img.COffset(x, y)] = uint8(x * 255 / w)
			img.Cr[img.COffset(x, y)] = uint8(255 - y*255/h)
		}
	}
	if format == "GREY" {
		return &image.Gray{Pix: img.Y, Stride: img.YStride, Rect: img.Rect}
	}
	return img
}

// rawOf is a scene as the camera's driver gives it, with rows that are longer than the frame is wide.
func rawOf(format string, img image.Image, fullRange bool) (raw []byte, l Layout) {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	l = Layout{Format: format, Width: w, Height: h, Stride: MinStride(format, w) + 8, FullRange: fullRange}
	s := l.samples()
	raw = bytes.Repeat([]byte{77}, l.Size())
	put := func(p plane, x, y int, v uint8, low, high float64) {
		if !fullRange {
			v = uint8(math.Round(low + float64(v)*(high-low)/255))
		}
		raw[p.offset+y*p.row+x*p.step] = v
	}
	for y := range h {
		for x := range w {
			if gray, ok := img.(*image.Gray); ok {
				put(s.luma, x, y, gray.GrayAt(x, y).Y, 16, 235)
				continue
			}
			c := img.(*image.YCbCr).YCbCrAt(x, y)
			put(s.luma, x, y, c.Y, 16, 235)
			put(s.cb, x/2, y/s.chromaRows, c.Cb, 16, 240)
			put(s.cr, x/2, y/s.chromaRows, c.Cr, 16, 240)
		}
	}
	return raw, l
}

// encoder returns an encoder.
func encoder(t testing.TB, l Layout, quality int) *Encoder {
	t.Helper()
	e, err := NewEncoder(l, quality)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// decode is what image/jpeg makes of a frame.
func decode(t *testing.T, b []byte) image.Image {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// difference is the mean square difference of two frames' samples.
func difference(t *testing.T, a, b image.Image) float64 {
	t.Helper()
	if a.Bounds() != b.Bounds() {
		t.Fatalf("sizes %v and %v", a.Bounds(), b.Bounds())
	}
	sum, n := 0.0, 0
	add := func(p, q uint8) {
		d := float64(p) - float64(q)
		sum += d * d
		n++
	}
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			switch a := a.(type) {
			case *image.Gray:
				add(a.GrayAt(x, y).Y, b.(*image.Gray).GrayAt(x, y).Y)
			case *image.YCbCr:
				p, q := a.YCbCrAt(x, y), b.(*image.YCbCr).YCbCrAt(x, y)
				add(p.Y, q.Y)
				add(p.Cb, q.Cb)
				add(p.Cr, q.Cr)
			}
		}
	}
	return sum / float64(n)
}

// TestEncoder: what is decoded is what image/jpeg makes of the same samples, but for rounding.
func TestEncoder(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {2, 2}, {16, 16}, {17, 15}, {97, 63}, {320, 240}} {
		for _, format := range Formats() {
			img := scene(format, size.X, size.Y)
			var b bytes.Buffer
			if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 85}); err != nil {
				t.Fatal(err)
			}
			want := decode(t, b.Bytes())
			for _, tt := range []struct {
				fullRange bool
				most      float64 // difference; in limited range a sample is already off by half a step
			}{{true, 1}, {false, 4}} {
				for _, workers := range []int{1, 3, 64} {
					t.Run(fmt.Sprintf("%v %s full=%v %d", size, format, tt.fullRange, workers), func(t *testing.T) {
						defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(workers))
						raw, l := rawOf(format, img, tt.fullRange)
						e := encoder(t, l, 85)
						e.Append(nil, make([]byte, l.Size())) // nothing of this one must stay
						got := decode(t, e.Append(nil, raw))
						if d := difference(t, got, want); d > tt.most {
							t.Errorf("difference %.2f", d)
						}
					})
				}
			}
		}
	}
}

// TestMinStride: rows of the fewest bytes are enough, and are as many as the formats' descriptions say.
func TestMinStride(t *testing.T) {
	for _, format := range Formats() {
		for _, width := range []int{1, 2, 33, 640} {
			l := Layout{Format: format, Width: width, Height: 3, Stride: MinStride(format, width)}
			got := encoder(t, l, 80).Append(nil, make([]byte, l.Size()))
			if b := decode(t, got).Bounds(); b != image.Rect(0, 0, width, 3) {
				t.Errorf("%s, %d wide: %v", format, width, b)
			}
		}
	}
	for format, want := range map[string]int{"YUYV": 1280, "UYVY": 1280, "NV12": 640, "YU12": 640, "GREY": 640} {
		if got := MinStride(format, 640); got != want {
			t.Errorf("%s: %d, want %d", format, got, want)
		}
	}
}

// TestSize: a frame has the bytes that the formats' descriptions say.
func TestSize(t *testing.T) {
	for format, want := range map[string]int{
		"YUYV": 640 * 2 * 5, "UYVY": 640 * 2 * 5, "GREY": 640 * 5, "NV12": 640*5 + 640*3, "YU12": 640*5 + 2*320*3,
	} {
		l := Layout{Format: format, Width: 640, Height: 5, Stride: MinStride(format, 640)}
		if got := l.Size(); got != want {
			t.Errorf("%s: %d bytes, want %d", format, got, want)
		}
	}
}

// TestRefused: what cannot be is told, rather than being a crash at the first frame.
func TestRefused(t *testing.T) {
	good := Layout{Format: "YUYV", Width: 640, Height: 480, Stride: 1280}
	with := func(change func(*Layout)) Layout {
		l := good
		change(&l)
		return l
	}
	for _, tt := range []struct {
		name    string
		l       Layout
		quality int
		want    string // in the error; "": there is none
	}{
		{"good", good, 80, ""},
		{"nothing set", Layout{}, 80, `format ""`},
		{"unknown format", with(func(l *Layout) { l.Format = "RGB3" }), 80,
			`format "RGB3": want one of YU12, NV12, YUYV`},
		{"no width", with(func(l *Layout) { l.Width = 0 }), 80, "0×480 pixels"},
		{"negative height", with(func(l *Layout) { l.Height = -1 }), 80, "640×-1 pixels: want 1×1 to 65535×65535"},
		{"too many rows", with(func(l *Layout) { l.Height = 1 << 16 }), 80, "640×65536 pixels"},
		{"rows too short", with(func(l *Layout) { l.Stride = 1279 }), 80,
			"1279 bytes from row to row: YUYV frames 640 pixels wide have 1280"},
		{"rows too long", with(func(l *Layout) { l.Stride = 1 << 30 }), 80, "want 512 MB or less"},
		{"quality 0", good, 0, "quality 0: want 1 to 100"},
		{"quality 101", good, 101, "quality 101"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewEncoder(tt.l, tt.quality)
			if got := fmt.Sprint(err); tt.want == "" && err != nil || !strings.Contains(got, tt.want) {
				t.Errorf("%s, want %q", got, tt.want)
			}
		})
	}
}

// TestExtremes: the largest coefficients that there are fit.
func TestExtremes(t *testing.T) {
	for _, quality := range []int{1, 50, 100} {
		for name, sample := range map[string]func(x, y int) byte{
			"white":        func(int, int) byte { return 255 },
			"black":        func(int, int) byte { return 0 },
			"chequered":    func(x, y int) byte { return byte(-((x + y) & 1)) },
			"blocks":       func(x, y int) byte { return byte(-((x/8 + y/8) & 1)) },
			"stripes":      func(x, y int) byte { return byte(-(x & 1)) },
			"below, above": func(x, y int) byte { return byte(-(y & 1)) },
		} {
			t.Run(fmt.Sprintf("%s %d", name, quality), func(t *testing.T) {
				const w, h = 64, 64
				l := Layout{Format: "GREY", Width: w, Height: h, Stride: w, FullRange: true}
				img := image.NewGray(image.Rect(0, 0, w, h))
				for i := range img.Pix {
					img.Pix[i] = sample(i%w, i/w)
				}
				got := decode(t, encoder(t, l, quality).Append(nil, img.Pix))
				var b bytes.Buffer
				if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
					t.Fatal(err)
				}
				if d := difference(t, got, decode(t, b.Bytes())); d > 1 {
					t.Errorf("difference %.2f", d)
				}
			})
		}
	}
}

func TestAllocs(t *testing.T) {
	raw, l := rawOf("YUYV", scene("YUYV", 320, 240), true)
	e := encoder(t, l, 80)
	dst := e.Append(nil, raw)
	if n := testing.AllocsPerRun(20, func() { dst = e.Append(dst[:0], raw) }); n > 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

// BenchmarkEncoder compares with image/jpeg, which works on one processor.
func BenchmarkEncoder(b *testing.B) {
	const w, h = 1280, 720
	for _, format := range []string{"YUYV", "NV12", "GREY"} {
		img := scene(format, w, h)
		raw, l := rawOf(format, img, false)
		b.Run(format, func(b *testing.B) {
			e := encoder(b, l, 80)
			var dst []byte
			b.SetBytes(int64(l.Size()))
			b.ReportAllocs()
			for b.Loop() {
				dst = e.Append(dst[:0], raw)
			}
			b.ReportMetric(float64(len(dst)), "B/frame")
		})
		b.Run(format+"/image-jpeg", func(b *testing.B) {
			var dst bytes.Buffer
			b.SetBytes(int64(l.Size()))
			b.ReportAllocs()
			for b.Loop() {
				dst.Reset()
				if err := jpeg.Encode(&dst, img, &jpeg.Options{Quality: 80}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(dst.Len()), "B/frame")
		})
	}
}

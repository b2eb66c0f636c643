package capture

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"runtime"
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
func rawOf(format string, img image.Image, fullRange bool) (raw []byte, l rawLayout) {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	stride := (w + 1) &^ 1
	if format == "YUYV" || format == "UYVY" {
		stride *= 2
	}
	stride += 8
	l = rawLayoutOf(format, stride, h)
	raw = bytes.Repeat([]byte{77}, l.size)
	put := func(p plane, x, y int, v uint8, low, high float64) {
		if !fullRange {
			v = uint8(math.Round(low + float64(v)*(high-low)/255))
		}
		raw[p.offset+y*p.row+x*p.step] = v
	}
	for y := range h {
		for x := range w {
			if gray, ok := img.(*image.Gray); ok {
				put(l.luma, x, y, gray.GrayAt(x, y).Y, 16, 235)
				continue
			}
			c := img.(*image.YCbCr).YCbCrAt(x, y)
			put(l.luma, x, y, c.Y, 16, 235)
			put(l.cb, x/2, y/l.chromaRows, c.Cb, 16, 240)
			put(l.cr, x/2, y/l.chromaRows, c.Cr, 16, 240)
		}
	}
	return raw, l
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

// TestRawEncoder: what is decoded is what image/jpeg makes of the same samples, but for rounding.
func TestRawEncoder(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {2, 2}, {16, 16}, {17, 15}, {97, 63}, {320, 240}} {
		for _, format := range rawFormats() {
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
						e := newRawEncoder(l, size.X, size.Y, tt.fullRange, 85)
						e.encode(nil, make([]byte, l.size)) // nothing of this one must stay
						got := decode(t, e.encode(nil, raw))
						if d := difference(t, got, want); d > tt.most {
							t.Errorf("difference %.2f", d)
						}
					})
				}
			}
		}
	}
}

// TestRawEncoderExtremes: the largest coefficients that there are fit.
// TestLeastStride: a driver that says nothing of its rows, or too little, costs the frame at most, not the program.
func TestLeastStride(t *testing.T) {
	for _, format := range rawFormats() {
		for _, width := range []int{1, 2, 33, 640} {
			l := rawLayoutOf(format, leastStride(format, width), 3)
			got := newRawEncoder(l, width, 3, false, 80).encode(nil, make([]byte, l.size))
			if b := decode(t, got).Bounds(); b != image.Rect(0, 0, width, 3) {
				t.Errorf("%s, %d wide: %v", format, width, b)
			}
		}
	}
	for format, want := range map[string]int{"YUYV": 1280, "UYVY": 1280, "NV12": 640, "YU12": 640, "GREY": 640} {
		if got := leastStride(format, 640); got != want {
			t.Errorf("%s: %d, want %d", format, got, want)
		}
	}
}

func TestRawEncoderExtremes(t *testing.T) {
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
				l := rawLayoutOf("GREY", w, h)
				img := image.NewGray(image.Rect(0, 0, w, h))
				for i := range img.Pix {
					img.Pix[i] = sample(i%w, i/w)
				}
				got := decode(t, newRawEncoder(l, w, h, true, quality).encode(nil, img.Pix))
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

func TestRawEncoderAllocs(t *testing.T) {
	raw, l := rawOf("YUYV", scene("YUYV", 320, 240), true)
	e := newRawEncoder(l, 320, 240, true, 80)
	dst := e.encode(nil, raw)
	if n := testing.AllocsPerRun(20, func() { dst = e.encode(dst[:0], raw) }); n > 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

// BenchmarkRaw compares with image/jpeg, which works on one processor.
func BenchmarkRaw(b *testing.B) {
	const w, h = 1280, 720
	for _, format := range []string{"YUYV", "NV12", "GREY"} {
		img := scene(format, w, h)
		raw, l := rawOf(format, img, false)
		b.Run(format, func(b *testing.B) {
			e := newRawEncoder(l, w, h, false, 80)
			var dst []byte
			b.SetBytes(int64(l.size))
			b.ReportAllocs()
			for b.Loop() {
				dst = e.encode(dst[:0], raw)
			}
			b.ReportMetric(float64(len(dst)), "B/frame")
		})
		b.Run(format+"/image-jpeg", func(b *testing.B) {
			var dst jpegBuffer
			b.SetBytes(int64(l.size))
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

package capture

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"testing"
	"time"

	"picam/mjpeg/mjpegtest"
)

func decode(t *testing.T, b []byte) image.Image {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// grayOf is what a decoder gives that is asked for gray.
func grayOf(img image.Image) *image.Gray {
	c := img.(*image.YCbCr)
	return &image.Gray{Pix: c.Y, Stride: c.YStride, Rect: c.Rect}
}

// scaled picks pixels: the roughest way to scale.
func scaled(img image.Image, w, h int) image.Image {
	b := img.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			out.Set(x, y, img.At(b.Min.X+x*b.Dx()/w, b.Min.Y+y*b.Dy()/h))
		}
	}
	return out
}

func TestPatternNumber(t *testing.T) {
	numbers := []uint32{1, 0, 2, 0x55555555, 0xAAAAAAAA, 1<<31 - 1, 1 << 31, 1<<32 - 1}
	for _, tt := range []struct {
		size    image.Point
		numbers []uint32
		noisy   bool
	}{
		{image.Pt(16, 16), numbers, false}, {image.Pt(16, 16), numbers, true},
		{image.Pt(17, 19), numbers, false}, {image.Pt(31, 16), numbers, false}, {image.Pt(63, 47), numbers, false},
		{image.Pt(16, 700), numbers, false}, {image.Pt(2000, 16), numbers, false},
		{image.Pt(127, 65), numbers, false}, {image.Pt(128, 64), numbers, false}, {image.Pt(160, 120), numbers, true},
		{image.Pt(383, 64), numbers, false}, {image.Pt(384, 64), numbers, false},
		{image.Pt(641, 479), numbers[:1], true},
		{image.Pt(1280, 720), numbers[:1], false},
	} {
		for _, quality := range []int{50, 100} {
			t.Run(fmt.Sprintf("%v q%d noise=%v", tt.size, quality, tt.noisy), func(t *testing.T) {
				looks := plain
				if tt.noisy {
					looks = noisy
				}
				test := newTestFrame(tt.size, quality, looks)
				for _, n := range tt.numbers {
					img := decode(t, test.draw(nil, n, time.Unix(0, 0)))
					if got, ok := PatternNumber(img); got != n || !ok {
						t.Fatalf("got %d %v, want %d", got, ok, n)
					}
					if got, ok := PatternNumber(grayOf(img)); got != n || !ok {
						t.Fatalf("gray: got %d %v, want %d", got, ok, n)
					}
				}
			})
		}
	}
}

func TestPatternNumberOfChangedFrames(t *testing.T) {
	const n = 123456789
	img := decode(t, newTestFrame(image.Pt(400, 300), 80, plain).draw(nil, n, time.Now()))
	b := img.Bounds()
	moved := image.NewRGBA(b.Add(image.Pt(-100, 33)))
	draw.Draw(moved, moved.Rect, img, b.Min, draw.Src)
	turned, negative, dim := image.NewRGBA(b), image.NewRGBA(b), image.NewRGBA(b)
	for y := range b.Dy() {
		for x := range b.Dx() {
			r, g, bl, _ := img.At(x, y).RGBA()
			turned.Set(b.Dx()-1-x, b.Dy()-1-y, img.At(x, y))
			negative.Set(x, y, color.RGBA{^uint8(r >> 8), ^uint8(g >> 8), ^uint8(bl >> 8), 255})
			dim.Set(x, y, color.RGBA{uint8(r >> 9), uint8(g >> 9), uint8(bl >> 9), 255})
		}
	}
	for _, tt := range []struct {
		name string
		img  image.Image
		want bool
	}{
		{"half as large", scaled(img, 200, 150), true},
		{"enlarged unevenly", scaled(img, 1000, 500), true},
		{"bounds that do not begin at 0", moved, true},
		{"half as bright", dim, true},
		{"cropped", img.(*image.YCbCr).SubImage(image.Rect(0, 0, 400, 270)), false},
		{"turned by 180 degrees", turned, false},
		{"negative", negative, false},
		{"empty", image.NewGray(image.Rectangle{}), false},
		{"one pixel", image.NewGray(image.Rect(0, 0, 1, 1)), false},
		{"black", image.NewGray(image.Rect(0, 0, 640, 480)), false},
		{"too small for cells", scaled(img, 20, 2), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := PatternNumber(tt.img)
			if ok != tt.want || ok && got != n {
				t.Errorf("got %d %v", got, ok)
			}
		})
	}
	t.Run("other frames", func(t *testing.T) {
		for _, b := range mjpegtest.Frames(20, 64, 64, 80) {
			if n, ok := PatternNumber(decode(t, b)); ok {
				t.Errorf("got %d", n)
			}
		}
	})
}

// TestCodeIsNeverPlain: without both black and white there is no contrast to go by.
func TestCodeIsNeverPlain(t *testing.T) {
	for _, n := range []uint32{0, 1<<32 - 1} {
		if c := codeOf(n); c == 0 || c == 1<<codeBits-1 {
			t.Errorf("%d: %012x", n, c)
		}
	}
}

package codec

import (
	"fmt"
	"testing"

	"gocv.io/x/gocv"

	"picam/mjpeg/mjpegtest"
)

// The same frames go through this package and, to compare, through OpenCV's imdecode and imencode, each on one thread.

var benchSizes = [][2]int{{640, 480}, {1280, 720}, {1920, 1080}}

func BenchmarkDecode(b *testing.B) {
	for _, size := range benchSizes {
		frame := mjpegtest.Frames(1, size[0], size[1], 80)[0]
		for _, f := range []struct {
			name string
			Format
			flag gocv.IMReadFlag
		}{{"gray", Gray, gocv.IMReadGrayScale}, {"colour", BGR, gocv.IMReadColor}} {
			name := fmt.Sprintf("%dx%d/%s", size[0], size[1], f.name)
			for _, scale := range []int{1, 2, 4, 8} {
				b.Run(fmt.Sprintf("%s/scale=%d", name, scale), func(b *testing.B) {
					d := newDecoder(b)
					pixels, width, _, err := decode(b, d, frame, f.Format, scale)
					if err != nil {
						b.Fatal(err)
					}
					b.ReportAllocs()
					b.SetBytes(int64(len(frame)))
					for b.Loop() {
						if err := d.DecodeScaled(pixels, width*f.channels(), frame, f.Format, scale); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
			b.Run(name+"/opencv", func(b *testing.B) {
				m := gocv.NewMat()
				defer m.Close()
				b.ReportAllocs()
				b.SetBytes(int64(len(frame)))
				for b.Loop() {
					if err := gocv.IMDecodeIntoMat(frame, f.flag, &m); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, size := range benchSizes {
		frame := mjpegtest.Frames(1, size[0], size[1], 95)[0]
		for _, f := range []struct {
			name string
			Format
			typ gocv.MatType
		}{{"gray", Gray, gocv.MatTypeCV8UC1}, {"colour", BGR, gocv.MatTypeCV8UC3}} {
			pixels, width, height, err := decode(b, newDecoder(b), frame, f.Format, 1)
			if err != nil {
				b.Fatal(err)
			}
			name := fmt.Sprintf("%dx%d/%s", size[0], size[1], f.name)
			b.Run(name, func(b *testing.B) {
				e := newEncoder(b)
				var out []byte
				b.ReportAllocs()
				b.SetBytes(int64(len(pixels)))
				for b.Loop() {
					var err error
					if out, err = e.Encode(out[:0], pixels, width*f.channels(), width, height, f.Format,
						80); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(name+"/opencv", func(b *testing.B) {
				m, err := gocv.NewMatFromBytes(height, width, f.typ, pixels)
				if err != nil {
					b.Fatal(err)
				}
				defer m.Close()
				b.ReportAllocs()
				b.SetBytes(int64(len(pixels)))
				for b.Loop() {
					out, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, m, []int{gocv.IMWriteJpegQuality, 80})
					if err != nil {
						b.Fatal(err)
					}
					out.Close()
				}
			})
		}
	}
}

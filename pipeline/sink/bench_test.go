package sink

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"path/filepath"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"picam/pipeline"
)

// scene is a Frame with a frame of 1280×720 that compresses about as a camera's does.
func scene(b *testing.B, channels int, isTouched bool) *pipeline.Frame {
	b.Helper()
	m := gocv.NewMatWithSize(720, 1280, gocv.MatTypeCV8UC3)
	noise := gocv.NewMatWithSize(720, 1280, gocv.MatTypeCV8UC3)
	defer noise.Close()
	gocv.RandN(&noise, gocv.NewScalar(128, 128, 128, 0), gocv.NewScalar(60, 60, 60, 0))
	if err := gocv.GaussianBlur(noise, &m, image.Pt(9, 9), 0, 0, gocv.BorderDefault); err != nil {
		b.Fatal(err)
	}
	if channels == 1 {
		if err := gocv.CvtColor(m, &m, gocv.ColorBGRToGray); err != nil {
			b.Fatal(err)
		}
	}
	e := jpegEncoder{quality: 85}
	defer e.close()
	data, err := e.appendMat(nil, m)
	if err != nil {
		b.Fatal(err)
	}
	f := pipeline.NewFrame("door", 1, data, m, isTouched)
	b.Cleanup(f.Close)
	return f
}

func BenchmarkRecord(b *testing.B) {
	for _, bb := range []struct {
		name, path string
		channels   int
		touched    bool
	}{
		{"mjpeg/untouched", "out.mjpeg", 3, false},
		{"mjpeg/colour", "out.mjpeg", 3, true},
		{"mjpeg/gray", "out.mjpeg", 1, true},
		{"avi/untouched", "out.avi", 3, false},
		{"avi/colour", "out.avi", 3, true},
		{"png/colour", "p/%06d.png", 3, true},
		{"png/gray", "p/%06d.png", 1, true},
	} {
		b.Run(bb.name, func(b *testing.B) {
			f := scene(b, bb.channels, bb.touched)
			// Recordings of any length have a fixed size: what is measured is not the disk.
			s, err := Record(filepath.Join(b.TempDir(), bb.path), Options{Rate: 30, EveryFrame: true})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.SetBytes(int64(720 * 1280 * bb.channels))
			for b.Loop() {
				if err := s.Show(f); err != nil {
					b.Fatal(err)
				}
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkStandardLibrary is the yardstick: the same frames encoded by image/jpeg and image/png as they come.
func BenchmarkStandardLibrary(b *testing.B) {
	f := scene(b, 3, true)
	m := f.Mat()
	frame, err := m.ToImage()
	if err != nil {
		b.Fatal(err)
	}
	var out bytes.Buffer
	for name, encode := range map[string]func() error{
		"jpeg": func() error { return jpeg.Encode(&out, frame, &jpeg.Options{Quality: 90}) },
		"png":  func() error { return png.Encode(&out, frame) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(720 * 1280 * 3)
			for b.Loop() {
				out.Reset()
				if err := encode(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkWindow is what a frame costs besides OpenCV's own showing of it: the copy for the desktop, and what is
// written on it.
func BenchmarkWindow(b *testing.B) {
	for _, channels := range []int{1, 3} {
		b.Run(fmt.Sprintf("%d channels", channels), func(b *testing.B) {
			f := scene(b, channels, true)
			s := newMailbox("door", nil, func() {})
			defer s.Close()
			w := newWindow(s, newView("", image.Point{}), newLettering(), true, time.Now())
			defer w.free()
			b.ReportAllocs()
			b.SetBytes(int64(720 * 1280 * channels))
			for b.Loop() {
				if err := s.Show(f); err != nil {
					b.Fatal(err)
				}
				if !s.take(&w.frame) {
					b.Fatal("no frame")
				}
				if err := w.compose(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

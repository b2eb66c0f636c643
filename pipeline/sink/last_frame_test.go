package sink

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"gocv.io/x/gocv"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
	"picam/pipeline"
)

func TestLastFrame(t *testing.T) {
	camera := mjpegtest.Frames(2, 64, 48, 80)
	changed := touched(t, 31, 17, 3, 1)
	gray := touched(t, 31, 17, 1, 1)
	for _, tt := range []struct {
		name, path string
		frames     []*pipeline.Frame
		check      func(t *testing.T, path string)
	}{
		{"the camera's bytes", "a.jpg", []*pipeline.Frame{changed, untouched(t, camera[0]), untouched(t, camera[1])},
			func(t *testing.T, path string) {
				if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, camera[1]) {
					t.Errorf("not the camera's bytes: %d bytes, %v", len(got), err)
				}
			}},
		{"with tables", "a.jpeg", []*pipeline.Frame{untouched(t, mjpegtest.WithoutDHT(camera[0]))},
			func(t *testing.T, path string) {
				got, _ := os.ReadFile(path)
				if h, err := mjpeg.ParseHeader(got); err != nil || !h.HasDHT {
					t.Errorf("%+v, %v", h, err)
				}
			}},
		{"encoded", "a.jpg", []*pipeline.Frame{untouched(t, camera[0]), changed},
			func(t *testing.T, path string) {
				got, _ := os.ReadFile(path)
				if h, err := mjpeg.ParseHeader(got); err != nil || h.Width != 31 || h.Height != 17 || h.Components != 3 {
					t.Errorf("%+v, %v", h, err)
				}
			}},
		{"exactly", "a.png", []*pipeline.Frame{untouched(t, camera[0]), changed},
			func(t *testing.T, path string) { comparePNG(t, path, changed.Mat()) }},
		{"exactly, gray", "a.png", []*pipeline.Frame{changed, gray},
			func(t *testing.T, path string) { comparePNG(t, path, gray.Mat()) }},
		{"decoded", "a.png", []*pipeline.Frame{changed, untouched(t, camera[1])},
			func(t *testing.T, path string) {
				m := gocv.NewMat()
				defer m.Close()
				if err := decode(camera[1], &m); err != nil {
					t.Fatal(err)
				}
				comparePNG(t, path, m)
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "folder", tt.path)
			s, err := LastFrame(path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("an older one"), 0o644); err != nil {
				t.Fatal(err)
			}
			for _, f := range tt.frames {
				if err := s.Show(f); err != nil {
					t.Fatal(err)
				}
			}
			if got, _ := os.ReadFile(path); string(got) != "an older one" {
				t.Error("the file changed before the end")
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			tt.check(t, path)
			if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
				t.Errorf("%d files in the folder, %v", len(files), err)
			}
			if info, err := os.Stat(path); err != nil || info.Mode() != 0o644 {
				t.Errorf("%v, %v", info.Mode(), err)
			}
		})
	}
}

// TestLastFrameIsReplacedWhole: where the new frame cannot be written, the old one stays.
func TestLastFrameIsReplacedWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.jpg")
	if err := os.WriteFile(path, []byte("an older one"), 0o644); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("no frame", func(t *testing.T) {
		s, err := LastFrame(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) || after.Size() != before.Size() {
			t.Error("the file changed")
		}
	})
	t.Run("damaged", func(t *testing.T) {
		s, err := LastFrame(filepath.Join(filepath.Dir(path), "b.png"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		whole := mjpegtest.Frames(1, 64, 48, 80)[0]
		if err := s.Show(untouched(t, append(bytes.Clone(whole[:len(whole)/2]), 0xFF, 0xD9))); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err == nil {
			t.Error("half a frame passed for a whole one")
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), "b.png")); err == nil {
			t.Error("half a frame was written")
		}
	})
	t.Run("folder gone", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "gone")
		s, err := LastFrame(filepath.Join(dir, "a.jpg"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		if err := s.Show(touched(t, 31, 17, 3, 1)); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err == nil {
			t.Error("no error")
		}
	})
}

package mjpegtest_test

import (
	"bytes"
	"image/jpeg"
	"io"
	"testing"

	"picam/mjpeg/mjpegtest"
)

func TestFrames(t *testing.T) {
	frames, again := mjpegtest.Frames(8, 50, 30, 75), mjpegtest.Frames(8, 50, 30, 75)
	for i, p := range frames {
		cfg, err := jpeg.DecodeConfig(bytes.NewReader(p))
		if err != nil || cfg.Width != 50 || cfg.Height != 30 {
			t.Errorf("frame %d: %d×%d, %v", i, cfg.Width, cfg.Height, err)
		}
		if !bytes.Equal(p, again[i]) {
			t.Errorf("frame %d is different the second time", i)
		}
		for j := range i {
			if bytes.Equal(p, frames[j]) {
				t.Errorf("frames %d and %d are the same", i, j)
			}
		}
	}
}

// The list itself must be right: sizes, names, and the wanted frames in order in the stream.
func TestStreams(t *testing.T) {
	names := map[string]bool{}
	for _, s := range mjpegtest.Streams() {
		if names[s.Name] {
			t.Errorf("two streams are named %q", s.Name)
		}
		names[s.Name] = true
		if s.Size > 1e6 {
			continue
		}
		b, err := io.ReadAll(s.Reader())
		if err != nil || int64(len(b)) != s.Size {
			t.Errorf("%s: %d bytes, %v, want %d", s.Name, len(b), err, s.Size)
		}
		for i, p := range s.Want {
			at := bytes.Index(b, p)
			if at < 0 {
				t.Errorf("%s: frame %d is not in it", s.Name, i)
				break
			}
			if len(p) > 1<<20 {
				t.Errorf("%s: frame %d has %d bytes", s.Name, i, len(p))
			}
			b = b[at+len(p):]
		}
	}
}

package sink

import (
	"fmt"
	"path/filepath"
	"strings"

	"gocv.io/x/gocv"

	"picam/internal/file"
	"picam/mjpeg"
	"picam/mjpeg/codec"
	"picam/pipeline"
)

// LastFrame opens a sink that writes the last frame of a run when it is closed, as .jpg or .png by the extension of
// path. It takes the place of a file of that name at once and whole: who looks at it sees the old frame or the new
// one. A run without a frame leaves it alone.
func LastFrame(path string, o Options) (pipeline.Sink, error) {
	if err := checkLastFrame(path); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	if err := makeFolder(path); err != nil {
		return nil, err
	}
	return &lastFrame{path: path, encoder: jpegEncoder{quality: o.Quality}, pixels: gocv.NewMat()}, nil
}

func checkLastFrame(path string) error {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".jpg", ".jpeg", ".png":
		return nil
	}
	return fmt.Errorf("sink: last frame %s: unknown kind of file: use .jpg or .png", path)
}

type lastFrame struct {
	path    string
	encoder jpegEncoder
	// The last frame is one of these; both empty: there was none.
	jpeg   []byte
	pixels gocv.Mat
}

func (l *lastFrame) TakesJPEG() bool { return false }

func (l *lastFrame) Show(f *pipeline.Frame) error {
	if f.Passthrough() {
		l.jpeg = append(l.jpeg[:0], f.JPEG()...)
		return nil
	}
	l.jpeg = l.jpeg[:0]
	m := f.Mat()
	if err := m.CopyTo(&l.pixels); err != nil {
		return fmt.Errorf("sink: last frame: %w", err)
	}
	return nil
}

func (l *lastFrame) Close() error {
	defer l.pixels.Close()
	defer l.encoder.close()
	if len(l.jpeg) == 0 && l.pixels.Empty() {
		return nil
	}
	data, err := l.file()
	if err == nil {
		err = file.Replace(l.path, data)
	}
	if err != nil {
		return fmt.Errorf("sink: last frame %s: %w", l.path, err)
	}
	return nil
}

// file returns what is to be in the file.
func (l *lastFrame) file() ([]byte, error) {
	if strings.ToLower(filepath.Ext(l.path)) != ".png" {
		if len(l.jpeg) > 0 {
			return mjpeg.AddHuffmanTables(nil, l.jpeg), nil
		}
		return l.encoder.appendMat(nil, l.pixels)
	}
	if len(l.jpeg) > 0 {
		if err := decode(l.jpeg, &l.pixels); err != nil {
			return nil, err
		}
	}
	enc := newPNGEncoder()
	defer enc.close()
	return enc.append(nil, l.pixels)
}

// decode makes dst the frame in jpeg, upright: rows × cols × 1 if it is gray, else × 3.
func decode(jpeg []byte, dst *gocv.Mat) error {
	h, err := mjpeg.ParseHeader(jpeg)
	if err != nil {
		return err
	}
	if h.Width*h.Height > pipeline.DefaultMaxPixels {
		return fmt.Errorf("sink: a frame of %d×%d has more than the %d pixels allowed", h.Width, h.Height,
			pipeline.DefaultMaxPixels)
	}
	format, kind, channels := codec.BGR, gocv.MatTypeCV8UC3, 3
	if h.Components == 1 {
		format, kind, channels = codec.Gray, gocv.MatTypeCV8UC1, 1
	}
	lying := gocv.NewMatWithSize(h.Height, h.Width, kind)
	defer lying.Close()
	pixels, err := pixelsOf(lying)
	if err != nil {
		return err
	}
	d, err := codec.NewDecoder()
	if err != nil {
		return err
	}
	defer d.Close()
	switch err := d.Decode(pixels, h.Width*channels, jpeg, format); {
	case err != nil:
		return err
	case h.Orientation > 1:
		return pipeline.Upright(lying, dst, h.Orientation)
	}
	return lying.CopyTo(dst)
}

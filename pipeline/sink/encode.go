package sink

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"

	"gocv.io/x/gocv"

	"picam/mjpeg"
	"picam/mjpeg/codec"
	"picam/pipeline"
)

// jpegEncoder gives frames as JPEG. It is ready once quality is set.
type jpegEncoder struct {
	quality int            // 1 to 100
	codec   *codec.Encoder // nil until a frame had to be encoded
}

// append appends f's frame to dst: the camera's own bytes where no stage has changed them.
func (e *jpegEncoder) append(dst []byte, f *pipeline.Frame) ([]byte, error) {
	if f.Passthrough() {
		return mjpeg.AddHuffmanTables(dst, f.JPEG()), nil
	}
	return e.appendMat(dst, f.Mat())
}

// appendUpright appends a camera's own frame to dst: its bytes, or its pixels encoded anew where EXIF says that they
// are to be turned. What cannot be decoded stays as it is.
func (e *jpegEncoder) appendUpright(dst, jpeg []byte) ([]byte, error) {
	if h, err := mjpeg.ParseHeader(jpeg); err == nil && h.Orientation > 1 {
		m := gocv.NewMat()
		defer m.Close()
		if decode(jpeg, &m) == nil {
			return e.appendMat(dst, m)
		}
	}
	return mjpeg.AddHuffmanTables(dst, jpeg), nil
}

// appendMat appends the frame in m, rows × cols × 1 or 3, to dst.
func (e *jpegEncoder) appendMat(dst []byte, m gocv.Mat) ([]byte, error) {
	pixels, err := pixelsOf(m)
	if err != nil {
		return dst, err
	}
	if e.codec == nil {
		if e.codec, err = codec.NewEncoder(); err != nil {
			return dst, fmt.Errorf("sink: %w", err)
		}
	}
	format := codec.BGR
	if m.Channels() == 1 {
		format = codec.Gray
	}
	dst, err = e.codec.Encode(dst, pixels, m.Cols()*m.Channels(), m.Cols(), m.Rows(), format, e.quality)
	if err != nil {
		return dst, fmt.Errorf("sink: %w", err)
	}
	return dst, nil
}

func (e *jpegEncoder) close() {
	if e.codec != nil {
		e.codec.Close()
	}
}

// pngEncoder gives frames as PNG. It compresses for speed: a recording must keep up with a camera.
type pngEncoder struct {
	png  png.Encoder
	rgba gocv.Mat // a colour frame in the order of PNG
	kept *png.EncoderBuffer
}

func newPNGEncoder() *pngEncoder {
	e := &pngEncoder{rgba: gocv.NewMat()}
	e.png = png.Encoder{CompressionLevel: png.BestSpeed, BufferPool: e}
	return e
}

// Get and Put keep the one buffer of the png.Encoder for the next frame.
func (e *pngEncoder) Get() *png.EncoderBuffer  { return e.kept }
func (e *pngEncoder) Put(b *png.EncoderBuffer) { e.kept = b }

// append appends the frame in m, rows × cols × 1 or 3, to dst.
func (e *pngEncoder) append(dst []byte, m gocv.Mat) ([]byte, error) {
	out := bytes.NewBuffer(dst)
	bounds := image.Rect(0, 0, m.Cols(), m.Rows())
	var frame image.Image
	if m.Channels() == 1 {
		pixels, err := pixelsOf(m)
		if err != nil {
			return dst, err
		}
		frame = &image.Gray{Pix: pixels, Stride: m.Cols(), Rect: bounds}
	} else {
		if err := gocv.CvtColor(m, &e.rgba, gocv.ColorBGRToRGBA); err != nil {
			return dst, fmt.Errorf("sink: PNG: %w", err)
		}
		pixels, err := pixelsOf(e.rgba)
		if err != nil {
			return dst, err
		}
		frame = &image.RGBA{Pix: pixels, Stride: 4 * m.Cols(), Rect: bounds}
	}
	if err := e.png.Encode(out, frame); err != nil {
		return dst, fmt.Errorf("sink: PNG: %w", err)
	}
	return out.Bytes(), nil
}

func (e *pngEncoder) close() { e.rgba.Close() }

// pixelsOf returns the bytes of m, valid as long as m is unchanged. Rows follow each other without gaps, as they do in
// whatever OpenCV makes.
func pixelsOf(m gocv.Mat) ([]byte, error) {
	if m.Empty() {
		return nil, errors.New("sink: frame without pixels")
	}
	pixels, err := m.DataPtrUint8()
	if err != nil {
		return nil, fmt.Errorf("sink: frame of %d×%d: %w", m.Cols(), m.Rows(), err)
	}
	return pixels, nil
}

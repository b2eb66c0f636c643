package capture

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
)

// stripe is the height of a row of MCUs (the units in which 4:2:0 is coded), in pixels.
const stripe = 16

// stripes encodes frames of which only parts change. With a restart marker after each row of MCUs, no row depends on
// another (ITU T.81, E.1.4), so the coded bytes of those that did not change are taken from the frame before. For the
// test pattern that is a third of the work of encoding all of it.
type stripes struct {
	rows    []image.Image // of the frame, stripe pixels high
	coded   [][]byte      // their entropy-coded data
	header  []byte        // SOI through SOS of the whole frame
	sos     int           // length of a stripe's own header
	scratch jpegBuffer
	options jpeg.Options
}

// newStripes returns an encoder of img, which must be 4:2:0, and encodes all of it. The caller changes img and says so
// by update.
func newStripes(img *image.YCbCr, quality int) *stripes {
	size := img.Bounds().Size()
	s := &stripes{options: jpeg.Options{Quality: quality}}
	for y := 0; y < size.Y; y += stripe {
		s.rows = append(s.rows, img.SubImage(image.Rect(0, y, size.X, min(y+stripe, size.Y))))
	}
	s.coded = make([][]byte, len(s.rows))

	// A stripe is a frame of its own; the header of the whole one differs in its height, and in its DRI segment, which
	// says that there is a restart marker after so many MCUs.
	s.encode(0)
	one := s.scratch.Bytes()
	sos := 2
	for one[sos+1] != 0xDA {
		if one[sos+1] == 0xC0 {
			binary.BigEndian.PutUint16(one[sos+5:], uint16(size.Y))
		}
		sos += 2 + int(binary.BigEndian.Uint16(one[sos+2:]))
	}
	s.sos = sos + 2 + int(binary.BigEndian.Uint16(one[sos+2:]))
	s.header = append(s.header, one[:sos]...)
	s.header = append(s.header, 0xFF, 0xDD, 0, 4)
	s.header = binary.BigEndian.AppendUint16(s.header, uint16((size.X+stripe-1)/stripe))
	s.header = append(s.header, one[sos:s.sos]...)

	s.update(0, size.Y)
	return s
}

// update encodes what holds the rows of pixels from y0 to y1, without y1.
func (s *stripes) update(y0, y1 int) {
	for i := y0 / stripe; i*stripe < y1; i++ {
		s.encode(i)
		b := s.scratch.Bytes()
		s.coded[i] = append(s.coded[i][:0], b[s.sos:len(b)-2]...)
	}
}

// encode leaves one stripe in scratch.
func (s *stripes) encode(i int) {
	s.scratch.Reset()
	// The size is right and writing to memory does not fail, so there is no error.
	_ = jpeg.Encode(&s.scratch, s.rows[i], &s.options)
}

// appendTo appends the whole frame.
func (s *stripes) appendTo(dst []byte) []byte {
	dst = append(dst, s.header...)
	for i, data := range s.coded {
		if i > 0 {
			dst = append(dst, 0xFF, 0xD0+byte((i-1)%8))
		}
		dst = append(dst, data...)
	}
	return append(dst, 0xFF, 0xD9)
}

// jpegBuffer has the methods that keep image/jpeg from making a buffer of its own.
type jpegBuffer struct{ bytes.Buffer }

func (*jpegBuffer) Flush() error { return nil }

// Package codec turns JPEG into pixels and back with libjpeg-turbo, straight into and out of the caller's memory. What
// cameras send most, baseline frames, it decodes by itself, to the same pixels: see baseline.c. The cgo and unsafe
// code stands in this file, and the C code that it calls beside it.
package codec

/*
#cgo pkg-config: libjpeg
#include "baseline.h"
#include "libjpeg.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"unsafe"

	"picam/mjpeg"
)

// Format is the layout of pixels in memory.
type Format int

// The formats.
const (
	Gray Format = iota // rows × cols × 1, 8 bit
	BGR                // rows × cols × 3, 8 bit, OpenCV's order
)

// channels is the number of bytes of a pixel; 0 for a Format that there is not.
func (f Format) channels() int {
	switch f {
	case Gray:
		return 1
	case BGR:
		return 3
	}
	return 0
}

// ErrDamaged is wrapped by the error of Decode where the entropy-coded data is broken or cut short: dst then holds
// what could be decoded, which must not pass for a whole frame. Damage that leaves as many codes as there were, and
// values that samples can have, goes unseen: docs/architecture.md says how much that is.
var ErrDamaged = errors.New("damaged frame")

// ErrInterrupted is the error of Decode where its Interrupt was raised.
var ErrInterrupted = errors.New("codec: decoding was interrupted")

// Interrupt ends the decoding of all Decoders that have it, at once. The zero value is ready to use.
type Interrupt struct {
	raised C.int // atomic; C code reads it
}

// Raise makes decoding under way end within a row of MCUs, and all after it, with ErrInterrupted. Any goroutine may
// call it, at any time.
func (i *Interrupt) Raise() { atomic.StoreInt32((*int32)(&i.raised), 1) }

var errClosed = errors.New("codec: used after Close")

// Decoder decodes one frame at a time; each goroutine needs its own.
//
// It decodes what libjpeg-turbo does: baseline and progressive, Huffman (without tables: the standard ones) and
// arithmetic coding, gray, colour and CMYK, at full accuracy, so that pixels equal those of djpeg and OpenCV. A frame
// does not depend on those decoded before it.
type Decoder struct {
	c         *C.pic_decoder
	baseline  *C.pic_baseline
	draws     bool // baseline.c decodes; else it only takes a closer look
	interrupt *Interrupt
}

// NewDecoder returns a Decoder that must be closed, since its memory is not Go's.
func NewDecoder() (*Decoder, error) { return decoderWith(&Interrupt{}) }

func decoderWith(interrupt *Interrupt) (*Decoder, error) {
	const markerAndLength = 4
	tables := []byte(mjpeg.StandardDHT[markerAndLength:])
	d := &Decoder{c: C.pic_new_decoder(), baseline: C.pic_baseline_new(pointer(tables), C.size_t(len(tables))),
		interrupt: interrupt}
	if d.c == nil || d.baseline == nil {
		d.Close()
		return nil, errors.New("codec: no memory for a decompressor")
	}
	d.draws = C.pic_baseline_draws(d.baseline) != 0
	return d, nil
}

// Size reads width and height (pixels) from the frame's header.
func (d *Decoder) Size(jpeg []byte) (width, height int, err error) {
	if d.c == nil {
		return 0, 0, errClosed
	}
	r := C.pic_size(d.c, pointer(jpeg), C.size_t(len(jpeg)))
	if r.status != C.PIC_OK {
		return 0, 0, failure("header", r)
	}
	return int(r.width), int(r.height), nil
}

// Decode decodes jpeg into dst, whose rows are stride bytes apart, at width × height pixels as Size returned them.
func (d *Decoder) Decode(dst []byte, stride int, jpeg []byte, f Format) error {
	return d.DecodeScaled(dst, stride, jpeg, f, 1)
}

// ScaledSize is the size in pixels of what DecodeScaled makes of a frame of width × height pixels.
func ScaledSize(width, height, scale int) (int, int) {
	return (width + scale - 1) / scale, (height + scale - 1) / scale
}

// DecodeScaled is Decode at 1/scale of width and height, where scale is 1, 2, 4 or 8 and ScaledSize gives the size. It
// is faster the smaller the result, since only the low frequencies are worked out.
//
// No damage is what cameras write against the standard and no decoder minds: up to 32 bytes before a restart marker or
// the end of the frame (libjpeg-turbo#157), bytes between the segments of the header, other parameters of a
// sequential scan than 0, 63, 0, 0, and rows of MCUs beyond the height.
func (d *Decoder) DecodeScaled(dst []byte, stride int, jpeg []byte, f Format, scale int) error {
	switch {
	case d.c == nil:
		return errClosed
	case f.channels() == 0:
		return fmt.Errorf("codec: decode: unknown format %d", f)
	case scale != 1 && scale != 2 && scale != 4 && scale != 8:
		return fmt.Errorf("codec: decode: scale %d is not 1, 2, 4 or 8", scale)
	case stride < 0 || stride > math.MaxInt32:
		return fmt.Errorf("codec: decode: stride %d is not 0 to %d", stride, math.MaxInt32)
	}
	if err := checkCost(jpeg); err != nil {
		return fmt.Errorf("codec: decode: %w", err)
	}
	switch d.decodeBaseline(dst, stride, jpeg, f, scale) {
	case whole:
		return nil
	case impossible:
		return errImpossible
	}
	r := C.pic_decode(d.c, pointer(jpeg), C.size_t(len(jpeg)), pointer(dst), C.size_t(len(dst)), C.size_t(stride),
		C.int(f.channels()), C.int(scale), &d.interrupt.raised)
	switch r.status {
	case C.PIC_OK, C.PIC_SURPLUS:
		switch d.check(jpeg) {
		case whole:
			return nil
		case impossible:
			return errImpossible
		}
		if r.status == C.PIC_OK {
			return nil
		}
	case C.PIC_NO_ROOM:
		w, h := ScaledSize(int(r.width), int(r.height), scale)
		return fmt.Errorf("codec: decode: %d×%d pixels of %d bytes do not fit in %d bytes with a stride of %d",
			w, h, f.channels(), len(dst), stride)
	case C.PIC_NO_SCALE:
		return fmt.Errorf("codec: decode: a lossless frame has no scale %d", scale)
	case C.PIC_INTERRUPTED:
		return ErrInterrupted
	}
	return failure("decode", r)
}

var errImpossible = fmt.Errorf("codec: decode: %w: coefficients that no encoder makes", ErrDamaged)

// verdict is what baseline.c says about a frame.
type verdict C.int

const (
	rejected   verdict = C.PIC_REJECTED
	whole      verdict = C.PIC_WHOLE
	impossible verdict = C.PIC_IMPOSSIBLE
)

// decodeBaseline decodes a frame if it is one of baseline.c's, and fits. If it is rejected, dst may hold some of it.
func (d *Decoder) decodeBaseline(dst []byte, stride int, jpeg []byte, f Format, scale int) verdict {
	if !d.draws {
		return rejected
	}
	return verdict(C.pic_baseline_decode(d.baseline, pointer(jpeg), C.size_t(len(jpeg)), pointer(dst), C.size_t(len(dst)),
		C.size_t(stride), C.int(f.channels()), C.int(scale), &d.interrupt.raised))
}

// check takes a closer look at a frame that libjpeg-turbo has decoded.
func (d *Decoder) check(jpeg []byte) verdict {
	return verdict(C.pic_baseline_check(d.baseline, pointer(jpeg), C.size_t(len(jpeg)), &d.interrupt.raised))
}

// Close frees the Decoder's memory. Further calls of Close do nothing.
func (d *Decoder) Close() {
	C.pic_free_decoder(d.c)
	C.pic_baseline_free(d.baseline)
	d.c, d.baseline, d.draws = nil, nil, false
}

// failure makes an error of what TurboJPEG said.
func failure(what string, r C.pic_result) error {
	if r.status == C.PIC_FAILED {
		return fmt.Errorf("codec: %s: %s", what, C.GoString(r.message))
	}
	return fmt.Errorf("codec: %s: %w: %s", what, ErrDamaged, C.GoString(r.message))
}

// pointer is nil for an empty slice.
func pointer(b []byte) *C.uchar {
	if len(b) == 0 {
		return nil
	}
	return (*C.uchar)(unsafe.SliceData(b))
}

// Encoder encodes one frame at a time; each goroutine needs its own.
type Encoder struct {
	c    *C.pic_encoder
	jpeg *C.uchar // of c, the last frame
	size C.size_t
}

// NewEncoder returns an Encoder that must be closed, since its memory is not Go's.
func NewEncoder() (*Encoder, error) {
	c := C.pic_new_encoder()
	if c == nil {
		return nil, errors.New("codec: no memory for a compressor")
	}
	return &Encoder{c: c}, nil
}

// maxSide is the longest side that libjpeg-turbo encodes, in pixels.
const maxSide = 65500

// Encode appends the frame as baseline JPEG (4:2:0 for colour) to dst. quality is 1 to 100.
func (e *Encoder) Encode(dst []byte, pixels []byte, stride, width, height int, f Format, quality int) ([]byte, error) {
	row := width * f.channels()
	switch {
	case e.c == nil:
		return dst, errClosed
	case f.channels() == 0:
		return dst, fmt.Errorf("codec: encode: unknown format %d", f)
	case width < 1 || height < 1 || width > maxSide || height > maxSide:
		return dst, fmt.Errorf("codec: encode: %d×%d pixels: a side must be 1 to %d", width, height, maxSide)
	case quality < 1 || quality > 100:
		return dst, fmt.Errorf("codec: encode: quality %d is not 1 to 100", quality)
	case stride < row || stride > math.MaxInt32 || len(pixels) < row || (len(pixels)-row)/stride < height-1:
		return dst, fmt.Errorf("codec: encode: %d×%d pixels of %d bytes are more than %d bytes with a stride of %d "+
			"hold",
			width, height, f.channels(), len(pixels), stride)
	}
	message := C.pic_encode(e.c, pointer(pixels), C.int(width), C.int(stride), C.int(height), C.int(f.channels()),
		C.int(quality), &e.jpeg, &e.size)
	if message != nil {
		return dst, fmt.Errorf("codec: encode: %s", C.GoString(message))
	}
	return append(dst, unsafe.Slice((*byte)(e.jpeg), e.size)...), nil
}

// Close frees the Encoder's memory. Further calls of Close do nothing.
func (e *Encoder) Close() {
	if e.c != nil {
		C.pic_free_encoder(e.c)
		e.c = nil
	}
}

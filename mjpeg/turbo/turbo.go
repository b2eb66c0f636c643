// Package turbo turns JPEG into pixels and back with libjpeg-turbo's TurboJPEG interface.
package turbo

import "errors"

// Format is the layout of pixels in memory.
type Format int

// The formats.
const (
	Gray Format = iota // rows × cols × 1, 8 bit
	BGR                // rows × cols × 3, 8 bit, OpenCV's order
)

// ErrDamaged is wrapped by the error of Decode where the entropy-coded data is broken or cut short: dst then holds
// what could be decoded, which must not pass for a whole picture.
var ErrDamaged = errors.New("damaged picture")

// Decoder decodes one picture at a time; each goroutine needs its own.
type Decoder struct{}

func NewDecoder() (*Decoder, error) { panic("todo") }

// Size reads width and height (pixels) from the picture's header.
func (d *Decoder) Size(jpeg []byte) (width, height int, err error) { panic("todo") }

// Decode decodes jpeg into dst, whose rows are stride bytes apart, at width × height pixels as Size returned them.
func (d *Decoder) Decode(dst []byte, stride int, jpeg []byte, f Format) error { panic("todo") }

func (d *Decoder) Close() { panic("todo") }

// Encoder encodes one picture at a time; each goroutine needs its own.
type Encoder struct{}

func NewEncoder() (*Encoder, error) { panic("todo") }

// Encode appends the picture as baseline JPEG (4:2:0 for colour) to dst. quality is 1 to 100.
func (e *Encoder) Encode(dst []byte, pixels []byte, stride, width, height int, f Format, quality int) ([]byte, error) {
	panic("todo")
}

func (e *Encoder) Close() { panic("todo") }

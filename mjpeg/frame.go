package mjpeg

import "time"

// Frame is one JPEG frame on its way through picam, with what is known of its origin. Every hop hands frames on by
// a method Next() (Frame, error), which returns [io.EOF] after the last one.
type Frame struct {
	// JPEG holds the frame from SOI through EOI, as the camera made it: without picam's stamp. It belongs to
	// whoever returned the Frame and is valid until the next call of Next; copy what must live longer.
	JPEG []byte
	// Seq counts the camera's frames, from 1. A gap is a frame that was lost on the way. 0 means not known.
	Seq uint64
	// Captured is when the camera took the frame, by this computer's clock as far as the sender knows it: see
	// [Reader.Next]. Zero means not known.
	Captured time.Time
	// Received is when the last byte arrived on this computer.
	Received time.Time
}

package pipeline

import (
	"time"

	"gocv.io/x/gocv"
)

// Frame is one picture under way through the pipeline. Whoever holds it owns it.
type Frame struct {
	Camera   string
	Seq      uint64    // as the sender counted it, else as it arrived, from 1
	Captured time.Time // by this computer's clock; zero means not known
	Received time.Time // when its last byte had arrived
	Decoded  time.Time // when its pixels were there; zero if it was not decoded
	Done     time.Time // when its last stage was through

	jpeg []byte   // the camera's bytes, without the stamp
	out  gocv.Mat // the finished picture
	plan *Plan
}

// JPEG returns the camera's own bytes, before any stage.
func (f *Frame) JPEG() []byte { return f.jpeg }

// Mat returns the finished picture: rows × cols × 1 (gray) or 3 (BGR), 8 bit. It is empty where Untouched is true
// and no sink asked for pixels.
func (f *Frame) Mat() gocv.Mat { return f.out }

// Untouched reports whether no stage changed the picture, so that JPEG shows what Mat would.
func (f *Frame) Untouched() bool { return len(f.plan.steps) == 0 }

// Plan is the chain that made this picture.
func (f *Frame) Plan() *Plan { return f.plan }

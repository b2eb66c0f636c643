package filters

import (
	"image"
	"time"

	"gocv.io/x/gocv"
)

// Meta is what is known of a frame beside its pixels, and what filters have found in it. A filter gets it from
// [Params.Meta].
type Meta struct {
	Camera   string
	Seq      uint64    // as the sender counted it, else as it arrived, from 1
	Captured time.Time // by this computer's clock; zero means not known
	Received time.Time // when its last byte had arrived
	FPS      float64   // frames a second that have arrived lately; 0 means not known yet

	// Full is the size (cols × rows) of the whole frame, for a first stage for which the decoder may have made it
	// smaller, see [Params.Resizes]; else 0 × 0.
	Full image.Point

	// Original is the frame before the first stage, rows × cols × 3, for a Kind that asks for it; else undefined.
	Original gocv.Mat

	Found    []Detection // by the stages so far, in their order
	Bypassed []Bypass    // stages so far that passed it on as it was

	// DryRun says that the frame is made up, to see whether a chain can work. Nothing outside of picam may notice.
	DryRun bool
}

// Bypass tells of a stage that passed a frame on as it was, because what does its work was not there.
type Bypass struct {
	Stage string // its name
	Cause error
}

// Detection is something that a filter has found in a frame. What a filter does not tell of it is zero.
type Detection struct {
	Stage  string          // the stage's name
	Label  string          // what it is, such as face
	Box    image.Rectangle // where, in pixels of the frame that the stage was given
	Points []image.Point   // where more exactly, such as the corners of a code that lies askew
	Score  float64         // how sure it is, or how much of it there is: each filter says what it means
	Value  string          // what it says, such as the text of a code
	Size   image.Point     // cols × rows of the frame that the stage was given
}

// Report adds something found. Stage and Size are filled in.
func (m *Meta) Report(d Detection) { m.Found = append(m.Found, d) }

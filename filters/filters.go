// Package filters is the shelf of frame filters: one filter, one file, one value.
//
// A Kind is what stands on the shelf (All lists them). Configure checks values for its parameters and makes a Stage of
// it, which never changes and may be shared. Open makes a Running of a Stage, through which one goroutine puts
// frames.
//
// A new filter: copy blur.go, change it, and add one line to all.go. Its documentation, the check of its values, its
// part of the example file and the tests that every filter has to pass come from its declaration.
package filters

import (
	"fmt"
	"image"

	"gocv.io/x/gocv"
)

// Format is what a filter accepts or produces.
type Format int

// The formats: 8 bit, rows × cols × channels.
const (
	Any  Format = iota // gray or BGR; as Out: as it came
	Gray               // 1 channel
	BGR                // 3 channels
)

func (f Format) String() string {
	switch f {
	case Gray:
		return "gray"
	case BGR:
		return "colour"
	}
	return "gray or colour"
}

// formatOf is the Format of a Mat, and false for a Mat of another type.
func formatOf(m gocv.Mat) (Format, bool) {
	switch m.Type() {
	case gocv.MatTypeCV8UC1:
		return Gray, true
	case gocv.MatTypeCV8UC3:
		return BGR, true
	}
	return Any, false
}

// Filter reads src and leaves its result in dst. It must not change, keep or close either.
//
// src is never empty and of the Kind's In format. dst is another Mat, empty or with an earlier result of any size, in
// place of which the Filter writes: OpenCV's functions reuse its memory where size and type are the same. Memory of
// its own comes from [Params.Mat], never from NewMat, so that a frame costs no allocation. A C++ exception ends the
// process, so a Filter calls only such gocv functions as return an error, with values that Params has checked.
//
// An error costs the frame. One that is, or wraps, an [own.UnavailableError] does not: the frame goes on as it was.
type Filter func(src gocv.Mat, dst *gocv.Mat) error

// SizeError is, or is in, the error of a Filter whose parameters do not fit the size of this frame. They may fit a
// frame of another size.
type SizeError struct {
	Stage string      // the stage's name; filled in
	What  string      // what does not fit, such as "x 700 to 1000"
	Size  image.Point // cols × rows of the frame that the Filter was given
	Least image.Point // cols × rows that a frame needs; 0 × 0 where Size is too large
	Hint  string      // what would fit this frame, in the words of the parameters
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("%s does not fit a frame of %d×%d: it takes one of %s, or %s", e.What, e.Size.X, e.Size.Y,
		e.Takes(), e.Hint)
}

// Takes says which frames would fit, such as "at least 640×480".
func (e *SizeError) Takes() string {
	if e.Least == (image.Point{}) {
		return fmt.Sprintf("less than %d×%d", e.Size.X, e.Size.Y)
	}
	return fmt.Sprintf("at least %d×%d", e.Least.X, e.Least.Y)
}

// Kind describes one filter. Kinds are values in one list, never changed.
type Kind struct {
	Name     string // as in the YAML file, lower_snake_case
	Doc      string // one sentence
	In, Out  Format
	Stateful bool // sees the frames in order, on one goroutine; see also Setup.Flow
	Original bool // wants Meta.Original

	// New declares the parameters, all of them and always the same ones, and returns a Filter with their values. It
	// does nothing else that could be noticed outside. Where the user has not set what is required, it gets the
	// examples. nil: the format alone is the filter (grayscale).
	New func(*Params) Filter
}

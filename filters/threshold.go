package filters

import (
	"slices"

	"gocv.io/x/gocv"

	"picam/filters/cv"
)

// threshold compares each pixel with one level.
var threshold = Kind{
	Name: "threshold",
	Doc:  "Makes bright pixels white and dark ones black, or cuts off one of the two.",
	In:   Gray, Out: Gray,
	New: func(p *Params) Filter {
		level := p.Int("threshold", 127, 0, 255, "pixels above it are bright")
		highest := p.Int("white", 255, 0, 255, "what binary and inverse make white, of 255")
		// in the order of OpenCV's numbers
		names := []string{"binary", "inverse", "truncate", "to_zero", "to_zero_inverse"}
		code := gocv.ThresholdType(slices.Index(names, p.Enum("type", "binary", names,
			"inverse swaps black and white; truncate cuts bright ones down to threshold; "+
				"to_zero makes only dark ones black, to_zero_inverse only bright ones")))
		method := p.Enum("method", "fixed", []string{"fixed", "otsu", "triangle"},
			"fixed uses threshold; otsu and triangle find one in each frame, triangle where few pixels are bright, "+
				"or dark")
		switch method {
		case "otsu":
			code |= gocv.ThresholdOtsu
		case "triangle":
			code |= gocv.ThresholdTriangle
		}
		return func(src gocv.Mat, dst *gocv.Mat) error {
			return cv.Threshold(src, dst, float64(level), float64(highest), code)
		}
	},
}

package filters

import "gocv.io/x/gocv"

// flip mirrors the frame.
var flip = Kind{
	Name: "flip",
	Doc:  "Mirrors the frame.",
	In:   Any, Out: Any,
	New: func(p *Params) Filter {
		codes := map[string]int{"horizontal": 1, "vertical": 0, "both": -1} // OpenCV's
		code := codes[p.Enum("axis", "horizontal", []string{"horizontal", "vertical", "both"},
			"horizontal swaps left and right, vertical top and bottom")]
		return func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Flip(src, dst, code)
		}
	},
}

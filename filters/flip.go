package filters

import "gocv.io/x/gocv"

// flip mirrors the picture.
var flip = Kind{
	Name: "flip",
	Doc:  "Mirrors the picture.",
	In:   Any, Out: Any,
	New: func(s *Setup) Filter {
		codes := map[string]int{"horizontal": 1, "vertical": 0, "both": -1} // OpenCV's
		code := codes[s.Enum("axis", "horizontal", []string{"horizontal", "vertical", "both"},
			"horizontal swaps left and right, vertical top and bottom")]
		return func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Flip(src, dst, code)
		}
	},
}

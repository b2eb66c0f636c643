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
			"what is swapped: left and right (horizontal), top and bottom (vertical), or both")]
		return func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Flip(src, dst, code)
		}
	},
}

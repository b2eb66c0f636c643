package filters

import "gocv.io/x/gocv"

// rotate turns the picture by a multiple of a right angle, so that every pixel stays as it is.
var rotate = Kind{
	Name: "rotate",
	Doc:  "Turns the picture clockwise.",
	In:   Any, Out: Any,
	New: func(s *Setup) Filter {
		codes := map[string]gocv.RotateFlag{
			"90": gocv.Rotate90Clockwise, "180": gocv.Rotate180Clockwise, "270": gocv.Rotate90CounterClockwise,
		}
		code := codes[s.Enum("degrees", "180", []string{"90", "180", "270"}, "how far, clockwise")]
		return func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Rotate(src, dst, code)
		}
	},
}

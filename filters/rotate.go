package filters

import "gocv.io/x/gocv"

// rotate turns the frame by a multiple of a right angle, so that every pixel stays as it is.
var rotate = Kind{
	Name: "rotate",
	Doc:  "Turns the frame clockwise.",
	In:   Any, Out: Any,
	New: func(p *Params) Filter {
		codes := map[string]gocv.RotateFlag{
			"90": gocv.Rotate90Clockwise, "180": gocv.Rotate180Clockwise, "270": gocv.Rotate90CounterClockwise,
		}
		code := codes[p.Enum("degrees", "180", []string{"90", "180", "270"}, "how far, clockwise")]
		return func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Rotate(src, dst, code)
		}
	},
}

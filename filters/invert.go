package filters

import "gocv.io/x/gocv"

// invert makes a negative.
var invert = Kind{
	Name: "invert",
	Doc:  "Makes a negative: black becomes white, and each colour its opposite.",
	In:   Any, Out: Any,
	New: func(*Params) Filter {
		return func(src gocv.Mat, dst *gocv.Mat) error { return gocv.BitwiseNot(src, dst) }
	},
}

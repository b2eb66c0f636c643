package filters

import "gocv.io/x/gocv"

// median takes the middle one of the values around each pixel.
var median = Kind{
	Name: "median",
	Doc:  "Removes specks and keeps edges sharp.",
	In:   Any, Out: Any,
	New: func(p *Params) Filter {
		size := p.Odd("size", 5, 1, 99,
			"width and height in pixels of what is looked at around each; up to 5 is much faster")
		return func(src gocv.Mat, dst *gocv.Mat) error { return gocv.MedianBlur(src, dst, size) }
	},
}

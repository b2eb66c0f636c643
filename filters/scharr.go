package filters

import "gocv.io/x/gocv"

// scharr is the gradient by H. Scharr's kernels of 3 × 3.
var scharr = Kind{
	Name: "scharr",
	Doc:  "Shows how steeply the brightness changes, like sobel, but alike in all directions and four times as strong.",
	In:   Any, Out: Any,
	New: func(p *Params) Filter {
		scale := p.Float("scale", 1, 0.000001, 100, "factor for the result")
		return gradient(p, func(src gocv.Mat, dst *gocv.Mat, dx, dy int) error {
			return gocv.Scharr(src, dst, gocv.MatTypeCV16S, dx, dy, scale, 0, gocv.BorderDefault)
		})
	},
}

package filters

import (
	"image"

	"gocv.io/x/gocv"
)

// blur smooths with a Gaussian.
var blur = Kind{
	Name: "blur",
	Doc:  "Smooths the frame with a Gaussian, against noise and fine detail.",
	In:   Any, Out: Any,
	New: func(p *Params) Filter {
		size := p.Odd("size", 5, 1, 99, "width and height of the kernel in pixels; more is smoother and slower")
		sigma := p.Float("sigma", 0, 0, 50, "spread of the kernel in pixels; 0 derives it from size")
		return func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.GaussianBlur(src, dst, image.Pt(size, size), sigma, sigma, gocv.BorderDefault)
		}
	},
}

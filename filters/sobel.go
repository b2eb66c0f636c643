package filters

import "gocv.io/x/gocv"

// sobel is the gradient by I. Sobel's kernels.
var sobel = Kind{
	Name: "sobel",
	Doc:  "Shows how steeply the brightness changes: white is an edge.",
	In:   Any, Out: Any,
	New: func(p *Params) Filter {
		size := p.Odd("size", 3, 1, 31, "size of the kernel in pixels; more smooths, and needs a smaller scale")
		scale := p.Float("scale", 1, 0.000001, 100, "factor for the result")
		return gradient(p, func(src gocv.Mat, dst *gocv.Mat, dx, dy int) error {
			return gocv.Sobel(src, dst, gocv.MatTypeCV16S, dx, dy, size, scale, 0, gocv.BorderDefault)
		})
	},
}

// gradient declares the direction of a gradient. derive leaves in dst (rows × cols × channels, int16) the change of
// src to the right (dx is 1) or down (dy is 1).
func gradient(p *Params, derive func(src gocv.Mat, dst *gocv.Mat, dx, dy int) error) Filter {
	direction := p.Enum("direction", "both", []string{"both", "x", "y"},
		"x finds edges that stand upright, y those that lie, both is half of one and half of the other")
	change, across, down := p.Mat(), p.Mat(), p.Mat()
	along := func(src gocv.Mat, dst *gocv.Mat, dx, dy int) error {
		if err := derive(src, change, dx, dy); err != nil {
			return err
		}
		return gocv.ConvertScaleAbs(*change, dst, 1, 0)
	}
	return func(src gocv.Mat, dst *gocv.Mat) error {
		switch direction {
		case "x":
			return along(src, dst, 1, 0)
		case "y":
			return along(src, dst, 0, 1)
		}
		if err := along(src, across, 1, 0); err != nil {
			return err
		}
		if err := along(src, down, 0, 1); err != nil {
			return err
		}
		return gocv.AddWeighted(*across, 0.5, *down, 0.5, 0, dst)
	}
}

package filters

import "gocv.io/x/gocv"

// laplacian is the sum of the second derivatives.
var laplacian = Kind{
	Name: "laplacian",
	Doc:  "Shows where the brightness changes suddenly, as thin lines and specks.",
	In:   Any, Out: Any,
	New: func(p *Params) Filter {
		size := p.Odd("size", 1, 1, 31,
			"size of the kernel in pixels, where 1 is one of 3 × 3; more needs a smaller scale")
		scale := p.Float("scale", 1, 0.000001, 100, "factor for the result")
		change := p.Mat() // int16
		return func(src gocv.Mat, dst *gocv.Mat) error {
			if err := gocv.Laplacian(src, change, gocv.MatTypeCV16S, size, scale, 0, gocv.BorderDefault); err != nil {
				return err
			}
			return gocv.ConvertScaleAbs(*change, dst, 1, 0)
		}
	},
}

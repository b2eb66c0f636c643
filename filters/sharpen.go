package filters

import (
	"image"

	"gocv.io/x/gocv"
)

// sharpen is unsharp masking: the frame and, times amount, what a Gaussian takes away from it.
var sharpen = Kind{
	Name: "sharpen",
	Doc:  "Brings out edges and fine detail, and noise with them.",
	In:   Any, Out: Any,
	New: func(p *Params) Filter {
		amount := p.Float("amount", 1, 0, 10, "how much; 0 changes nothing")
		radius := p.Float("radius", 1, 0.1, 20, "size of the detail in pixels")
		smooth := p.Mat()
		return func(src gocv.Mat, dst *gocv.Mat) error {
			if err := gocv.GaussianBlur(src, smooth, image.Point{}, radius, radius, gocv.BorderDefault); err != nil {
				return err
			}
			return gocv.AddWeighted(src, 1+amount, *smooth, -amount, 0, dst)
		}
	},
}

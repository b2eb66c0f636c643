package filters

import "gocv.io/x/gocv"

// adaptiveThreshold compares each pixel with those around it.
var adaptiveThreshold = Kind{
	Name: "adaptive_threshold",
	Doc:  "Makes pixels white that are brighter than those around them, such as paper under uneven light.",
	In:   Gray, Out: Gray,
	New: func(p *Params) Filter {
		size := p.Odd("size", 11, 3, 255, "width and height in pixels of what is looked at around each")
		c := p.Float("c", 2, -255, 255, "by how much a pixel may be darker than those around it and still be white")
		method := gocv.AdaptiveThresholdMean
		if p.Enum("method", "mean", []string{"mean", "gaussian"}, "gaussian gives those near it more weight") ==
			"gaussian" {
			method = gocv.AdaptiveThresholdGaussian
		}
		code := gocv.ThresholdBinary
		if p.Bool("inverse", false, "swaps black and white") {
			code = gocv.ThresholdBinaryInv
		}
		return func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.AdaptiveThreshold(src, dst, 255, method, code, size, float32(c))
		}
	},
}

package filters

import (
	"gocv.io/x/gocv"

	"picam/filters/cv"
)

// denoise is the method of A. Buades, B. Coll and J.-M. Morel, Non-Local Means Denoising, IPOL 2011.
var denoise = Kind{
	Name: "denoise",
	Doc:  "Removes noise and keeps detail, better than all others and slower: about a second for a large frame.",
	In:   Any, Out: Any,
	New: func(p *Params) Filter {
		strength := p.Float("strength", 3, 0.1, 30, "how much; 10 removes all noise, and detail with it")
		colour := p.Float("colour_strength", 3, 0.1, 30, "how much, for the noise of colours")
		patch := p.Odd("patch", 5, 3, 15, "size in pixels of the patches that are compared")
		window := p.Odd("window", 9, 3, 35,
			"size in pixels of the part where alike patches are sought; its square is the time it takes")
		return func(src gocv.Mat, dst *gocv.Mat) error {
			return cv.Denoise(src, dst, strength, colour, patch, window)
		}
	},
}

package filters

import (
	"strconv"

	"gocv.io/x/gocv"

	"picam/filters/cv"
)

// canny finds edges as described in J. Canny, A Computational Approach to Edge Detection, 1986.
var canny = Kind{
	Name: "canny",
	Doc:  "Draws edges as white lines on black.",
	In:   Gray, Out: Gray,
	New: func(p *Params) Filter {
		low := p.Float("low", 50, 0, 10000, "strength from which on an edge is drawn if it continues a strong one")
		high := p.Float("high", 150, 0, 10000,
			"strength from which on an edge is drawn in any case; less draws more edges")
		aperture, _ := strconv.Atoi(p.Enum("aperture", "3", []string{"3", "5", "7"},
			"size of the kernel in pixels; more smooths, and makes edges so much stronger that low and high must rise"))
		l2 := p.Bool("l2", false, "measure strength by the root of the sum of squares: more exact, and slower")
		p.Check(low <= high, "low (%g) is above high (%g)", low, high)
		return func(src gocv.Mat, dst *gocv.Mat) error {
			return cv.Canny(src, dst, low, high, aperture, l2)
		}
	},
}

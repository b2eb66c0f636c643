package filters

import (
	"image"

	"gocv.io/x/gocv"
)

// edgesOf declares how filters that need edges get them, and returns what makes a mask (rows × cols × 1) of them from a
// colour frame.
func edgesOf(p *Params) Filter {
	of := p.Enum("of", "edges", []string{"edges", "mask"},
		"edges: look for edges, with the next three values; mask: take all that is not black, after canny or threshold")
	smooth := smoothGray(p)
	low := p.Float("low", 50, 0, 10000, "strength from which on an edge counts if it continues a strong one")
	high := p.Float("high", 150, 0, 10000, "strength from which on an edge counts in any case; less finds more")
	p.Check(low <= high, "low (%g) is above high (%g)", low, high)
	gray := p.Mat()
	return func(src gocv.Mat, dst *gocv.Mat) error {
		if of == "mask" {
			return gocv.CvtColor(src, dst, gocv.ColorBGRToGray)
		}
		if err := smooth(src, gray); err != nil {
			return err
		}
		return gocv.Canny(*gray, dst, float32(low), float32(high))
	}
}

// smoothGray declares the blur before edges are sought. It makes a colour frame gray and blurs it.
func smoothGray(p *Params) Filter {
	size := p.Odd("blur", 5, 1, 99, "size in pixels of the blur before edges are sought; 1 does not blur")
	gray := p.Mat()
	return func(src gocv.Mat, dst *gocv.Mat) error {
		if err := gocv.CvtColor(src, gray, gocv.ColorBGRToGray); err != nil {
			return err
		}
		return gocv.GaussianBlur(*gray, dst, image.Pt(size, size), 0, 0, gocv.BorderDefault)
	}
}

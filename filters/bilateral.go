package filters

import "gocv.io/x/gocv"

// bilateral is the filter of C. Tomasi and R. Manduchi, Bilateral Filtering for Gray and Color Images, 1998.
var bilateral = Kind{
	Name: "bilateral",
	Doc:  "Smooths areas of about one colour and keeps the edges between them, as in a cartoon; slow.",
	In:   Any, Out: Any,
	New: func(p *Params) Filter {
		diameter := p.Int("diameter", 9, 1, 25,
			"width in pixels of what is looked at around each; its square is the time it takes")
		colour := p.Float("sigma_colour", 75, 0.1, 500, "by how much of 255 pixels may differ and still be mixed")
		space := p.Float("sigma_space", 75, 0.1, 500, "how far apart in pixels they may be, within the diameter")
		return func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.BilateralFilter(src, dst, diameter, colour, space)
		}
	},
}

package filters

import (
	"image"
	"math"

	"gocv.io/x/gocv"
)

// houghLines is J. Matas, C. Galambos and J. Kittler, Robust Detection of Lines Using the Progressive Probabilistic
// Hough Transform, 2000.
var houghLines = Kind{
	Name: "hough_lines",
	Doc:  "Draws the straight lines that it finds over the frame.",
	In:   BGR, Out: BGR,
	New: func(p *Params) Filter {
		edges := edgesOf(p)
		votes := p.Int("votes", 100, 1, 10000, "how many pixels of edges must lie on a line")
		length := p.Float("min_length", 100, 0, maxSide, "length in pixels that a line must have")
		gap := p.Float("max_gap", 10, 0, maxSide, "gap in pixels that a line may have")
		colour := p.Colour("colour", "lime", "colour of the lines")
		thickness := p.Int("thickness", 1, 1, 50, "thickness of the lines in pixels")
		mask, found, numbers := p.Mat(), p.Mat(), p.Mat()
		return func(src gocv.Mat, dst *gocv.Mat) error {
			if err := edges(src, mask); err != nil {
				return err
			}
			const pixel, degree = 1, math.Pi / 180
			err := gocv.HoughLinesPWithParams(*mask, found, pixel, degree, votes, float32(length), float32(gap))
			if err != nil {
				return err
			}
			if err := src.CopyTo(dst); err != nil || found.Empty() {
				return err
			}
			// n × 1 × 4, int32, which gocv hands out one by one only; float32 holds them as exactly.
			if err := found.ConvertTo(numbers, gocv.MatTypeCV32F); err != nil {
				return err
			}
			ends, err := numbers.DataPtrFloat32()
			for ; err == nil && len(ends) >= 4; ends = ends[4:] {
				from, to := image.Pt(int(ends[0]), int(ends[1])), image.Pt(int(ends[2]), int(ends[3]))
				err = gocv.Line(dst, from, to, colour, thickness)
			}
			return err
		}
	},
}

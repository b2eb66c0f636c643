package filters

import (
	"image"
	"math"

	"gocv.io/x/gocv"
)

// houghCircles is H. Yuen and others, A Comparative Study of Hough Transform Methods for Circle Finding, 1989.
var houghCircles = Kind{
	Name: "hough_circles",
	Doc:  "Draws the circles that it finds over the frame.",
	In:   BGR, Out: BGR,
	New: func(p *Params) Filter {
		smooth := smoothGray(p)
		high := p.Float("high", 100, 1, 10000, "strength of edges that count, as high of canny")
		votes := p.Float("votes", 60, 1, 10000,
			"how many pixels of edges must speak for a circle; less finds more, also false ones")
		distance := p.Float("min_distance", 50, 1, maxSide, "distance in pixels between the middles of two circles")
		least := p.Int("min_radius", 10, 0, maxSide, "radius in pixels of the smallest")
		most := p.Int("max_radius", 100, 0, maxSide, "and of the largest; 0 sets no limit, and is slow")
		p.Check(least <= most || most == 0, "min_radius (%d) is above max_radius (%d)", least, most)
		colour := p.Colour("colour", "lime", "colour of the circles")
		thickness := p.Int("thickness", 2, 1, 50, "thickness of the lines in pixels")
		gray, found := p.Mat(), p.Mat()
		return func(src gocv.Mat, dst *gocv.Mat) error {
			if err := smooth(src, gray); err != nil {
				return err
			}
			const onePixel = 1 // in which the middles are counted
			err := gocv.HoughCirclesWithParams(*gray, found, gocv.HoughGradient, onePixel, distance, high,
				votes, least, most)
			if err != nil {
				return err
			}
			if err := src.CopyTo(dst); err != nil || found.Empty() {
				return err
			}
			circles, err := found.DataPtrFloat32() // 1 × n × 3: x, y, radius
			for ; err == nil && len(circles) >= 3; circles = circles[3:] {
				middle := image.Pt(nearest(circles[0]), nearest(circles[1]))
				err = gocv.Circle(dst, middle, nearest(circles[2]), colour, thickness)
			}
			return err
		}
	},
}

// nearest is the whole number nearest to a coordinate.
func nearest[F float32 | float64](x F) int { return int(math.Round(float64(x))) }

package filters

import (
	"errors"

	"gocv.io/x/gocv"
)

// contours follows borders as described in S. Suzuki and K. Abe, Topological Structural Analysis of Digitized Binary
// Images by Border Following, 1985.
var contours = Kind{
	Name: "contours",
	Doc:  "Draws the outlines of shapes over the frame.",
	In:   BGR, Out: BGR,
	New: func(p *Params) Filter {
		edges := edgesOf(p)
		mode := gocv.RetrievalTree
		if p.Bool("outer", false, "leaves out shapes that lie within others, and holes") {
			mode = gocv.RetrievalExternal
		}
		minArea := p.Float("min_area", 0, 0, 1e8, "leaves out outlines around fewer pixels")
		colour := p.Colour("colour", "lime", "colour of the lines")
		thickness := p.Int("thickness", 1, 0, 50, "thickness of the lines in pixels; 0 fills the shapes")
		if thickness == 0 {
			thickness = -1 // OpenCV's value for it
		}
		mask, hierarchy := p.Mat(), p.Mat()
		return func(src gocv.Mat, dst *gocv.Mat) error {
			if err := edges(src, mask); err != nil {
				return err
			}
			found := gocv.FindContoursWithParams(*mask, hierarchy, mode, gocv.ChainApproxSimple)
			if found.IsNil() {
				return errors.New("OpenCV could not find contours")
			}
			defer found.Close()
			drawn := found
			if minArea > 0 {
				drawn = gocv.NewPointsVector()
				defer drawn.Close()
				for i := range found.Size() {
					if c := found.At(i); gocv.ContourArea(c) >= minArea {
						drawn.Append(c)
					}
				}
			}
			if err := src.CopyTo(dst); err != nil {
				return err
			}
			return gocv.DrawContours(dst, drawn, -1, colour, thickness)
		}
	},
}

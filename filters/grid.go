package filters

import (
	"image"

	"gocv.io/x/gocv"
)

// grid helps to point a camera.
var grid = Kind{
	Name: "grid",
	Doc:  "Draws lines over the frame that divide it evenly, to point a camera by.",
	In:   BGR, Out: BGR,
	New: func(p *Params) Filter {
		columns := p.Int("columns", 3, 1, 100, "parts beside each other")
		rows := p.Int("rows", 3, 1, 100, "parts above each other")
		colour := p.Colour("colour", "white", "colour of the lines")
		thickness := p.Int("thickness", 1, 1, 50, "thickness of the lines in pixels")
		return func(src gocv.Mat, dst *gocv.Mat) error {
			err := src.CopyTo(dst)
			right, bottom := src.Cols()-1, src.Rows()-1
			for i := 1; i < columns && err == nil; i++ {
				x := i * src.Cols() / columns
				err = gocv.Line(dst, image.Pt(x, 0), image.Pt(x, bottom), colour, thickness)
			}
			for i := 1; i < rows && err == nil; i++ {
				y := i * src.Rows() / rows
				err = gocv.Line(dst, image.Pt(0, y), image.Pt(right, y), colour, thickness)
			}
			return err
		}
	},
}

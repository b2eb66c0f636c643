package filters

import (
	"image"
	"image/color"

	"gocv.io/x/gocv"
)

// text writes with one of A. V. Hershey's fonts, which OpenCV brings along.
var text = Kind{
	Name: "text",
	Doc:  "Writes a line over the picture.",
	In:   BGR, Out: BGR,
	New: func(s *Setup) Filter {
		line := s.Text("text", "picam", "what to write; letters with accents and the like are not in the font")
		corners := []string{"top_left", "top_right", "bottom_left", "bottom_right", "middle"}
		corner := s.Enum("corner", "top_left", corners, "where")
		scale := s.Float("size", 1, 0.2, 20, "size of the letters; 1 is about 22 pixels high")
		colour := s.Colour("colour", "white", "colour of the letters")
		thickness := s.Int("thickness", 2, 1, 50, "thickness of the strokes in pixels")
		outline := s.Bool("outline", true,
			"draws a black line around the letters, so that they can be read on any picture")
		const font, margin = gocv.FontHersheySimplex, 10 // pixels
		size, below := gocv.GetTextSizeWithBaseline(line, font, scale, thickness)
		return func(src gocv.Mat, dst *gocv.Mat) error {
			at := image.Pt(margin, margin+size.Y) // where the first letter stands
			right, bottom := src.Cols()-margin-size.X, src.Rows()-margin-below
			switch corner {
			case "top_right":
				at.X = right
			case "bottom_left":
				at.Y = bottom
			case "bottom_right":
				at = image.Pt(right, bottom)
			case "middle":
				at = image.Pt((src.Cols()-size.X)/2, (src.Rows()+size.Y)/2)
			}
			err := src.CopyTo(dst)
			if outline && err == nil {
				err = gocv.PutTextWithParams(dst, line, at, font, scale, color.RGBA{}, thickness+2, gocv.LineAA, false)
			}
			if err == nil {
				err = gocv.PutTextWithParams(dst, line, at, font, scale, colour, thickness, gocv.LineAA, false)
			}
			return err
		}
	},
}

package filters

import (
	"image"
	"image/color"

	"gocv.io/x/gocv"
)

// text writes with one of A. V. Hershey's fonts, which OpenCV brings along.
var text = Kind{
	Name: "text",
	Doc:  "Writes a line over the frame.",
	In:   BGR, Out: BGR,
	New: func(p *Params) Filter {
		line := p.Text("text", "picam", "what to write; letters with accents and the like are not in the font")
		write := lineOf(p, "top_left", 1)
		return func(src gocv.Mat, dst *gocv.Mat) error {
			if err := src.CopyTo(dst); err != nil {
				return err
			}
			return write(dst, line)
		}
	},
}

// lineOf declares where and how filters write a line, and returns what writes one in a colour frame.
func lineOf(p *Params, corner string, scale float64) func(dst *gocv.Mat, line string) error {
	corners := []string{"top_left", "top_right", "bottom_left", "bottom_right", "middle"}
	corner = p.Enum("corner", corner, corners, "where")
	l := letters{
		scale:     p.Float("size", scale, 0.2, 20, "size of the letters; 1 is about 22 pixels high"),
		colour:    p.Colour("colour", "white", "colour of the letters"),
		thickness: p.Int("thickness", 2, 1, 50, "thickness of the strokes in pixels"),
		outline: p.Bool("outline", true,
			"draws a black line around the letters, so that they can be read on any frame"),
	}
	const margin = 10 // pixels
	var measured string
	var size image.Point // of measured
	var below int        // how far its letters reach below where they stand
	return func(dst *gocv.Mat, line string) error {
		if line != measured {
			size, below = gocv.GetTextSizeWithBaseline(line, font, l.scale, l.thickness)
			measured = line
		}
		at := image.Pt(margin, margin+size.Y) // where the first letter stands
		right, bottom := dst.Cols()-margin-size.X, dst.Rows()-margin-below
		switch corner {
		case "top_right":
			at.X = right
		case "bottom_left":
			at.Y = bottom
		case "bottom_right":
			at = image.Pt(right, bottom)
		case "middle":
			at = image.Pt((dst.Cols()-size.X)/2, (dst.Rows()+size.Y)/2)
		}
		return l.write(dst, line, at)
	}
}

const font = gocv.FontHersheySimplex

// letters are what a line is written with.
type letters struct {
	scale     float64 // 1 is about 22 pixels high
	colour    color.RGBA
	thickness int  // of the strokes in pixels
	outline   bool // with a black line around them
}

// write writes a line in dst, a colour frame, from at on, where the first letter stands.
func (l letters) write(dst *gocv.Mat, line string, at image.Point) error {
	if l.outline {
		err := gocv.PutTextWithParams(dst, line, at, font, l.scale, color.RGBA{}, l.thickness+2, gocv.LineAA, false)
		if err != nil {
			return err
		}
	}
	return gocv.PutTextWithParams(dst, line, at, font, l.scale, l.colour, l.thickness, gocv.LineAA, false)
}

package filters

import (
	"image"
	"image/color"

	"gocv.io/x/gocv"

	"picam/internal/typeset"
)

// text writes a line that never changes.
var text = Kind{
	Name: "text",
	Doc:  "Writes a line over the frame.",
	In:   BGR, Out: BGR,
	New: func(p *Params) Filter {
		line := p.Text("text", "picam", "what to write, in any script that the computer has a font for")
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
	size := p.Float("size", scale, 0.2, 20, "size of the letters; 1 is about 22 pixels high")
	colour := p.Colour("colour", "white", "colour of the letters")
	thickness := p.Int("thickness", 2, 1, 50, "thickness of the strokes in pixels, at least")
	l := newLetters(size, thickness, p.Bool("outline", true,
		"draws a black line around the letters, so that they can be read on any frame"))
	const margin = 10 // pixels
	return func(dst *gocv.Mat, line string) error {
		width := l.writer.Width(line)
		at := image.Pt(margin, margin+l.height) // where the first letter stands
		right, bottom := dst.Cols()-margin-width, dst.Rows()-margin-l.writer.Descent()
		switch corner {
		case "top_right":
			at.X = right
		case "bottom_left":
			at.Y = bottom
		case "bottom_right":
			at = image.Pt(right, bottom)
		case "middle":
			at = image.Pt((dst.Cols()-width)/2, (dst.Rows()+l.height)/2)
		}
		return l.write(dst, line, at, colour)
	}
}

// letters are what a line is written with.
type letters struct {
	writer *typeset.Writer
	height int // of capitals in pixels
}

// newLetters makes letters of a size, of which 1 is 22 pixels high.
func newLetters(size float64, thickness int, outline bool) letters {
	height := 22 * size
	style := typeset.Style{Height: height, Thickness: float64(thickness), Outline: outline}
	return letters{typeset.NewWriter(style), int(height)}
}

// write writes a line in dst, a colour frame, from at on, where the first letter stands.
func (l letters) write(dst *gocv.Mat, line string, at image.Point, colour color.RGBA) error {
	bgr, err := dst.DataPtrUint8()
	if err != nil {
		return err
	}
	l.writer.Write(bgr, dst.Cols(), line, at, colour)
	return nil
}

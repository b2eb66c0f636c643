package filters

import (
	"image"

	"gocv.io/x/gocv"
)

// boxesOf declares how filters draw what they have found, and returns what draws one in a colour frame.
func boxesOf(p *Params) func(dst *gocv.Mat, box image.Rectangle) error {
	colour := p.Colour("colour", "lime", "colour of the lines")
	thickness := p.Int("thickness", 2, 0, 50, "thickness of the lines in pixels; 0 draws none and only reports")
	return func(dst *gocv.Mat, box image.Rectangle) error {
		if thickness == 0 {
			return nil
		}
		box.Max = box.Max.Sub(image.Pt(1, 1)) // gocv draws the pixels at Max too
		return gocv.Rectangle(dst, box, colour, thickness)
	}
}

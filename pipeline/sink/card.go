package sink

import (
	"image"
	"image/color"

	"gocv.io/x/gocv"
)

// The colours of cards and of what is written over frames.
var (
	ink     = color.RGBA{R: 240, G: 240, B: 240, A: 255}
	faint   = color.RGBA{R: 150, G: 155, B: 165, A: 255}
	accent  = color.RGBA{R: 255, G: 176, B: 32, A: 255}
	surface = color.RGBA{R: 22, G: 24, B: 30, A: 255}
)

// card is a frame of text, shown where there is no other frame.
type card struct {
	title string
	lines []string // under it, wrapped where they are too long
	note  string   // at the bottom
}

// draw makes dst the card, size.Y × size.X × 3.
func (c card) draw(dst *gocv.Mat, size image.Point, letters *lettering) error {
	if err := c.blank(dst, size); err != nil {
		return err
	}
	// On a frame of 1280 × 720, a unit is a pixel.
	unit := min(float64(size.X)/1280, float64(size.Y)/720)
	const titleHeight, lineHeight, noteHeight = 52, 21, 17
	left, width := int(110*unit), int(1060*unit)

	const most = 4 // lines of each, which leaves room for three
	var lines []string
	for _, l := range c.lines {
		lines = append(lines, letters.wrap(l, lineHeight*unit, width, most)...)
	}
	const barToTitle, titleToLines, pitch = 44, 66, 43
	block := unit * (barToTitle + titleHeight + titleToLines + pitch*float64(len(lines)))
	y := max(40*unit, (float64(size.Y)-block)/2)
	bar := image.Rect(left, int(y), left+int(72*unit), int(y)+max(2, int(7*unit)))
	if err := gocv.Rectangle(dst, bar, accent, -1); err != nil {
		return err
	}
	y += unit * (barToTitle + titleHeight)
	if err := letters.write(dst, c.title, image.Pt(left, int(y)), titleHeight*unit, ink); err != nil {
		return err
	}
	y += unit * titleToLines
	for _, l := range lines {
		if err := letters.write(dst, l, image.Pt(left, int(y)), lineHeight*unit, ink); err != nil {
			return err
		}
		y += unit * pitch
	}
	note := letters.shorten(c.note, noteHeight*unit, size.X-left)
	return letters.write(dst, note, image.Pt(left, size.Y-int(48*unit)), noteHeight*unit, faint)
}

// blank makes dst a plain surface.
func (c card) blank(dst *gocv.Mat, size image.Point) error {
	if dst.Rows() != size.Y || dst.Cols() != size.X || dst.Type() != gocv.MatTypeCV8UC3 {
		dst.Close()
		*dst = gocv.NewMatWithSize(size.Y, size.X, gocv.MatTypeCV8UC3)
	}
	dst.SetTo(gocv.NewScalar(float64(surface.B), float64(surface.G), float64(surface.R), 0))
	return nil
}

package sink

import (
	"image"
	"image/color"
	"strings"

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
func (c card) draw(dst *gocv.Mat, size image.Point) error {
	if err := c.blank(dst, size); err != nil {
		return err
	}
	// On a frame of 1280 × 720, a unit is a pixel.
	unit := min(float64(size.X)/1280, float64(size.Y)/720)
	const titleHeight, lineHeight, noteHeight = 52, 21, 17
	left, width := int(110*unit), int(1060*unit)

	var lines []string
	for _, l := range c.lines {
		lines = append(lines, wrap(l, lineHeight*unit, width)...)
	}
	const barToTitle, titleToLines, pitch = 44, 66, 43
	block := unit * (barToTitle + titleHeight + titleToLines + pitch*float64(len(lines)))
	y := max(40*unit, (float64(size.Y)-block)/2)
	bar := image.Rect(left, int(y), left+int(72*unit), int(y)+max(2, int(7*unit)))
	if err := gocv.Rectangle(dst, bar, accent, -1); err != nil {
		return err
	}
	y += unit * (barToTitle + titleHeight)
	if err := write(dst, c.title, image.Pt(left, int(y)), titleHeight*unit, ink); err != nil {
		return err
	}
	y += unit * titleToLines
	for _, l := range lines {
		if err := write(dst, l, image.Pt(left, int(y)), lineHeight*unit, ink); err != nil {
			return err
		}
		y += unit * pitch
	}
	return write(dst, c.note, image.Pt(left, size.Y-int(48*unit)), noteHeight*unit, faint)
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

const (
	font       = gocv.FontHersheyDuplex
	fontHeight = 22 // of its capitals at scale 1, in pixels
)

// write puts a line of text on dst, from the left end of its base line, with capitals so many pixels high.
func write(dst *gocv.Mat, text string, at image.Point, height float64, c color.RGBA) error {
	return gocv.PutTextWithParams(dst, ascii(text), at, font, height/fontHeight, c, thickness(height), gocv.LineAA, false)
}

// textWidth is the width in pixels of what write writes.
func textWidth(text string, height float64) int {
	return gocv.GetTextSize(ascii(text), font, height/fontHeight, thickness(height)).X
}

func thickness(height float64) int { return max(1, int(height/12)) }

// wrap breaks text between words into lines of at most that width.
func wrap(text string, height float64, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		longer := strings.TrimSpace(line + " " + word)
		if line != "" && textWidth(longer, height) > width {
			lines = append(lines, line)
			longer = word
		}
		line = longer
	}
	return append(lines, line)
}

// ascii spells text with the characters that OpenCV's fonts have.
func ascii(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '×':
			return 'x'
		case r == '–' || r == '—' || r == '·':
			return '-'
		case r == '’' || r == '‘':
			return '\''
		case r == '“' || r == '”':
			return '"'
		case r < ' ':
			return ' '
		case r > '~':
			return '?'
		}
		return r
	}, text)
}

package sink

import (
	"image"
	"image/color"
	"strings"
	"unicode/utf8"

	"gocv.io/x/gocv"

	"picam/internal/typeset"
)

// lettering writes in windows. The goroutine of [Desktop.Run] has one for all of them.
type lettering struct {
	writers map[float64]*typeset.Writer // by the height of capitals, in pixels
}

func newLettering() *lettering { return &lettering{map[float64]*typeset.Writer{}} }

// of returns what writes letters of a height.
func (l *lettering) of(height float64) *typeset.Writer {
	const most = 16 // heights at a time: frames of other sizes have others
	w := l.writers[height]
	if w == nil {
		if len(l.writers) >= most {
			clear(l.writers)
		}
		w = typeset.NewWriter(typeset.Style{Height: height})
		l.writers[height] = w
	}
	return w
}

// write puts a line of text on dst, rows × cols × 3, from the left end of its base line, with capitals so many pixels
// high.
func (l *lettering) write(dst *gocv.Mat, text string, at image.Point, height float64, c color.RGBA) error {
	bgr, err := dst.DataPtrUint8()
	if err != nil {
		return err
	}
	l.of(height).Write(bgr, dst.Cols(), text, at, c)
	return nil
}

// width is that in pixels of what write writes.
func (l *lettering) width(text string, height float64) int { return l.of(height).Width(text) }

// layout is how lines are written over a frame, in pixels.
type layout struct {
	height          float64 // of capitals
	pitch, baseline int     // of a line, and where letters stand in it
	margin          int
}

// layoutOf is that of a frame so many columns wide.
func layoutOf(cols int) layout {
	const capitals, line = 15, 40 // pixels of a frame 1280 wide
	unit := max(float64(cols)/1280, 0.7)
	return layout{capitals * unit, int(line * unit), int((line + capitals) / 2 * unit), int(20 * unit)}
}

// over writes texts into boxes in the left upper corner of dst, rows × cols × 3, one below the other; "" has none.
func (l *lettering) over(dst *gocv.Mat, texts ...string) error {
	lay := layoutOf(dst.Cols())
	y := lay.margin
	for _, text := range texts {
		if text == "" {
			continue
		}
		const most = 4
		lines := l.wrap(text, lay.height, max(1, dst.Cols()-4*lay.margin), most)
		width := 0
		for _, line := range lines {
			width = max(width, l.width(line, lay.height))
		}
		darken(dst, image.Rect(lay.margin, y, lay.margin+width+2*lay.margin, y+len(lines)*lay.pitch))
		for _, line := range lines {
			if err := l.write(dst, line, image.Pt(2*lay.margin, y+lay.baseline), lay.height, accent); err != nil {
				return err
			}
			y += lay.pitch
		}
		y += lay.margin / 2
	}
	return nil
}

// darken takes light from a part of dst, so that what is written there can be read.
func darken(dst *gocv.Mat, r image.Rectangle) {
	if r = r.Intersect(image.Rect(0, 0, dst.Cols(), dst.Rows())); !r.Empty() {
		region := dst.Region(r)
		defer region.Close()
		region.MultiplyFloat(0.3)
	}
}

// wrap breaks text into lines of at most that width: between words, and within those that are longer. There are at most
// so many lines; the last one ends with an ellipsis where text is left.
func (l *lettering) wrap(text string, height float64, width, most int) []string {
	var lines []string
	line := ""
	words := strings.Fields(text)
	for len(words) > 0 {
		longer := strings.TrimSpace(line + " " + words[0])
		switch {
		case l.width(longer, height) <= width:
			line, words = longer, words[1:]
			continue
		case line == "":
			line = l.fitting(words[0], height, width)
			words[0] = words[0][len(line):]
		}
		if len(lines)+1 == most {
			return append(lines, l.shorten(line+" "+strings.Join(words, " "), height, width))
		}
		lines, line = append(lines, line), ""
	}
	if line == "" && len(lines) > 0 {
		return lines
	}
	return append(lines, line)
}

// shorten cuts text to that width, and ends it with an ellipsis then.
func (l *lettering) shorten(text string, height float64, width int) string {
	const most = 500 // runes; no line has more
	if n := 0; len(text) > most {
		for i := range text {
			if n++; n > most {
				text = text[:i]
				break
			}
		}
	}
	if text == "" || l.width(text, height) <= width {
		return text
	}
	const ellipsis = "…"
	return strings.TrimSpace(l.fitting(text, height, width-l.width(ellipsis, height))) + ellipsis
}

// fitting is the beginning of text that has that width, one character at least.
func (l *lettering) fitting(text string, height float64, width int) string {
	var ends []int
	for i, r := range text {
		ends = append(ends, i+max(1, utf8.RuneLen(r)))
		if r == utf8.RuneError {
			_, n := utf8.DecodeRuneInString(text[i:])
			ends[len(ends)-1] = i + n
		}
	}
	low, high := 1, len(ends) // low fits
	for low < high {
		middle := (low + high + 1) / 2
		if l.width(text[:ends[middle-1]], height) <= width {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return text[:ends[low-1]]
}

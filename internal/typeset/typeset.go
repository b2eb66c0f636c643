// Package typeset writes lines of Unicode text into frames.
//
// Latin, Greek and Cyrillic letters are those of the font Go Regular, which is part of the program. Other scripts are
// written with the fonts that are found on the computer (see [fontFiles]); a character that no font has becomes a box.
// Scripts from right to left, and those whose letters join, are set as they should be (HarfBuzz's rules).
package typeset

import (
	"image"
	"image/color"
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
)

// Style is how a Writer writes.
type Style struct {
	Height    float64 // of capitals in pixels; about half of one is the least
	Thickness float64 // of the strokes in pixels, at least; less than the font's own changes nothing
	Outline   bool    // draws a black line of one pixel around the letters
}

// Writer writes lines in one Style. Texts and letters that it has written before it keeps, within bounds: to write them
// again allocates nothing. One goroutine at a time may use it.
type Writer struct {
	style     Style
	faces     faces
	shaper    shaping.HarfbuzzShaper
	segmenter shaping.Segmenter

	lines  map[string]*line
	masks  map[maskKey]*mask
	weight int // of masks, in bytes
}

const (
	maxLines  = 64       // kept
	maxWeight = 16 << 20 // bytes of masks kept
	maxRunes  = 4096     // of a line; more are not written
)

// line is a text that has been set.
type line struct {
	glyphs []glyph
	width  int // pixels
}

// glyph is a letter in a line.
type glyph struct {
	mask *mask
	at   image.Point // of the mask's upper left corner, from the line's origin
}

// NewWriter returns a Writer. Nothing has to be freed.
func NewWriter(s Style) *Writer {
	s.Height = max(s.Height, 0.5)
	return &Writer{style: s, faces: newFaces(), lines: map[string]*line{}, masks: map[maskKey]*mask{}}
}

// Width is how many pixels a text takes from its left end to its right end, outline aside.
func (w *Writer) Width(text string) int { return w.set(text).width }

// Descent is how many pixels letters may reach below the line that they stand on.
func (w *Writer) Descent() int { return int(math.Ceil(0.35 * w.style.Height)) }

// Write writes text in a colour, from at on, the left end of the line that its letters stand on, into bgr: rows of cols
// blue, green and red bytes, one right behind the other. What is outside is left out. Control characters are written as
// spaces.
func (w *Writer) Write(bgr []byte, cols int, text string, at image.Point, c color.RGBA) {
	l := w.set(text)
	if w.style.Outline {
		for _, g := range l.glyphs {
			blend(bgr, cols, g.mask.outline, g.at.Add(at), color.RGBA{})
		}
	}
	for _, g := range l.glyphs {
		blend(bgr, cols, g.mask.fill, g.at.Add(at), c)
	}
}

// set returns the line of a text.
func (w *Writer) set(text string) *line {
	if l, ok := w.lines[text]; ok {
		return l
	}
	if len(w.lines) >= maxLines {
		clear(w.lines)
	}
	if w.weight > maxWeight {
		clear(w.masks) // lines keep those that they need
		w.weight = 0
	}
	l := w.shape(printable(text))
	w.lines[strings.Clone(text)] = l
	return l
}

// printable is text as runes that can be set.
func printable(text string) []rune {
	var runes []rune
	for _, r := range text { // what is no UTF-8 becomes U+FFFD
		if len(runes) == maxRunes {
			break
		}
		if unicode.IsControl(r) {
			r = ' '
		}
		runes = append(runes, r)
	}
	return runes
}

// shape sets a text: which glyphs, of which fonts, where.
func (w *Writer) shape(text []rune) *line {
	l := &line{}
	if len(text) == 0 {
		return l
	}
	runs := w.segmenter.Split(shaping.Input{
		Text: text, RunEnd: len(text), Direction: direction(text), Language: language.DefaultLanguage(),
		Size: unscaled,
	}, &w.faces)
	scale := w.faces.scale(w.style.Height)
	var x float64 // pixels
	for _, run := range visual(runs, direction(text)) {
		out := w.shaper.Shape(run)
		// Positions are shaped in thousandths of an em, since the shaper rounds sizes to whole pixels.
		toPixels := func(v fixed.Int26_6) float64 { return float64(v) / float64(unscaled) * scale }
		for _, g := range out.Glyphs {
			left, up := x+toPixels(g.XOffset), toPixels(g.YOffset)
			x += toPixels(g.XAdvance)
			m := w.mask(run.Face, g.GlyphID, scale, left-math.Floor(left))
			if m == nil {
				continue
			}
			l.glyphs = append(l.glyphs, glyph{m, m.at.Add(image.Pt(int(math.Floor(left)), -int(math.Round(up))))})
		}
	}
	l.width = int(math.Ceil(x))
	return l
}

// unscaled is the size at which text is shaped: an em is 1000 pixels.
const unscaled = fixed.Int26_6(1000 << 6)

// direction is that of a text's first letter that has one.
func direction(text []rune) di.Direction {
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Adlam):
			return di.DirectionRTL
		case unicode.IsLetter(r):
			return di.DirectionLTR
		}
	}
	return di.DirectionLTR
}

// visual puts runs, which stand in the order of reading, in that of the screen, from left to right: in a text from left
// to right each row of runs from right to left is turned around, in the other one all are, and then the rows from left
// to right among them. Numbers within a row belong to it. Deeper nesting is not looked at.
func visual(runs []shaping.Input, text di.Direction) []shaping.Input {
	out := append([]shaping.Input(nil), runs...)
	turn := func(from, to int) {
		for to--; from < to; from, to = from+1, to-1 {
			out[from], out[to] = out[to], out[from]
		}
	}
	if text == di.DirectionRTL {
		turn(0, len(out))
	}
	against := func(i int) bool { return i < len(out) && out[i].Direction != text }
	for from := 0; from < len(out); {
		to := from
		for against(to) || to > from && against(to+1) && !hasLetter(out[to]) {
			to++
		}
		turn(from, to)
		from = max(to, from+1)
	}
	return out
}

func hasLetter(run shaping.Input) bool {
	return slices.ContainsFunc(run.Text[run.RunStart:run.RunEnd], unicode.IsLetter)
}

// blend mixes a colour into the pixels under a mask.
func blend(bgr []byte, cols int, m *image.Alpha, at image.Point, c color.RGBA) {
	if cols == 0 {
		return
	}
	visible := m.Rect.Add(at).Intersect(image.Rect(0, 0, cols, len(bgr)/3/cols))
	for y := visible.Min.Y; y < visible.Max.Y; y++ {
		row := m.Pix[(y-at.Y)*m.Stride+visible.Min.X-at.X:][:visible.Dx()]
		dst := bgr[(y*cols+visible.Min.X)*3:][:3*len(row)]
		for x, a := range row {
			switch a {
			case 0:
			case 255:
				d := dst[3*x : 3*x+3 : 3*x+3]
				d[0], d[1], d[2] = c.B, c.G, c.R
			default:
				d := dst[3*x : 3*x+3 : 3*x+3]
				d[0], d[1], d[2] = mix(d[0], c.B, a), mix(d[1], c.G, a), mix(d[2], c.R, a)
			}
		}
	}
}

// mix is a of b over the rest of under.
func mix(under, b, a uint8) uint8 {
	return uint8((uint32(under)*(255-uint32(a)) + uint32(b)*uint32(a) + 127) / 255)
}

type maskKey struct {
	font  *font.Font
	glyph font.GID
	phase int // of its place between two pixels, in quarters
}

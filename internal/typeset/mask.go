package typeset

import (
	"image"
	"math"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"golang.org/x/image/vector"
)

// mask says which pixels a glyph covers, and how much of each.
type mask struct {
	fill, outline *image.Alpha // outline is nil where none is wanted
	at            image.Point  // of their upper left corner, from where the glyph stands
}

// mask draws a glyph of a font of which an em is scale pixels; nil if there is nothing to see. x is where it stands
// between two pixels, 0 to 1.
func (w *Writer) mask(face *font.Face, id font.GID, scale, x float64) *mask {
	const phases = 4
	key := maskKey{face.Font, id, int(x * phases)}
	if m, ok := w.masks[key]; ok {
		return m
	}
	m := w.draw(face, id, scale, float64(key.phase)/phases)
	w.masks[key] = m
	if m != nil {
		w.weight += 2 * len(m.fill.Pix)
	}
	return m
}

func (w *Writer) draw(face *font.Face, id font.GID, scale, x float64) *mask {
	segments := outlineOf(face, id)
	if len(segments) == 0 {
		return nil
	}
	k := float32(scale / float64(face.Upem()))
	low, high := [2]float32{math.MaxFloat32, math.MaxFloat32}, [2]float32{-math.MaxFloat32, -math.MaxFloat32}
	for _, s := range segments {
		for _, p := range s.ArgsSlice() {
			low = [2]float32{min(low[0], p.X*k), min(low[1], -p.Y*k)}
			high = [2]float32{max(high[0], p.X*k), max(high[1], -p.Y*k)}
		}
	}
	thicker := max(0, (w.style.Thickness-stroke*scale)/2)
	margin := math.Ceil(thicker) + 2
	left, top := math.Floor(float64(low[0])+x)-margin, math.Floor(float64(low[1]))-margin
	cols, rows := int(math.Ceil(float64(high[0])+x)+margin-left), int(math.Ceil(float64(high[1]))+margin-top)
	const most = 1 << 13 // pixels; larger letters are those of a broken font
	if cols > most || rows > most {
		return nil
	}
	to := func(p opentype.SegmentPoint) (float32, float32) {
		return p.X*k + float32(x-left), -p.Y*k - float32(top)
	}
	r := vector.NewRasterizer(cols, rows)
	for _, s := range segments {
		ax, ay := to(s.Args[0])
		bx, by := to(s.Args[1])
		cx, cy := to(s.Args[2])
		switch s.Op {
		case opentype.SegmentOpMoveTo:
			r.ClosePath()
			r.MoveTo(ax, ay)
		case opentype.SegmentOpLineTo:
			r.LineTo(ax, ay)
		case opentype.SegmentOpQuadTo:
			r.QuadTo(ax, ay, bx, by)
		case opentype.SegmentOpCubeTo:
			r.CubeTo(ax, ay, bx, by, cx, cy)
		}
	}
	r.ClosePath()
	m := &mask{fill: image.NewAlpha(image.Rect(0, 0, cols, rows)), at: image.Pt(int(left), int(top))}
	r.Draw(m.fill, m.fill.Rect, image.Opaque, image.Point{})
	if thicker > 0 {
		m.fill = grown(m.fill, thicker)
	}
	if w.style.Outline {
		m.outline = grown(m.fill, 1)
	}
	return m
}

// outlineOf returns the lines around a glyph, in the font's units and with y upwards.
func outlineOf(face *font.Face, id font.GID) []opentype.Segment {
	switch data := face.GlyphData(id).(type) {
	case font.GlyphOutline:
		return data.Segments
	case font.GlyphSVG:
		return data.Outline.Segments
	case font.GlyphBitmap:
		if data.Outline != nil {
			return data.Outline.Segments
		}
	}
	return nil
}

// grown is a mask whose shapes reach by radius pixels further on all sides. The mask has that much room.
func grown(m *image.Alpha, radius float64) *image.Alpha {
	out := image.NewAlpha(m.Rect)
	reach := int(math.Ceil(radius))
	cols, rows := m.Rect.Dx(), m.Rect.Dy()
	for dy := -reach; dy <= reach; dy++ {
		for dx := -reach; dx <= reach; dx++ {
			// How much of a pixel at that distance the disc covers, in 256ths.
			cover := int(256 * min(1, max(0, radius-math.Hypot(float64(dx), float64(dy))+1)))
			if cover == 0 {
				continue
			}
			for y := max(0, -dy); y < min(rows, rows-dy); y++ {
				from, to := m.Pix[y*m.Stride:][:cols], out.Pix[(y+dy)*out.Stride:][:cols]
				for x := max(0, -dx); x < min(cols, cols-dx); x++ {
					if a := uint8(int(from[x]) * cover >> 8); a > to[x+dx] {
						to[x+dx] = a
					}
				}
			}
		}
	}
	return out
}

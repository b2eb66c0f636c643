package capture

import (
	"image"
	"image/color"
	"math"
)

// scenery is what the pattern shows instead of colour bars when it is asked for something to look at: a house,
// somebody, and a ball that jumps past. It is drawn in units of a ninth of the height: 16 across a frame of 16:9, and
// in the middle of others.
type scenery struct {
	img    *image.YCbCr
	still  *image.YCbCr    // without the ball
	unit   float64         // pixels
	left   float64         // of the 16 units, in pixels; may be negative
	bottom int             // of what is drawn, in pixels, even
	ball   image.Rectangle // in img now
}

// part is a shape of the scene in one colour.
type part struct {
	colour color.RGBA
	inside func(x, y float64) bool // in units
}

func disc(r, g, b uint8, x, y, radius float64) part { return oval(r, g, b, x, y, radius, radius) }

func oval(r, g, b uint8, cx, cy, rx, ry float64) part {
	return part{color.RGBA{r, g, b, 255}, func(x, y float64) bool {
		x, y = (x-cx)/rx, (y-cy)/ry
		return x*x+y*y < 1
	}}
}

func box(r, g, b uint8, x0, y0, x1, y1 float64) part {
	return part{color.RGBA{r, g, b, 255}, func(x, y float64) bool { return x >= x0 && x < x1 && y >= y0 && y < y1 }}
}

// gable is a triangle that stands on its side from x0 to x1.
func gable(r, g, b uint8, x0, x1, foot, top float64) part {
	return part{color.RGBA{r, g, b, 255}, func(x, y float64) bool {
		return y < foot && y >= top && math.Abs(x-(x0+x1)/2) < (x1-x0)/2*(y-top)/(foot-top)
	}}
}

const horizon = 5.6

func hill(r, g, b uint8, x, width, height float64) part {
	whole := oval(r, g, b, x, horizon, width/2, height)
	return part{whole.colour, func(x, y float64) bool { return y < horizon && whole.inside(x, y) }}
}

// sceneParts are what stands still, the nearest first.
func sceneParts() []part {
	return []part{
		// Somebody.
		disc(40, 40, 50, 2.92, 4.92, 0.09), disc(40, 40, 50, 3.48, 4.92, 0.09), oval(170, 70, 70, 3.2, 5.42, 0.24, 0.07),
		box(70, 45, 30, 2.5, 4.2, 3.9, 4.55), disc(228, 184, 152, 3.2, 5, 0.75), oval(70, 45, 30, 3.2, 4.75, 0.85, 0.85),
		oval(40, 70, 165, 3.2, 7.75, 1.15, 2.05),
		// A house.
		disc(230, 200, 90, 8.65, 5.6, 0.07), box(84, 52, 42, 7.8, 4.6, 8.8, 6.5),
		box(120, 60, 55, 6.91, 3.6, 6.99, 4.5), box(120, 60, 55, 6.5, 4.01, 7.4, 4.09),
		box(240, 240, 175, 6.5, 3.6, 7.4, 4.5),
		box(120, 60, 55, 9.61, 3.6, 9.69, 4.5), box(120, 60, 55, 9.2, 4.01, 10.1, 4.09), box(62, 74, 108, 9.2, 3.6, 10.1, 4.5),
		gable(112, 52, 52, 5.5, 11.1, 3.1, 0.9), box(196, 94, 74, 6, 3.1, 10.6, 6.5), box(140, 70, 60, 9.4, 0.9, 9.9, 2.4),
		// A tree, hills and the sun.
		disc(64, 128, 62, 13.3, 2.9, 1.25), disc(56, 116, 56, 12.5, 3.7, 0.95), disc(56, 116, 56, 14.2, 3.7, 1),
		box(94, 66, 44, 13.1, 3.9, 13.55, 6.3), hill(112, 158, 92, 4, 11, 1), hill(96, 142, 84, 14, 13, 0.8),
		disc(255, 226, 96, 2, 1.5, 0.75),
	}
}

// newScenery draws the scene into the rows of img above bottom, which is even.
func newScenery(img *image.YCbCr, bottom int) *scenery {
	size := img.Rect.Max
	s := &scenery{img: img, still: image.NewYCbCr(img.Rect, img.SubsampleRatio), unit: float64(size.Y) / 9, bottom: bottom}
	s.left = (float64(size.X) - 16*s.unit) / 2
	parts := sceneParts()
	s.paint(s.still, image.Rect(0, 0, size.X, bottom), func(x, y float64) color.RGBA {
		for _, p := range parts {
			if p.inside(x, y) {
				return p.colour
			}
		}
		if y < horizon {
			return color.RGBA{uint8(100 + 14*y), uint8(156 + 9*y), uint8(228 + 2*y), 255}
		}
		if (int(math.Floor(x/1.2))+int(math.Floor((y-horizon)/0.6)))%2 == 0 {
			return color.RGBA{172, 164, 152, 255}
		}
		return color.RGBA{128, 118, 108, 255}
	})
	s.restore(image.Rect(0, 0, size.X, bottom))
	return s
}

// paint draws the pixels of area, whose sides are even, each from four points, so that edges are smooth.
func (s *scenery) paint(dst *image.YCbCr, area image.Rectangle, at func(x, y float64) color.RGBA) {
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			var r, g, b int
			for i := range 4 {
				c := at((float64(x)+0.25+0.5*float64(i%2)-s.left)/s.unit, (float64(y)+0.25+0.5*float64(i/2))/s.unit)
				r, g, b = r+int(c.R), g+int(c.G), b+int(c.B)
			}
			dst.Y[dst.YOffset(x, y)], dst.Cb[dst.COffset(x, y)], dst.Cr[dst.COffset(x, y)] =
				color.RGBToYCbCr(uint8(r/4), uint8(g/4), uint8(b/4))
		}
	}
}

// move draws the ball of frame n, and returns which rows have changed: from top to, without it, bottom.
func (s *scenery) move(n uint32) (top, bottom int) {
	const radius, step, across = 0.45, 0.11, 18.
	x := math.Mod(float64(n)*step, across) - 1
	y := 7.1 - 3*math.Abs(math.Sin(math.Pi*x/4))
	middle := image.Pt(int(s.left+x*s.unit), int(y*s.unit))
	reach := int(radius*s.unit) + 2
	area := image.Rect(middle.X-reach, middle.Y-reach, middle.X+reach, middle.Y+reach)
	area.Min, area.Max = image.Pt(area.Min.X&^1, area.Min.Y&^1), image.Pt((area.Max.X+1)&^1, (area.Max.Y+1)&^1)
	area = area.Intersect(image.Rect(0, 0, s.img.Rect.Max.X, s.bottom))

	s.restore(s.ball)
	top, bottom = s.ball.Union(area).Min.Y, s.ball.Union(area).Max.Y
	s.ball = area
	shapes := []part{disc(255, 190, 120, x-0.15, y-0.17, 0.12), disc(240, 120, 24, x, y, radius)}
	for py := area.Min.Y; py < area.Max.Y; py++ {
		for px := area.Min.X; px < area.Max.X; px++ {
			// The paint covers as much of a pixel as of four points in it.
			for _, shape := range []part{shapes[1], shapes[0]} {
				covered := 0
				for i := range 4 {
					if shape.inside((float64(px)+0.25+0.5*float64(i%2)-s.left)/s.unit, (float64(py)+0.25+0.5*float64(i/2))/s.unit) {
						covered++
					}
				}
				if covered == 0 {
					continue
				}
				cy, cb, cr := color.RGBToYCbCr(shape.colour.R, shape.colour.G, shape.colour.B)
				luma := &s.img.Y[s.img.YOffset(px, py)]
				*luma = uint8((int(*luma)*(4-covered) + int(cy)*covered) / 4)
				if covered > 1 {
					s.img.Cb[s.img.COffset(px, py)], s.img.Cr[s.img.COffset(px, py)] = cb, cr
				}
			}
		}
	}
	return top, bottom
}

// restore makes an area, whose upper left corner is even, as it is without the ball.
func (s *scenery) restore(area image.Rectangle) {
	for y := area.Min.Y; y < area.Max.Y; y++ {
		from, to := s.img.YOffset(area.Min.X, y), s.img.YOffset(area.Max.X-1, y)+1
		copy(s.img.Y[from:to], s.still.Y[from:to])
		from, to = s.img.COffset(area.Min.X, y), s.img.COffset(area.Max.X-1, y)+1
		copy(s.img.Cb[from:to], s.still.Cb[from:to])
		copy(s.img.Cr[from:to], s.still.Cr[from:to])
	}
}

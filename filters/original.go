package filters

import (
	"image"

	"gocv.io/x/gocv"
)

// originalOf returns what makes a copy of the frame before the first stage, rows × cols × 3, in another size.
func originalOf(p *Params) func(dst *gocv.Mat, size image.Point) error {
	meta := p.Meta()
	return func(dst *gocv.Mat, size image.Point) error {
		from := image.Pt(meta.Original.Cols(), meta.Original.Rows())
		if max(size.X, size.Y) > max(maxSide, from.X, from.Y) {
			return tooLarge("the original", from, size)
		}
		switch {
		case size == from:
			return meta.Original.CopyTo(dst)
		case size.X*size.Y < from.X*from.Y:
			return gocv.Resize(meta.Original, dst, size, 0, 0, gocv.InterpolationArea)
		}
		return gocv.Resize(meta.Original, dst, size, 0, 0, gocv.InterpolationLinear)
	}
}

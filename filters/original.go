package filters

import (
	"fmt"
	"image"

	"gocv.io/x/gocv"
)

// originalOf returns what makes a copy of the picture before the first stage, rows × cols × 3, in another size.
func originalOf(s *Setup) func(dst *gocv.Mat, size image.Point) error {
	meta := s.Meta()
	return func(dst *gocv.Mat, size image.Point) error {
		from := image.Pt(meta.Original.Cols(), meta.Original.Rows())
		if max(size.X, size.Y) > max(maxSide, from.X, from.Y) {
			return fmt.Errorf("the original of %d×%d pixels would become %d×%d; a side may have %d",
				from.X, from.Y, size.X, size.Y, maxSide)
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

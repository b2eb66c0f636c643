package filters

import (
	"fmt"
	"image"

	"gocv.io/x/gocv"

	"picam/filters/cv"
)

// crop cuts a rectangle out.
var crop = Kind{
	Name: "crop",
	Doc:  "Keeps a part of the frame and cuts off the rest.",
	In:   Any, Out: Any,
	New: func(p *Params) Filter {
		x := p.Int("x", 0, 0, maxSide, "pixels cut off at the left")
		y := p.Int("y", 0, 0, maxSide, "pixels cut off at the top")
		width := p.Int("width", 0, 0, maxSide, "width of the part in pixels; 0 goes to the right end of the frame")
		height := p.Int("height", 0, 0, maxSide, "height of the part in pixels; 0 goes to the bottom")
		return func(src gocv.Mat, dst *gocv.Mat) error {
			whole := image.Rect(0, 0, src.Cols(), src.Rows())
			part := image.Rect(x, y, x+width, y+height)
			if width == 0 {
				part.Max.X = whole.Max.X
			}
			if height == 0 {
				part.Max.Y = whole.Max.Y
			}
			if part.Min.X >= part.Max.X || part.Min.Y >= part.Max.Y || !part.In(whole) {
				return &SizeError{
					What:  fmt.Sprintf("x=%d y=%d width=%d height=%d", x, y, width, height),
					Size:  whole.Max,
					Least: image.Pt(x+max(width, 1), y+max(height, 1)),
					Hint:  fmt.Sprintf("x + width up to %d and y + height up to %d", whole.Max.X, whole.Max.Y),
				}
			}
			return cv.Crop(src, dst, part)
		}
	},
}

package filters

import (
	"fmt"
	"image"

	"gocv.io/x/gocv"
)

// resize scales the frame to a size in pixels or by a factor.
var resize = Kind{
	Name: "resize",
	Doc:  "Makes the frame smaller or larger.",
	In:   Any, Out: Any,
	New: func(p *Params) Filter {
		width := p.Int("width", 0, 0, maxSide, "new width in pixels; 0 keeps the shape of the frame")
		height := p.Int("height", 0, 0, maxSide, "new height in pixels; 0 keeps the shape of the frame")
		scale := p.Float("scale", 0.5, 0.01, 8, "factor for both sides, while width and height are 0")
		p.Check(scale == 0.5 || width == 0 && height == 0,
			"scale (%g) has no effect beside width or height; leave it out", scale)
		codes := map[string]gocv.InterpolationFlags{
			"nearest": gocv.InterpolationNearestNeighbor, "linear": gocv.InterpolationLinear,
			"area": gocv.InterpolationArea, "cubic": gocv.InterpolationCubic, "lanczos": gocv.InterpolationLanczos4,
		}
		chosen := p.Enum("interpolation", "auto", []string{"auto", "nearest", "linear", "area", "cubic", "lanczos"},
			"how pixels are made; auto is area for a smaller frame, else linear, and leaves halving to the decoder "+
				"if it can")
		if chosen == "auto" {
			p.Resizes(func(from image.Point) image.Point { return scaledSize(from, width, height, scale) })
		}
		meta := p.Meta()
		return func(src gocv.Mat, dst *gocv.Mat) error {
			from := image.Pt(src.Cols(), src.Rows())
			full := from
			if meta.Full != (image.Point{}) {
				full = meta.Full
			}
			to := scaledSize(full, width, height, scale)
			if max(to.X, to.Y) > max(maxSide, full.X, full.Y) {
				what := fmt.Sprintf("scale=%g", scale)
				if width+height > 0 {
					what = fmt.Sprintf("width=%d height=%d", width, height)
				}
				return tooLarge(what, full, to)
			}
			code, ok := codes[chosen]
			switch {
			case ok:
			case to.X*to.Y < from.X*from.Y:
				code = gocv.InterpolationArea
			default:
				code = gocv.InterpolationLinear
			}
			return gocv.Resize(src, dst, to, 0, 0, code)
		}
	},
}

// maxSide is the longest side that a filter makes, in pixels.
const maxSide = 8192

// tooLarge is the error of a frame of size from, of which what would make one of size to.
func tooLarge(what string, from, to image.Point) error {
	return &SizeError{What: what, Size: from,
		Hint: fmt.Sprintf("sides of up to %d pixels where this makes %d×%d", maxSide, to.X, to.Y)}
}

// scaledSize is the size of a frame of size from in pixels after resize. No side is 0.
func scaledSize(from image.Point, width, height int, scale float64) image.Point {
	if width == 0 && height == 0 {
		return image.Pt(rounded(float64(from.X)*scale), rounded(float64(from.Y)*scale))
	}
	if width == 0 {
		width = rounded(float64(from.X) * float64(height) / float64(from.Y))
	}
	if height == 0 {
		height = rounded(float64(from.Y) * float64(width) / float64(from.X))
	}
	return image.Pt(width, height)
}

func rounded(side float64) int { return max(1, int(side+0.5)) }

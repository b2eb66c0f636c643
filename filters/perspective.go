package filters

import (
	"image"

	"gocv.io/x/gocv"

	"picam/filters/cv"
)

// perspective maps a quadrilateral to a rectangle.
var perspective = Kind{
	Name: "perspective",
	Doc:  "Makes a rectangle of a part seen aslant, such as a sheet on a table or a sign at the roadside.",
	In:   Any, Out: Any,
	New: func(p *Params) Filter {
		corners := p.Points("corners", "20,20 80,20 100,100 0,100", 4, 4,
			"corners of the part, from its top left on clockwise")
		width := p.Int("width", 0, 0, maxSide, "width of the result in pixels; 0 is that of the frame")
		height := p.Int("height", 0, 0, maxSide, "height of the result in pixels; 0 is that of the frame")
		p.Check(clockwise(corners), "the corners do not go clockwise around a part with four sides")
		places := make([]cv.Point, len(corners))
		return func(src gocv.Mat, dst *gocv.Mat) error {
			size := image.Pt(width, height)
			if width == 0 {
				size.X = src.Cols()
			}
			if height == 0 {
				size.Y = src.Rows()
			}
			inPixels(places, corners, image.Pt(src.Cols()-1, src.Rows()-1))
			return cv.Perspective(src, dst, places, size)
		}
	},
}

// clockwise reports whether every corner of a polygon turns right, as seen with y downwards.
func clockwise(corners []cv.Point) bool {
	n := len(corners)
	for i := range n {
		a, b, c := corners[i], corners[(i+1)%n], corners[(i+2)%n]
		if (b.X-a.X)*(c.Y-b.Y) <= (b.Y-a.Y)*(c.X-b.X) {
			return false
		}
	}
	return true
}

// inPixels makes places in pixels of percentages of size.
func inPixels(places, percent []cv.Point, size image.Point) {
	for i, p := range percent {
		places[i] = cv.Point{X: p.X / 100 * float32(size.X), Y: p.Y / 100 * float32(size.Y)}
	}
}

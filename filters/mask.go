package filters

import (
	"image"

	"gocv.io/x/gocv"

	"picam/filters/cv"
)

// mask blackens a polygon.
var mask = Kind{
	Name: "mask",
	Doc:  "Blackens a part of the frame, such as the neighbour's door or a clock that would count as motion.",
	In:   Any, Out: Any,
	New: func(p *Params) Filter {
		corners := p.Points("corners", "0,0 100,0 100,20 0,20", 3, 40, "corners of the part, one after the other")
		places := make([]cv.Point, len(corners))
		return func(src gocv.Mat, dst *gocv.Mat) error {
			if err := src.CopyTo(dst); err != nil {
				return err
			}
			inPixels(places, corners, image.Pt(src.Cols()-1, src.Rows()-1))
			return cv.FillPolygon(dst, places)
		}
	},
}

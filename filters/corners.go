package filters

import (
	"image"

	"gocv.io/x/gocv"
)

// corners is J. Shi and C. Tomasi, Good Features to Track, 1994.
var corners = Kind{
	Name: "corners",
	Doc:  "Marks corners and other spots that are easy to find again, with small circles over the frame.",
	In:   BGR, Out: BGR,
	New: func(p *Params) Filter {
		most := p.Int("max", 256, 1, 10000, "how many, the clearest first")
		quality := p.Float("quality", 0.01, 0.0001, 1, "how clear they must be, compared with the clearest one")
		distance := p.Float("min_distance", 10, 0, maxSide, "distance in pixels between two of them")
		radius := p.Int("radius", 3, 0, 100, "radius of the circles in pixels")
		colour := p.Colour("colour", "lime", "colour of the circles")
		thickness := p.Int("thickness", 1, 1, 50, "thickness of the lines in pixels")
		gray, found := p.Mat(), p.Mat()
		return func(src gocv.Mat, dst *gocv.Mat) error {
			if err := gocv.CvtColor(src, gray, gocv.ColorBGRToGray); err != nil {
				return err
			}
			if err := gocv.GoodFeaturesToTrack(*gray, found, most, quality, distance); err != nil {
				return err
			}
			if err := src.CopyTo(dst); err != nil || found.Empty() {
				return err
			}
			places, err := found.DataPtrFloat32() // n × 1 × 2: x, y
			for ; err == nil && len(places) >= 2; places = places[2:] {
				err = gocv.Circle(dst, image.Pt(int(places[0]), int(places[1])), radius, colour, thickness)
			}
			return err
		}
	},
}

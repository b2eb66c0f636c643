package filters

import (
	"image"

	"gocv.io/x/gocv"
)

// clahe is contrast limited adaptive histogram equalization: K. Zuiderveld, Graphics Gems IV, 1994.
var clahe = Kind{
	Name: "clahe",
	Doc:  "Evens out the brightness part by part, so that dark and bright parts both show their detail.",
	In:   Any, Out: Any,
	New: func(p *Params) Filter {
		limit := p.Float("clip_limit", 2, 0, 100,
			"how much contrast a part may gain; less brings out less noise, 0: no limit")
		tiles := p.Int("tiles", 8, 1, 64, "parts in each direction")
		c := gocv.NewCLAHEWithParams(limit, image.Pt(tiles, tiles))
		p.Own(&c)
		return onBrightness(p, func(src gocv.Mat, dst *gocv.Mat) error { return c.Apply(src, dst) })
	},
}

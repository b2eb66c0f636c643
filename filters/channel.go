package filters

import (
	"slices"

	"gocv.io/x/gocv"
)

// channel picks one channel of BGR or HSV.
var channel = Kind{
	Name: "channel",
	Doc:  "Shows one of the channels that a colour frame consists of, in gray.",
	In:   BGR, Out: Gray,
	New: func(p *Params) Filter {
		names := []string{"blue", "green", "red", "hue", "saturation", "value"}
		index := slices.Index(names, p.Enum("channel", "saturation", names,
			"one of the three that are mixed, or hue (0 to 179), saturation (0: gray), value (the brightest of the "+
				"three)"))
		hsv := p.Mat()
		return func(src gocv.Mat, dst *gocv.Mat) error {
			if index < 3 {
				return gocv.ExtractChannel(src, dst, index)
			}
			if err := gocv.CvtColor(src, hsv, gocv.ColorBGRToHSV); err != nil {
				return err
			}
			return gocv.ExtractChannel(*hsv, dst, index-3)
		}
	},
}

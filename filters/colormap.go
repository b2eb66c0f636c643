package filters

import (
	"slices"

	"gocv.io/x/gocv"
)

// colormap gives each level of gray a colour.
var colormap = Kind{
	Name: "colormap",
	Doc:  "Shows brightness as colours, as thermal cameras do.",
	In:   Gray, Out: BGR,
	New: func(p *Params) Filter {
		names := []string{"autumn", "bone", "jet", "winter", "rainbow", "ocean", "summer", "spring",
			"cool", "hsv", "pink",
			"hot", "parula", "magma", "inferno", "plasma", "viridis", "cividis", "twilight",
			"twilight_shifted", "codec",
			"deepgreen"} // in the order of OpenCV's numbers
		code := gocv.ColormapTypes(slices.Index(names, p.Enum("map", "codec", names, "the colours, by OpenCV's names")))
		return func(src gocv.Mat, dst *gocv.Mat) error { return gocv.ApplyColorMap(src, dst, code) }
	},
}

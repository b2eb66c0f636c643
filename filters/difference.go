package filters

import "gocv.io/x/gocv"

// difference compares frames, pixel by pixel.
var difference = Kind{
	Name: "difference",
	Doc:  "Shows by how much each pixel differs from what it was before; what stays is black.",
	In:   Any, Out: Any, Stateful: true,
	New: func(p *Params) Filter {
		learn := p.Float("learn", 1, 0.001, 1,
			"1 compares with the last frame, less with an average that takes so much of each")
		average, before := p.Mat(), p.Mat() // float32, and the same in 8 bits
		return func(src gocv.Mat, dst *gocv.Mat) error {
			if !alike(*average, src) {
				if err := src.ConvertTo(average, gocv.MatTypeCV32F); err != nil {
					return err
				}
			}
			if err := average.ConvertTo(before, gocv.MatTypeCV8U); err != nil {
				return err
			}
			if err := gocv.AbsDiff(src, *before, dst); err != nil {
				return err
			}
			return gocv.AccumulatedWeighted(src, average, learn)
		}
	},
}

// alike reports whether two frames have the same size and number of channels.
func alike(a, b gocv.Mat) bool {
	return a.Rows() == b.Rows() && a.Cols() == b.Cols() && a.Channels() == b.Channels()
}

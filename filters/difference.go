package filters

import "gocv.io/x/gocv"

// difference compares pictures, pixel by pixel.
var difference = Kind{
	Name: "difference",
	Doc:  "Shows by how much each pixel differs from what it was before; what stays is black.",
	In:   Any, Out: Any, Stateful: true,
	New: func(s *Setup) Filter {
		learn := s.Float("learn", 1, 0.001, 1,
			"1 compares with the last picture, less with an average that takes so much of each")
		average, before := s.Mat(), s.Mat() // float32, and the same in 8 bits
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

// alike reports whether two pictures have the same size and number of channels.
func alike(a, b gocv.Mat) bool {
	return a.Rows() == b.Rows() && a.Cols() == b.Cols() && a.Channels() == b.Channels()
}

package filters

import "gocv.io/x/gocv"

// canny finds edges as described in J. Canny, A Computational Approach to Edge Detection, 1986: with Sobel kernels of
// 3 × 3 and the sum of the absolute differences as the strength, since gocv hands no other choice on to OpenCV.
var canny = Kind{
	Name: "canny",
	Doc:  "Draws edges as white lines on black.",
	In:   Gray, Out: Gray,
	New: func(s *Setup) Filter {
		low := s.Float("low", 50, 0, 2000, "strength from which on an edge is drawn if it continues a strong one")
		high := s.Float("high", 150, 0, 2000,
			"strength from which on an edge is drawn in any case; less draws more edges")
		s.Check(low <= high, "low (%g) is above high (%g)", low, high)
		return func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Canny(src, dst, float32(low), float32(high))
		}
	},
}

package filters

import (
	"fmt"
	"image"
	"image/color"

	"gocv.io/x/gocv"

	"picam/filters/cv"
)

// grabcut is C. Rother, V. Kolmogorov and A. Blake, "GrabCut": Interactive Foreground Extraction using Iterated Graph
// Cuts, 2004.
var grabcut = Kind{
	Name: "grabcut",
	Doc:  "Keeps what stands before the background and makes the rest black; slow.",
	In:   BGR, Out: BGR,
	New: func(p *Params) Filter {
		margin := p.Int("margin", 40, 1, maxSide, "pixels along each side that are surely background")
		shrink := p.Int("shrink", 4, 1, 16,
			"looks at a frame so many times smaller: faster, and less exact at the borders")
		iterations := p.Int("iterations", 5, 1, 20, "how often the result is refined")
		outline := p.Bool("outline", false, "draws the inner end of the margin")
		small, found, large, mask := p.Mat(), p.Mat(), p.Mat(), p.Mat()
		return func(src gocv.Mat, dst *gocv.Mat) error {
			size := image.Pt(src.Cols(), src.Rows())
			smallSize := image.Pt(max(1, size.X/shrink), max(1, size.Y/shrink))
			inner := image.Rectangle{Max: smallSize}.Inset(max(1, margin/shrink))
			if few := 5; inner.Dx()*inner.Dy() < few { // colours in its model of either part
				side := shrink * (2*max(1, margin/shrink) + 3)
				return &SizeError{What: fmt.Sprintf("margin=%d", margin), Size: size, Least: image.Pt(side, side),
					Hint: "a smaller margin"}
			}
			if err := gocv.Resize(src, small, smallSize, 0, 0, gocv.InterpolationArea); err != nil {
				return err
			}
			if err := cv.GrabCut(*small, found, inner, iterations); err != nil {
				return err
			}
			if err := gocv.Resize(*found, large, size, 0, 0, gocv.InterpolationLinear); err != nil {
				return err
			}
			if err := cv.Threshold(*large, found, 127, 255, gocv.ThresholdBinary); err != nil {
				return err
			}
			if err := gocv.CvtColor(*found, mask, gocv.ColorGrayToBGR); err != nil {
				return err
			}
			if err := gocv.BitwiseAnd(src, *mask, dst); err != nil || !outline {
				return err
			}
			return gocv.Rectangle(dst, image.Rectangle{Max: size}.Inset(margin), color.RGBA{G: 255}, 1)
		}
	},
}

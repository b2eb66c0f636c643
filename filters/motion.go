package filters

import (
	"gocv.io/x/gocv"

	"picam/filters/cv"
)

// motion is Z. Zivkovic and F. van der Heijden, Efficient Adaptive Density Estimation per Image Pixel for the Task of
// Background Subtraction, 2006: OpenCV's MOG2. It keeps 60 bytes for each pixel of gray frames, 100 for colour ones.
var motion = Kind{
	Name: "motion",
	Doc:  "Makes a mask of what moves: white there, black where the frame is as it has been for a while.",
	In:   Any, Out: Gray, Stateful: true,
	New: func(p *Params) Filter { return movingOf(p, true) },
}

// movingOf declares how filters tell what moves, and returns what makes a mask (rows × cols × 1) of it. Without
// mayHaveShadows the mask has no gray.
func movingOf(p *Params, mayHaveShadows bool) Filter {
	history := p.Int("history", 500, 1, 100000,
		"frames that are remembered; less takes what stands still for background sooner")
	variance := p.Float("var_threshold", 16, 1, 1000,
		"how far a pixel must be from what it was, squared; less finds more, also noise")
	shadows := mayHaveShadows && p.Bool("shadows", false,
		"tells shadows apart and makes them gray instead of white, which takes longer")
	mog2, err := cv.NewMOG2(history, variance, shadows)
	p.Own(mog2)
	return func(src gocv.Mat, dst *gocv.Mat) error {
		if err != nil {
			return err
		}
		return mog2.Apply(src, dst)
	}
}

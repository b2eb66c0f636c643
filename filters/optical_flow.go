package filters

import (
	"image"

	"gocv.io/x/gocv"

	"picam/filters/cv"
)

// opticalFlow is G. Farnebäck, Two-Frame Motion Estimation Based on Polynomial Expansion, 2003.
var opticalFlow = Kind{
	Name: "optical_flow",
	Doc:  "Draws arrows that show where each part of the frame has moved to since the last one.",
	In:   BGR, Out: BGR, Stateful: true,
	New: func(p *Params) Filter {
		step := p.Int("step", 16, 4, 500, "distance in pixels between two arrows")
		length := p.Float("length", 1, 0.1, 50, "factor for the length of the arrows; 1 ends where the part is now")
		least := p.Float("least", 1, 0, 500, "shows no movement by fewer pixels")
		levels := p.Int("levels", 3, 1, 10, "sizes at which the frame is looked at; more finds faster movement")
		window := p.Int("window", 15, 2, 200, "size in pixels of what moves together; more is steadier, and less sharp")
		iterations := p.Int("iterations", 3, 1, 20,
			"how often each level is gone through; more is more exact, and slower")
		colour := p.Colour("colour", "lime", "colour of the arrows")
		thickness := p.Int("thickness", 1, 1, 50, "thickness of the lines in pixels")
		before, now, flow := p.Mat(), p.Mat(), p.Mat()
		return func(src gocv.Mat, dst *gocv.Mat) error {
			if err := gocv.CvtColor(src, now, gocv.ColorBGRToGray); err != nil {
				return err
			}
			before, now = now, before // now is the last frame from here on, and the next one's place
			if err := src.CopyTo(dst); err != nil || !alike(*now, *before) {
				return err
			}
			if err := cv.Farneback(*now, *before, flow, levels, window, iterations); err != nil {
				return err
			}
			moved, err := flow.DataPtrFloat32() // x, y for each pixel
			for y := step / 2; y < src.Rows() && err == nil; y += step {
				for x := step / 2; x < src.Cols() && err == nil; x += step {
					i := 2 * (y*src.Cols() + x)
					dx, dy := float64(moved[i]), float64(moved[i+1])
					if dx*dx+dy*dy >= least*least {
						to := image.Pt(x+nearest(dx*length), y+nearest(dy*length))
						err = gocv.ArrowedLine(dst, image.Pt(x, y), to, colour, thickness)
					}
				}
			}
			return err
		}
	},
}

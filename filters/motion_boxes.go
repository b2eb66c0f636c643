package filters

import (
	"errors"
	"image"
	"image/color"

	"gocv.io/x/gocv"

	"picam/filters/cv"
)

// motionBoxes cleans the mask of motion and draws boxes around what is left. To join what is near it grows each part by
// half of the distance to be bridged.
var motionBoxes = Kind{
	Name: "motion_boxes",
	Doc:  "Draws boxes around what moves, and reports each as motion, with the share of it that moves as score.",
	In:   BGR, Out: BGR, Stateful: true,
	New: func(p *Params) Filter {
		minArea := p.Float("min_area", 0.5, 0, 100, "leaves out boxes of less, in percent of the frame")
		grow := p.Int("join", 10, 0, 500, "parts with up to so many pixels between them are in one box")
		grow = (grow + 1) / 2
		draw := boxesOf(p)
		moving := movingOf(p, false)
		specks := gocv.GetStructuringElement(gocv.MorphRect, image.Pt(3, 3))
		p.Own(&specks)
		around := gocv.GetStructuringElement(gocv.MorphRect, image.Pt(2*grow+1, 2*grow+1))
		p.Own(&around)
		meta, mask, grown, part, hierarchy := p.Meta(), p.Mat(), p.Mat(), p.Mat(), p.Mat()
		return func(src gocv.Mat, dst *gocv.Mat) error {
			first := mask.Rows() != src.Rows() || mask.Cols() != src.Cols() // all of it is new, which is no motion
			if err := moving(src, mask); err != nil {
				return err
			}
			if err := src.CopyTo(dst); err != nil || first {
				return err
			}
			if err := gocv.MorphologyEx(*mask, mask, gocv.MorphOpen, specks); err != nil {
				return err
			}
			// With room around it, what is at the frame's edge grows as all else.
			err := gocv.CopyMakeBorder(*mask, grown, grow, grow, grow, grow, gocv.BorderConstant, color.RGBA{})
			if err == nil {
				err = gocv.Dilate(*grown, grown, around)
			}
			if err != nil {
				return err
			}
			outlines := gocv.FindContoursWithParams(*grown, hierarchy, gocv.RetrievalExternal, gocv.ChainApproxSimple)
			if outlines.IsNil() {
				return errors.New("OpenCV could not find contours")
			}
			defer outlines.Close()
			least := minArea / 100 * float64(src.Rows()*src.Cols())
			for i := range outlines.Size() {
				box := gocv.BoundingRect(outlines.At(i)).Sub(image.Pt(grow, grow)).Inset(grow)
				area := box.Dx() * box.Dy()
				if float64(area) < least {
					continue
				}
				if err := cv.Crop(*mask, part, box); err != nil {
					return err
				}
				moves := float64(gocv.CountNonZero(*part)) / float64(area)
				meta.Report(Detection{Label: "motion", Box: box, Score: moves})
				if err := draw(dst, box); err != nil {
					return err
				}
			}
			return nil
		}
	},
}

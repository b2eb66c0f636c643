package filters

import (
	"errors"
	"image"

	"gocv.io/x/gocv"
)

// blend brings back the frame that edges, a mask or a drawing came from.
var blend = Kind{
	Name: "blend",
	Doc:  "Lays the frame over the original, as it was before the first stage.",
	In:   Any, Out: BGR, Original: true,
	New: func(p *Params) Filter {
		mode := p.Enum("mode", "colour", []string{"colour", "mix", "lighten", "cut"},
			"colour: paint the original where the frame is bright, as edges are; mix: let it shine through; "+
				"lighten: take the brighter of the two; cut: keep the original where the frame is bright, else black")
		colour := p.Colour("colour", "lime", "paint of the mode colour")
		alpha := p.Float("alpha", 0.7, 0, 1, "how much the paint covers, or the frame in the mode mix")
		scaled, original := originalOf(p), p.Mat()
		gray, weight, rest, paint := p.Mat(), p.Mat(), p.Mat(), p.Mat()
		const one = 1. / 255 // what is 255 counts as 1 in a product
		return func(src gocv.Mat, dst *gocv.Mat) error {
			if err := scaled(original, image.Pt(src.Cols(), src.Rows())); err != nil {
				return err
			}
			over, err := src, error(nil)
			if src.Channels() == 1 {
				over, err = *weight, gocv.CvtColor(src, weight, gocv.ColorGrayToBGR)
			} else if mode == "colour" || mode == "cut" { // how bright it is, in three equal channels
				err = errors.Join(gocv.CvtColor(src, gray, gocv.ColorBGRToGray),
					gocv.CvtColor(*gray, weight, gocv.ColorGrayToBGR))
			}
			switch {
			case err != nil:
				return err
			case mode == "mix":
				return gocv.AddWeighted(over, alpha, *original, 1-alpha, 0, dst)
			case mode == "lighten":
				return gocv.Max(over, *original, dst)
			case mode == "cut":
				return gocv.MultiplyWithParams(*original, *weight, dst, one, gocv.MatTypeCV8U)
			}
			if !alike(*paint, *original) {
				if err := original.CopyTo(paint); err != nil {
					return err
				}
				paint.SetTo(gocv.NewScalar(float64(colour.B), float64(colour.G), float64(colour.R), 0))
			}
			return errors.Join(
				weight.ConvertToWithParams(weight, gocv.MatTypeCV8U, float32(alpha), 0),
				gocv.BitwiseNot(*weight, rest),
				gocv.MultiplyWithParams(*original, *rest, rest, one, gocv.MatTypeCV8U),
				gocv.MultiplyWithParams(*paint, *weight, weight, one, gocv.MatTypeCV8U),
				gocv.Add(*rest, *weight, dst))
		}
	},
}

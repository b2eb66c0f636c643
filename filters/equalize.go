package filters

import "gocv.io/x/gocv"

// equalize spreads the levels of gray so that each is about as frequent as every other.
var equalize = Kind{
	Name: "equalize",
	Doc:  "Spreads the brightness over the whole range from black to white, for frames without contrast.",
	In:   Any, Out: Any,
	New: func(p *Params) Filter { return onBrightness(p, gocv.EqualizeHist) },
}

// onBrightness is a Filter that puts a frame's brightness alone through work, which takes and gives a gray frame of
// the same size, and leaves the colours as they are.
func onBrightness(p *Params, work Filter) Filter {
	ycc, before, after := p.Mat(), p.Mat(), p.Mat() // ycc: brightness, and two channels of colour
	return func(src gocv.Mat, dst *gocv.Mat) error {
		if src.Channels() == 1 {
			return work(src, dst)
		}
		if err := gocv.CvtColor(src, ycc, gocv.ColorBGRToYCrCb); err != nil {
			return err
		}
		if err := gocv.ExtractChannel(*ycc, before, 0); err != nil {
			return err
		}
		if err := work(*before, after); err != nil {
			return err
		}
		if err := gocv.InsertChannel(*after, ycc, 0); err != nil {
			return err
		}
		return gocv.CvtColor(*ycc, dst, gocv.ColorYCrCbToBGR)
	}
}

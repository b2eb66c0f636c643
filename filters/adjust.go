package filters

import (
	"math"

	"gocv.io/x/gocv"
)

// adjust is what a television has knobs for.
var adjust = Kind{
	Name: "adjust",
	Doc:  "Changes brightness, contrast, gamma and saturation.",
	In:   Any, Out: Any,
	New: func(p *Params) Filter {
		brightness := p.Float("brightness", 0, -255, 255, "is added to every value; values go from 0 (black) to 255")
		contrast := p.Float("contrast", 1, 0, 10, "factor for the distance from a middle gray (128)")
		gamma := p.Float("gamma", 1, 0.1, 10,
			"above 1 makes what lies between black and white brighter, below 1 darker")
		saturation := p.Float("saturation", 1, 0, 10,
			"factor for the strength of the colours; 0 makes the frame gray")
		gray, grayBGR, vivid := p.Mat(), p.Mat(), p.Mat()
		table := lookup(p, func(v float64) float64 {
			v = min(max((v-128)*contrast+128+brightness, 0), 255)
			return 255 * math.Pow(v/255, 1/gamma)
		})
		return func(src gocv.Mat, dst *gocv.Mat) error {
			if saturation == 1 || src.Channels() == 1 {
				return gocv.LUT(src, *table, dst)
			}
			if err := gocv.CvtColor(src, gray, gocv.ColorBGRToGray); err != nil {
				return err
			}
			if err := gocv.CvtColor(*gray, grayBGR, gocv.ColorGrayToBGR); err != nil {
				return err
			}
			if err := gocv.AddWeighted(src, saturation, *grayBGR, 1-saturation, 0, vivid); err != nil {
				return err
			}
			return gocv.LUT(*vivid, *table, dst)
		}
	},
}

// lookup makes a table for gocv.LUT (1 × 256 × 1) of a function from 0...255 to the same.
func lookup(p *Params, value func(float64) float64) *gocv.Mat {
	table := gocv.NewMatWithSize(1, 256, gocv.MatTypeCV8UC1)
	p.Own(&table)
	for i := range 256 {
		table.SetUCharAt(0, i, uint8(math.RoundToEven(value(float64(i))))) // rounds as OpenCV does
	}
	return &table
}

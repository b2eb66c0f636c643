package filters

import "gocv.io/x/gocv"

// inRange finds colours. Hue and the others are OpenCV's 8-bit HSV.
var inRange = Kind{
	Name: "in_range",
	Doc:  "Makes a mask: white where the colour lies in all of these ranges, black elsewhere.",
	In:   BGR, Out: Gray,
	New: func(p *Params) Filter {
		span := func(name string, highest int, doc string) (from, to float64) {
			a := p.Int(name+"_from", 0, 0, highest, "least "+doc)
			b := p.Int(name+"_to", highest, 0, highest, "greatest "+name)
			p.Check(a <= b || name == "hue", "%s_from (%d) is above %[1]s_to (%[3]d)", name, a, b)
			return float64(a), float64(b)
		}
		h, hTo := span("hue", 179, "hue: red 0, yellow 30, green 60, cyan 90, blue 120, magenta 150; 170 to 10 goes "+
			"over 0")
		sat, satTo := span("saturation", 255, "saturation: 0 is gray, 255 the purest colour")
		v, vTo := span("value", 255, "value: the brightest of blue, green and red")
		b, bTo := span("blue", 255, "blue")
		g, gTo := span("green", 255, "green")
		r, rTo := span("red", 255, "red")
		hsv, more := p.Mat(), p.Mat()
		between := func(src gocv.Mat, from, to float64, dst *gocv.Mat) error {
			return gocv.InRangeWithScalar(src, gocv.NewScalar(from, sat, v, 0), gocv.NewScalar(to, satTo, vTo, 0), dst)
		}
		return func(src gocv.Mat, dst *gocv.Mat) error {
			if err := gocv.CvtColor(src, hsv, gocv.ColorBGRToHSV); err != nil {
				return err
			}
			over := h > hTo // the range goes over 179 to 0
			last := hTo
			if over {
				last = 179
			}
			if err := between(*hsv, h, last, dst); err != nil {
				return err
			}
			if over {
				if err := between(*hsv, 0, hTo, more); err != nil {
					return err
				}
				if err := gocv.BitwiseOr(*dst, *more, dst); err != nil {
					return err
				}
			}
			err := gocv.InRangeWithScalar(src, gocv.NewScalar(b, g, r, 0), gocv.NewScalar(bTo, gTo, rTo, 0), more)
			if err != nil {
				return err
			}
			return gocv.BitwiseAnd(*dst, *more, dst)
		}
	},
}

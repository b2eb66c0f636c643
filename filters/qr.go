package filters

import (
	"errors"
	"image"

	"gocv.io/x/gocv"
)

// qr reads codes by ISO/IEC 18004, with the project ZXing's methods: OpenCV reads them from 4.9 on only.
var qr = Kind{
	Name: "qr",
	Doc:  "Draws around QR codes and writes what they say, and reports each as qr, with its text as value.",
	In:   BGR, Out: BGR,
	New: func(p *Params) Filter {
		size := p.Float("size", 0.7, 0, 20, "size of the letters; 1 is about 22 pixels high, 0 writes none")
		colour := p.Colour("colour", "lime", "colour of lines and letters")
		thickness := p.Int("thickness", 2, 1, 50, "thickness of lines and strokes in pixels")
		l := newLetters(size, thickness, true)
		meta, gray := p.Meta(), p.Mat()
		return func(src gocv.Mat, dst *gocv.Mat) error {
			if err := gocv.CvtColor(src, gray, gocv.ColorBGRToGray); err != nil {
				return err
			}
			data, err := gray.DataPtrUint8()
			if err != nil {
				return err
			}
			codes, err := readCodes(data, src.Cols(), src.Rows())
			err = errors.Join(err, src.CopyTo(dst))
			for _, code := range codes {
				box := around(code.corners)
				meta.Report(Detection{Label: "qr", Box: box, Points: code.corners, Value: code.text})
				for i, p := range code.corners {
					err = errors.Join(err, gocv.Line(dst, p, code.corners[(i+1)%len(code.corners)], colour, thickness))
				}
				if size > 0 {
					err = errors.Join(err, l.write(dst, code.text, box.Min.Sub(image.Pt(0, thickness+4)), colour))
				}
			}
			return err
		}
	},
}

// around is the smallest box with all points in it.
func around(points []image.Point) (box image.Rectangle) {
	for _, p := range points {
		box = box.Union(image.Rectangle{Min: p, Max: p.Add(image.Pt(1, 1))})
	}
	return box
}

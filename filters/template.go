package filters

import (
	"errors"
	"fmt"
	"image"
	"image/color"

	"gocv.io/x/gocv"
)

// template slides a small frame over the large one. It finds it at its own size only, and not turned.
var template = Kind{
	Name: "template",
	Doc: "Draws boxes where the frame looks like a small one from a file, and reports them with the likeness as " +
		"score.",
	In: BGR, Out: BGR,
	New: func(p *Params) Filter {
		path := p.RequiredText("image", "door.png",
			"file of what to look for, PNG or JPEG, cut out of a frame of the same size")
		least := p.Float("threshold", 0.8, 0.1, 1,
			"likeness from which on it counts; 1 is the same but for brightness and contrast")
		most := p.Int("max", 1, 1, 100, "at most so many are sought, the best ones")
		label := p.Text("label", "template", "what it is called in events and rules")
		draw := boxesOf(p)
		meta, small, likeness, noMask := p.Meta(), p.Mat(), p.Mat(), p.Mat()
		return func(src gocv.Mat, dst *gocv.Mat) error {
			if small.Empty() {
				if err := readTemplate(path, small); err != nil {
					return err
				}
			}
			size := image.Pt(small.Cols(), small.Rows())
			if size.X > src.Cols() || size.Y > src.Rows() {
				return &SizeError{
					What:  fmt.Sprintf("%s of %d×%d", path, size.X, size.Y),
					Size:  image.Pt(src.Cols(), src.Rows()),
					Least: size,
					Hint:  "a file cut out of such a frame",
				}
			}
			err := gocv.MatchTemplate(src, *small, likeness, gocv.TmCcoeffNormed, *noMask)
			if err == nil {
				err = src.CopyTo(dst)
			}
			for i := 0; i < most && err == nil; i++ {
				_, score, _, at := gocv.MinMaxLoc(*likeness)
				if float64(score) < least {
					break
				}
				box := image.Rectangle{Min: at, Max: at.Add(size)}
				meta.Report(Detection{Label: label, Box: box, Score: float64(score)})
				// The next one is at least half of its size away. gocv draws the pixels at Max too.
				half := size.Div(2)
				err = errors.Join(draw(dst, box),
					gocv.Rectangle(likeness, image.Rectangle{Min: at.Sub(half), Max: at.Add(half)}, color.RGBA{}, -1))
			}
			return err
		}
	},
}

// readTemplate reads the frame into dst. One of a single colour is an error, for it would be found everywhere.
func readTemplate(path string, dst *gocv.Mat) error {
	m, err := readFrame(path)
	if err != nil {
		return err
	}
	for i, v := range m.Pix {
		if v != m.Pix[i%4] {
			read, err := gocv.ImageToMatRGB(m)
			if err != nil {
				return err
			}
			defer read.Close()
			return read.CopyTo(dst)
		}
	}
	return fmt.Errorf("%s has one colour only, which could be anything; take a part with some detail", path)
}

package filters

import (
	"errors"
	"fmt"
	"image"
	"io/fs"

	"gocv.io/x/gocv"

	"picam/filters/cv"
)

// faces is OpenCV's cascade of boosted features, see [cv.Cascade].
var faces = Kind{
	Name: "faces",
	Doc:  "Draws boxes around faces, and reports each as face, with the number of places that agree on it as score.",
	In:   BGR, Out: BGR,
	New: func(p *Params) Filter {
		cascade := &cv.Cascade{Path: p.Text("cascade",
			"/usr/share/opencv4/haarcascades/haarcascade_frontalface_default.xml",
			"file that says what to look for; OpenCV has some, in Debian's package opencv-data")}
		p.Own(cascade)
		scale := p.Float("scale_factor", 1.2, 1.01, 4,
			"step from one size that is looked for to the next; less finds more, and is slower")
		neighbours := p.Int("min_neighbours", 5, 1, 100,
			"places beside each other that have to agree; less finds more, also what is no face")
		least := p.Float("min_size", 8, 0, 100, "smallest face, in percent of the frame's height")
		draw := boxesOf(p)
		meta, gray, found := p.Meta(), p.Mat(), p.Mat()
		return func(src gocv.Mat, dst *gocv.Mat) error {
			if err := gocv.CvtColor(src, gray, gocv.ColorBGRToGray); err != nil {
				return err
			}
			side := nearest(least / 100 * float64(src.Rows()))
			err := cascade.Detect(*gray, found, scale, neighbours, image.Pt(side, side))
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("there is no file %s; install opencv-data, or set cascade to a file that is there",
					cascade.Path)
			}
			if err != nil {
				return err
			}
			err = src.CopyTo(dst)
			for i := 0; i < found.Rows() && err == nil; i++ {
				x, y := int(found.GetIntAt(i, 0)), int(found.GetIntAt(i, 1))
				box := image.Rect(x, y, x+int(found.GetIntAt(i, 2)), y+int(found.GetIntAt(i, 3)))
				meta.Report(Detection{Label: "face", Box: box, Score: float64(found.GetIntAt(i, 4))})
				err = draw(dst, box)
			}
			return err
		}
	},
}

package filters

import (
	"image"

	"gocv.io/x/gocv"
)

// sideBySide shows what the stages before it do.
var sideBySide = Kind{
	Name: "side_by_side",
	Doc:  "Puts the original, before the first stage, beside or above the frame as it is here.",
	In:   BGR, Out: BGR, Original: true,
	New: func(p *Params) Filter {
		above := p.Enum("original", "left", []string{"left", "above"}, "where the original comes") == "above"
		meta, scaled, before := p.Meta(), originalOf(p), p.Mat()
		return func(src gocv.Mat, dst *gocv.Mat) error {
			from := image.Pt(meta.Original.Cols(), meta.Original.Rows())
			if above {
				if err := scaled(before, scaledSize(from, src.Cols(), 0, 0)); err != nil {
					return err
				}
				return gocv.Vconcat(*before, src, dst)
			}
			if err := scaled(before, scaledSize(from, 0, src.Rows(), 0)); err != nil {
				return err
			}
			return gocv.Hconcat(*before, src, dst)
		}
	},
}

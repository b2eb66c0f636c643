package filters

import (
	"image"
	"slices"

	"gocv.io/x/gocv"
)

// morphology takes the darkest or the brightest pixel under a shape, or combines the two.
var morphology = Kind{
	Name: "morphology",
	Doc:  "Makes what is white in a mask larger or smaller, removes specks or fills gaps.",
	In:   Any, Out: Any,
	New: func(p *Params) Filter {
		// OpenCV's numbers
		operations := []string{"erode", "dilate", "open", "close", "gradient", "top_hat", "black_hat"}
		operation := gocv.MorphType(slices.Index(operations, p.Enum("operation", "open", operations,
			"erode shrinks white, dilate grows it; open removes white specks, close black ones; "+
				"gradient leaves outlines; top_hat and black_hat leave the specks")))
		shapes := []string{"rectangle", "cross", "ellipse"} // likewise
		shape := gocv.MorphShape(slices.Index(shapes, p.Enum("shape", "rectangle", shapes,
			"what is looked at around each pixel")))
		size := p.Odd("size", 3, 1, 99, "its width and height in pixels")
		iterations := p.Int("iterations", 1, 1, 20, "how often; open and close erode and dilate that often each")
		kernel := gocv.GetStructuringElement(shape, image.Pt(size, size))
		p.Own(&kernel)
		return func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.MorphologyExWithParams(src, dst, operation, kernel, iterations, gocv.BorderConstant)
		}
	},
}

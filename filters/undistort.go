package filters

import (
	"image"
	"image/color"

	"gocv.io/x/gocv"

	"picam/filters/cv"
)

// undistort corrects a lens by the model of OpenCV's calibration: D. C. Brown, Close-Range Camera Calibration, 1971.
var undistort = Kind{
	Name: "undistort",
	Doc:  "Makes lines straight that the camera's lens bends, by the numbers that a calibration of it gives.",
	In:   Any, Out: Any,
	New: func(p *Params) Filter {
		c := cv.Camera{
			FX: p.Float("fx", 0, 0, 100000, "focal length in widths of a pixel; 0 is the width of the frame"),
			FY: p.Float("fy", 0, 0, 100000, "focal length in heights of a pixel; 0 is the same as fx"),
			CX: p.Float("cx", 0, 0, maxSide,
				"middle of the lens in the frame, in pixels from the left; 0 is that of the frame"),
			CY: p.Float("cy", 0, 0, maxSide, "and from the top; 0 is the middle of the frame"),
			K1: p.Float("k1", -0.2, -100, 100,
				"radial distortion; below 0 against lines that bend outwards, as of wide-angle lenses"),
			K2: p.Float("k2", 0, -100, 100, "radial distortion far from the middle"),
			P1: p.Float("p1", 0, -10, 10, "tangential distortion"),
			P2: p.Float("p2", 0, -10, 10, "tangential distortion"),
			K3: p.Float("k3", 0, -1000, 1000, "radial distortion farthest from the middle"),
		}
		places, fractions := p.Mat(), p.Mat()
		var made image.Point // size of the frames that these are for
		return func(src gocv.Mat, dst *gocv.Mat) error {
			if size := image.Pt(src.Cols(), src.Rows()); size != made {
				if err := cv.UndistortMaps(places, fractions, size, lens(c, size)); err != nil {
					return err
				}
				made = size
			}
			return gocv.Remap(src, dst, places, fractions, gocv.InterpolationLinear, gocv.BorderConstant, color.RGBA{})
		}
	},
}

// lens puts in what a user has left to the size of the frame.
func lens(c cv.Camera, size image.Point) cv.Camera {
	instead := func(value *float64, other float64) {
		if *value == 0 {
			*value = other
		}
	}
	instead(&c.FX, float64(size.X))
	instead(&c.FY, c.FX)
	instead(&c.CX, float64(size.X-1)/2)
	instead(&c.CY, float64(size.Y-1)/2)
	return c
}

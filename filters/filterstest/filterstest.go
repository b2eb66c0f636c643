// Package filterstest draws what filters can find, for tests and for the frames of the documentation.
package filterstest

import (
	"errors"
	"image"
	"image/color"

	"gocv.io/x/gocv"
	"rsc.io/qr"
)

// Face draws a face that OpenCV's cascade finds. It is about 100 pixels high at scale 1, with its nose at that place.
func Face(dst *gocv.Mat, at image.Point, scale float64) error {
	hair, skin, shade := color.RGBA{60, 40, 30, 0}, color.RGBA{224, 180, 150, 0}, color.RGBA{160, 115, 95, 0}
	white, nose, lips := color.RGBA{250, 250, 250, 0}, color.RGBA{240, 200, 170, 0}, color.RGBA{150, 60, 60, 0}
	var errs []error
	for _, e := range []struct {
		x, y, width, height float64
		colour              color.RGBA
	}{
		{0, -8, 46, 52, hair}, {0, 0, 38, 50, skin},
		{-16, -10, 12, 7, shade}, {16, -10, 12, 7, shade}, // around the eyes
		{-16, -18, 12, 3, hair}, {16, -18, 12, 3, hair},
		{-16, -9, 8, 4, white}, {16, -9, 8, 4, white}, {-16, -9, 4, 4, hair}, {16, -9, 4, 4, hair},
		{0, 14, 8, 4, shade}, {0, 4, 4, 12, nose}, {0, 28, 16, 5, lips},
	} {
		middle := at.Add(image.Pt(int(e.x*scale), int(e.y*scale)))
		axes := image.Pt(int(e.width*scale), int(e.height*scale))
		errs = append(errs, gocv.EllipseWithParams(dst, middle, axes, 0, 0, 360, e.colour, -1, gocv.LineAA, 0))
	}
	return errors.Join(errs...)
}

// Code returns a colour frame of a QR code with its white border. The caller closes it.
func Code(text string, pixelsOfModule int) (gocv.Mat, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return gocv.Mat{}, err
	}
	const border = 4 // modules
	side := (code.Size + 2*border) * pixelsOfModule
	m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(255, 255, 255, 0), side, side, gocv.MatTypeCV8UC3)
	data, err := m.DataPtrUint8()
	for i := range data {
		pixel := i / 3
		x, y := pixel%side/pixelsOfModule-border, pixel/side/pixelsOfModule-border
		if x >= 0 && y >= 0 && x < code.Size && y < code.Size && code.Black(x, y) {
			data[i] = 0
		}
	}
	return m, err
}

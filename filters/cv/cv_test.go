package cv_test

import (
	"image"
	"math"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"picam/filters/cv"
)

// TestErrors holds that an exception of OpenCV's becomes an error that says what is wrong.
func TestErrors(t *testing.T) {
	gray, colour, none, dst := solid(t, 8, 6, gocv.MatTypeCV8UC1, 7), solid(t, 8, 6, gocv.MatTypeCV8UC3, 7), mat(t),
		mat(t)
	deep := gocv.NewMatWithSize(8, 6, gocv.MatTypeCV64F)
	defer deep.Close()
	for name, err := range map[string]error{
		"Canny":         cv.Canny(gray, &dst, 1, 2, 4, false),
		"Crop":          cv.Crop(gray, &dst, image.Rect(4, 4, 12, 5)),
		"Denoise":       cv.Denoise(deep, &dst, 3, 3, 7, 11),
		"Farneback":     cv.Farneback(gray, colour, &dst, 3, 15, 3),
		"FillPolygon":   cv.FillPolygon(&none, nil),
		"GrabCut":       cv.GrabCut(gray, &dst, image.Rect(2, 2, 4, 4), 1),
		"Perspective":   cv.Perspective(none, &dst, make([]cv.Point, 4), image.Pt(4, 4)),
		"Threshold":     cv.Threshold(colour, &dst, 1, 2, gocv.ThresholdBinary|gocv.ThresholdOtsu),
		"UndistortMaps": cv.UndistortMaps(&none, &dst, image.Pt(-1, 4), cv.Camera{}),
	} {
		if err == nil || !strings.Contains(err.Error(), "OpenCV") || strings.HasSuffix(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := cv.Perspective(gray, &dst, make([]cv.Point, 3), image.Pt(4, 4)); err == nil {
		t.Error("a frame with three corners")
	}
}

func TestClosedMOG2(t *testing.T) {
	m, err := cv.NewMOG2(10, 16, true)
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
	m.Close()
	dst := mat(t)
	if err := m.Apply(solid(t, 8, 6, gocv.MatTypeCV8UC1, 7), &dst); err == nil {
		t.Error("no error")
	}
}

// TestUndistortMaps compares the maps with the formula in the documentation of OpenCV's calibration.
func TestUndistortMaps(t *testing.T) {
	c := cv.Camera{FX: 300, FY: 310, CX: 155, CY: 118, K1: -0.2, K2: 0.03, P1: 0.01, P2: -0.02, K3: 0.001}
	places, fractions := mat(t), mat(t)
	if err := cv.UndistortMaps(&places, &fractions, image.Pt(320, 240), c); err != nil {
		t.Fatal(err)
	}
	pixels, err := places.DataPtrInt16()
	if err != nil {
		t.Fatal(err)
	}
	parts, err := fractions.DataPtrUint16()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []image.Point{{0, 0}, {319, 0}, {160, 120}, {17, 201}, {319, 239}} {
		x, y := (float64(p.X)-c.CX)/c.FX, (float64(p.Y)-c.CY)/c.FY
		r := x*x + y*y
		radial := 1 + r*(c.K1+r*(c.K2+r*c.K3))
		wantX := c.FX*(x*radial+2*c.P1*x*y+c.P2*(r+2*x*x)) + c.CX
		wantY := c.FY*(y*radial+c.P1*(r+2*y*y)+2*c.P2*x*y) + c.CY
		i := p.Y*320 + p.X
		x, y = float64(pixels[2*i])+float64(parts[i]%32)/32, float64(pixels[2*i+1])+float64(parts[i]/32)/32
		if math.Abs(x-wantX) > 1./32 || math.Abs(y-wantY) > 1./32 {
			t.Errorf("%v comes from %.3f, %.3f, want %.3f, %.3f", p, x, y, wantX, wantY)
		}
	}
}

// TestFarneback moves a frame and finds by how much.
func TestFarneback(t *testing.T) {
	before, now, flow := solid(t, 120, 90, gocv.MatTypeCV8UC1, 0), solid(t, 120, 90, gocv.MatTypeCV8UC1, 0), mat(t)
	for y := range 90 {
		for x := range 120 {
			before.SetUCharAt(y, x, wave(x, y))
			now.SetUCharAt(y, x, wave(x-3, y+2))
		}
	}
	if err := cv.Farneback(before, now, &flow, 3, 15, 3); err != nil {
		t.Fatal(err)
	}
	moved, err := flow.DataPtrFloat32()
	if err != nil {
		t.Fatal(err)
	}
	i := 2 * (45*120 + 60)
	if math.Abs(float64(moved[i])-3) > 0.2 || math.Abs(float64(moved[i+1])+2) > 0.2 {
		t.Errorf("the middle moved by %.2f, %.2f, want 3, -2", moved[i], moved[i+1])
	}
}

func wave(x, y int) byte {
	return byte(128 + 60*math.Sin(float64(x)/5) + 60*math.Sin(float64(y)/6+float64(x)/11))
}

func mat(t *testing.T) gocv.Mat {
	m := gocv.NewMat()
	t.Cleanup(func() { m.Close() })
	return m
}

func solid(t *testing.T, cols, rows int, typ gocv.MatType, value float64) gocv.Mat {
	m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(value, value, value, 0), rows, cols, typ)
	t.Cleanup(func() { m.Close() })
	return m
}

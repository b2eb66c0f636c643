package main

import (
	"errors"
	"image"
	"image/color"
	"math/rand/v2"

	"gocv.io/x/gocv"

	"picam/filters/filterstest"
)

// flaw is what is wrong with the camera.
type flaw int

const (
	perfect  flaw = iota
	grainy        // hardly to be seen
	noisy         // as in poor light
	speckled      // some pixels are black or white
	pale          // as in fog
	soft          // out of focus
)

// scene draws frame i of a sequence of 480 × 360 pixels in which a ball flies, as a camera with that flaw takes it.
func scene(i int, f flaw) (gocv.Mat, error) {
	m := gocv.NewMatWithSize(360, 480, gocv.MatTypeCV8UC3)
	data, err := m.DataPtrUint8()
	if err != nil {
		return m, err
	}
	for p := range len(data) / 3 {
		x, y := p%480, p/480
		pixel := data[3*p : 3*p+3]
		switch {
		case y < 230: // sky
			pixel[0], pixel[1], pixel[2] = byte(225-y/8), byte(150+y/3), byte(90+y/2)
		case (x/40+(y-230)/26)%2 == 0: // pavement
			pixel[0], pixel[1], pixel[2] = byte(120+x/12), byte(130+x/12), byte(140+x/12)
		default:
			pixel[0], pixel[1], pixel[2] = byte(70+x/12), byte(90+x/12), byte(100+x/12)
		}
	}
	rgb := func(r, g, b uint8) color.RGBA { return color.RGBA{R: r, G: g, B: b} }
	fill := func(x, y, w, h int, c color.RGBA) error {
		return gocv.RectangleWithParams(&m, image.Rect(x, y, x+w-1, y+h-1), c, -1, gocv.Line8, 0)
	}
	disc := func(x, y, r int, c color.RGBA) error {
		return gocv.CircleWithParams(&m, image.Pt(x, y), r, c, -1, gocv.LineAA, 0)
	}
	roof := gocv.NewPointsVectorFromPoints([][]image.Point{{{150, 120}, {320, 120}, {235, 60}}})
	defer roof.Close()
	err = errors.Join(
		disc(60, 55, 30, rgb(255, 225, 90)),
		fill(165, 120, 140, 130, rgb(190, 90, 70)), gocv.FillPoly(&m, roof, rgb(110, 50, 50)), // a house
		fill(185, 140, 36, 36, rgb(235, 240, 170)), fill(250, 140, 36, 36, rgb(60, 70, 100)),
		fill(220, 190, 34, 60, rgb(80, 50, 40)),
		gocv.PutTextWithParams(&m, "picam", image.Pt(186, 114), gocv.FontHersheySimplex, 0.9, rgb(250, 240, 230), 2,
			gocv.LineAA, false),
		gocv.EllipseWithParams(&m, image.Pt(95, 335), image.Pt(52, 85), 0, 0, 360, rgb(40, 60, 150), -1, gocv.LineAA, 0),
		filterstest.Face(&m, image.Pt(95, 215), 0.85), // somebody
		fill(395, 250, 8, 90, rgb(60, 60, 60)),
	)
	code, codeErr := filterstest.Code("picam", 4) // on a sign
	if codeErr != nil {
		return m, codeErr
	}
	defer code.Close()
	at := image.Pt(342, 140)
	sign := m.Region(image.Rectangle{Min: at, Max: at.Add(image.Pt(code.Cols(), code.Rows()))})
	defer sign.Close()
	err = errors.Join(err, code.CopyTo(&sign), disc(280+26*i, 290-12*i+2*i*i, 17, rgb(240, 120, 20)))

	rng := rand.New(rand.NewPCG(uint64(i), 1))
	noise := map[flaw]int{grainy: 2, noisy: 25}[f]
	for p := range data {
		switch {
		case noise > 0:
			data[p] = byte(min(max(int(data[p])+rng.IntN(2*noise+1)-noise, 0), 255))
		case f == pale:
			data[p] = byte(110 + int(data[p])*3/10)
		case f == speckled && p%3 == 0 && rng.IntN(12) == 0:
			copy(data[p:p+3], [][]byte{{0, 0, 0}, {255, 255, 255}}[rng.IntN(2)])
		}
	}
	if f == soft {
		err = errors.Join(err, gocv.GaussianBlur(m, &m, image.Pt(7, 7), 0, 0, gocv.BorderDefault))
	}
	return m, err
}

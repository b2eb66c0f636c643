package main

import (
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"picam/filters"
)

// TestPicturesAreOfTheirExamples: each picture of the documentation is what the chain below it makes; another release
// of OpenCV may differ a little.
func TestPicturesAreOfTheirExamples(t *testing.T) {
	docs, err := filepath.Abs("../../docs/filters")
	if err != nil {
		t.Fatal(err)
	}
	drawn := t.TempDir()
	t.Chdir(drawn) // run changes the folder
	if err := run(drawn); err != nil {
		t.Fatal(err)
	}
	for _, k := range filters.All() {
		if !k.Pictured() {
			continue
		}
		got, want := read(t, filepath.Join(drawn, k.Name+".png")), read(t, filepath.Join(docs, k.Name+".png"))
		if got.Bounds() != want.Bounds() {
			t.Errorf("%s is %v, its chain makes %v", k.Name, want.Bounds(), got.Bounds())
			continue
		}
		if d := difference(got, want); d > 2 {
			t.Errorf("%s differs from what its chain makes by %.1f of 255 on average; type: make pictures", k.Name, d)
		}
	}
}

// difference is the mean difference of two pictures' values, 0 to 255, at every other pixel each way.
func difference(a, b image.Image) float64 {
	sum, n := 0, 0
	for y := 0; y < a.Bounds().Dy(); y += 2 {
		for x := 0; x < a.Bounds().Dx(); x += 2 {
			r, g, bl, _ := a.At(x, y).RGBA()
			r2, g2, bl2, _ := b.At(x, y).RGBA()
			for _, d := range []int{int(r>>8) - int(r2>>8), int(g>>8) - int(g2>>8), int(bl>>8) - int(bl2>>8)} {
				sum += max(d, -d)
				n++
			}
		}
	}
	return float64(sum) / float64(n)
}

func read(t *testing.T, file string) image.Image {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

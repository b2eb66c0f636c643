package filters_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"picam/filters"
)

// TestPictures holds that the documentation's pictures are those of the filters, show something, and stay small.
func TestPictures(t *testing.T) {
	files, err := filepath.Glob("../docs/filters/*")
	if err != nil {
		t.Fatal(err)
	}
	pictured := map[string]bool{}
	for _, k := range filters.All() {
		if k.Pictured() {
			pictured[k.Name+".png"] = true
		}
	}
	total := 0
	for _, file := range files {
		name := filepath.Base(file)
		if !pictured[name] {
			t.Errorf("%s is of no filter", name)
		}
		delete(pictured, name)
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		total += len(content)
		m, err := png.Decode(bytes.NewReader(content))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		half := m.Bounds().Dx() / 2
		if changes := halvesDiffer(m, half); !changes {
			t.Errorf("%s shows no change", name)
		}
	}
	for name := range pictured {
		t.Errorf("%s is missing; type: make pictures", name)
	}
	if total > 1.5e6 {
		t.Errorf("they have %d bytes, more than 1500000", total)
	}
}

// halvesDiffer reports whether the last half columns of m are other than the first ones.
func halvesDiffer(m image.Image, half int) bool {
	for y := m.Bounds().Min.Y; y < m.Bounds().Max.Y; y++ {
		for x := range half {
			if m.At(x, y) != m.At(m.Bounds().Dx()-half+x, y) {
				return true
			}
		}
	}
	return false
}

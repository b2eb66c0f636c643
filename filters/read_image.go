package filters

import (
	"errors"
	"fmt"
	"image"
	"image/draw"
	_ "image/jpeg" // files that image.Decode reads
	_ "image/png"
	"os"
)

// readFrame reads a PNG or JPEG file. What is transparent becomes black.
func readFrame(path string) (*image.RGBA, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, _, err := image.Decode(f)
	if errors.Is(err, image.ErrFormat) {
		return nil, fmt.Errorf("%s is neither PNG nor JPEG", path)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	rgba := image.NewRGBA(image.Rectangle{Max: m.Bounds().Size()})
	draw.Draw(rgba, rgba.Rect, m, m.Bounds().Min, draw.Src)
	return rgba, nil
}

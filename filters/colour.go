package filters

import (
	"fmt"
	"image/color"
	"strings"
)

// namedColours are the colours that have a name.
func namedColours() []struct {
	name string
	rgb  color.RGBA
} {
	return []struct {
		name string
		rgb  color.RGBA
	}{
		{"black", color.RGBA{0, 0, 0, 255}},
		{"white", color.RGBA{255, 255, 255, 255}},
		{"gray", color.RGBA{128, 128, 128, 255}},
		{"red", color.RGBA{255, 0, 0, 255}},
		{"orange", color.RGBA{255, 165, 0, 255}},
		{"yellow", color.RGBA{255, 255, 0, 255}},
		{"green", color.RGBA{0, 128, 0, 255}},
		{"lime", color.RGBA{0, 255, 0, 255}},
		{"cyan", color.RGBA{0, 255, 255, 255}},
		{"blue", color.RGBA{0, 0, 255, 255}},
		{"magenta", color.RGBA{255, 0, 255, 255}},
	}
}

func colourNames() string {
	var names []string
	for _, c := range namedColours() {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

// parseColour reads '#rrggbb' or a name.
func parseColour(text string) (color.RGBA, bool) {
	text = strings.ToLower(text)
	for _, c := range namedColours() {
		if c.name == text {
			return c.rgb, true
		}
	}
	c := color.RGBA{A: 255}
	n, err := fmt.Sscanf(text, "#%2x%2x%2x", &c.R, &c.G, &c.B)
	return c, n == 3 && err == nil && hex(c) == text
}

func hex(c color.RGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

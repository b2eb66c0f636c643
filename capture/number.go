package capture

import (
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
)

// The test pattern carries its number along the bottom edge as 48 black (0) and white (1) cells: 32 bits of number, 16
// bits of check, the highest bit first. Cells are fractions of the frame, so a scaled frame can be read too.
const codeBits = 48

// codeGrid is how the cells are laid out: in rows over the whole width, with the first one at the upper left.
type codeGrid struct {
	rows        int
	part, parts int // the rows together take part/parts of the height
}

func (g codeGrid) columns() int { return codeBits / g.rows }

// top is where the cells begin, in pixels from the upper edge of a frame h pixels high.
func (g codeGrid) top(h int) int { return h - h*g.part/g.parts }

// cell returns the pixels of a cell in a frame of this size.
func (g codeGrid) cell(i int, size image.Point) image.Rectangle {
	column, row := i%g.columns(), i/g.columns()
	top := g.top(size.Y)
	return image.Rect(
		size.X*column/g.columns(), top+(size.Y-top)*row/g.rows,
		size.X*(column+1)/g.columns(), top+(size.Y-top)*(row+1)/g.rows,
	)
}

// codeGrids lists the layouts: for frames of usual sizes, for small ones, for tiny ones.
func codeGrids() [3]codeGrid { return [...]codeGrid{{1, 1, 16}, {3, 3, 16}, {6, 3, 4}} }

// codeGridFor returns the layout that the pattern has at a size: the one with the fewest rows of which the cells are 8
// pixels wide and 4 high, else the last one, which gives 2 × 2 pixels at 16 × 16.
func codeGridFor(size image.Point) codeGrid {
	grids := codeGrids()
	for _, g := range grids {
		if c := g.cell(0, size).Size(); c.X >= 8 && c.Y >= 4 {
			return g
		}
	}
	return grids[len(grids)-1]
}

// codeOf returns the bits of the cells for a number.
func codeOf(n uint32) uint64 {
	return uint64(n)<<16 | uint64(codeCheck(n))
}

// codeCheck is the lower half of a CRC. It begins with a value of its own, so that no number makes all bits alike.
func codeCheck(n uint32) uint16 {
	return uint16(crc32.Update('p', crc32.IEEETable, binary.BigEndian.AppendUint32(nil, n)))
}

// PatternNumber reads the number that the source "pattern" drew into a frame, after JPEG compression at a quality of
// 50 or more, in colour or gray, also if the whole frame was scaled. It reports false where there is no number, or
// where its check is wrong, as in a frame that was cropped, turned or damaged.
func PatternNumber(img image.Image) (n uint32, ok bool) {
	for _, g := range codeGrids() {
		if n, ok := readCode(img, g); ok {
			return n, true
		}
	}
	return 0, false
}

func readCode(img image.Image, g codeGrid) (n uint32, ok bool) {
	bounds := img.Bounds()
	var light [codeBits]int
	darkest, brightest := 255, 0
	for i := range light {
		c := g.cell(i, bounds.Size())
		if c.Empty() {
			return 0, false
		}
		light[i] = meanLight(img, c.Add(bounds.Min))
		darkest, brightest = min(darkest, light[i]), max(brightest, light[i])
	}
	const leastContrast = 64
	if brightest-darkest < leastContrast {
		return 0, false
	}
	var bits uint64
	for _, l := range light {
		bits <<= 1
		if l > (darkest+brightest)/2 {
			bits |= 1
		}
	}
	n = uint32(bits >> 16)
	return n, bits == codeOf(n)
}

// meanLight samples the middle half of r, 4 × 4 times; the edges are blurred by compression and scaling.
func meanLight(img image.Image, r image.Rectangle) int {
	sum := 0
	for j := range 4 {
		for i := range 4 {
			x := r.Min.X + r.Dx()*(3+2*i)/12
			y := r.Min.Y + r.Dy()*(3+2*j)/12
			sum += int(color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y)
		}
	}
	return sum / 16
}

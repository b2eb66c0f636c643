package capture

import "image"

// glyphs are the characters of the test pattern, drawn once at the size in which they are shown.
type glyphs struct {
	size  image.Point // of a character's cell, in pixels
	cells map[byte][]uint8
}

// newGlyphs draws the characters white on black, for cells of size pixels.
func newGlyphs(size image.Point) glyphs {
	g := glyphs{size: size, cells: map[byte][]uint8{' ': make([]uint8, size.X*size.Y)}}
	for i, c := range []byte(glyphNames) {
		g.cells[c] = drawGlyph(i, size)
	}
	return g
}

// put draws text into the luma of img, with its upper left corner at x, y.
func (g glyphs) put(img *image.YCbCr, x, y int, text []byte) {
	for _, c := range text {
		cell := g.cells[c]
		for row := range g.size.Y {
			copy(img.Y[img.YOffset(x, y+row):], cell[row*g.size.X:(row+1)*g.size.X])
		}
		x += g.size.X
	}
}

// drawGlyph enlarges a bitmap: linear between the centres of its points, and cut with a soft edge, which makes round
// strokes of the little squares. The cut is below half the height, so that points that touch by a corner are joined.
func drawGlyph(index int, size image.Point) []uint8 {
	const columns, rows = glyphWidth + 2*glyphMargin, glyphHeight + 2*glyphMargin
	on := func(column, row int) float64 {
		column, row = column-glyphMargin, row-glyphMargin
		if column < 0 || column >= glyphWidth || row < 0 || row >= glyphHeight {
			return 0
		}
		if glyphBits[(row*len(glyphNames)+index)*glyphWidth+column] != '#' {
			return 0
		}
		return 1
	}
	scale := min(float64(size.X)/columns, float64(size.Y)/rows) // pixels for a point
	cell := make([]uint8, size.X*size.Y)
	for y := range size.Y {
		v := (float64(y)+0.5)/float64(size.Y)*rows + 0.5 // of a grid with one more row above
		row := int(v)
		v -= float64(row)
		for x := range size.X {
			u := (float64(x)+0.5)/float64(size.X)*columns + 0.5
			column := int(u)
			u -= float64(column)
			light := (1-v)*((1-u)*on(column-1, row-1)+u*on(column, row-1)) +
				v*((1-u)*on(column-1, row)+u*on(column, row))
			cell[y*size.X+x] = uint8(255 * min(max((light-0.4)*scale+0.5, 0), 1))
		}
	}
	return cell
}

const (
	glyphNames  = "0123456789:."
	glyphWidth  = 5 // in points of the bitmap
	glyphHeight = 7
	glyphMargin = 1 // on all sides

	// glyphBits is the bitmap: the first rows of all characters, then their second rows, and so on.
	glyphBits = "" +
		"-###---#---###--###----#-#####-###-#####-###--###-----------" +
		"#---#-##--#---##---#--##-#----#--------##---##---#--#-------" +
		"#---#--#------#----#-#-#-####-#-------#-#---##---#--#-------" +
		"#---#--#-----#---##-#--#-----#####----#--###--####----------" +
		"#---#--#----#------######----##---#--#--#---#----#--#-------" +
		"#---#--#---#---#---#---#-#---##---#--#--#---#----#--#----#--" +
		"-###--###-#####-###----#--###--###---#---###--###--------#--"
)

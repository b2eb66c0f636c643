package capture

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"picam/mjpeg"
)

const (
	patternWidth, patternHeight = 1280, 720
	patternFPS                  = 30
	patternQuality              = 80
	patternMin, patternMax      = 16, 8192 // pixels, either side
)

// pattern is a source that draws its frames: colour bars and a grey ramp over which a white bar moves, or a scene; the
// frame's number and the time of day, and the number again for [PatternNumber].
type pattern struct {
	lifetime
	pace     pacer
	count    uint64 // frames until the end; 0 means endless
	maxFrame int
	seq      uint64
	test     *testFrame
	jpeg     []byte
}

func openPattern(ctx context.Context, arg string, o Options) (Source, error) {
	if err := checkPattern(arg, o); err != nil {
		return nil, err
	}
	count, look, _ := parsePattern(arg)
	p := &pattern{
		lifetime: newLifetime(ctx),
		pace:     pacer{fps: cmp.Or(o.FPS, patternFPS)},
		count:    count,
		maxFrame: cmp.Or(o.MaxFrame, mjpeg.DefaultMaxFrame),
		test:     newTestFrame(patternSize(o), cmp.Or(o.Quality, patternQuality), look),
	}
	return p, nil
}

func patternSize(o Options) image.Point {
	return image.Pt(cmp.Or(o.Width, patternWidth), cmp.Or(o.Height, patternHeight))
}

func checkPattern(arg string, o Options) error {
	size := patternSize(o)
	if min(size.X, size.Y) < patternMin || max(size.X, size.Y) > patternMax {
		return fmt.Errorf("capture: pattern: size %d×%d: want %d to %d pixels on each side", size.X, size.Y, patternMin, patternMax)
	}
	_, _, err := parsePattern(arg)
	return err
}

// look is what a pattern shows.
type look int

const (
	plain  look = iota
	noisy       // bars under a texture that moves
	scenic      // a scene
)

// parsePattern reads what stands after "pattern:".
func parsePattern(arg string) (count uint64, looks look, err error) {
	if arg == "" {
		return 0, plain, nil
	}
	for word := range strings.SplitSeq(arg, ",") {
		n, err := strconv.ParseUint(word, 10, 64)
		switch {
		case word == "noise" && looks != scenic:
			looks = noisy
		case word == "scene" && looks != noisy:
			looks = scenic
		case err == nil && n > 0:
			count = n
		default:
			return 0, plain, fmt.Errorf("capture: pattern: %q: want how many frames (1 or more), noise or scene, or both, "+
				"such as pattern:300,noise", word)
		}
	}
	return count, looks, nil
}

func (p *pattern) Next() (mjpeg.Frame, error) {
	if p.count > 0 && p.seq == p.count {
		return mjpeg.Frame{}, io.EOF
	}
	if err := p.pace.wait(p.ctx); err != nil {
		return mjpeg.Frame{}, err
	}
	p.seq++
	now := time.Now()
	p.jpeg = p.test.draw(p.jpeg[:0], uint32(p.seq), now)
	if len(p.jpeg) > p.maxFrame {
		return mjpeg.Frame{}, fmt.Errorf("capture: pattern: a frame of %d bytes is over the limit of %d: "+
			"want a smaller size or quality", len(p.jpeg), p.maxFrame)
	}
	return mjpeg.Frame{JPEG: p.jpeg, Seq: p.seq, Captured: now, Received: time.Now()}, nil
}

// testFrame is the frame, from the top: bars and the band with the moving bar, or a scene; text; the number's cells.
// Only what moves is drawn and encoded anew.
type testFrame struct {
	img  *image.YCbCr
	grid codeGrid
	// Where the parts begin, in pixels from the top, even because of the chroma.
	bandTop, textTop, codeTop int

	bars, ramp, band []uint8 // a row of luma each: of the bars, of the band without and with the moving bar
	glyphs           glyphs
	withClock        bool // there is room for the time of day
	text             []byte

	scene   *scenery      // or nil: in the place of the bars and the band
	encoder *stripes      // of the usual frame
	noise   *noise        // or nil: of the noisy one, all of which changes
	scratch jpegBuffer    // for that
	options *jpeg.Options // for that
}

func newTestFrame(size image.Point, quality int, looks look) *testFrame {
	t := &testFrame{
		img:  image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420),
		grid: codeGridFor(size),
		bars: make([]uint8, size.X), ramp: make([]uint8, size.X), band: make([]uint8, size.X),
	}
	t.codeTop = t.grid.top(size.Y) &^ 1

	// The text has 8 digits, two spaces and the 12 characters of the clock; if that is too small to read, the digits
	// alone; at last nothing.
	const digits, all, margin, least = 8, 8 + 2 + 12, 2, 6
	t.withClock = size.X/(all+margin) >= least
	cell := image.Pt(size.X/(digits+margin), 0)
	if t.withClock {
		cell.X = size.X / (all + margin)
	}
	cell.Y = cell.X * (glyphHeight + 2*glyphMargin) / (glyphWidth + 2*glyphMargin)
	if limit := t.codeTop / 3; cell.Y > limit {
		cell = image.Pt(cell.X*limit/cell.Y, limit)
	}
	if cell.X < least {
		cell = image.Point{}
	}
	t.glyphs = newGlyphs(cell)
	t.textTop = (t.codeTop - cell.Y) &^ 1
	t.bandTop = (t.textTop - max(t.textTop/8, 2)) &^ 1

	if looks == scenic {
		t.bandTop = t.textTop // the ball moves
	}
	t.drawStill()
	switch looks {
	case noisy:
		t.noise = newNoise()
		t.options = &jpeg.Options{Quality: quality}
		return t
	case scenic:
		t.scene = newScenery(t.img, t.textTop)
	}
	t.encoder = newStripes(t.img, quality)
	return t
}

// drawStill draws what does not move, which is all of the chroma.
func (t *testFrame) drawStill() {
	width := t.img.Rect.Max.X
	cb, cr := make([]uint8, t.img.CStride), make([]uint8, t.img.CStride)
	for x := range width {
		c := barColour(x, width)
		t.bars[x], cb[x/2], cr[x/2] = c.Y, c.Cb, c.Cr
		t.ramp[x] = uint8(x * 255 / (width - 1))
	}
	for y := range t.bandTop {
		copy(t.row(y), t.bars)
		copy(t.img.Cb[t.img.COffset(0, y):], cb)
		copy(t.img.Cr[t.img.COffset(0, y):], cr)
	}
	for i := t.img.COffset(0, t.bandTop); i < len(t.img.Cb); i++ {
		t.img.Cb[i], t.img.Cr[i] = 128, 128
	}
}

// barColour is one of the colour bars that television has had since 1951: full, less red, less green, less blue.
func barColour(x, width int) color.YCbCr {
	bar := 7 * x / width
	level := func(bit int) uint8 {
		if bar&bit == 0 {
			return 191 // 75 %
		}
		return 0
	}
	y, cb, cr := color.RGBToYCbCr(level(2), level(4), level(1))
	return color.YCbCr{Y: y, Cb: cb, Cr: cr}
}

// row is the luma of row y.
func (t *testFrame) row(y int) []uint8 {
	start := t.img.YOffset(0, y)
	return t.img.Y[start : start+t.img.Rect.Max.X]
}

// draw draws frame n and appends its JPEG to dst.
func (t *testFrame) draw(dst []byte, n uint32, now time.Time) []byte {
	t.drawBand(n)
	if t.scene != nil {
		t.encoder.update(t.scene.move(n))
	}
	t.drawText(n, now)
	t.drawCode(n)
	if t.noise == nil {
		t.encoder.update(t.bandTop, t.img.Rect.Max.Y)
		return t.encoder.appendTo(dst)
	}
	for y := range t.textTop {
		base := t.bars
		if y >= t.bandTop {
			base = t.band
		}
		t.noise.add(t.row(y), base, n, y)
	}
	t.scratch.Reset()
	_ = jpeg.Encode(&t.scratch, t.img, t.options) // fails for sizes over 65535 only
	return append(dst, t.scratch.Bytes()...)
}

// drawBand draws the bar that moves by the same distance in each frame: where that stutters, frames are missing.
func (t *testFrame) drawBand(n uint32) {
	width := len(t.band)
	bar, edge, step := max(width/20, 2), max(width/160, 1), max(width/128, 1)
	copy(t.band, t.ramp)
	left := int(uint64(n) * uint64(step) % uint64(width))
	for i := range bar {
		light := uint8(255)
		if i < edge || i >= bar-edge {
			light = 0
		}
		t.band[(left+i)%width] = light
	}
	for y := t.bandTop; y < t.textTop; y++ {
		copy(t.row(y), t.band)
	}
}

func (t *testFrame) drawText(n uint32, now time.Time) {
	cell := t.glyphs.size
	if cell.X == 0 {
		return
	}
	const digits = 1e8
	t.text = strconv.AppendUint(t.text[:0], digits+uint64(n)%digits, 10)
	t.text = t.text[1:] // with its leading zeros
	if t.withClock {
		t.text = append(t.text, "  "...)
		t.text = now.AppendFormat(t.text, "15:04:05.000")
	}
	t.glyphs.put(t.img, (len(t.band)-len(t.text)*cell.X)/2, t.textTop, t.text)
}

func (t *testFrame) drawCode(n uint32) {
	code := codeOf(n)
	for i := range codeBits {
		light := uint8(code >> (codeBits - 1 - i) & 1 * 255)
		cell := t.grid.cell(i, t.img.Rect.Max)
		for y := cell.Min.Y; y < cell.Max.Y; y++ {
			row := t.row(y)[cell.Min.X:cell.Max.X]
			for x := range row {
				row[x] = light
			}
		}
	}
}

// noise is a texture that moves over the frame, so that it is as hard to encode and decode as a camera's.
type noise struct{ tile [noiseSide * noiseSide]int8 }

const noiseSide = 512 // a power of two

// newNoise makes the same texture each time: coarse blotches and fine grain.
func newNoise() *noise {
	rng := rand.New(rand.NewPCG(1, 2))
	n := &noise{}
	for _, layer := range []struct{ side, light int }{{64, 24}, {16, 12}, {4, 8}, {1, 6}} {
		across := noiseSide / layer.side
		points := make([]float64, across*across)
		for i := range points {
			points[i] = (rng.Float64()*2 - 1) * float64(layer.light)
		}
		for i := range n.tile {
			x, y := float64(i%noiseSide)/float64(layer.side), float64(i/noiseSide)/float64(layer.side)
			left, up := int(x), int(y)
			right, down := (left+1)%across, (up+1)%across
			dx, dy := x-float64(left), y-float64(up)
			n.tile[i] += int8((1-dy)*((1-dx)*points[up*across+left]+dx*points[up*across+right]) +
				dy*((1-dx)*points[down*across+left]+dx*points[down*across+right]))
		}
	}
	return n
}

// add sets row y of frame number to base and the texture.
func (n *noise) add(row, base []uint8, number uint32, y int) {
	const mask = noiseSide - 1
	line := (y + 3*int(number)&mask) & mask * noiseSide
	tile := n.tile[line : line+noiseSide]
	shift := 5 * int(number) & mask
	for x := range row {
		row[x] = uint8(min(max(int(base[x])+int(tile[(x+shift)&mask]), 0), 255))
	}
}

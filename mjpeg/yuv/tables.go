package yuv

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"math"
	"math/bits"
)

// zigzag has the row by row index of each coefficient in the order of JPEG, ITU T.81 figure A.6.
const zigzag = "" +
	"\x00\x01\x08\x10\x09\x02\x03\x0A\x11\x18\x20\x19\x12\x0B\x04\x05" +
	"\x0C\x13\x1A\x21\x28\x30\x29\x22\x1B\x14\x0D\x06\x07\x0E\x15\x1C" +
	"\x23\x2A\x31\x38\x39\x32\x2B\x24\x1D\x16\x0F\x17\x1E\x25\x2C\x33" +
	"\x3A\x3B\x34\x2D\x26\x1F\x27\x2E\x35\x3C\x3D\x36\x2F\x37\x3E\x3F"

// Encoding is in whole numbers: the processors of small computers are no quicker with others. Nothing exceeds 32 bits:
// a coefficient has 11 at most.
const (
	levelBits    = 3
	factorBits   = 12
	quantizeBits = 20
)

// tables are what a JPEG header says, in the form that encoding needs.
type tables struct {
	header []byte // of a small frame, SOI through SOS
	sof    int    // where SOF0's payload begins in it
	sos    int    // where SOS begins in it
	// quantize has what to multiply what transform gives with, row by row, for luma and chroma, with quantizeBits of
	// fraction.
	quantize [2][64]int32
	// huffman has a code for each symbol, for luma and chroma, each for DC and AC: its length above 16 bits of code.
	huffman [2][2][256]uint32
	// level is a sample's value as JPEG has it, less 128, for luma and chroma, with levelBits of fraction.
	level [2][256]int32
}

// newTables takes them from a frame that image/jpeg encodes.
func newTables(gray bool, quality int, fullRange bool) *tables {
	var small image.Image = image.NewYCbCr(image.Rect(0, 0, mcuSide, mcuSide), image.YCbCrSubsampleRatio420)
	if gray {
		small = image.NewGray(image.Rect(0, 0, blockSide, blockSide))
	}
	var b bytes.Buffer
	_ = jpeg.Encode(&b, small, &jpeg.Options{Quality: quality}) // writing to memory does not fail
	t := &tables{}
	t.setLevels(fullRange)
	segments := b.Bytes()
	for at := 2; t.header == nil; {
		marker, next := segments[at+1], at+2+int(binary.BigEndian.Uint16(segments[at+2:]))
		switch payload := segments[at+4 : next]; marker {
		case 0xC0: // SOF0
			t.sof = at + 4
		case 0xDB: // DQT
			t.setQuantizers(payload)
		case 0xC4: // DHT
			t.setHuffman(payload)
		case 0xDA: // SOS
			t.sos = at
			t.header = segments[:next]
		}
		at = next
	}
	return t
}

// headerFor returns SOI through SOS for a frame of a size, with a restart marker after so many MCUs.
func (t *tables) headerFor(width, height, restart int) []byte {
	h := append([]byte{}, t.header[:t.sos]...)
	binary.BigEndian.PutUint16(h[t.sof+1:], uint16(height)) // B.2.2
	binary.BigEndian.PutUint16(h[t.sof+3:], uint16(width))
	h = append(h, 0xFF, 0xDD, 0, 4) // DRI, B.2.4.4
	h = binary.BigEndian.AppendUint16(h, uint16(restart))
	return append(h, t.header[t.sos:]...)
}

// setLevels fills level.
func (t *tables) setLevels(fullRange bool) {
	for i := range 256 {
		v := float64(i)
		luma, chroma := v-128, v-128
		if !fullRange {
			luma, chroma = (v-16)*255/219-128, (v-128)*255/224
		}
		t.level[0][i] = int32(math.Round(min(max(luma, -128), 127) * (1 << levelBits)))
		t.level[1][i] = int32(math.Round(min(max(chroma, -128), 127) * (1 << levelBits)))
	}
}

// setQuantizers reads the payload of DQT, B.2.4.1. What transform leaves to do is to divide by 8 and by a factor for
// each row and column.
func (t *tables) setQuantizers(p []byte) {
	factor := [blockSide]float64{1, 1.387039845, 1.306562965, 1.175875602, 1, 0.785694958, 0.541196100, 0.275899379}
	for ; len(p) > 0; p = p[65:] {
		for i, q := range p[1:65] {
			at := zigzag[i]
			divisor := float64(q) * 8 * factor[at/8] * factor[at%8] * (1 << levelBits)
			t.quantize[p[0]&1][at] = int32(math.Round((1 << quantizeBits) / divisor))
		}
	}
}

// setHuffman reads the payload of DHT, B.2.4.2, and makes the codes of annex C.
func (t *tables) setHuffman(p []byte) {
	for len(p) > 0 {
		class, number, counts := p[0]>>4, p[0]&1, p[1:17]
		p = p[17:]
		code := uint32(0)
		for i, n := range counts {
			for range n {
				t.huffman[number][class][p[0]] = uint32(i+1)<<16 | code
				p = p[1:]
				code++
			}
			code <<= 1
		}
	}
}

// transform is the forward DCT of Arai, Agui and Nakajima (1988) of rows, then of columns. It leaves each coefficient
// too large, see setQuantizers.
func transform(b *[64]int32) {
	for i := 0; i < 64; i += 8 {
		transform8(&b[i], &b[i+1], &b[i+2], &b[i+3], &b[i+4], &b[i+5], &b[i+6], &b[i+7])
	}
	for i := range 8 {
		transform8(&b[i], &b[i+8], &b[i+16], &b[i+24], &b[i+32], &b[i+40], &b[i+48], &b[i+56])
	}
}

func transform8(p0, p1, p2, p3, p4, p5, p6, p7 *int32) {
	const half = 1 << (factorBits - 1) // rounds
	s07, s16, s25, s34 := *p0+*p7, *p1+*p6, *p2+*p5, *p3+*p4
	d07, d16, d25, d34 := *p0-*p7, *p1-*p6, *p2-*p5, *p3-*p4

	a, b := s07+s34, s16+s25
	c, d := s07-s34, s16-s25
	*p0, *p4 = a+b, a-b
	z := ((c+d)*2896 + half) >> factorBits // √½
	*p2, *p6 = c+z, c-z

	e, f, g := d34+d25, d25+d16, d16+d07
	z5 := (e - g) * 1567                     // cos 3π/8
	z2 := (e*2217 + z5 + half) >> factorBits // √2 cos 3π/8
	z4 := (g*5352 + z5 + half) >> factorBits // √2 cos π/8
	z3 := (f*2896 + half) >> factorBits
	h, k := d07+z3, d07-z3
	*p5, *p3 = k+z2, k-z2
	*p1, *p7 = h+z4, h-z4
}

// bitWriter writes entropy-coded data, ITU T.81 F.1.2: bits from the highest to the lowest, with 00 after each FF.
type bitWriter struct {
	out  []byte
	held uint64 // the lowest count bits are still to be written
	n    uint
}

func (w *bitWriter) reset() { w.out, w.held, w.n = w.out[:0], 0, 0 }

// code writes a code of tables.huffman.
func (w *bitWriter) code(c uint32) { w.bits(uint64(c&0xFFFF), uint(c>>16)) }

// number writes a coefficient that is not 0, or a difference, after so many zeros: a symbol that holds how many zeros
// and how many bits, then these.
func (w *bitWriter) number(codes *[256]uint32, zeros uint8, v int32) {
	sign := v >> 31 // -1 if negative, else 0
	size := uint(bits.Len32(uint32((v ^ sign) - sign)))
	c := codes[zeros<<4|uint8(size)]
	low := uint64(v+sign) & (1<<size - 1) // negative ones less one, F.1.2.1.1
	w.bits(uint64(c&0xFFFF)<<size|low, uint(c>>16)+size)
}

// bits writes the lowest n bits of v, which has no others; 32 at most.
func (w *bitWriter) bits(v uint64, n uint) {
	w.held = w.held<<n | v
	w.n += n
	for w.n >= 8 {
		w.n -= 8
		b := byte(w.held >> w.n)
		w.out = append(w.out, b)
		if b == 0xFF {
			w.out = append(w.out, 0)
		}
	}
}

// flush fills the last byte up with ones.
func (w *bitWriter) flush() {
	if w.n > 0 {
		w.bits(1<<(8-w.n)-1, 8-w.n)
	}
}

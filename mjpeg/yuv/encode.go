// Package yuv makes JPEG frames of the samples of luma and chroma that cameras without JPEG give, in pure Go.
//
// JPEG codes luma and chroma, so nothing goes through RGB here. image/jpeg takes such frames too, but several times
// more slowly: it looks up anew where each sample is, and divides by each quantizer. What it is good for is the header,
// with the tables.
package yuv

import (
	"fmt"
	"runtime"
	"sync"
)

const (
	blockSide = 8  // pixels of a block, ITU T.81 A.1.3
	mcuSide   = 16 // of the unit of a frame in 4:2:0, A.2.3: four blocks of luma and one of each chroma
)

// Encoder encodes frames of one layout as baseline JPEG, in 4:2:0 or gray. A frame is cut into as many bands as there
// are processors, each encoded by a goroutine of its own; restart markers between them make each independent of the one
// before (ITU T.81, E.1.4). One goroutine uses an Encoder.
type Encoder struct {
	header  []byte // SOI through SOS
	bands   []*band
	working sync.WaitGroup
}

// NewEncoder returns an encoder of frames that lie as l says. quality is 1 to 100, of which 100 is the best, as
// image/jpeg has it. The error says what is wrong with l or quality.
func NewEncoder(l Layout, quality int) (*Encoder, error) {
	if err := l.Check(); err != nil {
		return nil, err
	}
	if quality < 1 || quality > 100 {
		return nil, fmt.Errorf("yuv: quality %d: want 1 to 100", quality)
	}
	s := l.samples()
	side := mcuSide
	if s.gray {
		side = blockSide
	}
	columns, rows := (l.Width+side-1)/side, (l.Height+side-1)/side
	// All bands but the last have the same number of MCUs, which has 16 bits.
	bandRows := (rows + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0)
	bandRows = min(bandRows, max(1<<16-1, columns)/columns)

	t := newTables(s.gray, quality, l.FullRange)
	e := &Encoder{header: t.headerFor(l.Width, l.Height, columns*bandRows)}
	// Where the samples of each column and row are, also of those that fill up the last MCUs: they repeat the edge.
	o := newOffsets(s, l.Width, l.Height, columns*side, rows*side)
	for row := 0; row < rows; row += bandRows {
		e.bands = append(e.bands, newBand(t, o, row*side, min(row+bandRows, rows)*side, &e.working))
	}
	return e, nil
}

// Bands is into how many parts a frame is cut, which are encoded at the same time.
func (e *Encoder) Bands() int { return len(e.bands) }

// Append appends the JPEG frame of raw, which has the layout's Size or more, to dst. It allocates nothing where dst has
// room. raw may be used again when it returns.
func (e *Encoder) Append(dst, raw []byte) []byte {
	e.working.Add(len(e.bands))
	for _, b := range e.bands {
		b.raw = raw
	}
	for _, b := range e.bands[1:] {
		go b.work()
	}
	e.bands[0].encode()
	e.working.Wait()

	dst = append(dst, e.header...)
	for i, b := range e.bands {
		if i > 0 {
			dst = append(dst, 0xFF, 0xD0+byte((i-1)%8)) // RST
		}
		dst = append(dst, b.bits.out...)
	}
	return append(dst, 0xFF, 0xD9)
}

// offsets has those of samples in a frame: that of a row and a column together.
type offsets struct {
	layout                                          samples
	lumaRow, lumaColumn, cbRow, crRow, chromaColumn []int
}

func newOffsets(l samples, width, height, paddedWidth, paddedHeight int) *offsets {
	p := &offsets{layout: l}
	for y := range paddedHeight {
		y = min(y, height-1)
		p.lumaRow = append(p.lumaRow, l.luma.offset+y*l.luma.row)
		p.cbRow = append(p.cbRow, l.cb.offset+y/l.chromaRows*l.cb.row)
		p.crRow = append(p.crRow, l.cr.offset+y/l.chromaRows*l.cr.row)
	}
	for x := range paddedWidth {
		p.lumaColumn = append(p.lumaColumn, min(x, width-1)*l.luma.step)
		p.chromaColumn = append(p.chromaColumn, min(x, (width-1)/2)*l.cb.step)
	}
	return p
}

// band encodes some rows of MCUs.
type band struct {
	raw     []byte // the frame
	offsets *offsets
	tables  *tables
	y0, y1  int // its rows of pixels
	done    *sync.WaitGroup
	work    func() // is encode; go b.encode() would make a new one for each frame
	bits    bitWriter
	block   [64]int32 // samples, then coefficients, row by row
}

func newBand(t *tables, o *offsets, y0, y1 int, done *sync.WaitGroup) *band {
	b := &band{tables: t, offsets: o, y0: y0, y1: y1, done: done}
	b.work = b.encode
	return b
}

// encode leaves the entropy-coded data in bits.out.
func (b *band) encode() {
	defer b.done.Done()
	b.bits.reset()
	p := b.offsets
	var dcY, dcCb, dcCr int32 // of the blocks before
	if p.layout.gray {
		for y := b.y0; y < b.y1; y += blockSide {
			for x := 0; x < len(p.lumaColumn); x += blockSide {
				b.luma(x, y)
				dcY = b.write(0, dcY)
			}
		}
		b.bits.flush()
		return
	}
	for y := b.y0; y < b.y1; y += mcuSide {
		for x := 0; x < len(p.lumaColumn); x += mcuSide {
			for i := range 4 {
				b.luma(x+i%2*blockSide, y+i/2*blockSide)
				dcY = b.write(0, dcY)
			}
			b.chroma(p.cbRow, x/2, y)
			dcCb = b.write(1, dcCb)
			b.chroma(p.crRow, x/2, y)
			dcCr = b.write(1, dcCr)
		}
	}
	b.bits.flush()
}

// luma fills the block from the pixels at x, y.
func (b *band) luma(x, y int) {
	level := &b.tables.level[0]
	columns := b.offsets.lumaColumn[x : x+blockSide]
	for j, at := range b.offsets.lumaRow[y : y+blockSide] {
		row := b.raw[at:]
		block := b.block[j*blockSide : (j+1)*blockSide]
		for i, c := range columns {
			block[i] = level[row[c]]
		}
	}
}

// chroma fills the block from the samples of column x and of twice as many rows of pixels from y on. Where each of
// these has its own samples, those of two are averaged.
func (b *band) chroma(rows []int, x, y int) {
	level := &b.tables.level[1]
	columns := b.offsets.chromaColumn[x : x+blockSide]
	for j := range blockSide {
		above, below := b.raw[rows[y+2*j]:], b.raw[rows[y+2*j+1]:]
		block := b.block[j*blockSide : (j+1)*blockSide]
		for i, c := range columns {
			block[i] = level[(int(above[c])+int(below[c])+1)/2]
		}
	}
}

// write transforms, quantizes and writes the block with the tables of luma (0) or chroma (1), and returns its DC
// coefficient, of which only the difference to the one before is written.
func (b *band) write(table int, dcBefore int32) (dc int32) {
	transform(&b.block)
	quantize := &b.tables.quantize[table]
	var coefficients [64]int32
	for i, c := range b.block {
		coefficients[i] = (c*quantize[i] + 1<<(quantizeBits-1)) >> quantizeBits
	}
	dc = coefficients[0]
	b.bits.number(&b.tables.huffman[table][0], 0, dc-dcBefore)
	ac := &b.tables.huffman[table][1]
	zeros := uint8(0)
	for i := 1; i < len(zigzag); i++ {
		c := coefficients[zigzag[i]]
		if c == 0 {
			zeros++
			continue
		}
		for ; zeros > 15; zeros -= 16 {
			b.bits.code(ac[0xF0]) // ZRL: sixteen zeros
		}
		b.bits.number(ac, zeros, c)
		zeros = 0
	}
	if zeros > 0 {
		b.bits.code(ac[0]) // EOB: nothing more
	}
	return dc
}

package capture

import (
	"runtime"
	"sync"
)

// Cameras without JPEG give samples of luma and chroma, which is what JPEG codes: nothing goes through RGB here.
// image/jpeg takes such frames too, but several times more slowly: it looks up anew where each sample is, and divides
// by each quantizer. What it is good for is the header, with the tables.

// rawLayout says where the samples of a frame are. Chroma has one for two columns.
type rawLayout struct {
	luma, cb, cr plane
	gray         bool // there is no chroma
	chromaRows   int  // chroma has a row for so many rows of luma
	size         int  // of a whole frame, in bytes
}

// plane says where the samples of a component are, in bytes.
type plane struct {
	offset int // of the first one
	row    int // from a row to the next
	step   int // from one to the next in a row
}

// rawFormats lists the formats that picam can encode, those first that are less to read.
func rawFormats() []string { return []string{"YU12", "NV12", "YUYV", "UYVY", "GREY"} }

// leastStride returns the fewest bytes from one row of luma to the next that a layout of one of rawFormats can have.
func leastStride(format string, width int) int {
	switch format {
	case "YUYV", "UYVY":
		return (width + 1) / 2 * 4
	case "GREY":
		return width
	}
	return (width + 1) / 2 * 2
}

// rawLayoutOf returns how frames of one of rawFormats lie. stride is the bytes from one row of luma to the next.
func rawLayoutOf(format string, stride, height int) rawLayout {
	luma, half := stride*height, (height+1)/2
	switch format {
	case "YU12":
		chroma := stride / 2
		return rawLayout{
			luma: plane{0, stride, 1}, cb: plane{luma, chroma, 1}, cr: plane{luma + chroma*half, chroma, 1},
			chromaRows: 2, size: luma + 2*chroma*half,
		}
	case "NV12":
		return rawLayout{
			luma: plane{0, stride, 1}, cb: plane{luma, stride, 2}, cr: plane{luma + 1, stride, 2},
			chromaRows: 2, size: luma + stride*half,
		}
	case "YUYV":
		return rawLayout{
			luma: plane{0, stride, 2}, cb: plane{1, stride, 4}, cr: plane{3, stride, 4}, chromaRows: 1, size: luma,
		}
	case "UYVY":
		return rawLayout{
			luma: plane{1, stride, 2}, cb: plane{0, stride, 4}, cr: plane{2, stride, 4}, chromaRows: 1, size: luma,
		}
	}
	return rawLayout{luma: plane{0, stride, 1}, gray: true, chromaRows: 1, size: luma} // GREY
}

const (
	blockSide = 8  // pixels of a block, ITU T.81 A.1.3
	mcuSide   = 16 // of the unit of a frame in 4:2:0, A.2.3: four blocks of luma and one of each chroma
)

// rawEncoder encodes frames of one size as baseline JPEG, in 4:2:0 or gray. A frame is cut into as many bands as
// there are processors, each encoded by a goroutine of its own; restart markers between them make each independent of
// the one before (ITU T.81, E.1.4).
type rawEncoder struct {
	header  []byte // SOI through SOS
	bands   []*band
	working sync.WaitGroup
}

// newRawEncoder returns an encoder. fullRange says that black is 0 and white 255, as in JPEG; else they are 16 and 235
// (ITU-R BT.601). quality is 1 to 100.
func newRawEncoder(l rawLayout, width, height int, fullRange bool, quality int) *rawEncoder {
	side := mcuSide
	if l.gray {
		side = blockSide
	}
	columns, rows := (width+side-1)/side, (height+side-1)/side
	// All bands but the last have the same number of MCUs, which has 16 bits.
	bandRows := (rows + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0)
	bandRows = min(bandRows, max(1<<16-1, columns)/columns)

	t := newJPEGTables(l.gray, quality, fullRange)
	e := &rawEncoder{header: t.headerFor(width, height, columns*bandRows)}
	// Where the samples of each column and row are, also of those that fill up the last MCUs: they repeat the edge.
	o := newOffsets(l, width, height, columns*side, rows*side)
	for row := 0; row < rows; row += bandRows {
		e.bands = append(e.bands, newBand(t, o, row*side, min(row+bandRows, rows)*side, &e.working))
	}
	return e
}

// encode appends the frame in raw, which has at least the layout's size.
func (e *rawEncoder) encode(dst, raw []byte) []byte {
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
	layout                                          rawLayout
	lumaRow, lumaColumn, cbRow, crRow, chromaColumn []int
}

func newOffsets(l rawLayout, width, height, paddedWidth, paddedHeight int) *offsets {
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
	tables  *jpegTables
	y0, y1  int // its rows of pixels
	done    *sync.WaitGroup
	work    func() // is encode; go b.encode() would make a new one for each frame
	bits    bitWriter
	block   [64]int32 // samples, then coefficients, row by row
}

func newBand(t *jpegTables, o *offsets, y0, y1 int, done *sync.WaitGroup) *band {
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

// chroma fills the block from the samples of column x and of twice as many rows of pixels from y on. Where each of these
// has its own samples, those of two are averaged.
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

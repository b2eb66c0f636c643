package codec

import (
	"bytes"
	"encoding/binary"
	"errors"

	"picam/mjpeg"
)

// Parallel decodes one frame at a time, on several processors where the frame has restart markers to cut it at. USB
// cameras often write these. The pixels are those that a Decoder makes; each goroutine needs its own Parallel.
type Parallel struct {
	whole   *Decoder
	helpers int
	cut     cutter
	tasks   chan task  // slices for who is free first, be it the caller or a helper
	results chan error // of tasks that helpers took
	ended   chan struct{}
}

type task struct {
	dst    []byte
	stride int
	jpeg   []byte
	format Format
	scale  int
}

func (t task) run(d *Decoder) error {
	return d.DecodeScaled(t.dst, t.stride, t.jpeg, t.format, t.scale)
}

// NewParallel returns a Parallel of n Decoders, n goroutines with the caller's, which interrupt ends the decoding of;
// nil: nobody does. It must be closed.
func NewParallel(n int, interrupt *Interrupt) (*Parallel, error) {
	if interrupt == nil {
		interrupt = &Interrupt{}
	}
	whole, err := decoderWith(interrupt)
	if err != nil {
		return nil, err
	}
	// A helper may wake up late, so there are more slices than Decoders.
	const slices = 2
	p := &Parallel{
		whole: whole,
		tasks: make(chan task, slices*n), results: make(chan error, slices*n), ended: make(chan struct{}),
	}
	for p.helpers < n-1 {
		d, err := decoderWith(interrupt)
		if err != nil {
			p.Close()
			return nil, err
		}
		p.helpers++
		go p.help(d)
	}
	return p, nil
}

// help is a helper: it decodes slices.
func (p *Parallel) help(d *Decoder) {
	for t := range p.tasks {
		p.results <- t.run(d)
	}
	d.Close()
	p.ended <- struct{}{}
}

// DecodeScaled is [Decoder.DecodeScaled]. A frame with a slice that is not in perfect order is decoded once more as a
// whole, so that damage is judged by the same rules.
func (p *Parallel) DecodeScaled(dst []byte, stride int, jpeg []byte, f Format, scale int) error {
	if p.helpers > 0 && stride >= 0 {
		if slices := p.cut.slices(jpeg, f, cap(p.tasks)); slices != nil && p.decode(slices, dst, stride, f, scale) {
			return nil
		}
	}
	return p.whole.DecodeScaled(dst, stride, jpeg, f, scale)
}

// decode reports whether all slices went well.
func (p *Parallel) decode(slices []slice, dst []byte, stride int, f Format, scale int) bool {
	if scale < 1 || slices[len(slices)-1].row/scale*stride > len(dst) {
		return false
	}
	for _, s := range slices {
		p.tasks <- task{dst[s.row/scale*stride:], stride, s.jpeg, f, scale} // has room
	}
	var err error
	for range slices {
		select {
		case t := <-p.tasks:
			err = errors.Join(err, t.run(p.whole))
		default:
			err = errors.Join(err, <-p.results)
		}
	}
	return err == nil
}

// Close ends the goroutines and frees their memory. Further calls do nothing.
func (p *Parallel) Close() {
	if p.helpers > 0 {
		close(p.tasks)
	}
	for ; p.helpers > 0; p.helpers-- {
		<-p.ended
	}
	p.whole.Close()
}

// slice is a frame of some of a frame's rows.
type slice struct {
	row  int // the first one, in pixels
	jpeg []byte
}

// cutter cuts frames into slices; its memory is used for the next frame again.
type cutter struct{ list []slice }

// slices cuts a frame into at most n slices of about the same height, valid until the next call. It returns nil where
// it finds no place to cut at, or where a row's pixels would depend on a row beyond the cut.
//
// A place to cut at is a restart marker (T.81 F.1.1.5) at the end of a row of MCUs. Each of a slice's own markers must
// have the number that it would have there, 0 to 7 from its beginning, so cuts are a multiple of eight markers apart.
func (c *cutter) slices(jpeg []byte, f Format, n int) []slice {
	h, err := mjpeg.ParseHeader(jpeg)
	if err != nil || h.RestartInterval == 0 || h.Progressive || h.Arithmetic || h.Components != 1 && h.Components != 3 {
		return nil
	}
	frame, sof, sos := walk(jpeg)
	// not all components in one scan
	if sof == 0 || frame == lossless || sos+4 > len(jpeg) || int(jpeg[sos+2]) != h.Components {
		return nil
	}
	width, height, ok := mcuSize(jpeg[sof:], h.Components, f)
	if !ok {
		return nil
	}
	columns, rows := (h.Width+width-1)/width, (h.Height+height-1)/height
	markers := (columns*rows - 1) / h.RestartInterval
	unit := 1 // rows of MCUs from one place to cut at to the next
	for unit < rows && unit*columns%(8*h.RestartInterval) != 0 {
		unit++
	}

	data := sos + int(binary.BigEndian.Uint16(jpeg[sos:]))
	first := 0 // row of MCUs that the slice begins with
	part := 0  // of n
	c.list = c.list[:0]
	begin, found := data, 0
	for at := data; ; {
		i := bytes.IndexByte(jpeg[min(at, len(jpeg)):], 0xFF)
		if i < 0 || at+i+1 >= len(jpeg) {
			return nil
		}
		at += i + 2
		switch m := jpeg[at-1]; {
		case m == 0: // data
		case m == 0xFF: // fill
			at--
		case m >= 0xD0 && m <= 0xD7:
			if int(m-0xD0) != found%8 {
				return nil
			}
			found++
			row := found * h.RestartInterval / columns
			if found*h.RestartInterval%columns != 0 || row%unit != 0 || row >= rows {
				continue
			}
			// The place that is nearest to an even share.
			if share := rows * (part + 1) / n; part+1 < n && row+unit/2 >= share {
				c.add(jpeg[:data], jpeg[begin:at-2], sof, first*height, (row-first)*height)
				first, begin = row, at
				part = max(part+1, row*n/rows)
			}
		case m == 0xD9 && found == markers && first > 0:
			c.add(jpeg[:data], jpeg[begin:at-2], sof, first*height, h.Height-first*height)
			return c.list
		default:
			return nil
		}
	}
}

// add adds a slice of so many rows of pixels from row on.
func (c *cutter) add(header, data []byte, sof, row, rows int) {
	if len(c.list) == cap(c.list) {
		c.list = append(c.list, slice{})
	} else {
		c.list = c.list[:len(c.list)+1] // with the memory of a slice of an earlier frame
	}
	s := &c.list[len(c.list)-1]
	s.row = row
	s.jpeg = append(append(append(s.jpeg[:0], header...), data...), 0xFF, 0xD9)
	binary.BigEndian.PutUint16(s.jpeg[sof+5:], uint16(rows))
}

// mcuSize reads the size of an MCU in pixels from a frame header (T.81 B.2.2) and tells whether rows of pixels depend
// on none of another row of MCUs: colour that is subsampled vertically does, where decoders smooth it.
func mcuSize(sof []byte, components int, f Format) (width, height int, ok bool) {
	if components == 1 {
		return 8, 8, true
	}
	even := true
	for i := range components {
		factors := sof[11+3*i]
		width, height = max(width, int(factors>>4)), max(height, int(factors&15))
		even = even && factors&15 == sof[11]&15
	}
	luma := int(sof[11]&15) == height
	return 8 * width, 8 * height, width > 0 && height > 0 && (even || f == Gray && luma)
}

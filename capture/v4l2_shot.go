package capture

import (
	"bytes"
	"cmp"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"picam/mjpeg"
	"picam/mjpeg/yuv"
)

// shot is a frame on its way from the camera to Next, with memory of its own, which is used again.
type shot struct {
	seq                uint64
	captured, received time.Time
	layout             layout
	raw                []byte // the samples, if it is not JPEG
	jpeg               []byte // the frame, in the memory of scanner
	noTables           bool   // it lacks the Huffman tables
	scanner            mjpeg.Scanner
	input              bytes.Reader
}

// fill takes over a frame from the driver's memory. It reports false, and why, for one that is not whole.
func (s *shot) fill(b []byte, l layout, maxFrame int) (why Drop, ok bool) {
	s.layout, s.jpeg = l, nil
	if len(b) == 0 {
		return Empty, false
	}
	if !isJPEG(l.format) {
		size := l.samples().Size()
		if len(b) < size {
			return Half, false
		}
		s.raw = append(s.raw[:0], b[:size]...)
		return 0, true
	}
	s.input.Reset(b)
	s.scanner.Reset(&s.input)
	s.scanner.MaxFrame = maxFrame
	found := s.scanner.Scan()
	damaged := s.scanner.Stats().Damaged
	if !found || damaged != [mjpeg.NumDamage]int64{} { // what comes after a damaged one is what was there before it
		switch {
		case damaged[mjpeg.TooLong] > 0:
			return Over, false
		case damaged != [mjpeg.NumDamage]int64{}:
			return Half, false
		}
		return NotJPEG, false
	}
	s.jpeg = s.scanner.Frame()
	h, err := mjpeg.ParseHeader(s.jpeg)
	if err != nil {
		return NotJPEG, false
	}
	s.noTables = !h.HasDHT
	return 0, true
}

// developer makes the JPEG frames that Next returns from shots.
type developer struct {
	quality int
	log     *slog.Logger

	jpeg     []byte
	repaired bool // tables have been added, which has been told

	encoder *yuv.Encoder
	layout  yuv.Layout // of encoder
	encodes int
	took    time.Duration // for all of them
}

const (
	rawQuality = 80 // where none is asked for
	costAfter  = 30 // frames until it is told what encoding costs
)

// develop returns a shot's JPEG frame: its own bytes, or some that are valid until the next call.
func (d *developer) develop(s *shot) ([]byte, error) {
	switch {
	case s.jpeg == nil:
		if err := d.encode(s); err != nil {
			return nil, err
		}
	case s.noTables:
		if !d.repaired {
			d.repaired = true
			d.log.Info("the camera's frames lack their Huffman tables, picam adds them")
		}
		d.jpeg = mjpeg.AddHuffmanTables(d.jpeg[:0], s.jpeg)
	default:
		return s.jpeg, nil
	}
	return d.jpeg, nil
}

func (d *developer) encode(s *shot) error {
	l := s.layout.samples()
	if d.encoder == nil || d.layout != l {
		encoder, err := yuv.NewEncoder(l, cmp.Or(d.quality, rawQuality))
		if err != nil {
			return fmt.Errorf("capture: %w", err)
		}
		d.encoder, d.layout = encoder, l
	}
	began := time.Now()
	d.jpeg = d.encoder.Append(d.jpeg[:0], s.raw)
	d.took += time.Since(began)
	d.encodes++
	if d.encodes == costAfter {
		each := d.took / costAfter
		d.log.Warn("this camera gives no JPEG, so this computer encodes its frames; a smaller --size or --fps costs "+
			"less",
			"format", l.Format, "each", each.Round(100*time.Microsecond), "processors",
			min(d.encoder.Bands(), runtime.NumCPU()),
			"at_most_fps", int(time.Second/max(each, 1)))
	}
	return nil
}

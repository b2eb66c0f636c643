package sink

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// aviWriter writes one file of Motion JPEG: RIFF chunks as Microsoft's "AVI RIFF File Reference" has them, with one
// video stream and an index. It is here because no library of Go has rates that are no whole numbers, nor frames that
// repeat the one before without its bytes.
type aviWriter struct {
	f      *outputFile
	size   int64  // bytes of whole chunks, header included
	chunk  []byte // the one at hand
	index  []byte // idx1, which is written at the end: 16 bytes a chunk
	full   int64  // bytes that the file may have with its index
	chunks int
}

var errAVIFull = errors.New("the file is full")

// Where the header has what is known only later, in bytes from the start of the file.
const (
	aviRIFFSize   = 4
	aviInterval   = 32 // of frames, in µs
	aviFrames     = 48
	aviScale      = 128 // the rate is aviRate / aviScale
	aviRate       = 132
	aviLength     = 140
	aviMoviSize   = 216
	aviMovi       = 220 // "movi": what the index counts from
	aviHeaderSize = 224

	aviLargest = 4_200_000_000 // sizes and places are 32 bit
)

// beginAVI writes the header of a file whose frames are width × height pixels.
func beginAVI(f *outputFile, width, height int, rate float64) (*aviWriter, error) {
	h := make([]byte, 0, aviHeaderSize)
	text := func(s string) { h = append(h, s...) }
	numbers := func(values ...int) {
		for _, v := range values {
			h = binary.LittleEndian.AppendUint32(h, uint32(v))
		}
	}
	const hasIndex, oneStream, unknown = 0x10, 1, 0xFFFFFFFF
	text("RIFF\x00\x00\x00\x00AVI LIST")
	numbers(192)
	text("hdrlavih")
	numbers(56, 0, 0, 0, hasIndex, 0, 0, oneStream, 0, width, height, 0, 0, 0, 0)
	text("LIST")
	numbers(116)
	text("strlstrh")
	numbers(56)
	text("vidsMJPG")
	numbers(0, 0, 0, 1, 0, 0, 0, 0, unknown, 0, 0, width|height<<16)
	text("strf")
	numbers(40, 40, width, height, 1|24<<16)
	text("MJPG")
	numbers(width*height*3, 0, 0, 0, 0)
	text("LIST\x00\x00\x00\x00movi")
	a := &aviWriter{f: f, full: aviLargest}
	if err := a.append(h); err != nil {
		return nil, err
	}
	return a, a.setRate(rate)
}

// append writes b whole or, on an error, not at all.
func (a *aviWriter) append(b []byte) error {
	if _, err := a.f.WriteAt(b, a.size); err != nil {
		_ = a.f.Truncate(a.size) // the error that counts is that of WriteAt
		return err
	}
	a.size += int64(len(b))
	return nil
}

// put overwrites a number of the header.
func (a *aviWriter) put(at int64, value int64) error {
	_, err := a.f.WriteAt(binary.LittleEndian.AppendUint32(nil, uint32(value)), at)
	return err
}

// setRate says that the file has so many frames a second, those before included.
func (a *aviWriter) setRate(rate float64) error {
	n, scale := fraction(rate)
	return errors.Join(a.put(aviInterval, int64(math.Round(1e6/rate))), a.put(aviRate, n), a.put(aviScale, scale))
}

// fraction is a rate in thousandths, in its lowest terms.
func fraction(rate float64) (n, scale int64) {
	n, scale = max(1, int64(math.Round(rate*1000))), 1000
	a, b := n, scale
	for b != 0 {
		a, b = b, a%b
	}
	return n / a, scale / a
}

// add writes a frame. An empty one shows the frame before for another period, and takes 24 bytes: ffmpeg, GStreamer and
// OpenCV read it as a later time of the next frame.
func (a *aviWriter) add(frame []byte) error {
	if a.size+int64(len(a.index)+len(frame)+64) > a.full {
		return errAVIFull
	}
	const isKey = 0x10
	flags := isKey
	if len(frame) == 0 {
		flags = 0
	}
	at := a.size
	a.chunk = binary.LittleEndian.AppendUint32(append(a.chunk[:0], "00dc"...), uint32(len(frame)))
	a.chunk = append(a.chunk, frame...)
	if len(frame)%2 == 1 {
		a.chunk = append(a.chunk, 0)
	}
	if err := a.append(a.chunk); err != nil {
		return err
	}
	a.index = append(a.index, "00dc"...)
	for _, v := range []int{flags, int(at - aviMovi), len(frame)} {
		a.index = binary.LittleEndian.AppendUint32(a.index, uint32(v))
	}
	a.chunks++
	return nil
}

// close writes the index, completes the header and closes the file. Without room for the index the file can be played
// all the same.
func (a *aviWriter) close() error {
	movi := a.size
	index := binary.LittleEndian.AppendUint32([]byte("idx1"), uint32(len(a.index)))
	err := a.append(append(index, a.index...))
	err = errors.Join(err, a.put(aviRIFFSize, a.size-8), a.put(aviMoviSize, movi-aviMovi),
		a.put(aviFrames, int64(a.chunks)), a.put(aviLength, int64(a.chunks)), a.f.Close())
	if err != nil {
		return fmt.Errorf("sink: record %s: %w", a.f.Name(), err)
	}
	return nil
}

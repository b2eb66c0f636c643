package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrTooCostly is wrapped by the error of Decode where a frame would keep a processor busy for much longer than its
// pixels are worth: an empty scan over all of them takes a dozen bytes. Nothing was decoded then.
var ErrTooCostly = errors.New("too costly")

// The limits on a frame of several scans or of arithmetic coding. Work is counted in visits of a block of 8 × 8 samples
// by a scan, of about 50 ns each.
const (
	maxScans = 500      // that of libjpeg-turbo's own tools; progressive frames have about 10
	maxWork  = 12 << 20 // less than a second; a progressive frame of 64 megapixels, 4:2:0, is about 11 << 20

	huffmanBytes   = 2 // that take as long as a visit
	arithmeticByte = 5 // visits that take as long as a byte
)

// checkCost walks the markers of a frame and returns an error if it is too costly. One scan of Huffman codes never is:
// that costs what its pixels and bytes do.
func checkCost(jpeg []byte) error {
	marker, sof, scan := walk(jpeg)
	s := readFrameSize(payload(jpeg, sof+2))
	if sof == 0 || s.components == nil { // libjpeg-turbo says what is wrong
		return nil
	}
	arithmetic := marker > 0xC8
	if p := payload(jpeg, scan); marker <= 0xC1 && len(p) > 0 && int(p[0]) == len(s.components)/3 {
		return nil
	}
	work, scans := len(jpeg)/huffmanBytes, 0
	if arithmetic {
		work = len(jpeg) * arithmeticByte
	}
	for at := scan; at < len(jpeg); at = nextScan(jpeg, at) {
		work += s.blocks(payload(jpeg, at))
		scans++
	}
	switch {
	case scans > maxScans:
		return fmt.Errorf("%w: a frame of %d×%d pixels has %d scans, the limit is %d", ErrTooCostly, s.width, s.height, scans,
			maxScans)
	case work > maxWork:
		return fmt.Errorf("%w: a frame of %d×%d pixels (scans: %d, bytes: %d) is the work of %d blocks, the limit is %d",
			ErrTooCostly, s.width, s.height, scans, len(jpeg), work, maxWork)
	}
	return nil
}

// frameSize is what a frame header (T.81 B.2.2) says of a frame's pixels.
type frameSize struct {
	width, height int
	components    []byte // 3 of each: its name, sampling factors (horizontal in the high half) and quantization table
}

// readFrameSize reads the payload of a frame header; it leaves components nil where that is too short.
func readFrameSize(p []byte) frameSize {
	if len(p) < 6 || len(p) < 6+3*int(p[5]) {
		return frameSize{}
	}
	return frameSize{
		width: int(binary.BigEndian.Uint16(p[3:])), height: int(binary.BigEndian.Uint16(p[1:])),
		components: p[6 : 6+3*int(p[5])],
	}
}

// blocks counts the blocks of a scan, whose header's payload is given.
func (s frameSize) blocks(scan []byte) int {
	h, v := 1, 1
	for c := s.components; len(c) >= 3; c = c[3:] {
		h, v = max(h, int(c[1]>>4)), max(v, int(c[1]&15))
	}
	up := func(a, b int) int { return (a + b - 1) / b }
	sum := 0
	for i := 1; i+1 < len(scan) && i <= 2*int(scan[0]); i += 2 {
		for c := s.components; len(c) >= 3; c = c[3:] {
			if c[0] != scan[i] {
				continue
			}
			ch, cv := int(c[1]>>4), int(c[1]&15)
			if scan[0] == 1 { // not interleaved, T.81 A.2.2
				sum += up(up(s.width*ch, h), 8) * up(up(s.height*cv, v), 8)
			} else {
				sum += up(s.width, 8*h) * ch * up(s.height, 8*v) * cv
			}
		}
	}
	return sum
}

package mjpeg

import (
	"bytes"
	"fmt"
)

// The markers that this package acts on: the byte after FF, ITU T.81 table B.1.
const (
	markerTEM  = 0x01
	markerSOF0 = 0xC0 // up to SOF15, among which DHT, JPG and DAC
	markerDHT  = 0xC4
	markerJPG  = 0xC8
	markerDAC  = 0xCC
	markerRST0 = 0xD0
	markerRST7 = 0xD7
	markerSOI  = 0xD8
	markerEOI  = 0xD9
	markerSOS  = 0xDA
	markerDRI  = 0xDD
	markerAPP1 = 0xE1
	markerAPP2 = 0xE2
	markerCOM  = 0xFE
)

// hasSegment says whether a marker opens a segment: two bytes of length, which count themselves, and a payload. RST,
// SOI and EOI stand alone, FF is fill, and what is below SOF0 is reserved.
func hasSegment(marker byte) bool {
	return marker >= markerSOF0 && marker < markerRST0 || marker > markerEOI && marker <= markerCOM
}

// standsAlone says whether the byte after an FF between two segments is that of no marker, or of one that means nothing
// there and has no segment: junk, as libjpeg has it.
func standsAlone(b byte) bool {
	return b == 0 || b == markerTEM || b >= markerRST0 && b <= markerRST7
}

// isSOF says whether a marker opens a frame header.
func isSOF(marker byte) bool {
	return marker&0xF0 == markerSOF0 && marker != markerDHT && marker != markerJPG && marker != markerDAC
}

// segment is one marker segment of a whole frame.
type segment struct {
	marker  byte
	offset  int    // of the first FF, behind the junk
	junk    int    // bytes of junk before it, as Scanner counts them
	next    int    // offset behind the segment
	payload []byte // without marker and length
}

// AppendWithoutJunk appends frame to dst without the junk between its segments, see [Scanner]: for decoders that mind
// it. Where that is no JPEG frame, the rest is appended as it is.
func AppendWithoutJunk(dst, frame []byte) []byte {
	done := 0
	for at := 2; at < len(frame); {
		seg, err := segmentAt(frame, at)
		if err != nil {
			break
		}
		dst = append(dst, frame[done:at]...)
		done, at = seg.offset, seg.next
		if seg.marker == markerSOS {
			if at = scanEnd(frame, at); at+1 < len(frame) && frame[at+1] == markerEOI {
				break
			}
		}
	}
	return append(dst, frame[done:]...)
}

// scanEnd returns the offset of the marker that ends the entropy-coded data at offset, or the frame's length.
func scanEnd(frame []byte, offset int) int {
	for {
		i := bytes.IndexByte(frame[offset:], 0xFF)
		if i < 0 || offset+i+1 == len(frame) {
			return len(frame)
		}
		offset += i
		switch b := frame[offset+1]; {
		case b == 0xFF: // fill
			offset++
		case b == 0 || b >= markerRST0 && b <= markerRST7:
			offset += 2
		default:
			return offset
		}
	}
}

// segmentAt reads the segment that begins at offset, or behind junk there. The error names what stands there instead.
func segmentAt(frame []byte, offset int) (segment, error) {
	i, junk := offset, 0
	for {
		for i < len(frame) && frame[i] != 0xFF {
			i, junk = i+1, junk+1
		}
		for i++; i < len(frame) && frame[i] == 0xFF; i++ {
			if junk > 0 { // FF before the marker's own FF is fill, T.81 B.1.1.2, but in junk is junk
				junk++
			}
		}
		if i >= len(frame) || !standsAlone(frame[i]) {
			break
		}
		i, junk = i+1, junk+2
	}
	switch {
	case i >= len(frame):
		return segment{}, fmt.Errorf("mjpeg: frame ends at offset %d, before its first scan", len(frame))
	case !hasSegment(frame[i]):
		return segment{}, fmt.Errorf("mjpeg: marker FF%02X at offset %d, before the first scan", frame[i], i-1)
	case i+3 > len(frame):
		return segment{}, fmt.Errorf("mjpeg: frame ends at offset %d, inside segment FF%02X", len(frame), frame[i])
	}
	if junk > 0 {
		offset = i - 1
	}
	length := int(frame[i+1])<<8 | int(frame[i+2])
	next := i + 1 + length
	switch {
	case length < 2:
		return segment{}, fmt.Errorf("mjpeg: segment FF%02X at offset %d has length %d, under 2", frame[i], i-1, length)
	case next > len(frame):
		return segment{}, fmt.Errorf("mjpeg: segment FF%02X at offset %d is %d bytes long, the frame ends after %d",
			frame[i], i-1, length, len(frame)-i-1)
	}
	return segment{marker: frame[i], offset: offset, junk: junk, next: next, payload: frame[i+3 : next]}, nil
}

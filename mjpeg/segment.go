package mjpeg

import "fmt"

// The markers that this package acts on: the byte after FF, ITU T.81 table B.1.
const (
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
	markerCOM  = 0xFE
)

// hasSegment says whether a marker opens a segment: two bytes of length, which count themselves, and a payload. RST,
// SOI and EOI stand alone, FF is fill, and what is below SOF0 is reserved.
func hasSegment(marker byte) bool {
	return marker >= markerSOF0 && marker < markerRST0 || marker > markerEOI && marker <= markerCOM
}

// isSOF says whether a marker opens a frame header.
func isSOF(marker byte) bool {
	return marker&0xF0 == markerSOF0 && marker != markerDHT && marker != markerJPG && marker != markerDAC
}

// segment is one marker segment of a whole picture.
type segment struct {
	marker  byte
	offset  int    // of the first FF
	next    int    // offset behind the segment
	payload []byte // without marker and length
}

// segmentAt reads the segment that begins at offset. The error names what stands there instead.
func segmentAt(frame []byte, offset int) (segment, error) {
	i := offset
	for i < len(frame) && frame[i] == 0xFF {
		i++ // FF before the marker's own FF is fill, T.81 B.1.1.2
	}
	switch {
	case i >= len(frame):
		return segment{}, fmt.Errorf("mjpeg: picture ends at offset %d, before its first scan", len(frame))
	case i == offset:
		return segment{}, fmt.Errorf("mjpeg: byte %02X at offset %d, where a marker (FF) must stand", frame[i], i)
	case !hasSegment(frame[i]):
		return segment{}, fmt.Errorf("mjpeg: marker FF%02X at offset %d, before the first scan", frame[i], i-1)
	case i+3 > len(frame):
		return segment{}, fmt.Errorf("mjpeg: picture ends at offset %d, inside segment FF%02X", len(frame), frame[i])
	}
	length := int(frame[i+1])<<8 | int(frame[i+2])
	next := i + 1 + length
	switch {
	case length < 2:
		return segment{}, fmt.Errorf("mjpeg: segment FF%02X at offset %d has length %d, under 2", frame[i], i-1, length)
	case next > len(frame):
		return segment{}, fmt.Errorf("mjpeg: segment FF%02X at offset %d is %d bytes long, the picture ends after %d",
			frame[i], i-1, length, len(frame)-i-1)
	}
	return segment{marker: frame[i], offset: offset, next: next, payload: frame[i+3 : next]}, nil
}

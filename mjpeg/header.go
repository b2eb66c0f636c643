package mjpeg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Header is what the segments before a frame's first scan say, read without decoding.
type Header struct {
	Width, Height   int    // in pixels, 1 to 65535
	Components      int    // 1 gray, 3 colour, 4 CMYK
	Subsampling     string // J:a:b notation, such as "4:2:0"; "" for gray and for what has no such name
	Progressive     bool
	Arithmetic      bool
	RestartInterval int  // in MCUs; 0 means none
	HasDHT          bool // false: a UVC or AVI1 frame that relies on the standard tables
	// OddScan: the frame is sequential, but its first scan header does not say so: Ss, Se, Ah and Al are not 0, 63, 0
	// and 0 (T.81 B.2.3). Decoders pass over that, some with a warning.
	OddScan     bool
	Junk        int // bytes between the segments that belong to none, see [Scanner]
	Orientation int // EXIF: 1 upright, 3 upside down, 6 and 8 on a side, the others mirrored; 0 means not known
}

// ParseHeader reads the header of a JPEG frame. The error names what was found and where. A frame whose height
// follows in a DNL segment after the first scan is an error, because common decoders do not take it either.
func ParseHeader(frame []byte) (Header, error) {
	h, _, err := parseHeader(frame)
	return h, err
}

// parseHeader is ParseHeader that also returns the offset of the first SOS segment.
func parseHeader(frame []byte) (h Header, sos int, err error) {
	if len(frame) < 2 || frame[0] != 0xFF || frame[1] != markerSOI {
		start := frame[:min(2, len(frame))]
		return Header{}, 0, fmt.Errorf("mjpeg: frame begins with %q, not with SOI (FF D8)", start)
	}
	if len(frame) > 2 && frame[2] != 0xFF { // nothing would tell it from noise
		return Header{}, 0, fmt.Errorf("mjpeg: byte %02X at offset 2, where a marker (FF) must stand", frame[2])
	}
	sequential := false
	for offset := 2; ; {
		seg, err := segmentAt(frame, offset)
		if err != nil {
			return Header{}, 0, err
		}
		if h.Junk += seg.junk; h.Junk > maxJunk {
			return Header{}, 0, fmt.Errorf(
				"mjpeg: %d bytes between segments up to offset %d belong to none; %d are the limit",
				h.Junk, seg.offset, maxJunk)
		}
		switch {
		case isSOF(seg.marker):
			err = h.readSOF(seg.marker, seg.payload)
			sequential = seg.marker&3 < 2 // else progressive or lossless
		case seg.marker == markerDHT:
			h.HasDHT = true
		case seg.marker == markerDRI:
			if len(seg.payload) != 2 {
				err = fmt.Errorf("%d bytes, not 2", len(seg.payload))
				break
			}
			h.RestartInterval = int(binary.BigEndian.Uint16(seg.payload))
		case seg.marker == markerAPP1 && h.Orientation == 0:
			h.Orientation = exifOrientation(seg.payload)
		case seg.marker == markerSOS:
			if h.Components == 0 {
				err = errors.New("a scan without a frame header (SOF) before it")
				break
			}
			h.OddScan = sequential && !saysSequential(seg.payload)
			return h, seg.offset, nil
		}
		if err != nil {
			return Header{}, 0, fmt.Errorf("mjpeg: segment FF%02X at offset %d: %w", seg.marker, seg.offset, err)
		}
		offset = seg.next
	}
}

// readSOF reads a frame header, T.81 B.2.2.
func (h *Header) readSOF(marker byte, p []byte) error {
	if h.Components != 0 {
		return errors.New("a second frame header")
	}
	if len(p) < 6 || p[5] == 0 || len(p) != 6+3*int(p[5]) {
		return fmt.Errorf("frame header of %d bytes does not fit its number of components", len(p))
	}
	h.Height, h.Width = int(binary.BigEndian.Uint16(p[1:])), int(binary.BigEndian.Uint16(p[3:]))
	if h.Width == 0 || h.Height == 0 {
		return fmt.Errorf("size %d×%d", h.Width, h.Height)
	}
	h.Components = int(p[5])
	h.Progressive = marker&3 == 2
	h.Arithmetic = marker > markerJPG
	if h.Components == 3 {
		h.Subsampling = subsampling(p[7], p[10], p[13])
	}
	return nil
}

// saysSequential reports whether the payload of SOS, T.81 B.2.3, ends in the values for a scan of a sequential frame.
func saysSequential(sos []byte) bool { return bytes.HasSuffix(sos, []byte{0, 63, 0}) }

// subsampling names the ratio of luma's sampling factors (horizontal in the high half of the byte, vertical in the low)
// to those of the two chroma components.
func subsampling(luma, cb, cr byte) string {
	lumaH, lumaV := luma>>4, luma&15
	chromaH, chromaV := cb>>4, cb&15
	if cb != cr || chromaH == 0 || chromaV == 0 || lumaH%chromaH != 0 || lumaV%chromaV != 0 {
		return ""
	}
	switch [2]byte{lumaH / chromaH, lumaV / chromaV} {
	case [2]byte{1, 1}:
		return "4:4:4"
	case [2]byte{2, 1}:
		return "4:2:2"
	case [2]byte{2, 2}:
		return "4:2:0"
	case [2]byte{1, 2}:
		return "4:4:0"
	case [2]byte{4, 1}:
		return "4:1:1"
	case [2]byte{4, 2}:
		return "4:1:0"
	}
	return ""
}

// exifOrientation finds the orientation in the payload of an APP1 segment: tag 0x0112, a SHORT. It returns 0 for
// whatever is not so.
func exifOrientation(p []byte) int {
	const tag, short = 0x0112, 3
	tiff, ok := bytes.CutPrefix(p, []byte("Exif\x00\x00"))
	if !ok {
		return 0
	}
	entry, order := tiffEntry(tiff, tag)
	if entry == nil || order.Uint16(entry[2:]) != short || order.Uint32(entry[4:]) != 1 {
		return 0
	}
	if value := int(order.Uint16(entry[8:])); value <= 8 {
		return value
	}
	return 0
}

// tiffEntry finds the entry with a tag in the first directory of a TIFF file (TIFF 6.0, section 2): tag and type of two
// bytes, count and value, or its offset, of four. It is nil if there is none.
func tiffEntry(tiff []byte, tag uint16) (entry []byte, order binary.ByteOrder) {
	if len(tiff) < 8 {
		return nil, nil
	}
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return nil, nil
	}
	at := order.Uint32(tiff[4:])
	if uint64(at)+2 > uint64(len(tiff)) {
		return nil, nil
	}
	directory := tiff[at:]
	entries := int(order.Uint16(directory))
	directory = directory[2:]
	for range min(entries, len(directory)/12) {
		if order.Uint16(directory) == tag {
			return directory[:12], order
		}
		directory = directory[12:]
	}
	return nil, nil
}

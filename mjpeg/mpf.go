package mjpeg

import "bytes"

// Extent is a part of a file: where it begins and how long it is, in bytes.
type Extent struct{ Offset, Size int64 }

// MultiFrame reads the index that the first frame of a multi-frame photo has in an APP2 segment (CIPA DC-007,
// "MPF"): where in the photo its frames are, the first included, from the beginning of that. It is nil if there is
// none.
//
// The others are a preview, another eye's view or a gain map. Nothing says that they follow: a camera may have left
// them out.
func MultiFrame(frame []byte) []Extent {
	for at := 2; ; {
		seg, err := segmentAt(frame, at)
		if err != nil || seg.marker == markerSOS {
			return nil
		}
		if tiff, ok := bytes.CutPrefix(seg.payload, []byte("MPF\x00")); ok && seg.marker == markerAPP2 {
			return mpIndex(tiff, seg.next-len(tiff))
		}
		at = seg.next
	}
}

// mpIndex reads an index whose TIFF header stands at offset in its frame.
func mpIndex(tiff []byte, offset int) (list []Extent) {
	const tag, size = 0xB002, 16 // for each frame: attributes, size, offset from the TIFF header, dependents
	entry, order := tiffEntry(tiff, tag)
	if entry == nil {
		return nil
	}
	length, at := uint64(order.Uint32(entry[4:])), uint64(order.Uint32(entry[8:]))
	if at+length > uint64(len(tiff)) {
		return nil
	}
	for b := tiff[at : at+length]; len(b) >= size; b = b[size:] {
		e := Extent{Size: int64(order.Uint32(b[4:]))}
		if len(list) > 0 { // of the first, the offset is 0 and means nothing
			e.Offset = int64(order.Uint32(b[8:])) + int64(offset)
		}
		list = append(list, e)
	}
	return list
}

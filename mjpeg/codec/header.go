package codec

import "bytes"

// lossless is the marker (SOF3) of a frame header for lossless coding.
const lossless = 0xC3

// nextMarker finds the next marker from an offset on as libjpeg-turbo does: over fill, stuffed zeros and whatever is no
// marker. It returns the offset behind the marker; marker 0: there is none, and the offset is the end.
func nextMarker(jpeg []byte, at int) (marker byte, behind int) {
	for at < len(jpeg) {
		i := bytes.IndexByte(jpeg[at:], 0xFF)
		if i < 0 {
			break
		}
		for at += i; at < len(jpeg) && jpeg[at] == 0xFF; at++ {
		}
		if at < len(jpeg) && jpeg[at] != 0 {
			return jpeg[at], at + 1
		}
	}
	return 0, len(jpeg)
}

// hasLength says whether a length follows a marker: none does after TEM, RST, SOI and EOI.
func hasLength(marker byte) bool { return marker != 0x01 && (marker < 0xD0 || marker > 0xD9) }

// segmentEnd is the offset behind the segment whose length is at an offset, at most the end.
func segmentEnd(jpeg []byte, at int) int {
	if at+2 > len(jpeg) {
		return len(jpeg)
	}
	return min(at+max(2, int(jpeg[at])<<8+int(jpeg[at+1])), len(jpeg))
}

// walk goes through a header as libjpeg-turbo does, that is, also over what mjpeg.ParseHeader refuses. It finds the
// marker and the offset of the frame header (0 if there is none) and the offset after the marker of the first scan,
// which is the end where there is none.
func walk(jpeg []byte) (frame byte, sof, scan int) {
	for at := 2; at < len(jpeg); {
		m, behind := nextMarker(jpeg, at)
		at = behind
		switch {
		case m == 0 || m == 0xD9:
			return frame, sof, len(jpeg)
		case m == 0xDA:
			return frame, sof, behind
		case !hasLength(m):
			continue
		case m >= 0xC0 && m <= 0xCF && m != 0xC4 && m != 0xC8 && m != 0xCC: // all others are SOF
			frame, sof = m, behind-2
		}
		at = segmentEnd(jpeg, behind)
	}
	return frame, sof, len(jpeg)
}

// nextScan returns the offset after the marker of the next scan from an offset on, which is the end where there is
// none.
func nextScan(jpeg []byte, at int) int {
	for at < len(jpeg) {
		m, behind := nextMarker(jpeg, at)
		switch {
		case m == 0 || m == 0xD9:
			return len(jpeg)
		case m == 0xDA:
			return behind
		case hasLength(m):
			at = segmentEnd(jpeg, behind)
		default:
			at = behind
		}
	}
	return len(jpeg)
}

// payload is what is in the segment whose length is at an offset; nil where there is none.
func payload(jpeg []byte, at int) []byte {
	if end := segmentEnd(jpeg, at); at+2 <= end {
		return jpeg[at+2 : end]
	}
	return nil
}

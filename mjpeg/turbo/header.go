package turbo

import "picam/mjpeg"

// restartsComplete reports whether the one scan of a sequential picture of mcus coded units has all of its restart
// markers, in order. It is false where that cannot be told.
func restartsComplete(jpeg []byte, mcus int) bool {
	h, err := mjpeg.ParseHeader(jpeg)
	if err != nil || h.RestartInterval == 0 || h.Progressive || mcus == 0 {
		return false
	}
	_, _, scan := walk(jpeg)
	found := 0
	for i := scan; i+1 < len(jpeg); i++ {
		if jpeg[i] != 0xFF || jpeg[i+1] < 0xD0 || jpeg[i+1] > 0xD7 {
			continue
		}
		if int(jpeg[i+1]-0xD0) != found%8 {
			return false
		}
		found++
	}
	return found == (mcus-1)/h.RestartInterval
}

// cleaner takes junk between segments out of pictures (see mjpeg.Scanner), at which baseline.c and TurboJPEG balk.
type cleaner struct{ buf []byte }

// clean returns jpeg as it is or, valid until the next call, without junk. Behind the first scan it looks only in
// progressive pictures, since others have no segments there.
func (c *cleaner) clean(jpeg []byte) []byte {
	if frame, _, scan := walk(jpeg); scan < len(jpeg) && frame != progressive {
		return jpeg
	}
	c.buf = mjpeg.AppendWithoutJunk(c.buf[:0], jpeg)
	return c.buf
}

// progressive is the marker (SOF2) of a frame header for progressive coding.
const progressive = 0xC2

// lossless is the marker (SOF3) of a frame header for lossless coding.
const lossless = 0xC3

// walk goes through a header as libjpeg-turbo does, that is, also over what mjpeg.ParseHeader refuses. It finds the
// marker and the offset of the frame header (0 if there is none) and the offset after the marker of the first scan, which is
// the end where there is none, or where libjpeg-turbo would have a warning.
func walk(jpeg []byte) (frame byte, sof, scan int) {
	for i := 2; i+3 < len(jpeg) && jpeg[i] == 0xFF; {
		m := jpeg[i+1]
		switch {
		case m == 0xFF: // fill
			i++
			continue
		case m == 0x01 || m >= 0xD0 && m <= 0xD8: // no length follows
			i += 2
			continue
		case m == 0x00 || m == 0xD9:
			return frame, sof, len(jpeg)
		case m == 0xDA:
			return frame, sof, i + 2
		case m >= 0xC0 && m <= 0xCF && m != 0xC4 && m != 0xC8 && m != 0xCC: // all others are SOF
			frame, sof = m, i
		}
		i += 2 + max(2, int(jpeg[i+2])<<8+int(jpeg[i+3]))
	}
	return frame, sof, len(jpeg)
}

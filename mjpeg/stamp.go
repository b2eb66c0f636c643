package mjpeg

import (
	"bytes"
	"strconv"
	"time"
	"unicode/utf8"
)

// Stamp is what `picam send` writes into each frame, as an APP7 segment right after SOI: the text "picam\0" and
// "1 cam=<name> id=<sender> seq=<n> t=<ns> off=<ns>" in printable ASCII. Every JPEG reader skips it.
type Stamp struct {
	Camera string    // the camera's name; spaces, % and what is not printable ASCII travel percent-encoded
	Sender string    // random, new for every run of a sender: tells its reconnection from a second camera of one name
	Seq    uint64    // from 1
	Time   time.Time // when the frame was taken, by the sender's clock; zero means not known
	// Offset is the receiver's clock minus the sender's, as the sender estimated it from acks; valid if Synced.
	Offset time.Duration
	Synced bool
	// Trouble is why there are no frames, in a sentence for the user; only a status message has it, see AppendStatus.
	Trouble string
}

const (
	stampStart = "\xFF\xD8\xFF\xE7" // SOI, APP7; then two bytes of length
	stampMagic = "picam\x00"
	// maxName is how many bytes of Camera and of Sender travel; the rest is cut off, between two runes.
	maxName = 200
	// maxTrouble is the same for Trouble.
	maxTrouble = 400
	// maxStatus is longer than the longest status message, all of whose text is in percent code.
	maxStatus = 4 << 10
)

const statusStart = "\xFF\xE7" // APP7

// AppendTo appends SOI and the stamp's segment: the bytes that take the place of a frame's first two. Of Camera and
// Sender at most 200 bytes each are written.
func (s *Stamp) AppendTo(dst []byte) []byte {
	return s.appendSegment(append(dst, stampStart[:2]...), false)
}

// AppendStatus appends a status message: the stamp's segment alone, which may stand between two frames, or before the
// first. It says that the camera is there but has no frames, and why (Trouble; "" if it is only slow). There is no FF
// in it but the first byte, so that readers who look for the next frame pass over it. Of Trouble at most 400 bytes are
// written.
func (s *Stamp) AppendStatus(dst []byte) []byte { return s.appendSegment(dst, true) }

func (s *Stamp) appendSegment(dst []byte, status bool) []byte {
	dst = append(dst, statusStart...)
	start := len(dst)
	dst = append(dst, 0, 0) // the length, known at the end
	dst = append(dst, stampMagic...)
	dst = append(dst, "1 cam="...)
	dst = appendEscaped(dst, s.Camera, maxName)
	dst = append(dst, " id="...)
	dst = appendEscaped(dst, s.Sender, maxName)
	dst = append(dst, " seq="...)
	dst = strconv.AppendUint(dst, s.Seq, 10)
	if status {
		dst = append(dst, " trouble="...)
		dst = appendEscaped(dst, s.Trouble, maxTrouble)
	}
	if !s.Time.IsZero() {
		dst = append(dst, " t="...)
		dst = strconv.AppendInt(dst, s.Time.UnixNano(), 10)
	}
	if s.Synced {
		dst = append(dst, " off="...)
		dst = strconv.AppendInt(dst, int64(s.Offset), 10)
	}
	length := len(dst) - start
	if length&0xFF == 0xFF { // this length, one byte of it, would be another FF
		dst = append(dst, ' ')
		length++
	}
	dst[start], dst[start+1] = byte(length>>8), byte(length)
	return dst
}

// Parse reads the stamp of a frame into s and returns the length of SOI and segment together; 0 if there is none, and
// then s is as before. It allocates only where a string of s changes. Versions above 1 are read as 1, and unknown keys
// are skipped, so that later senders can add some; a key that is missing or has no readable value leaves its field
// zero. Camera and Sender are the peer's word: any bytes, up to 200 of them.
func (s *Stamp) Parse(frame []byte) int {
	const soi = len(stampStart) - len(statusStart)
	if len(frame) < len(stampStart) || string(frame[:soi]) != stampStart[:soi] {
		return 0
	}
	if n := s.parseSegment(frame[soi:]); n > 0 {
		return soi + n
	}
	return 0
}

// ParseStatus is Parse for what AppendStatus writes.
func (s *Stamp) ParseStatus(status []byte) int { return s.parseSegment(status) }

func (s *Stamp) parseSegment(frame []byte) int {
	const head = len(statusStart) + 2
	if len(frame) < head || string(frame[:len(statusStart)]) != statusStart {
		return 0
	}
	n := len(statusStart) + (int(frame[head-2])<<8 | int(frame[head-1]))
	if n < head || n > len(frame) {
		return 0
	}
	text, ok := bytes.CutPrefix(frame[head:n], []byte(stampMagic))
	if !ok {
		return 0
	}
	version, text, _ := bytes.Cut(text, []byte(" "))
	if v, err := strconv.ParseUint(string(version), 10, 64); err != nil || v == 0 {
		return 0
	}

	last := *s
	*s = Stamp{}
	for len(text) > 0 {
		var field []byte
		field, text, _ = bytes.Cut(text, []byte(" "))
		key, value, _ := bytes.Cut(field, []byte("="))
		switch string(key) {
		case "cam":
			s.Camera = unescape(value, last.Camera, maxName)
		case "id":
			s.Sender = unescape(value, last.Sender, maxName)
		case "trouble":
			s.Trouble = unescape(value, last.Trouble, maxTrouble)
		case "seq":
			if seq, err := strconv.ParseUint(string(value), 10, 64); err == nil {
				s.Seq = seq
			}
		case "t":
			if ns, err := strconv.ParseInt(string(value), 10, 64); err == nil {
				s.Time = time.Unix(0, ns)
			}
		case "off":
			if ns, err := strconv.ParseInt(string(value), 10, 64); err == nil {
				s.Offset, s.Synced = time.Duration(ns), true
			}
		}
	}
	return n
}

// Unstamp takes the first n bytes (as returned by Parse) off a frame and puts SOI back, in place. The result is the
// tail of frame; with n 0 it is frame.
func Unstamp(frame []byte, n int) []byte {
	if n < 2 {
		return frame
	}
	frame = frame[n-2:]
	frame[0], frame[1] = 0xFF, markerSOI
	return frame
}

// appendEscaped appends at most limit bytes of name, with a percent code for each that is not printable ASCII, or
// is a space or %.
func appendEscaped(dst []byte, name string, limit int) []byte {
	const hex = "0123456789ABCDEF"
	for _, c := range []byte(name[:cutLen(name, limit)]) {
		if c > ' ' && c < 0x7F && c != '%' {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}

// unescape undoes appendEscaped. It returns last if that is the result, which saves an allocation for each frame. A %
// without two digits stands for itself.
func unescape(value []byte, last string, limit int) string {
	var buf [maxTrouble + 1]byte // one more, so that cutLen sees that there is more
	name := buf[:0]
	for i := 0; i < len(value) && len(name) <= limit; i++ {
		c := value[i]
		if c == '%' && i+2 < len(value) {
			high, low := unhex(value[i+1]), unhex(value[i+2])
			if high >= 0 && low >= 0 {
				c = byte(high<<4 | low)
				i += 2
			}
		}
		name = append(name, c)
	}
	name = name[:cutLen(name, limit)]
	if string(name) == last {
		return last
	}
	return string(name)
}

// cutLen returns how many bytes of name travel: all, or at most limit, up to the end of a rune.
func cutLen[T string | []byte](name T, limit int) int {
	if len(name) <= limit {
		return len(name)
	}
	// A rune has at most four bytes: go back by up to three. What has no border there is no text, and is cut anywhere.
	for n := limit; n > limit-utf8.UTFMax; n-- {
		if utf8.RuneStart(name[n]) {
			return n
		}
	}
	return limit
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

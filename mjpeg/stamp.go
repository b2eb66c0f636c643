package mjpeg

import (
	"bytes"
	"strconv"
	"time"
	"unicode/utf8"
)

// Stamp is what `picam send` writes into each picture, as an APP7 segment right after SOI: the text "picam\0" and
// "1 cam=<name> id=<sender> seq=<n> t=<ns> off=<ns>" in printable ASCII. Every JPEG reader skips it.
type Stamp struct {
	Camera string    // the camera's name; spaces, % and what is not printable ASCII travel percent-encoded
	Sender string    // random, new for every run of a sender: tells its reconnection from a second camera of one name
	Seq    uint64    // from 1
	Time   time.Time // when the picture was taken, by the sender's clock; zero means not known
	// Offset is the receiver's clock minus the sender's, as the sender estimated it from acks; valid if Synced.
	Offset time.Duration
	Synced bool
}

const (
	stampStart = "\xFF\xD8\xFF\xE7" // SOI, APP7; then two bytes of length
	stampMagic = "picam\x00"
	// maxName is how many bytes of Camera and of Sender travel; the rest is cut off, between two runes.
	maxName = 200
)

// AppendTo appends SOI and the stamp's segment: the bytes that take the place of a picture's first two. Of Camera and
// Sender at most 200 bytes each are written.
func (s *Stamp) AppendTo(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, stampStart...)
	dst = append(dst, 0, 0) // the length, known at the end
	dst = append(dst, stampMagic...)
	dst = append(dst, "1 cam="...)
	dst = appendEscaped(dst, s.Camera)
	dst = append(dst, " id="...)
	dst = appendEscaped(dst, s.Sender)
	dst = append(dst, " seq="...)
	dst = strconv.AppendUint(dst, s.Seq, 10)
	if !s.Time.IsZero() {
		dst = append(dst, " t="...)
		dst = strconv.AppendInt(dst, s.Time.UnixNano(), 10)
	}
	if s.Synced {
		dst = append(dst, " off="...)
		dst = strconv.AppendInt(dst, int64(s.Offset), 10)
	}
	length := len(dst) - start - len(stampStart)
	dst[start+len(stampStart)] = byte(length >> 8)
	dst[start+len(stampStart)+1] = byte(length)
	return dst
}

// Parse reads the stamp of a picture into s and returns the length of SOI and segment together; 0 if there is none, and
// then s is as before. It allocates only where a string of s changes. Versions above 1 are read as 1, and unknown keys
// are skipped, so that later senders can add some; a key that is missing or has no readable value leaves its field
// zero. Camera and Sender are the peer's word: any bytes, up to 200 of them.
func (s *Stamp) Parse(frame []byte) int {
	const head = len(stampStart) + 2
	if len(frame) < head || string(frame[:len(stampStart)]) != stampStart {
		return 0
	}
	n := len(stampStart) + (int(frame[head-2])<<8 | int(frame[head-1]))
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
			s.Camera = unescape(value, last.Camera)
		case "id":
			s.Sender = unescape(value, last.Sender)
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

// Unstamp takes the first n bytes (as returned by Parse) off a picture and puts SOI back, in place. The result is the
// tail of frame; with n 0 it is frame.
func Unstamp(frame []byte, n int) []byte {
	if n < 2 {
		return frame
	}
	frame = frame[n-2:]
	frame[0], frame[1] = 0xFF, markerSOI
	return frame
}

// appendEscaped appends at most maxName bytes of name, with a percent code for each that is not printable ASCII, or
// is a space or %.
func appendEscaped(dst []byte, name string) []byte {
	const hex = "0123456789ABCDEF"
	for _, c := range []byte(name[:cutLen(name)]) {
		if c > ' ' && c < 0x7F && c != '%' {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}

// unescape undoes appendEscaped. It returns last if that is the result, which saves an allocation for each picture. A %
// without two digits stands for itself.
func unescape(value []byte, last string) string {
	var buf [maxName + 1]byte // one more, so that cutLen sees that there is more
	name := buf[:0]
	for i := 0; i < len(value) && len(name) < len(buf); i++ {
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
	name = name[:cutLen(name)]
	if string(name) == last {
		return last
	}
	return string(name)
}

// cutLen returns how many bytes of name travel: all, or at most maxName, up to the end of a rune.
func cutLen[T string | []byte](name T) int {
	if len(name) <= maxName {
		return len(name)
	}
	// A rune has at most four bytes: go back by up to three. What has no border there is no text, and is cut anywhere.
	for n := maxName; n > maxName-utf8.UTFMax; n-- {
		if utf8.RuneStart(name[n]) {
			return n
		}
	}
	return maxName
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

package probe

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// gap is the bytes between two frames, or before the first, or behind the last.
type gap struct {
	kept  []byte // the first of them
	total int64
}

const (
	maxKept  = 64 << 10
	maxBlock = 64 // of WebcamXP
)

func (g *gap) add(b []byte) {
	g.total += int64(len(b))
	g.kept = append(g.kept, b[:min(len(b), maxKept-len(g.kept))]...)
}

func (g *gap) reset() { g.kept, g.total = g.kept[:0], 0 }

// wrapping is what stands between two frames, taken apart.
type wrapping struct {
	before []byte // what stands before it
	size   int    // of all from the line end before the boundary to the empty line; 0: there is none
	behind []byte // what stands behind it

	lineEnd    bool     // there is one before the boundary
	feedsAlone bool     // lines end without CR
	boundaries []string // as they stand in their lines
	headers    []header
	fused      bool // the first header follows a boundary in its line
	block      bool // it is a block of WebcamXP
}

type header struct{ name, value string }

// unwrap takes apart what stands before a frame. boundary is the declared one, or "".
func unwrap(b []byte, boundary string) wrapping {
	start := wrapStart(b, boundary)
	if start < 0 {
		// As mjpg-streamer writes it, it is 50 bytes long: the word, digits, zero bytes.
		if i := bytes.LastIndex(b, []byte("mjpeg ")); i >= 0 && len(b)-i <= maxBlock &&
			len(bytes.Trim(bytes.TrimLeft(b[i+len("mjpeg "):], "0123456789"), "\x00")) == 0 {
			return wrapping{before: b[:i], size: len(b) - i, block: true}
		}
		return wrapping{before: b}
	}
	var w wrapping
	at := start
	for at < len(b) {
		line, rest, ended := bytes.Cut(b[at:], []byte("\n"))
		text := string(bytes.TrimSuffix(line, []byte("\r")))
		name, value, isHeader := strings.Cut(text, ":")
		isBoundary := isBoundaryLine(text, boundary)
		if ended && len(line) == len(text) {
			w.feedsAlone = true
		}
		switch {
		case isBoundary:
			if first := behindBoundary(text, boundary); first != "" {
				name, value, _ := strings.Cut(first, ":")
				w.headers = append(w.headers, header{name, strings.TrimSpace(value)})
				w.fused = true
				text = strings.TrimSuffix(text, first)
			}
			w.boundaries = append(w.boundaries, text)
		case isHeader && isToken(name):
			w.headers = append(w.headers, header{name, strings.TrimSpace(value)})
		case text == "" && ended:
			at = len(b) - len(rest)
			// An empty line ends the headers; one in front of them belongs to the boundary's.
			if len(w.headers) > 0 || !bytes.HasPrefix(rest, []byte("--")) {
				return w.cut(b, start, at)
			}
			continue
		default:
			return w.cut(b, start, at)
		}
		at = len(b) - len(rest)
	}
	return w.cut(b, start, at)
}

// cut finishes a wrapping that reaches from start to end.
func (w wrapping) cut(b []byte, start, end int) wrapping {
	before := bytes.TrimSuffix(b[:start], []byte("\n"))
	if w.lineEnd = len(before) < start; w.lineEnd {
		before = bytes.TrimSuffix(before, []byte("\r"))
	}
	w.before, w.size, w.behind = before, end-len(before), b[end:]
	return w
}

// wrapStart finds the first boundary, or the first header where there is no boundary; -1 if there is neither.
func wrapStart(b []byte, boundary string) int {
	for _, full := range []string{"--" + boundary, boundary} {
		if boundary == "" || !strings.HasPrefix(full, "--") {
			continue
		}
		if i := bytes.Index(b, []byte(full)); i >= 0 {
			return i
		}
	}
	for i := 0; i < len(b); {
		line, _, ended := bytes.Cut(b[i:], []byte("\n"))
		text := string(bytes.TrimSuffix(line, []byte("\r")))
		name, _, isHeader := strings.Cut(text, ":")
		if isBoundaryLine(text, "") && ended || isHeader && isPartHeader(name) {
			return i
		}
		if !ended {
			return -1
		}
		i += len(line) + 1
	}
	return -1
}

// isBoundaryLine says whether a line of text is one that divides parts.
func isBoundaryLine(text, boundary string) bool {
	if boundary != "" && strings.HasPrefix(boundary, "--") && strings.HasPrefix(text, boundary) {
		return true
	}
	const longest = 72 // RFC 2046, 5.1.1: 70 and the dashes
	return strings.HasPrefix(text, "--") && len(text) <= longest &&
		printable([]byte(text), longest) == strings.TrimSpace(text)
}

// behindBoundary returns the header that follows a boundary in its line; "" as it should be.
func behindBoundary(text, boundary string) string {
	if boundary == "" {
		return ""
	}
	rest, _ := strings.CutPrefix(strings.TrimLeft(text, "-"), strings.TrimLeft(boundary, "-"))
	if name, _, ok := strings.Cut(rest, ":"); ok && isPartHeader(name) && len(rest) < len(text) {
		return rest
	}
	return ""
}

func isPartHeader(name string) bool {
	name = strings.ToLower(name)
	return isToken(name) && (strings.HasPrefix(name, "content-") || strings.HasPrefix(name, "x-"))
}

func isToken(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' })
}

// value returns a header's value, and whether there is such a header.
func (w wrapping) value(name string) (string, bool) {
	for _, h := range w.headers {
		if strings.EqualFold(h.name, name) {
			return h.value, true
		}
	}
	return "", false
}

// status message counts a wrapping. after: it stands behind a frame. before: a frame follows.
func (p *Parts) status(w wrapping, after, before bool) {
	if w.block {
		p.blocks++
		return
	}
	if before && !p.first {
		p.first = true
		p.noFirst = len(w.boundaries) == 0
	}
	if len(w.boundaries) > 0 {
		p.boundaries++
		if after && !w.lineEnd {
			p.noLineEnd++
		}
		if len(w.boundaries) > 1 {
			p.extraLines++
		}
		// The last one ends with two dashes, or anywhere.
		if b := w.boundaries[0]; !slices.Contains(p.Sent, b) && len(p.Sent) < 4 && (before || len(p.Sent) == 0) {
			p.Sent = append(p.Sent, b)
		}
	}
	if w.feedsAlone {
		p.feeds++
	}
	if w.fused {
		p.fused++
	}
	if !before {
		return
	}
	for _, h := range w.headers {
		if !slices.Contains(p.Headers, h.name) && len(p.Headers) < 16 {
			p.Headers = append(p.Headers, h.name)
		}
	}
	if _, ok := w.value("Content-Type"); !ok {
		p.noType++
	}
	if t, ok := w.value("X-Timestamp"); ok && p.Time == "" {
		p.Time = t
	}
}

// What stands in Parts.Lengths.
const (
	lengthRight   = "right"
	lengthPadless = "right without the padding"
	lengthShort   = "short"
	lengthLong    = "long"
	lengthZero    = "zero"
	lengthMissing = "missing"
	lengthNone    = "no number"
)

// judgeLength compares what a part's headers say of its length with a frame and what stands before and behind it in the
// part.
func judgeLength(w wrapping, frame, before, behind int) string {
	text, ok := w.value("Content-Length")
	n, err := strconv.Atoi(text)
	switch all := before + frame + behind; {
	case !ok:
		return lengthMissing
	case err != nil:
		return lengthNone
	case n == 0:
		return lengthZero
	case n == all:
		return lengthRight
	case n == before+frame:
		return lengthPadless
	case n < all:
		return lengthShort
	}
	return lengthLong
}

// maker says who uses a boundary.
func maker(boundary, server string) string {
	switch b := strings.TrimLeft(boundary, "-"); {
	case b == "boundarydonotcross" && strings.Contains(server, "ustreamer"):
		return "ustreamer"
	case b == "boundarydonotcross":
		return "mjpg-streamer or ustreamer"
	case b == "BoundaryString":
		return "Motion"
	case b == "123456789000000000000987654321":
		return "an ESP32-CAM"
	case b == "ffmpeg", b == "ffserver":
		return "ffmpeg -f mpjpeg"
	case b == "ThisRandomString":
		return "GStreamer's multipartmux"
	case b == "FRAME":
		return "the example server of picamera2"
	case b == "MJPEGBOUNDARY":
		return "hybridgroup/mjpeg"
	case b == "ipcamera":
		return "Foscam"
	}
	return ""
}

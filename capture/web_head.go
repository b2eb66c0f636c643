package capture

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// An answer's head is refused beyond these, with all that stands before it.
const (
	maxHead      = 64 << 10 // bytes
	maxHeadLines = 1000
	maxInterim   = 16      // heads of 1xx before it
	maxBegin     = 64      // bytes that tell what an answer is, and are shown of one that is none
	maxChunkLine = 4 << 10 // bytes, of a chunk's length with what stands behind it
)

// tolerantConn is a connection to a camera on which answers are put right before net/http reads them, which is stricter
// than curl, ffmpeg and browsers. What net/http takes stays as it is. An answer is what comes after a GET; all else,
// such as what a proxy says first, passes through.
type tolerantConn struct {
	net.Conn
	asked  atomic.Bool   // a GET has been written, and nothing read since
	spoken chan struct{} // closed by the first Write, or Close; what a server says before that is its answer
	once   sync.Once

	// These are Read's.
	ready  []byte // comes next
	err    error  // comes after ready, for ever
	chunks *chunkFixer
}

func newTolerantConn(c net.Conn) *tolerantConn {
	return &tolerantConn{Conn: c, spoken: make(chan struct{})}
}

func (c *tolerantConn) Write(p []byte) (int, error) {
	if bytes.HasPrefix(p, []byte("GET ")) {
		c.asked.Store(true)
	}
	c.once.Do(func() { close(c.spoken) })
	return c.Conn.Write(p)
}

func (c *tolerantConn) Close() error {
	c.once.Do(func() { close(c.spoken) })
	return c.Conn.Close()
}

func (c *tolerantConn) Read(p []byte) (int, error) {
	<-c.spoken
	for len(c.ready) == 0 && c.err == nil {
		n, err := c.Conn.Read(p)
		switch {
		case n > 0 && c.asked.CompareAndSwap(true, false):
			c.readHead(bytes.Clone(p[:n]), err)
		case n > 0 && c.chunks != nil:
			c.ready, c.err = c.chunks.fix(c.ready[:0], p[:n])
			if c.err == nil {
				c.err = err
			}
		default:
			return n, err
		}
	}
	if len(c.ready) == 0 {
		return 0, c.err
	}
	n := copy(p, c.ready)
	c.ready = c.ready[n:]
	return n, nil
}

// readHead makes what net/http reads of an answer that begins with b. err has come behind b.
func (c *tolerantConn) readHead(b []byte, err error) {
	for {
		h, fault := fixHead(b, err != nil)
		if fault == errHeadUnfinished {
			more := make([]byte, 4<<10)
			var n int
			n, err = c.Conn.Read(more)
			b = append(b, more[:n]...)
			for err == nil && len(b) > maxBegin && len(b) <= maxHead && !bytes.Contains(more[:n], []byte("\n")) {
				n, err = c.Conn.Read(more) // nothing can be told before a line ends
				b = append(b, more[:n]...)
			}
			continue
		}
		if fault != nil {
			c.ready, c.err = nil, fault
			return
		}
		c.ready, c.chunks, c.err = h.head, nil, err
		if rest := b[h.size:]; h.chunked {
			c.chunks = &chunkFixer{}
			c.ready, fault = c.chunks.fix(c.ready, rest)
			if fault != nil {
				c.err = fault
			}
		} else {
			c.ready = append(c.ready, rest...)
		}
		return
	}
}

// fixedHead is the head of an answer as net/http takes it.
type fixedHead struct {
	head    []byte
	size    int // how many bytes it takes the place of
	chunked bool
}

// notHTTPError is what came instead of an answer: its first bytes.
type notHTTPError struct{ begin []byte }

func (e *notHTTPError) Error() string {
	return fmt.Sprintf("an answer that begins with %q is not HTTP", e.begin)
}

var (
	errHeadUnfinished = errors.New("the head of the answer has no end") // more bytes are needed
	errHeadTooLong    = fmt.Errorf("the head of the answer has more than %d bytes or %d lines", maxHead, maxHeadLines)
)

var (
	statusLine = regexp.MustCompile(`(?is)^[ \t]*(?:HTTP(?:/(\d+)(?:\.(\d+))?)?|ICY)[ \t]+(\d{3})([^\d].*)?$`)
	// statusBegin is the beginning of what may become a statusLine.
	statusBegin = regexp.MustCompile(`(?i)^[ \t]*(?:$|H$|HT$|HTT$|HTTP|I$|IC$|ICY)`)
)

// fixHead makes the head at the beginning of b one that net/http takes. ended: nothing comes behind b. Bodies without a
// head are given one, if they begin as MJPEG does.
func fixHead(b []byte, ended bool) (fixedHead, error) {
	begun := 0
	for range maxInterim {
		empty := len(b[begun:]) - len(bytes.TrimLeft(b[begun:], "\r\n"))
		if empty > maxHeadLines {
			return fixedHead{}, errHeadTooLong
		}
		begun += empty
		at := b[begun:]
		if !ended && len(at) < 3 {
			return fixedHead{}, errHeadUnfinished
		}
		if bytes.HasPrefix(at, []byte("\xFF\xD8\xFF")) || bytes.HasPrefix(at, []byte("--")) {
			return fixedHead{head: []byte("HTTP/1.0 200 OK\r\n\r\n"), size: begun}, nil
		}
		if !statusBegin.Match(at[:min(len(at), maxBegin)]) {
			return fixedHead{}, &notHTTPError{bytes.Clone(at[:min(len(at), maxBegin)])}
		}
		lines, size, err := headLines(at, begun)
		switch {
		case err != nil:
			return fixedHead{}, err
		case size == 0 && ended:
			return fixedHead{head: bytes.Clone(at), size: len(b)}, nil // net/http says that it is cut off
		case size == 0:
			return fixedHead{}, errHeadUnfinished
		}
		status := statusLine.FindSubmatch(lines[0])
		if status == nil {
			return fixedHead{}, &notHTTPError{bytes.Clone(at[:min(len(at), maxBegin)])}
		}
		begun += size
		if code := status[3]; code[0] == '1' && string(code) != "101" { // another head follows
			continue
		}
		h := fixedHead{head: bytes.Clone(at[:size]), size: begun}
		var good bool
		if h.chunked, good = isTaken(h.head); !good {
			h.head, h.chunked = rewriteHead(status, lines[1:])
		}
		return h, nil
	}
	return fixedHead{}, errHeadTooLong
}

// headLines cuts a head into lines without their ends. size is 0 if its end is not in b. before: bytes that have been
// passed over.
func headLines(b []byte, before int) (lines [][]byte, size int, err error) {
	for {
		n := bytes.IndexByte(b[size:], '\n')
		if before+size+max(n, 0) > maxHead || n < 0 && before+len(b) > maxHead || len(lines) > maxHeadLines {
			return nil, 0, errHeadTooLong
		}
		if n < 0 {
			return nil, 0, nil
		}
		line := bytes.TrimRight(b[size:size+n], "\r")
		size += n + 1
		if len(line) == 0 {
			return lines, size, nil
		}
		lines = append(lines, line)
	}
}

// isTaken reports whether net/http takes a head and makes of it what others do, and whether chunks follow.
func isTaken(head []byte) (chunked, ok bool) {
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), &http.Request{Method: http.MethodGet})
	if err != nil {
		return false, false
	}
	if !resp.ProtoAtLeast(1, 1) && bytes.Contains(bytes.ToLower(head), []byte("chunked")) {
		return false, false // net/http knows no chunks in HTTP/1.0
	}
	if _, err := resp.Location(); err != nil && err != http.ErrNoLocation {
		return false, false
	}
	return slices.Contains(resp.TransferEncoding, "chunked"), true
}

// rewriteHead writes a head anew, without what cannot be understood.
func rewriteHead(status, lines [][]byte) (head []byte, chunked bool) {
	var names, values []string
	unfinished := false // the last line may go on
	for i, line := range lines {
		text := withoutControls(line)
		if i > 0 && (text[0] == ' ' || text[0] == '\t') {
			if unfinished {
				values[len(values)-1] += " " + strings.TrimSpace(text)
			}
			continue
		}
		name, value, ok := strings.Cut(text, ":")
		name = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name))
		if unfinished = ok && isToken(name); unfinished {
			names, values = append(names, name), append(values, strings.TrimSpace(value))
		}
	}

	var fields []byte
	var lengths []string
	for i, name := range names {
		value := values[i]
		switch name {
		case "Content-Length":
			lengths = append(lengths, strings.Split(value, ",")...)
			continue
		case "Transfer-Encoding": // identity, and what nobody knows, is left out
			chunked = chunked || strings.Contains(strings.ToLower(value), "chunked")
			continue
		case "Location":
			value = fixLocation(value)
		}
		fields = fmt.Appendf(fields, "%s: %s\r\n", name, value)
	}
	version := "1.0"
	if chunked || string(status[1]) == "1" && strings.Trim(string(status[2]), "0") != "" {
		version = "1.1"
	}
	head = fmt.Appendf(nil, "HTTP/%s %s %s\r\n%s", version, status[3], strings.TrimSpace(withoutControls(status[4])), fields)
	if chunked {
		head = append(head, "Transfer-Encoding: chunked\r\n"...)
	} else if length, ok := oneLength(lengths); ok {
		head = fmt.Appendf(head, "Content-Length: %d\r\n", length)
	}
	return append(head, "\r\n"...), chunked
}

// oneLength is what all lengths say, if they agree on one.
func oneLength(lengths []string) (length int64, ok bool) {
	for i, text := range lengths {
		n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 62)
		if err != nil || i > 0 && int64(n) != length {
			return 0, false
		}
		length = int64(n)
	}
	return length, len(lengths) > 0
}

// fixLocation escapes what keeps url.Parse from taking an address.
func fixLocation(address string) string {
	if _, err := url.Parse(address); err == nil {
		return address
	}
	return regexp.MustCompile("%(?:[0-9A-Fa-f]{2})?").ReplaceAllStringFunc(address, func(escape string) string {
		if escape == "%" {
			return "%25"
		}
		return escape
	})
}

// withoutControls makes spaces of control characters.
func withoutControls(line []byte) string {
	clean := bytes.Clone(line)
	for i, b := range clean {
		if b < ' ' && b != '\t' || b == 0x7F {
			clean[i] = ' '
		}
	}
	return string(clean)
}

// isToken reports whether a field may have this name (RFC 9110, 5.6.2).
func isToken(name string) bool {
	for _, b := range []byte(name) {
		isLetter := b|0x20 >= 'a' && b|0x20 <= 'z'
		isDigit := b >= '0' && b <= '9'
		if !isLetter && !isDigit && strings.IndexByte("!#$%&'*+-.^_`|~", b) < 0 {
			return false
		}
	}
	return name != ""
}

// chunkFixer writes the chunks of a body anew (RFC 9112, 7.1). It takes line feeds alone, anything behind a length, and
// a line end left out behind the data.
type chunkFixer struct {
	state chunkState
	line  []byte // the beginning of a chunk's length, or of a trailer
	left  uint64 // of the chunk's data
}

type chunkState int

const (
	atLength chunkState = iota
	inData
	behindData
	inTrailer // left out: nobody reads it
	behindChunks
)

// fix appends what net/http takes of in to out.
func (f *chunkFixer) fix(out, in []byte) ([]byte, error) {
	for len(in) > 0 {
		switch f.state {
		case inData:
			n := int(min(f.left, uint64(len(in))))
			out, in = append(out, in[:n]...), in[n:]
			if f.left -= uint64(n); f.left == 0 {
				out = append(out, "\r\n"...)
				f.state = behindData
			}
		case behindData:
			switch in[0] {
			case '\n':
				f.state = atLength
				fallthrough
			case '\r':
				in = in[1:]
			default:
				f.state = atLength
			}
		case behindChunks:
			return append(out, in...), nil
		default:
			n := bytes.IndexByte(in, '\n')
			if n < 0 {
				n = len(in) - 1
			}
			f.line, in = append(f.line, in[:n+1]...), in[n+1:]
			if len(f.line) > maxChunkLine {
				return out, fmt.Errorf("%d bytes and more stand where the length of a chunk ends", maxChunkLine)
			}
			if f.line[len(f.line)-1] != '\n' {
				return out, nil
			}
			line := bytes.TrimSpace(f.line)
			f.line = f.line[:0]
			if f.state == inTrailer {
				if len(line) == 0 {
					f.state = behindChunks
				}
				continue
			}
			digits := len(line) - len(bytes.TrimLeft(line, "0123456789abcdefABCDEF"))
			length, err := strconv.ParseUint(string(line[:digits]), 16, 62)
			if err != nil {
				return out, fmt.Errorf("%.16q stands where the length of a chunk should", line)
			}
			out = fmt.Appendf(out, "%x\r\n", length)
			f.left, f.state = length, inData
			if length == 0 {
				out = append(out, "\r\n"...)
				f.state = inTrailer
			}
		}
	}
	return out, nil
}

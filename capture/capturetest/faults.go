package capturetest

import (
	"bytes"
	"fmt"
	"strings"
)

// Fault is an answer that is no proper HTTP/1.1, with good frames in its body.
type Fault struct {
	Dialect
	// Curl: curl 7.88 takes all of the body.
	Curl bool
}

// Faults lists those that cameras' own web servers are known for, and those of the same kind, each with the frames in
// it.
func Faults(frames [][]byte) []Fault {
	const kind = "Content-Type: multipart/x-mixed-replace; boundary=frame\r\n"
	body := Multipart("", frames, "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n", "\r\n")
	var all []Fault
	add := func(curl bool, name, head string, body []byte) {
		all = append(all, Fault{Dialect{name, append([]byte(head), body...)}, curl})
	}
	status := func(curl bool, name, line string) { add(curl, "status: "+name, line+"\r\n"+kind+"\r\n", body) }
	status(false, "ICY", "ICY 200 OK")
	status(true, "no reason", "HTTP/1.1 200")
	status(true, "a space and no reason", "HTTP/1.0 200 ")
	status(true, "in lower case", "http/1.1 200 ok")
	status(false, "no version", "HTTP 200 OK")
	status(false, "no minor version", "HTTP/1 200 OK")
	status(true, "two spaces", "HTTP/1.1  200 OK")
	status(true, "control characters in the reason", "HTTP/1.1 200 O\x01K")
	status(true, "8-bit reason", "HTTP/1.1 200 d'acc\xF4rd")

	field := func(curl bool, name, fields string) {
		add(curl, "field: "+name, "HTTP/1.1 200 OK\r\nServer: GoaHead\r\n"+fields+kind+"\r\n", body)
	}
	field(true, "without a name", "Tue, 12 Jun 2012 01:56:34 GMT\r\n")
	field(false, "without a colon", "nonsense\r\n")
	field(true, "an empty name", ": value\r\n")
	field(true, "a space before the colon", "Cache-Control : no-cache\r\n")
	field(true, "spaces in the name", "Cache Control: no-cache\r\n")
	field(true, "8-bit name", "Gr\xFC\xDFe: x\r\n")
	field(true, "8-bit value", "X-Name: K\xFCche \xFF\xFE\r\n")
	field(true, "control characters in the value", "X-Name: a\x01b\x7Fc\r\n")
	field(false, "a zero byte in the value", "X-Name: a\x00b\r\n")
	field(true, "goes on in the next line", "X-Name: a\r\n b\r\n\tc\r\n")
	field(true, "a line of nothing but a space", "X-Name: a\r\n \r\n")
	field(true, "60 kB long", "Set-Cookie: a="+strings.Repeat("b", 60<<10)+"\r\n")
	field(true, "300 of them", strings.Repeat("X-A: b\r\n", 300))
	field(false, "length -1", "Content-Length: -1\r\n")
	field(false, "length of words", "Content-Length: unknown\r\n")
	field(false, "no length in it", "Content-Length:\r\n")
	field(true, "length beyond 64 bits", "Content-Length: 99999999999999999999999999\r\n")
	field(false, "two lengths", fmt.Sprintf("Content-Length: -1\r\nContent-Length: %d\r\n", len(body)))
	field(true, "two equal lengths", fmt.Sprintf("Content-Length: %d\r\nContent-Length: %[1]d\r\n", len(body)))
	field(true, "a list of lengths", fmt.Sprintf("Content-Length: %d, %[1]d\r\n", len(body)))
	field(true, "two lengths that differ", fmt.Sprintf("Content-Length: 7\r\nContent-Length: %d\r\n", len(body)))
	field(true, "transfer encoding identity", "Transfer-Encoding: identity\r\n")
	field(false, "transfer encoding of nobody's", "Transfer-Encoding: binary\r\n")
	field(true, "content encoding identity", "Content-Encoding: identity\r\n")
	field(true, "connection close", "Connection: close\r\n")
	add(false, "field: the first one is indented", "HTTP/1.1 200 OK\r\n Server: x\r\n"+kind+"\r\n", body)

	ok := "HTTP/1.1 200 OK\r\n" + kind + "\r\n"
	add(true, "lines: line feeds alone", strings.ReplaceAll(ok, "\r", ""), body)
	add(true, "lines: of both kinds", strings.Replace(ok, "\r", "", 1), body)
	add(true, "lines: two carriage returns", strings.ReplaceAll(ok, "\r", "\r\r"), body)
	add(false, "before it: empty lines", "\r\n\r\n"+ok, body)
	add(true, "before it: 100 Continue", "HTTP/1.1 100 Continue\r\n\r\n"+ok, body)
	add(false, "before it: 100 with a line without a colon", "HTTP/1.1 100 Continue\r\nnonsense\r\n\r\n"+ok, body)
	add(true, "before it: nine of 1xx", strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 9)+ok, body)
	add(false, "no head, and a boundary", "", body)
	add(false, "no head, and a frame", "", bytes.Join(frames, nil))

	chunked := func(curl bool, name, version, more, line, end, last string) {
		b := fmt.Appendf(nil, "HTTP/%s 200 OK\r\n%sTransfer-Encoding: chunked\r\n%s\r\n", version, kind, more)
		for rest := body; len(rest) > 0; {
			n := min(500, len(rest))
			b = append(append(fmt.Appendf(b, line, n), rest[:n]...), end...)
			rest = rest[n:]
		}
		add(curl, "chunks: "+name, string(b)+last, nil)
	}
	const line, end, last = "%x\r\n", "\r\n", "0\r\n\r\n"
	chunked(true, "as they should be", "1.1", "", line, end, last)
	chunked(true, "in upper case with zeros", "1.1", "", "0000%X\r\n", end, last)
	chunked(true, "an extension", "1.1", "", "%x;a=\"b;c\"\r\n", end, last)
	chunked(true, "something else behind the length", "1.1", "", "%x bytes\r\n", end, last)
	chunked(false, "a space before the length", "1.1", "", " %x\r\n", end, last)
	chunked(true, "line feeds alone", "1.1", "", "%x\n", "\n", "0\n\n")
	chunked(false, "no line end behind the data", "1.1", "", line, "", last)
	chunked(true, "no last line end", "1.1", "", line, end, "0\r\n")
	chunked(true, "trailers", "1.1", "", line, end, "0\r\nX-A: b\r\nnonsense\r\n\r\n")
	chunked(true, "in HTTP/1.0", "1.0", "", line, end, last)
	chunked(true, "and a length", "1.1", "Content-Length: 7\r\n", line, end, last)
	chunked(true, "said twice", "1.1", "Transfer-Encoding: chunked\r\n", line, end, last)
	return all
}

package transport

import (
	"bytes"
	"fmt"
)

// protocolError is what came from a peer that is no camera (or, at a Sender, no receiver).
type protocolError struct {
	what  string // such as "an HTTP request"
	do    string // what the user should do about it
	quiet bool   // nothing to worry about
}

func (e *protocolError) Error() string { return fmt.Sprintf("it sends %s: %s", e.what, e.do) }

// sniffLen is how many bytes sniff needs in order to tell. No frame is so short.
const sniffLen = 12

// sniff recognizes by its first bytes what people send to the wrong port, or from the wrong program. It returns nil
// for all else: a stream of frames may begin anywhere in a frame, with any bytes (so one or two of them tell nothing),
// and have anything between two frames.
func sniff(first []byte) *protocolError {
	starts := func(prefixes ...string) bool {
		for _, p := range prefixes {
			if bytes.HasPrefix(first, []byte(p)) {
				return true
			}
		}
		return false
	}
	request := isRequest(first)
	switch {
	case request && bytes.Contains(bytes.ToUpper(first), []byte("RTSP")), starts("RTSP/"):
		return &protocolError{what: "RTSP", do: "this port carries MJPEG over plain TCP"}
	case request:
		return &protocolError{what: "an HTTP request",
			do: "this port carries MJPEG over plain TCP; connect with picam, not with a browser"}
	case starts("HTTP/"):
		return &protocolError{what: "an HTTP server", do: "read it by picam recv --from http://HOST:PORT/PATH"}
	case starts("\x16\x03") && len(first) > 5 && first[5] == 1: // a handshake record that holds a ClientHello
		return &protocolError{what: "a TLS handshake", do: "this port carries MJPEG over plain TCP, without TLS"}
	case starts("SSH-"):
		return &protocolError{what: "SSH", do: "this port carries MJPEG over plain TCP; SSH has port 22"}
	case starts("\x00\x00\x00\x01", "\x00\x00\x01\x67", "\x00\x00\x01\x09"):
		return &protocolError{what: "H.264 or H.265 video",
			do: "start rpicam-vid with --codec mjpeg, ffmpeg with -f mjpeg"}
	case starts("\x1A\x45\xDF\xA3"), starts("RIFF"), starts("FLV\x01"),
		len(first) >= 8 && string(first[4:8]) == "ftyp",
		len(first) > 2*188 && first[0] == 0x47 && first[188] == 0x47 && first[2*188] == 0x47: // MPEG-TS
		return &protocolError{what: "video in a container", do: "send plain MJPEG: start ffmpeg with -f mjpeg"}
	}
	return nil
}

// isRequest reports whether text begins as a request of HTTP or RTSP does: a word in capitals, then a path, an address
// or *.
func isRequest(text []byte) bool {
	n := 0
	for n < len(text) && text[n] >= 'A' && text[n] <= 'Z' {
		n++
	}
	return n >= 3 && n <= 10 && n+1 < len(text) && text[n] == ' ' && bytes.IndexByte([]byte("/*hr"), text[n+1]) >= 0
}

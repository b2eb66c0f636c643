// Package sniff recognises what data is by its first bytes, where it is not the JPEG that was wanted.
package sniff

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Recognise says what data is by its first bytes, of which some hundred suffice, and what a user could want instead; ""
// for none. format is what ffmpeg calls what it can make frames of.
func Recognise(b []byte) (found, advice, format string) {
	if kind, body := cutPart(b); kind != "" {
		return recognisePart(kind, body)
	}
	if found, advice, format = recognise(b); found == "" {
		found = fmt.Sprintf("bytes of no kind that picam knows; the first are % X", b[:min(len(b), 16)])
	}
	return found, advice, format
}

// recognise returns "" for what it does not know.
func recognise(b []byte) (found, advice, format string) {
	has := func(at int, text string) bool { return len(b) >= at+len(text) && string(b[at:at+len(text)]) == text }
	const jpegs = "want MJPEG or JPEG"
	switch {
	case has(0, "\x89PNG\r\n\x1A\n"):
		return "a PNG frame", jpegs + ": choose JPEG in the camera's or program's settings", "png_pipe"
	case has(0, "GIF8"):
		return "a GIF frame", jpegs, "gif"
	case has(0, "RIFF") && has(8, "AVI "):
		return "an AVI file", "", "avi"
	case has(0, "RIFF") && has(8, "WEBP"):
		return "a WebP frame", jpegs, "webp_pipe"
	case has(4, "ftypavif"), has(4, "ftypheic"), has(4, "ftypheix"), has(4, "ftypmif1"):
		return "a HEIC or AVIF frame", jpegs, ""
	case has(4, "ftyp"), has(4, "moov"), has(4, "moof"), has(4, "mdat"), has(4, "styp"):
		return "an MP4 or MOV file", "", "mov"
	case has(0, "\x1A\x45\xDF\xA3"):
		return "a Matroska or WebM file", "", "matroska"
	case has(0, "FLV\x01"):
		return "Flash video", "", "flv"
	case has(0, "OggS"):
		return "an Ogg file", "", "ogg"
	case has(0, "YUV4MPEG2"):
		return "raw video (YUV4MPEG)", "", "yuv4mpegpipe"
	case has(0, "#EXTM3U"):
		return "an HLS playlist", "", "hls"
	case has(0, "\x47") && has(188, "\x47") && has(376, "\x47"):
		return "an MPEG transport stream, most likely with H.264 in it", "", "mpegts"
	case has(0, "RTSP/1."):
		return "an RTSP server's answer", "RTSP cameras send H.264: go2rtc or mediamtx make MJPEG of it, " +
			"or let ffmpeg do so: --source 'ffmpeg:-rtsp_transport tcp -i rtsp://HOST/PATH'", ""
	case has(0, "HTTP/1."):
		return "an HTTP server's answer: " + firstLineOf(b), "type http://HOST:PORT/PATH instead", ""
	case has(0, "SSH-"):
		return "an SSH server", "type the port of the camera's stream", ""
	case len(b) > 4 && b[0] >= 0x14 && b[0] <= 0x17 && b[1] == 3 && b[2] <= 4:
		return "TLS, which encrypts", "type https:// if it is a web server", ""
	case has(0, "\x1F\x8B"):
		return "data compressed by gzip", "", ""
	case has(0, "\xFF\xD8\xFF"):
		return "the beginning of a JPEG frame, and no end of it", "", ""
	case has(0, "\xFF\x4F\xFF\x51"), has(4, "jP  "):
		return "JPEG 2000, which is another thing than JPEG", jpegs, ""
	}
	if codec := annexB(b); codec != "" {
		formats := map[string]string{"H.264": "h264", "H.265": "hevc", "MPEG-4": "m4v", "MPEG-1 or MPEG-2": "mpegvideo"}
		return codec + " video", "", formats[codec]
	}
	if t := bytes.TrimSpace(b); len(t) > 1 && (t[0] == '{' || t[0] == '[') && json.Valid(t) {
		return "JSON: " + Shorten(b), "want the address of the frame, not of its description", ""
	}
	if isText(b) {
		return "text: " + Shorten(b), "", ""
	}
	if len(bytes.Trim(b, "\x00")) == 0 {
		return "zero bytes alone", "", ""
	}
	return "", "", ""
}

// CanHoldJPEG reports whether there may be JPEG frames in a format that Recognise has returned.
func CanHoldJPEG(format string) bool {
	return !slices.Contains([]string{"h264", "hevc", "m4v", "mpegvideo", "mpegts", "flv", "ogg", "hls"}, format)
}

// cutPart cuts the head off the first part of a multipart body. kind is its Content-Type, "" if b does not begin with a
// whole head that has one.
func cutPart(b []byte) (kind string, body []byte) {
	b = bytes.TrimLeft(b, "\r\n")
	isHead := bytes.HasPrefix(b, []byte("--"))
	for {
		line, rest, ended := bytes.Cut(b, []byte("\n"))
		name, value, _ := strings.Cut(string(bytes.TrimSpace(line)), ":")
		if strings.EqualFold(name, "Content-Type") {
			kind = strings.TrimSpace(value)
			isHead = true
		}
		switch {
		case !ended || !isHead:
			return "", nil
		case name == "":
			return kind, rest
		}
		b = rest
	}
}

// recognisePart is Recognise for a part of a multipart body.
func recognisePart(kind string, body []byte) (found, advice, format string) {
	found, advice, format = recognise(body)
	switch lower := strings.ToLower(kind); {
	case found != "" && !strings.HasPrefix(found, "text: "): // a few bytes of video may look like text
	case strings.Contains(lower, "264"):
		found, format = "H.264 video", "h264"
	case strings.Contains(lower, "265"), strings.Contains(lower, "hevc"):
		found, format = "H.265 video", "hevc"
	case found == "":
		found = "data"
	}
	if !slices.Contains([]string{"h264", "hevc", "m4v", "mpegvideo", "mpegts"}, format) {
		format = "" // ffmpeg does not find its way from part to part
	}
	return found + " in multipart (" + kind + ")", advice, format
}

// annexB recognises video by its start codes, 00 00 01, and by what must follow the first one.
func annexB(b []byte) string {
	i := bytes.Index(b[:min(len(b), 256)], []byte("\x00\x00\x01"))
	if i < 0 || len(bytes.Trim(b[:i], "\x00")) > 0 || len(b) < i+5 {
		return ""
	}
	switch c := b[i+3]; {
	case c == 0xB0, c == 0xB5 && b[i+4] != 0:
		return "MPEG-4"
	case c == 0xB3, c == 0xBA:
		return "MPEG-1 or MPEG-2"
	case (c == 0x40 || c == 0x42 || c == 0x44 || c == 0x46) && b[i+4] == 1: // VPS, SPS, PPS, access unit delimiter
		return "H.265"
	case c&0x80 == 0 && (c&31 == 1 || c&31 >= 5 && c&31 <= 9): // slices, SEI, SPS, PPS, access unit delimiter
		return "H.264"
	}
	return ""
}

// IsHTML reports whether data begins as a web page does.
func IsHTML(b []byte) bool {
	b = bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\xEF\xBB\xBF"))))
	return bytes.HasPrefix(b, []byte("<!doctype html")) || bytes.HasPrefix(b, []byte("<html"))
}

func isText(b []byte) bool {
	b = b[:min(len(b), 512)]
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && len(b) >= utf8.UTFMax || r < ' ' && r != '\n' && r != '\r' && r != '\t' {
			return false
		}
		b = b[n:]
	}
	return true
}

func firstLineOf(b []byte) string {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	i := 0
	for i < len(line) && i < 80 && line[i] >= ' ' && line[i] <= '~' {
		i++
	}
	return strings.TrimSpace(string(line[:i]))
}

// Shorten quotes a text's beginning.
func Shorten(b []byte) string {
	const most = 60
	text := strings.Join(strings.Fields(string(b[:min(len(b), 4*most)])), " ")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return fmt.Sprintf("%q", text)
}

package probe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// recognise says what the first bytes are, if they are not those of pictures one after another.
func (p *Probe) recognise() {
	r := &p.report
	b := p.head
	r.Refused = p.refused
	if r.HTTP != nil && !strings.HasPrefix(r.HTTP.Status, "200") && r.HTTP.Status != "" {
		return // Error says it
	}
	isPage := r.HTTP != nil && strings.Contains(r.HTTP.ContentType, "html")
	switch {
	case r.Pictures > 0 && r.Camera != nil:
		return
	case len(b) == 0 && r.Bytes.All == 0:
		if r.Error == "" || r.HTTP != nil {
			r.Found, r.Advice = "not one byte", p.silence()
		}
	case r.Bytes.Notes > 0 && r.Bytes.Notes == r.Bytes.All:
		r.Found = "a picam send whose camera gives no pictures"
		r.Advice = "it says: " + r.Trouble
	case r.MultiPicture > 1 && int64(r.MultiPicture) == r.Pictures && p.o.Untimed:
		r.Found = "a multi-picture photo (MPO); picam takes the first of its pictures"
	case r.Pictures > 0:
		r.Found, r.Advice = container(b)
	case isPage || isHTML(b):
		r.Found, r.Advice = p.page()
	default:
		var format string
		r.Found, r.Advice, format = kindOf(b)
		if format != "" {
			r.Advice = p.ffmpeg(format)
		}
		if d := r.Damage; d.TooLong > 0 {
			r.Found, r.Advice = "pictures over the limit", "--max-frame 100000000 takes longer ones"
		}
	}
	if r.Refused && r.Advice != "" {
		r.Error = "" // it says less
	}
}

// container says what a stream is that has pictures in it, and something around them; "" for those alone.
func container(b []byte) (found, advice string) {
	const loss = "; picam takes the JPEG pictures in it, without its times and sounds"
	switch found, _, format := kindOf(b); format {
	case "avi", "matroska", "mov":
		return found + loss, ""
	}
	if bytes.HasPrefix(b, []byte("HTTP/1.")) {
		return "an HTTP answer with its head; picam passes over that", ""
	}
	return "", ""
}

// kindOf recognises a kind of data by its first bytes. format is what ffmpeg calls one that it can make pictures of.
func kindOf(b []byte) (found, advice, format string) {
	has := func(at int, text string) bool { return len(b) >= at+len(text) && string(b[at:at+len(text)]) == text }
	const (
		jpegs = "want MJPEG or JPEG"
	)
	switch {
	case has(0, "\x89PNG\r\n\x1A\n"):
		return "a PNG picture", jpegs + ": choose JPEG in the camera's or program's settings", "png_pipe"
	case has(0, "GIF8"):
		return "a GIF picture", jpegs, "gif"
	case has(0, "RIFF") && has(8, "AVI "):
		return "an AVI file", "", "avi"
	case has(0, "RIFF") && has(8, "WEBP"):
		return "a WebP picture", jpegs, "webp_pipe"
	case has(4, "ftypavif"), has(4, "ftypheic"), has(4, "ftypheix"), has(4, "ftypmif1"):
		return "a HEIC or AVIF picture", jpegs, ""
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
	case bytes.HasPrefix(b, []byte("\xFF\xD8\xFF")):
		return "the beginning of a JPEG picture, and no end of it", "", ""
	case isFF(b, "\xFF\x4F\xFF\x51"), has(4, "jP  "):
		return "JPEG 2000, which is another thing than JPEG", jpegs, ""
	}
	if codec := annexB(b); codec != "" {
		formats := map[string]string{"H.264": "h264", "H.265": "hevc", "MPEG-4": "m4v", "MPEG-1 or MPEG-2": "mpegvideo"}
		return codec + " video", "", formats[codec]
	}
	if t := bytes.TrimSpace(b); len(t) > 1 && (t[0] == '{' || t[0] == '[') && json.Valid(t) {
		return "JSON: " + shortened(b), "want the address of the picture, not of its description", ""
	}
	if isText(b) {
		return "text: " + shortened(b), "", ""
	}
	if len(bytes.Trim(b, "\x00")) == 0 {
		return "zero bytes alone", "", ""
	}
	return fmt.Sprintf("bytes of no kind that picam knows; the first are % X", b[:min(len(b), 16)]), "", ""
}

func isFF(b []byte, start string) bool { return bytes.HasPrefix(b, []byte(start)) }

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

func isHTML(b []byte) bool {
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
	return printable(line, 80)
}

// shortened quotes a text's beginning.
func shortened(b []byte) string {
	const most = 60
	text := strings.Join(strings.Fields(string(b[:min(len(b), 4*most)])), " ")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return fmt.Sprintf("%q", text)
}

// ffmpeg says how ffmpeg makes MJPEG of a format.
func (p *Probe) ffmpeg(format string) string {
	switch in := p.o.Input; {
	case in != "" && format != "h264" && format != "hevc":
		return fmt.Sprintf("let ffmpeg make MJPEG of it: 'ffmpeg:-i %s'", in)
	case in != "":
		return fmt.Sprintf("let ffmpeg make MJPEG of it: 'ffmpeg:-f %s -i %s'; or choose MJPEG where it comes from, "+
			"such as rpicam-vid --codec mjpeg", format, in)
	case format == "h264":
		return "choose MJPEG where it comes from, such as rpicam-vid --codec mjpeg; or put ffmpeg in between: … | " +
			"ffmpeg -f h264 -i - -c:v mjpeg -f mjpeg - | …"
	}
	return fmt.Sprintf("put ffmpeg in between: … | ffmpeg -f %s -i - -c:v mjpeg -f mjpeg - | …", format)
}

// silence says what to look at where nothing came.
func (p *Probe) silence() string {
	switch {
	case p.report.HTTP != nil:
		return "the server answers, but sends no picture: is its camera on? Some send the first one late: --time 20s"
	case strings.HasPrefix(p.o.Input, "tcp://"):
		return "something listens there and says nothing: a camera program sends at once, a web server waits to be asked " +
			"(http:// instead of tcp://), and picam recv waits for pictures too"
	}
	return "perhaps it takes longer: --time 20s"
}

// page finds out where the pictures of a web page are.
func (p *Probe) page() (found, advice string) {
	text := string(p.head)
	found = "a web page"
	if m := regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`).FindStringSubmatch(text); m != nil {
		if title := strings.Join(strings.Fields(html.UnescapeString(m[1])), " "); title != "" {
			found += ", " + shortened([]byte(title))
		}
	}
	if p.at == nil {
		return found, "want the stream itself, not a page that shows it"
	}
	var list []string
	add := func(address string) {
		u, err := p.at.Parse(html.UnescapeString(address))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || len(list) >= 3 {
			return
		}
		if a := u.String(); !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	lower := strings.ToLower(text)
	source := regexp.MustCompile(`(?i)\bsrc\s*=\s*["']?([^"'\s>]+)`)
	for _, m := range source.FindAllStringSubmatch(text, -1) {
		if regexp.MustCompile(`(?i)stream|mjpe?g|action=|video\.cgi|/video`).MatchString(m[1]) {
			add(m[1])
		}
	}
	onPort := func(port, path string) string {
		u := url.URL{Scheme: "http", Host: p.at.Hostname() + ":" + port, Path: path}
		return u.String()
	}
	for _, k := range []struct{ word, address string }{
		{"mjpg-streamer", "/?action=stream"}, {"mjpg_streamer", "/?action=stream"},
		{"esp32", onPort("81", "/stream")}, {":81/stream", onPort("81", "/stream")},
		{"octoprint", "/webcam/?action=stream"}, {"mainsail", "/webcam/?action=stream"}, {"fluidd", "/webcam/?action=stream"},
		{"ustreamer", "/stream"}, {"µstreamer", "/stream"},
		{"go2rtc", "/api/stream.mjpeg?src=NAME"},
		{"motion-project", onPort("8081", "/")}, {"<title>motion", onPort("8081", "/")},
		{"axis", "/axis-cgi/mjpg/video.cgi"},
	} {
		if strings.Contains(lower, k.word) {
			add(k.address)
		}
	}
	if len(list) == 0 {
		return found, "want the address of the picture in it: /?action=stream of mjpg-streamer, " +
			"port 81 and /stream of an ESP32-CAM, port 8081 of Motion, /webcam/?action=stream of OctoPrint, /stream of ustreamer"
	}
	return found, "the pictures are most likely at " + strings.Join(list, " or ")
}

package probe

import (
	"bytes"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"picam/internal/sniff"
)

// recognise says what the first bytes are, if they are not those of frames one after another.
func (p *Probe) recognise() {
	r := &p.report
	b := p.head
	r.Refused = p.refused
	if r.HTTP != nil && !strings.HasPrefix(r.HTTP.Status, "200") && r.HTTP.Status != "" {
		return // Error says it
	}
	isPage := r.HTTP != nil && strings.Contains(r.HTTP.ContentType, "html")
	switch {
	case r.Frames > 0 && r.Camera != nil:
		return
	case len(b) == 0 && r.Bytes.All == 0:
		if r.Error == "" || r.HTTP != nil {
			r.Found, r.Advice = "not one byte", p.silence()
		}
	case r.Bytes.StatusMessages > 0 && r.Bytes.StatusMessages == r.Bytes.All:
		r.Found = "a picam send whose camera gives no frames"
		r.Advice = "it says: " + r.Trouble
	case r.MultiFrame > 1 && int64(r.MultiFrame) == r.Frames && p.o.Untimed:
		r.Found = "a multi-frame photo (MPO); picam takes the first of its frames"
	case r.Frames > 0:
		r.Found, r.Advice = container(b)
	case isPage || sniff.IsHTML(b):
		r.Found, r.Advice = p.page()
	default:
		var format string
		r.Found, r.Advice, format = sniff.Recognise(b)
		if format != "" {
			r.Advice = p.ffmpeg(format)
		}
		if d := r.Damage; d.TooLong > 0 {
			r.Found, r.Advice = "frames over the limit", "--max-frame 100000000 takes longer ones"
		}
	}
	if r.Refused && r.Advice != "" {
		r.Error = "" // it says less
	}
}

// container says what a stream is that has frames in it, and something around them; "" for those alone.
func container(b []byte) (found, advice string) {
	const loss = "; picam takes the JPEG frames in it, without its times and sounds"
	switch found, _, format := sniff.Recognise(b); format {
	case "avi", "matroska", "mov":
		return found + loss, ""
	}
	if bytes.HasPrefix(b, []byte("HTTP/1.")) {
		return "an HTTP answer with its head; picam passes over that", ""
	}
	return "", ""
}

// ffmpeg says how ffmpeg makes MJPEG of a format.
func (p *Probe) ffmpeg(format string) string {
	switch in := p.o.Input; {
	case in != "" && format != "h264" && format != "hevc":
		return "let ffmpeg make MJPEG of it: " + shellescape.Quote("ffmpeg:-i "+in)
	case in != "":
		return fmt.Sprintf("let ffmpeg make MJPEG of it: %s; or choose MJPEG where it comes from, "+
			"such as rpicam-vid --codec mjpeg", shellescape.Quote("ffmpeg:-f "+format+" -i "+in))
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
		return "the server answers, but sends no frame: is its camera on? Some send the first one late: --time 20s"
	case strings.HasPrefix(p.o.Input, "tcp://"):
		return "something listens there and says nothing: a camera program sends at once, a web server waits to be " +
			"asked " +
			"(http:// instead of tcp://), and picam recv waits for frames too"
	}
	return "perhaps it takes longer: --time 20s"
}

// page finds out where the frames of a web page are.
func (p *Probe) page() (found, advice string) {
	text := string(p.head)
	found = "a web page"
	if m := regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`).FindStringSubmatch(text); m != nil {
		if title := strings.Join(strings.Fields(html.UnescapeString(m[1])), " "); title != "" {
			found += ", " + sniff.Shorten([]byte(title))
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
		{"octoprint", "/webcam/?action=stream"}, {"mainsail", "/webcam/?action=stream"},
		{"fluidd", "/webcam/?action=stream"},
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
		return found, "want the address of the frame in it: /?action=stream of mjpg-streamer, " +
			"port 81 and /stream of an ESP32-CAM, port 8081 of Motion, /webcam/?action=stream of OctoPrint, /stream " +
			"of ustreamer"
	}
	return found, "the frames are most likely at " + strings.Join(list, " or ")
}

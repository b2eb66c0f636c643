package probe

import (
	"fmt"
	"strings"
)

// The programs, in the versions that were tried with each of these streams.
const (
	ffmpeg    = "ffmpeg 5.1, and what is built on it"
	gstreamer = "GStreamer 1.22 (multipartdemux)"
	gstJPEG   = "GStreamer 1.22 (jpegdec)"
	chromium  = "Chromium 156"
	goParts   = "Go programs (mime/multipart)"
	goJPEG    = "Go programs (image/jpeg)"
	opencv    = "OpenCV 4.6 (imdecode)"
	djpeg     = "libjpeg-turbo 2.1 (djpeg)"
	picamera  = "the Python script picamera_server.py"
	cutters   = "programs that cut at FF D8 and FF D9"

	// Of these others have told, or a standard says it.
	browsers = "browsers"
	safari   = "Safari"
	go2rtc   = "go2rtc"
	planner  = "Mission Planner"
	pymjpeg  = "py-mjpeg"
	rtp      = "RTP senders (RFC 2435)"
	zm       = "ZoneMinder"
	vips     = "sharp and libvips"
	strict   = "programs that take libjpeg's warnings for errors"
	walkers  = "programs that go from segment to segment by the lengths alone"
)

// What becomes of a program.
const (
	nothing   = "shows nothing"
	anError   = "an error"
	noCarry   = "cannot carry them"
	wrongRows = "shows them with wrong rows"
)

// each is the same effect on some programs.
func each(effect string, programs ...string) []Affected {
	var list []Affected
	for _, p := range programs {
		list = append(list, Affected{p, effect})
	}
	return list
}

// issueFinder makes the list of issues.
type issueFinder struct {
	Report
	*Probe
	list []Issue
}

func (s *issueFinder) add(name, text string, affected ...[]Affected) {
	issue := Issue{Name: name, Text: text}
	for _, c := range affected {
		issue.Affected = append(issue.Affected, c...)
	}
	s.list = append(s.list, issue)
}

// of is "all frames", or "3 of 5 frames".
func (s *issueFinder) of(n int64) string {
	if n == s.Frames {
		return "all frames"
	}
	return fmt.Sprintf("%d of %s", n, counted(s.Frames, "frame"))
}

// issues lists what may be too much for some programs. What each does was tried, or stands in a report of its users,
// which is named.
func (p *Probe) issues() []Issue {
	s := &issueFinder{Report: p.report, Probe: p, list: []Issue{}}
	if s.Frames > 0 {
		s.answer()
		s.coding()
		s.data()
	}
	return s.list
}

// answer is about what stands around the frames of an HTTP server.
func (s *issueFinder) answer() {
	switch h, parts := s.HTTP, s.Parts; {
	case h == nil && parts != nil && parts.boundaries > 0:
		s.add("bare-multipart", "the frames are parts of a multipart stream, without the head of an HTTP answer",
			each("cannot open it", browsers), each("glues the headers to the next frame", picamera))
	case h == nil, parts == nil && h.Single:
	case parts == nil:
		s.add("no-parts", "the frames stand one after another, not as parts of a multipart answer",
			each(nothing+" unless told -f mjpeg", ffmpeg), each(nothing, gstreamer, goParts))
	case parts.blocks > 0:
		s.add("webcamxp", "each frame has a block of 50 bytes in front of it, as for WebcamXP, which is not multipart",
			each(nothing, ffmpeg, gstreamer, goParts, chromium))
	default:
		s.boundary(h, parts)
		s.lengths(parts)
		s.headers(parts)
	}
}

func (s *issueFinder) boundary(h *HTTP, parts *Parts) {
	sent, declared := "", parts.Declared
	if len(parts.Sent) > 0 {
		sent = parts.Sent[0]
	}
	switch {
	case h.ContentType == "":
		s.add("no-content-type", "the answer has no Content-Type", each(nothing, chromium, goParts),
			each("an error (ArduPilot/MissionPlanner#3604)", planner))
	case !strings.HasPrefix(strings.ToLower(h.ContentType), "multipart/"):
		s.add("wrong-content-type", fmt.Sprintf("the answer says %q, though it is multipart", h.ContentType),
			each(nothing, chromium, goParts))
	case declared == "":
		s.add("boundary-undeclared", "Content-Type does not say the boundary", each(nothing, chromium, goParts))
	case sent == "":
	case sent == declared:
		s.add("boundary-declared-with-dashes",
			fmt.Sprintf("Content-Type says boundary=%s with the two dashes that only its lines have", declared),
			each(nothing, goParts), each(nothing+" (janakj/py-mjpeg#2)", pymjpeg+" before 2023"))
	case sent != "--"+declared:
		s.add("boundary-wrong", fmt.Sprintf("Content-Type says boundary=%s, but %s is what comes", declared, sent),
			each(nothing, goParts))
	}
	if parts.noFirst && parts.boundaries > 0 {
		s.add("no-first-boundary", "there is no boundary before the first frame", each(nothing, ffmpeg, gstreamer),
			each(`"wrong boundary" (AlexxIT/go2rtc#545)`, "older "+go2rtc),
			each("an error (arendst/Tasmota#12376)", pymjpeg))
	}
}

func (s *issueFinder) lengths(parts *Parts) {
	n := func(kind string) int { return parts.Lengths[kind] }
	all := 0
	for _, m := range parts.Lengths {
		all += m
	}
	share := func(m int) string {
		if m == all {
			return "each part"
		}
		return fmt.Sprintf("%d of %d parts", m, all)
	}
	if m := n(lengthMissing); m > 0 {
		s.add("no-content-length", "no Content-Length: "+share(m),
			each(`"no content length" (AlexxIT/go2rtc#1833)`, go2rtc),
			each("an error (ArduPilot/MissionPlanner#3604)", planner),
			each("shows each frame when the next one has come", ffmpeg))
	}
	if m := n(lengthZero); m > 0 {
		s.add("content-length-zero", "Content-Length: 0: "+share(m), each(nothing, gstreamer))
	}
	if m := n(lengthShort) + n(lengthLong) + n(lengthNone); m > 0 {
		kind := "a wrong Content-Length"
		switch m {
		case n(lengthShort):
			kind = "a Content-Length that is too small"
		case n(lengthLong):
			kind = "a Content-Length that is too large"
		}
		s.add("content-length-wrong", kind+": "+share(m), each("shows one frame", ffmpeg),
			each("shows one frame or none", gstreamer))
	}
	if m := n(lengthPadless); m > 0 {
		s.add("content-length-without-padding", "a Content-Length without the bytes behind the frame: "+share(m),
			each("shows one frame", gstreamer))
	}
}

func (s *issueFinder) headers(parts *Parts) {
	if parts.noLineEnd > 0 {
		var alone []Affected
		if parts.Lengths[lengthRight] == 0 {
			alone = each(nothing, ffmpeg)
		}
		s.add("no-line-end-before-boundary", "a boundary follows a frame without a line end",
			each("takes all for one part", goParts), alone)
	}
	if parts.fused > 0 {
		s.add("no-line-end-behind-boundary", "no line end stands between the boundary and the headers",
			each("shows it as text (roflcoopter/viseron#355)", safari))
	}
	if parts.extraLines > 0 {
		s.add("second-boundary-line", "another line of dashes follows the boundary", each(nothing, ffmpeg, goParts),
			each("an error (AlexxIT/go2rtc#1258)", go2rtc+" before 1.9.5"))
	}
	if parts.noType > 0 {
		s.add("no-part-type", "parts have no Content-Type", each(nothing, ffmpeg, gstreamer))
	}
	if parts.feeds > 0 && parts.Lengths[lengthMissing] > 0 {
		s.add("line-feeds-alone", "lines end without a carriage return",
			each(nothing+" where Content-Length is missing too", ffmpeg))
	}
}

// coding is about the frames themselves.
func (s *issueFinder) coding() {
	var odd, deep, dnl, arithmetic, progressive, wide, rare, oddScan int64
	for _, k := range s.Kinds {
		if k.OddScan {
			oddScan += k.Frames
		}
		switch n := k.Frames; {
		case k.Height == 0:
			dnl += n
		case strings.Contains(k.Coding, "arithmetic"):
			arithmetic += n
		case strings.Contains(k.Coding, "lossless"), strings.Contains(k.Coding, "differential"):
			rare += n
		case k.Bits > 8:
			deep += n
		case k.Coding == "progressive":
			progressive += n
		case k.Components == 3 && k.Subsampling != "4:2:0" && k.Subsampling != "4:2:2", k.Components == 1,
			k.Components == 4:
			odd += n
		case k.Width > 2040, k.Height > 2040:
			wide += n
		}
	}
	if n := s.looked.noDHT; n > 0 {
		text := s.of(n) + " lack their Huffman tables (DHT)"
		if s.Camera != nil {
			text += ", which picam send adds"
		}
		s.add("no-huffman-tables", text, each(anError, goJPEG), each("most stay black (AlexxIT/go2rtc#2439)", safari))
	}
	if dnl > 0 {
		s.add("height-in-dnl", s.of(dnl)+" tell their height only behind the data (DNL)",
			each(nothing, ffmpeg, gstJPEG, chromium, "picam recv"), each(anError, djpeg, goJPEG))
	}
	if arithmetic > 0 {
		s.add("arithmetic", s.of(arithmetic)+" have arithmetic coding",
			each(nothing, ffmpeg), each(anError, goJPEG), each(noCarry, rtp))
	}
	if progressive > 0 {
		s.add("progressive", s.of(progressive)+" are progressive", each(noCarry, rtp))
	}
	if deep > 0 {
		s.add("samples-above-8-bits", s.of(deep)+" have more than 8 bits a sample", each(anError, goJPEG),
			each(noCarry, rtp))
	}
	if rare > 0 {
		s.add("rare-coding", s.of(rare)+" are lossless or differential", each(anError, goJPEG), each(noCarry, rtp))
	}
	if odd > 0 {
		s.add("not-420-or-422", s.of(odd)+" are neither 4:2:0 nor 4:2:2", each(noCarry, rtp))
	}
	if wide > 0 {
		s.add("over-2040-pixels", s.of(wide)+" are wider or higher than 2040 pixels",
			each("cannot tell their size", rtp))
	}
	if oddScan > 0 {
		s.add("odd-scan-header", s.of(oddScan)+" are baseline, but their scan header (SOS) does not say 0, 63, 0, 0"+s.anew(),
			each("an error (openinary/openinary#136)", vips), each(anError, strict),
			each("a warning for each (ZoneMinder/zoneminder#279)", zm), each("a warning for each", opencv, djpeg))
	}
	if j := s.Junk; j != nil {
		var inGo []Affected
		if j.InGo {
			inGo = each(anError, goJPEG)
		}
		s.add("junk-between-segments", s.of(j.Frames)+" have bytes that belong to no segment: "+j.where()+s.anew(), inGo,
			each(anError, strict), each("take them for damaged", walkers),
			each("a warning for each (opencv/opencv#21373)", opencv), each("a warning for each", djpeg))
	}
	if n := s.looked.inside; n > 0 {
		s.add("markers-inside",
			s.of(n)+" have the beginning or the end of a frame inside a segment, such as a thumbnail",
			each("get halves of frames", cutters))
	}
}

// anew says how other programs get frames that they take.
func (s *issueFinder) anew() string {
	if s.o.Input == "" {
		return ", which picam takes"
	}
	return fmt.Sprintf(", which picam takes; for others, picam send --source 'ffmpeg:-i %s' has them encoded anew", s.o.Input)
}

// data is about damage, and about what stands behind frames that come alone.
func (s *issueFinder) data() {
	d := s.Damage
	if bad := d.notWhole(); bad > 0 {
		s.add("damaged", fmt.Sprintf("not whole: %s (%s), which picam drops", counted(bad, "frame"), d.causes()),
			each(anError, goJPEG), each(wrongRows+", or nothing for a doubled SOI", opencv))
	}
	if d.Broken > 0 {
		s.add("broken-data", fmt.Sprintf("%d of %d frames that were decoded have broken data (%s)", d.Broken, d.Checked,
			strings.Join(d.Causes, ", ")), each(anError, goJPEG), each(wrongRows, opencv))
	}
	if d.Restarts > 0 {
		s.add("restarts-missing", s.of(d.Restarts)+" without some of the restart markers: data was lost on the way")
	}
	if s.HTTP != nil || s.Camera != nil {
		return
	}
	pad := s.Padding
	if pad != nil && pad.Kind != "line ends" && (s.Parts == nil || s.Parts.boundaries == 0) {
		s.add("padding", fmt.Sprintf("%s behind %s (%s bytes)", pad.Kind, s.of(pad.Frames), pad.Size.text()),
			each("glues it to the next frame", picamera),
			each("cuts only where a read ends in FF D9", go2rtc+" with tcp://"))
	}
	if n := s.looked.short; n > 0 {
		s.add("short-data", s.of(n)+" have less than 1000 bytes of data",
			each("skips 1000 bytes without looking, so it takes two frames for one", picamera))
	}
}

// notWhole is the number of frames that began and did not end as they should.
func (d Damage) notWhole() int64 { return d.Torn + d.Malformed + d.TooLong + d.Cut }

// causes lists why frames are not whole.
func (d Damage) causes() string {
	var list []string
	for _, c := range []struct {
		n    int64
		text string
	}{
		{d.Torn, "torn by the next one"}, {d.Malformed, "malformed"}, {d.TooLong, "over the limit of --max-frame"},
		{d.Cut, "cut by the end"},
	} {
		if c.n > 0 {
			list = append(list, fmt.Sprintf("%d %s", c.n, c.text))
		}
	}
	return strings.Join(list, ", ")
}

// text is "37", or "20 to 37".
func (s Spread) text() string {
	if s.Min == s.Max {
		return fmt.Sprint(s.Min)
	}
	return fmt.Sprintf("%d to %d", s.Min, s.Max)
}

func counted(n int64, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

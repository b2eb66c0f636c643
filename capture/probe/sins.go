package probe

import (
	"fmt"
	"strings"
)

// The programs, in the versions that were tried with each of these streams.
const (
	ffmpeg    = "ffmpeg 5.1, and what is built on it"
	gstreamer = "GStreamer 1.22 (multipartdemux)"
	goParts   = "Go programs (mime/multipart)"
	goJPEG    = "Go programs (image/jpeg)"
	chromium  = "Chromium 156"
	browsers  = "browsers"
	safari    = "Safari"
	planner   = "Mission Planner"
	go2rtc    = "go2rtc"
	pymjpeg   = "py-mjpeg"
	opencv    = "OpenCV 4.6 (imdecode)"
	djpeg     = "libjpeg-turbo 2.1 (djpeg)"
	picamera  = "the Python script picamera_server.py"
	cutters   = "programs that cut at FF D8 and FF D9"
	rtp       = "RTP senders (RFC 2435)"

	nothing = "shows nothing"
)

// sins lists what may be too much for some programs. What each does was tried, or stands in a report of its users, which is
// named.
func (p *Probe) sins() []Sin {
	r := &p.report
	list := []Sin{}
	add := func(name, text string, choke ...Choke) { list = append(list, Sin{name, text, choke}) }
	if r.Pictures == 0 {
		return list
	}
	of := func(n int64) string {
		if n == r.Pictures {
			return "all pictures"
		}
		return fmt.Sprintf("%d of %s", n, counted(r.Pictures, "picture"))
	}
	p.webSins(add)
	p.codingSins(add, of)

	d := r.Damage
	if bad := d.Torn + d.Malformed + d.TooLong + d.Cut; bad > 0 {
		add("damaged", fmt.Sprintf("not whole: %s (%s), which picam drops", counted(bad, "picture"), d.causes()), Choke{goJPEG, "an error"}, Choke{opencv, "shows them with wrong rows, or nothing for a doubled SOI"})
	}
	if d.Broken > 0 {
		add("broken-data", fmt.Sprintf("%d of %d pictures that were decoded have broken data (%s)", d.Broken, d.Checked,
			strings.Join(d.Causes, ", ")), Choke{goJPEG, "an error"}, Choke{opencv, "shows them with wrong rows"})
	}
	if d.Restarts > 0 {
		add("restarts-missing", of(d.Restarts)+" without some of the restart markers: data was lost on the way")
	}
	bare := r.HTTP == nil && r.Camera == nil // it comes to who takes it as it is
	if pad := r.Padding; bare && pad != nil && (r.Parts == nil || r.Parts.boundaries == 0) && pad.Kind != "line ends" {
		add("padding", fmt.Sprintf("%s behind %s (%s bytes)", pad.Kind, of(pad.Pictures), pad.Size.text()),
			Choke{picamera, "glues it to the next picture"},
			Choke{go2rtc + " with tcp://", "cuts only where a read ends in FF D9"})
	}
	if bare && p.looked.short > 0 {
		add("short-data", of(p.looked.short)+" have less than 1000 bytes of data",
			Choke{picamera, "skips 1000 bytes without looking, so it takes two pictures for one"})
	}
	return list
}

// codingSins are those of the pictures themselves.
func (p *Probe) codingSins(add func(name, text string, choke ...Choke), of func(int64) string) {
	r := &p.report
	var odd, high, dnl, arithmetic, progressive, wide, other int64
	for _, k := range r.Kinds {
		switch n := k.Pictures; {
		case k.Height == 0:
			dnl += n
		case strings.Contains(k.Coding, "arithmetic"):
			arithmetic += n
		case strings.Contains(k.Coding, "lossless"), strings.Contains(k.Coding, "differential"):
			other += n
		case k.Bits > 8:
			high += n
		case k.Coding == "progressive":
			progressive += n
		case k.Components == 3 && k.Subsampling != "4:2:0" && k.Subsampling != "4:2:2", k.Components == 1, k.Components == 4:
			odd += n
		case k.Width > 2040, k.Height > 2040:
			wide += n
		}
	}
	if p.looked.noDHT > 0 {
		text := of(p.looked.noDHT) + " lack their Huffman tables (DHT)"
		if r.Camera != nil {
			text += ", which picam send adds"
		}
		add("no-huffman-tables", text, Choke{goJPEG, "an error"},
			Choke{safari, "most stay black (AlexxIT/go2rtc#2439)"})
	}
	if dnl > 0 {
		add("height-in-dnl", of(dnl)+" tell their height only behind the data (DNL)", Choke{ffmpeg, nothing}, Choke{"GStreamer 1.22", nothing},
			Choke{chromium, nothing}, Choke{djpeg, "an error"}, Choke{goJPEG, "an error"}, Choke{"picam recv", nothing})
	}
	if arithmetic > 0 {
		add("arithmetic", of(arithmetic)+" have arithmetic coding", Choke{ffmpeg, nothing}, Choke{goJPEG, "an error"}, Choke{rtp, "cannot carry them"})
	}
	if progressive > 0 {
		add("progressive", of(progressive)+" are progressive", Choke{rtp, "cannot carry them: baseline only"})
	}
	if high > 0 {
		add("samples-above-8-bits", of(high)+" have more than 8 bits a sample", Choke{goJPEG, "an error"}, Choke{rtp, "cannot carry them"})
	}
	if other > 0 {
		add("rare-coding", of(other)+" are lossless or differential", Choke{goJPEG, "an error"}, Choke{rtp, "cannot carry them"})
	}
	if odd > 0 {
		add("not-420-or-422", of(odd)+" are neither 4:2:0 nor 4:2:2", Choke{rtp, "cannot carry them"})
	}
	if wide > 0 {
		add("over-2040-pixels", of(wide)+" are wider or higher than 2040 pixels", Choke{rtp, "cannot tell their size"})
	}
	if p.looked.inside > 0 {
		add("markers-inside", of(p.looked.inside)+" have the beginning or the end of a picture inside a segment, such as a thumbnail",
			Choke{cutters, "get halves of pictures"})
	}
}

// webSins are those of what stands around the pictures.
func (p *Probe) webSins(add func(name, text string, choke ...Choke)) {
	h, parts := p.report.HTTP, p.report.Parts
	if h == nil {
		if parts != nil && parts.boundaries > 0 {
			add("bare-multipart", "the pictures are parts of a multipart stream, without the head of an HTTP answer",
				Choke{browsers, "cannot open it"}, Choke{picamera, "glues the headers to the next picture"})
		}
		return
	}
	multipart := strings.HasPrefix(strings.ToLower(h.ContentType), "multipart/")
	if parts == nil {
		if !h.Single {
			add("no-parts", "the pictures stand one after another, not as parts of a multipart answer", Choke{ffmpeg, nothing + " unless told -f mjpeg"},
				Choke{gstreamer, nothing}, Choke{goParts, nothing})
		}
		return
	}
	if parts.blocks > 0 {
		add("webcamxp", "each picture has a block of 50 bytes in front of it, as for WebcamXP, which is not multipart",
			Choke{ffmpeg, nothing}, Choke{gstreamer, nothing}, Choke{goParts, nothing}, Choke{chromium, nothing})
		return
	}
	sent := ""
	if len(parts.Sent) > 0 {
		sent = parts.Sent[0]
	}
	declared := parts.Declared
	switch {
	case h.ContentType == "":
		add("no-content-type", "the answer has no Content-Type", Choke{chromium, nothing}, Choke{goParts, nothing},
			Choke{planner, "an error (ArduPilot/MissionPlanner#3604)"})
	case !multipart:
		add("wrong-content-type", fmt.Sprintf("the answer says %q, though it is multipart", h.ContentType), Choke{chromium, nothing}, Choke{goParts, nothing})
	case declared == "":
		add("boundary-undeclared", "Content-Type does not say the boundary", Choke{chromium, nothing}, Choke{goParts, nothing})
	case sent == "":
	case sent == declared:
		add("boundary-declared-with-dashes", fmt.Sprintf("Content-Type says boundary=%s with the two dashes that only its lines have", declared),
			Choke{goParts, nothing}, Choke{pymjpeg + " before 2023", nothing + " (janakj/py-mjpeg#2)"})
	case sent != "--"+declared:
		add("boundary-wrong", fmt.Sprintf("Content-Type says boundary=%s, but %s is what comes", declared, sent), Choke{goParts, nothing})
	}
	if parts.noFirst && parts.boundaries > 0 {
		add("no-first-boundary", "there is no boundary before the first picture", Choke{ffmpeg, nothing}, Choke{gstreamer, nothing},
			Choke{"older " + go2rtc, "\"wrong boundary\" (AlexxIT/go2rtc#545)"}, Choke{pymjpeg, "an error (arendst/Tasmota#12376)"})
	}
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
		add("no-content-length", share(m)+" has no Content-Length", Choke{go2rtc, "\"no content length\" (AlexxIT/go2rtc#1833)"},
			Choke{planner, "an error (ArduPilot/MissionPlanner#3604)"}, Choke{ffmpeg, "shows each picture when the next one has come"})
	}
	if m := n(lengthZero); m > 0 {
		add("content-length-zero", share(m)+" has Content-Length: 0", Choke{gstreamer, nothing})
	}
	if m := n(lengthShort) + n(lengthLong) + n(lengthNone); m > 0 {
		kind := "wrong"
		switch m {
		case n(lengthShort):
			kind = "too small"
		case n(lengthLong):
			kind = "too large"
		}
		add("content-length-wrong", share(m)+" has a Content-Length that is "+kind, Choke{ffmpeg, "shows one picture"},
			Choke{gstreamer, "shows one picture or none"})
	}
	if m := n(lengthPadless); m > 0 {
		add("content-length-without-padding", share(m)+" has a Content-Length without the bytes behind the picture",
			Choke{gstreamer, "shows one picture"})
	}
	if parts.noLineEnd > 0 {
		choke := []Choke{{goParts, "takes all for one part"}}
		if n(lengthRight) == 0 {
			choke = append(choke, Choke{ffmpeg, nothing})
		}
		add("no-line-end-before-boundary", "a boundary follows a picture without a line end", choke...)
	}
	if parts.fused > 0 {
		add("no-line-end-behind-boundary", "no line end stands between the boundary and the headers",
			Choke{safari, "shows it as text (roflcoopter/viseron#355)"})
	}
	if parts.extraLines > 0 {
		add("second-boundary-line", "another line of dashes follows the boundary", Choke{ffmpeg, nothing}, Choke{goParts, nothing},
			Choke{go2rtc + " before 1.9.5", "an error (AlexxIT/go2rtc#1258)"})
	}
	if parts.noType > 0 {
		add("no-part-type", "parts have no Content-Type", Choke{ffmpeg, nothing}, Choke{gstreamer, nothing})
	}
	if parts.feeds > 0 && n(lengthMissing) > 0 {
		add("line-feeds-alone", "lines end without a carriage return", Choke{ffmpeg, nothing + " where Content-Length is missing too"})
	}
}

// causes lists why pictures are not whole.
func (d Damage) causes() string {
	var list []string
	for _, c := range []struct {
		n    int64
		text string
	}{
		{d.Torn, "torn by the next one"}, {d.Malformed, "malformed"}, {d.TooLong, "over the limit of --max-frame"}, {d.Cut, "cut by the end"},
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

package probe

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// WriteText prints a report for people. Lines are as long as they are; a terminal breaks them.
func (r Report) WriteText(w io.Writer) error {
	t := &text{}
	t.line(r.Source)
	t.line("  " + r.headline())
	if r.Frames == 0 {
		for _, s := range []string{r.Error, r.Found, r.Advice} {
			if s != "" {
				t.line("  " + s)
			}
		}
	}
	t.about(r)
	if r.Frames > 0 {
		t.verdict(r)
	}
	if len(r.Commands) > 0 {
		t.line("")
		t.line("What to type")
		for _, c := range r.Commands {
			t.line("  " + c)
		}
	}
	_, err := io.WriteString(w, t.String())
	return err
}

type text struct{ strings.Builder }

func (t *text) line(s string) { fmt.Fprintln(t, strings.TrimRight(s, " ")) }

// row writes a heading and what there is of the parts.
func (t *text) row(heading string, parts ...string) {
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	if len(parts) > 0 {
		t.line(fmt.Sprintf("  %-9s %s", heading, strings.Join(parts, "; ")))
	}
}

// headline is the most important in one line.
func (r Report) headline() string {
	s := "no frame"
	if r.Frames > 0 {
		s = counted(r.Frames, "frame")
	}
	s += fmt.Sprintf(" in %s", size(r.Bytes.All))
	if r.Seconds >= 0.05 {
		s += fmt.Sprintf(", %.1f s", r.Seconds)
	}
	return s
}

func (t *text) about(r Report) {
	if r.Frames > 0 {
		t.row("found", r.Found, r.Advice, r.Error)
		if r.Trouble != "" {
			t.row("trouble", r.Trouble)
		}
	}
	if c := r.Camera; c != nil {
		fps := ""
		if c.FPS > 0 {
			fps = fmt.Sprintf(" at %s a second", number(c.FPS))
		}
		made := ""
		if c.Encoding {
			made = "no JPEG: picam encodes it, which costs this computer's processor"
		}
		t.row("camera", c.Name, fmt.Sprintf("%s %d×%d%s", c.Format, c.Width, c.Height, fps), made)
		t.row("buffers", fmt.Sprintf("%d from the driver", c.Buffers), some(c.Flagged, "flagged as damaged"),
			some(c.Empty, "empty"), some(c.NotJPEG, "no JPEG"), some(c.Broken, "half or broken"),
			some(c.Lost, "lost before, by the driver's numbers"))
	}
	for i, k := range r.Kinds {
		heading, share := "frames", ""
		if i > 0 {
			heading = ""
		}
		if len(r.Kinds) > 1 {
			share = fmt.Sprintf("%d of them", k.Frames)
		}
		t.row(heading, append([]string{share}, k.words()...)...)
	}
	if s := r.Size; s != nil {
		each, q := size(s.Min)+" each", ""
		if size(s.Min) != size(s.Max) {
			each = fmt.Sprintf("%s, %s on average", size(s.Min)+" to "+size(s.Max), size(int64(s.Mean)))
		}
		if r.Quality != nil {
			q = "quality " + r.Quality.text()
		}
		t.row("size", each, q)
	}
	t.row("markers", markers(r.Markers, r.Frames))
	if rate := r.Rate; rate != nil {
		const camera = 1000 // frames a second are more than any camera's
		if rate.FPS > camera {
			t.row("rate", "as fast as it goes: a recording, most likely")
		} else {
			t.rate(rate)
		}
	}
	if s := r.Stamp; s != nil {
		age := ""
		if s.Age != nil {
			age = fmt.Sprintf("taken %s ms before (%.0f on average)", s.Age.text(), s.Age.Mean)
			if !s.Synced {
				age += ", by clocks that were not compared"
			}
		}
		t.row("stamp", fmt.Sprintf("picam send, camera %q", s.Camera), some(int64(s.Lost), "lost on the way"), age)
	}
	if h := r.HTTP; h != nil {
		t.http(h)
	}
	if p := r.Parts; p != nil {
		t.parts(p)
	}
	if p := r.Padding; p != nil && (r.Parts == nil || p.Kind != "line ends") {
		t.row("padding", fmt.Sprintf("%s behind %s, %s bytes", p.Kind, counted(p.Frames, "frame"), p.Size.text()))
	}
	if j := r.Junk; j != nil {
		t.row("junk", fmt.Sprintf("in %s, %s", counted(j.Frames, "frame"), j.where()))
	}
	b := r.Bytes
	if r.Frames > 0 && b.Other+b.Damaged+b.StatusMessages > 0 {
		t.row("bytes", fmt.Sprintf("%d in frames", b.Frames), some(b.Multipart, "around them"),
			some(b.Padding, "of padding"), some(b.Damaged, "in frames that are not whole"),
			some(b.StatusMessages, "in status messages of picam send"), some(b.Other, "that belong to nothing"))
	}
	if d := r.Damage; d.Share > 0 || d.Broken > 0 {
		t.row("damage", fmt.Sprintf("%s %% of the frames", number(d.Share*100)), d.causes(),
			some(d.Broken, fmt.Sprintf("of %d that were decoded are broken", d.Checked)))
	}
}

func (t *text) rate(r *Rate) {
	t.row("rate", fmt.Sprintf("%s a second, %s Mbit/s", number(r.FPS), number(r.MbitPerSecond)),
		fmt.Sprintf("%s ms apart ± %s, 95 %% within %s, at most %s", number(r.Mean), number(r.Jitter), number(r.P95),
			number(r.Max)),
		some(r.Bursts, "came at once with the one before"), some(r.Gaps, "came after a gap"))
}

// words describes a kind of frames.
func (k Kind) words() []string {
	if k.Coding == "" {
		return []string{k.Fault}
	}
	colour := map[int]string{1: "grey", 3: "colour", 4: "CMYK"}[k.Components]
	if colour == "" {
		colour = fmt.Sprintf("%d components", k.Components)
	}
	if k.Subsampling != "" {
		colour += " " + k.Subsampling
	}
	height := fmt.Sprint(k.Height)
	if k.Height == 0 {
		height = "? (told behind the data)"
	}
	words := []string{fmt.Sprintf("%d×%s", k.Width, height), colour, k.Coding}
	if k.Bits != 8 {
		words = append(words, fmt.Sprintf("%d bits", k.Bits))
	}
	if k.Restart > 0 {
		words = append(words, fmt.Sprintf("restarts after each %d MCUs", k.Restart))
	}
	if k.OddScan {
		words = append(words, "odd scan header")
	}
	if k.NoTables {
		words = append(words, "no Huffman tables")
	}
	if o := k.Orientation; o > 1 {
		turned := map[int]string{
			2: "mirrored", 3: "upside down", 4: "upside down and mirrored", 5: "on its side and mirrored",
			6: "on its side",
			7: "on its side and mirrored", 8: "on its side",
		}[o]
		words = append(words, fmt.Sprintf("%s (EXIF orientation %d), which picam recv puts right", turned, o))
	}
	if k.Thumbnail {
		words = append(words, "thumbnail inside")
	}
	return []string{strings.Join(words, ", ")}
}

func (t *text) http(h *HTTP) {
	kind := h.ContentType
	if kind == "" {
		kind = "no Content-Type"
	}
	how := ""
	switch {
	case h.Chunked:
		how = "in chunks"
	case h.Length >= 0:
		how = fmt.Sprintf("%d bytes long", h.Length)
	}
	redirected := ""
	if h.Redirects > 0 {
		redirected = fmt.Sprintf("redirected to %s", h.At)
	}
	answers := ""
	switch {
	case h.Single:
		answers = fmt.Sprintf("one frame for each request, of which there were %d; --fps N asks more often", h.Answers)
	case h.Ended:
		answers = "the server ended the stream"
	}
	server := ""
	if h.Server != "" {
		server = "server " + h.Server
	}
	t.row("http", h.Protocol+" "+h.Status, kind, how, server, redirected, answers)
}

func (t *text) parts(p *Parts) {
	sent := "no boundary"
	if len(p.Sent) > 0 {
		sent = "divided by " + strings.Join(p.Sent, ", ")
	}
	if p.blocks > 0 {
		sent = "blocks for WebcamXP"
	}
	headers := ""
	if len(p.Headers) > 0 {
		headers = "with " + strings.Join(p.Headers, ", ")
	}
	var lengths []string
	for _, kind := range []string{
		lengthRight, lengthPadless, lengthShort, lengthLong, lengthZero, lengthNone, lengthMissing,
	} {
		if n := p.Lengths[kind]; n > 0 {
			lengths = append(lengths, fmt.Sprintf("%d %s", n, kind))
		}
	}
	length, like := "", ""
	if len(lengths) > 0 {
		length = "Content-Length: " + strings.Join(lengths, ", ")
	}
	if p.Maker != "" {
		like = "as " + p.Maker + " does"
	}
	t.row("parts", sent, headers, length, like)
}

// verdict says which programs will not take it, and why.
func (t *text) verdict(r Report) {
	t.line("")
	if c := r.Camera; c != nil && c.Encoding {
		t.line("No other program can take this for MJPEG: what picam send makes of it is.")
		return
	}
	if len(r.Issues) == 0 {
		t.line("No program that takes MJPEG is known to have trouble with it.")
		return
	}
	t.line("Which programs have trouble with it, and why")
	for _, s := range r.Issues {
		t.line("  - " + s.Text)
		for _, c := range s.Affected {
			t.line("      " + c.Program + ": " + c.Effect)
		}
	}
}

// markers lists markers, with a share for those that not all frames have.
func markers(list []Marker, frames int64) string {
	var words []string
	for _, m := range list {
		s := strings.Replace(m.Name, " ", "=", 1)
		if m.Text != "" {
			s += fmt.Sprintf("=%q", m.Text)
		}
		if m.Frames < frames {
			s += fmt.Sprintf(" (in %d)", m.Frames)
		}
		words = append(words, s)
	}
	return strings.Join(words, " ")
}

func (q Quality) text() string {
	s := between(fmt.Sprint(q.Min), fmt.Sprint(q.Max))
	if !q.Exact {
		s = "about " + s
	}
	return s
}

func between(a, b string) string {
	if a == b {
		return a
	}
	return a + " to " + b
}

// some is "" for none.
func some(n int64, what string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d %s", n, what)
}

// size is a length in bytes for people.
func size(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1_000_000:
		return fmt.Sprintf("%d kB", (n+500)/1000)
	case n < 10_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%d MB", (n+500_000)/1_000_000)
}

// number has three digits that count at most.
func number(v float64) string {
	switch {
	case v >= 100 || v == math.Trunc(v):
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

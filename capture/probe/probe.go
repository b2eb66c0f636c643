// Package probe finds out what a source of frames gives, before anything is repaired: bytes go in, a [Report] comes
// out. It has each byte in exactly one place of [Bytes], and the same report for any sizes of reads.
package probe

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"picam/capture"
	"picam/mjpeg"
)

// Options say how to look.
type Options struct {
	Source   string // what the report calls the source
	Input    string // how ffmpeg would be told to read the same; "": it cannot
	MaxFrame int    // longest accepted frame in bytes; 0 means mjpeg.DefaultMaxFrame
	// Untimed: the times at which bytes arrive say nothing, as for a file.
	Untimed bool
	Now     func() time.Time // nil means time.Now
}

const (
	sampled  = 8        // frames that are decoded at most
	headSize = 64 << 10 // of the first bytes that are kept
	// faulty is how much is read of an answer that picam would not take.
	faulty    = 1 << 20
	maxKinds  = 16
	maxPixels = 50e6 // in a frame that is decoded
)

// ErrEnough is the error, or the cause of the end of a context, by which a stream ends because no more is wanted, as
// context.Canceled is another: a frame that is under way then is not damaged.
var ErrEnough = errors.New("enough")

func isEnough(err error) bool { return errors.Is(err, ErrEnough) || errors.Is(err, context.Canceled) }

// Probe looks at a source. One goroutine uses it.
type Probe struct {
	o       Options
	scanner mjpeg.Scanner
	tee     tee
	report  Report
	size    Spread

	began, arrived, ended time.Time
	first                 time.Time   // byte
	enough                bool        // reading ended because of ErrEnough
	refused               bool        // picam would not take the answer
	times                 []time.Time // of frames
	timed                 int64       // bytes of them but the first
	head                  []byte
	headOf                bool // head is complete: another part has begun

	gap     gap
	after   bool  // a whole frame stands before gap
	damaged int64 // scanner's count up to gap
	framed  int64 // bytes of the part's frames
	last    struct {
		wrapping      *wrapping
		before, bytes int
	}
	padded map[string]int64 // frames by kind of padding

	looked struct {
		inside, short, noDHT int64 // frames: see about
	}
	sample [][]byte
	stride int64
	stamp  mjpeg.Stamp
	seq    uint64
	buffer *capture.Buffer
	at     *url.URL // where the answer came from; nil: it is none
}

// New returns a Probe.
func New(o Options) *Probe {
	p := &Probe{o: o, padded: map[string]int64{}, stride: 1}
	if p.o.Now == nil {
		p.o.Now = time.Now
	}
	p.scanner.MaxFrame = cmp.Or(o.MaxFrame, mjpeg.DefaultMaxFrame)
	p.scanner.StatusMessages = true
	p.tee.probe = p
	p.report = Report{Source: o.Source, Kinds: []Kind{}, Markers: []Marker{}, Issues: []Issue{}}
	return p
}

// Run reads a stream to its end, and returns the error that it ended with; nil for a good end.
func (p *Probe) Run(s capture.Stream) error {
	p.began = p.o.Now()
	first := true
	for {
		part, err := s.Part()
		if err == nil {
			err = p.Part(part)
		}
		p.ended = p.o.Now()
		if first && p.report.Bytes.All > 0 {
			first = false
			p.began = p.first
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Part reads a part of a stream to its end, and returns the error that it ended with; nil for a good end.
func (p *Probe) Part(part capture.Part) error {
	var in io.Reader = part
	if part.Answer != nil {
		p.answer(part)
	}
	if part.Fault != nil {
		p.refused = true
		in = io.LimitReader(in, faulty)
	}
	p.buffer = part.Buffer
	if p.buffer != nil && !p.countBuffer() {
		n, err := io.Copy(io.Discard, in)
		p.report.Bytes.All += n
		p.report.Bytes.Frames += n
		if n > 0 {
			p.arrive()
			p.count(int(n))
		} else {
			p.report.Camera.Empty++
		}
		return err
	}
	before := p.report.Bytes.All
	frames := p.report.Frames
	p.tee.open(in)
	p.scanner.Reset(&p.tee)
	p.gap.reset()
	p.after, p.damaged, p.framed, p.last.wrapping = false, 0, 0, nil
	for p.scanner.Scan() {
		p.skipTo(p.walked())
		if status := p.scanner.StatusMessage(); status != nil {
			p.closeGap(false)
			p.after = false
			p.stamp.ParseStatus(status)
			p.report.Trouble = p.stamp.Trouble
			p.report.Bytes.StatusMessages += int64(len(status))
			p.tee.drop(len(status))
			continue
		}
		p.closeGap(true)
		frame := p.scanner.Frame()
		p.frame(frame)
		p.after = true
		p.tee.drop(len(frame))
		p.framed += int64(len(frame))
	}
	p.skipTo(p.walked())
	p.enough = isEnough(p.scanner.Err())
	p.closeGap(false)
	st := p.scanner.Stats()
	d := &p.report.Damage
	d.Torn += st.Damaged[mjpeg.Torn]
	d.Malformed += st.Damaged[mjpeg.Malformed]
	d.TooLong += st.Damaged[mjpeg.TooLong]
	if !p.enough {
		d.Cut += st.Damaged[mjpeg.Cut]
	}
	p.headOf = p.headOf || p.report.Bytes.All > before
	if c := p.report.Camera; c != nil && p.buffer != nil {
		switch broken := st.Damaged != [mjpeg.NumDamage]int64{}; {
		case st.Bytes == 0:
			c.Empty++
		case p.report.Frames == frames && !broken:
			c.NotJPEG++
		case broken:
			c.Broken++
		}
	}
	if part.Fault != nil {
		return part.Fault
	}
	return p.scanner.Err()
}

// tee hands a part's bytes to the scanner, and keeps those that it has not got over yet.
type tee struct {
	probe   *Probe
	in      io.Reader
	buf     []byte
	dropped int   // bytes at the beginning of buf that have been let go
	base    int64 // of the bytes behind them, from the beginning of the part
}

func (t *tee) open(in io.Reader) { t.in, t.buf, t.dropped, t.base = in, t.buf[:0], 0, 0 }

func (t *tee) Read(b []byte) (int, error) {
	t.probe.skipTo(t.probe.walked())
	n, err := t.in.Read(b)
	if n > 0 {
		t.probe.arrive()
		t.probe.report.Bytes.All += int64(n)
		if t.dropped > len(t.buf)/2 { // so that a byte is moved once, however long a frame is
			t.buf = t.buf[:copy(t.buf, t.buf[t.dropped:])]
			t.dropped = 0
		}
		t.buf = append(t.buf, b[:n]...)
		if head := &t.probe.head; !t.probe.headOf && len(*head) < headSize {
			*head = append(*head, b[:min(n, headSize-len(*head))]...)
		}
	}
	return n, err
}

// drop lets go of the first n bytes.
func (t *tee) drop(n int) {
	t.dropped += n
	t.base += int64(n)
}

func (p *Probe) arrive() {
	p.arrived = p.o.Now()
	if p.first.IsZero() {
		p.first = p.arrived
	}
}

// walked is where the scanner is: what comes before is in frames or skipped.
func (p *Probe) walked() int64 { return p.scanner.Stats().Skipped + p.framed }

// skipTo makes what comes before to part of the gap.
func (p *Probe) skipTo(to int64) {
	if n := int(to - p.tee.base); n > 0 {
		p.gap.add(p.tee.buf[p.tee.dropped:][:n])
		p.tee.drop(n)
	}
}

// closeGap sorts the bytes since the last frame. before: a frame follows.
func (p *Probe) closeGap(before bool) {
	g, bytesOf := &p.gap, &p.report.Bytes
	damaged := int64(0)
	for _, n := range p.scanner.Stats().Damaged {
		damaged += n
	}
	count := damaged - p.damaged
	broken := count > 0
	p.damaged = damaged

	lead, rest := g.kept, g.total-int64(len(g.kept))
	if broken {
		if i := bytes.Index(lead, []byte("\xFF\xD8\xFF")); i >= 0 {
			rest += int64(len(lead) - i)
			lead = lead[:i]
		}
	}
	declared := ""
	if p.report.Parts != nil {
		declared = p.report.Parts.Declared
	}
	w := unwrap(lead, declared)
	if !before {
		w.size, w.behind = w.size+len(w.behind), nil // it is not complete
	}
	cutOff := p.enough && !before && !broken && p.report.Parts != nil && p.buffer == nil
	if cutOff { // the beginning of what may have become anything
		w = wrapping{size: len(lead)}
		p.last.wrapping = nil
	} else if text := bytes.TrimSuffix(lead, []byte("\r\n")); !before && w.size == 0 && p.last.wrapping != nil {
		w = wrapping{before: text, size: len(lead) - len(text)} // the beginning of one, if it is one
	} else if w.size > 0 && p.buffer == nil {
		if p.report.Parts == nil {
			p.report.Parts = newParts()
		}
		p.report.Parts.status(w, p.after, before && !broken)
	}
	if p.last.wrapping != nil {
		// Where the end is not known, as that of the last part, a wrong length may be a right one.
		j := judgeLength(*p.last.wrapping, p.last.before, p.last.bytes, len(w.before))
		if w.size > 0 || j == lengthRight {
			p.report.Parts.Lengths[j]++
		}
		p.last.wrapping = nil
	}
	if before && !broken && w.size > 0 && !w.block && p.buffer == nil {
		w := w
		p.last.wrapping, p.last.before = &w, len(w.behind)
	}

	bytesOf.Multipart += int64(w.size)
	bytesOf.Other += int64(len(w.behind))
	padding := w.before
	switch {
	case broken && p.enough && count == 1 && p.scanner.Stats().Damaged[mjpeg.Cut] == 1:
		bytesOf.Unfinished += rest
		rest = 0
	case broken:
		bytesOf.Damaged += rest
		rest = 0
	case w.size > 0 || !p.after:
		bytesOf.Other += rest
		rest = 0
	}
	if !p.after {
		bytesOf.Other += int64(len(padding))
	} else if n := int64(len(padding)) + rest; n > 0 {
		bytesOf.Padding += n
		if p.report.Padding == nil {
			p.report.Padding = &Padding{}
		}
		p.report.Padding.Frames++
		p.report.Padding.Size.add(n)
		p.padded[paddingKind(padding)]++
	}
	if before && broken {
		p.after = false // not directly
	}
	g.reset()
}

func newParts() *Parts {
	return &Parts{Sent: []string{}, Headers: []string{}, Lengths: map[string]int{}}
}

// paddingKind says what bytes behind a frame are.
func paddingKind(b []byte) string {
	switch {
	case len(bytes.Trim(b, "\x00")) == 0:
		return "zero bytes"
	case len(bytes.Trim(b, "\r\n")) == 0:
		return "line ends"
	case len(b)%2 == 0 && bytes.Count(b, []byte{0xFF, eoi})*2 == len(b):
		return "a second EOI"
	}
	return "other bytes"
}

// frame takes in a whole frame.
func (p *Probe) frame(frame []byte) {
	r := &p.report
	r.Bytes.Frames += int64(len(frame))
	p.count(len(frame))
	r.Trouble = ""
	a := lookAt(frame)
	h, err := mjpeg.ParseHeader(frame)
	if err != nil {
		a.kind.Fault = strings.TrimPrefix(err.Error(), "mjpeg: ")
	}
	a.kind.Subsampling, a.kind.Orientation, a.kind.OddScan = h.Subsampling, h.Orientation, h.OddScan
	if a.junk > 0 {
		r.addJunk(a.junk, a.between)
	}
	if r.Frames == 1 {
		r.MultiFrame = len(mjpeg.MultiFrame(frame))
	}
	p.last.bytes = len(frame)
	p.addKind(a.kind)
	for _, m := range a.markers {
		i := slices.IndexFunc(r.Markers, func(have Marker) bool { return have.Name == m.Name })
		if i < 0 && len(r.Markers) < 64 {
			i = len(r.Markers)
			r.Markers = append(r.Markers, m)
		}
		if i >= 0 {
			r.Markers[i].Frames++
		}
	}
	if a.quality > 0 {
		if r.Quality == nil {
			r.Quality = &Quality{Min: a.quality, Max: a.quality, Exact: true}
		}
		q := r.Quality
		q.Min, q.Max, q.Exact = min(q.Min, a.quality), max(q.Max, a.quality), q.Exact && a.exact
	}
	if a.restarts {
		r.Damage.Restarts++
	}
	// What the Python script skips after SOS, without looking.
	const blind = 1000
	if a.coded < blind {
		p.looked.short++
	}
	if a.inside {
		p.looked.inside++
	}
	if a.kind.NoTables {
		p.looked.noDHT++
	}
	p.readStamp(frame)
	if (r.Frames-1)%p.stride == 0 {
		p.sample = append(p.sample, bytes.Clone(frame))
		if len(p.sample) > sampled {
			for i := range len(p.sample)/2 + 1 {
				p.sample[i] = p.sample[2*i]
			}
			p.sample = p.sample[:len(p.sample)/2+1]
			p.stride *= 2
		}
	}
}

// count counts a frame that has arrived.
func (p *Probe) count(n int) {
	p.report.Frames++
	p.size.add(int64(n))
	at := p.arrived
	if p.buffer != nil {
		at = p.buffer.Captured
	}
	if p.o.Untimed {
		return
	}
	if len(p.times) > 0 {
		p.timed += int64(n)
	}
	p.times = append(p.times, at)
}

func (p *Probe) addKind(k Kind) {
	for i := range p.report.Kinds {
		have := p.report.Kinds[i]
		have.Frames = 0
		if have == k {
			p.report.Kinds[i].Frames++
			return
		}
	}
	if len(p.report.Kinds) < maxKinds {
		k.Frames = 1
		p.report.Kinds = append(p.report.Kinds, k)
	}
}

func (p *Probe) readStamp(frame []byte) {
	if p.stamp.Parse(frame) == 0 {
		return
	}
	r := &p.report
	if r.Stamp == nil {
		r.Stamp = &Stamp{}
	}
	s := r.Stamp
	s.Camera = p.stamp.Camera
	s.Frames++
	const impossible = 1 << 20
	if lost := p.stamp.Seq - p.seq - 1; p.seq > 0 && lost < impossible {
		s.Lost += lost
	}
	p.seq = p.stamp.Seq
	if !p.stamp.Time.IsZero() && !p.o.Untimed {
		if s.Age == nil {
			s.Age = &Spread{}
		}
		taken := p.stamp.Time
		if s.Synced = p.stamp.Synced; s.Synced {
			taken = taken.Add(p.stamp.Offset)
		}
		s.Age.add(p.arrived.Sub(taken).Milliseconds())
	}
}

// countBuffer takes in what a V4L2 driver says of a buffer. It reports whether that should be JPEG.
func (p *Probe) countBuffer() bool {
	b := p.buffer
	isJPEG := b.Format == "MJPG" || b.Format == "JPEG"
	if p.report.Camera == nil {
		p.report.Camera = &Camera{
			Name: b.Camera, Format: strings.TrimSpace(b.Format), Width: b.Width, Height: b.Height, FPS: b.FPS,
			Encoding: !isJPEG,
		}
	}
	c := p.report.Camera
	c.Buffers++
	c.Lost += int64(b.Lost)
	if b.Flagged {
		c.Flagged++
	}
	return isJPEG
}

// answer takes in the head of an HTTP answer.
func (p *Probe) answer(part capture.Part) {
	resp := part.Answer
	if h := p.report.HTTP; h != nil {
		h.Answers++
		return
	}
	h := &HTTP{
		Protocol: resp.Proto, Status: resp.Status,
		ContentType: resp.Header.Get("Content-Type"), Server: resp.Header.Get("Server"),
		Chunked: slices.Contains(resp.TransferEncoding, "chunked"), Close: resp.Close,
		Length: resp.ContentLength, Answers: 1,
	}
	kind, parameters, _ := strings.Cut(h.ContentType, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	h.Single = strings.HasPrefix(kind, "image/")
	for req := resp.Request; req != nil && req.Response != nil; req = req.Response.Request {
		h.Redirects++
	}
	if h.Redirects > 0 {
		h.At = resp.Request.URL.Scheme + "://" + resp.Request.URL.Host + resp.Request.URL.EscapedPath()
	}
	p.report.HTTP = h
	if resp.Request != nil {
		p.at = resp.Request.URL
	}
	if strings.HasPrefix(kind, "multipart/") {
		p.report.Parts = newParts()
		p.report.Parts.Declared, p.report.Parts.Quoted = boundaryOf(parameters)
	}
}

// boundaryOf reads the parameter boundary of a Content-Type as it is, also where it is not as it should be.
func boundaryOf(parameters string) (boundary string, quoted bool) {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(p, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "boundary") {
			continue
		}
		value = strings.TrimSpace(value)
		bare := strings.Trim(value, `"`)
		return bare, bare != value
	}
	return "", false
}

// Report tells what has been found. err is what Run returned, nil too where the time was over. It is called once, at
// the end, and may take a second: some of the frames are decoded.
func (p *Probe) Report(err error) Report {
	r := &p.report
	enough := isEnough(err)
	if err != nil && !enough {
		r.Error = strings.TrimPrefix(err.Error(), "capture: ")
	}
	if h := r.HTTP; h != nil && err == nil {
		h.Ended = !p.ended.IsZero() && r.Frames > 0 && !h.Single
	}
	if !p.o.Untimed {
		r.Seconds = math.Round(p.ended.Sub(p.began).Seconds()*1000) / 1000
	}
	if r.Frames > 0 {
		r.Size = &p.size
	}
	d := &r.Damage
	bad := d.notWhole()
	if all := r.Frames + bad; all > 0 {
		d.Share = float64(bad) / float64(all)
	}
	if c := r.Camera; c != nil && c.Buffers > 0 {
		d.Share = float64(c.Empty+c.NotJPEG+c.Broken) / float64(c.Buffers)
	}
	if r.Padding != nil {
		for kind := range p.padded {
			r.Padding.Kind = kind
		}
		if len(p.padded) > 1 {
			r.Padding.Kind = "other bytes"
		}
	}
	if r.Parts != nil {
		server := ""
		if r.HTTP != nil {
			server = r.HTTP.Server
		}
		r.Parts.Maker = maker(r.Parts.Declared, server)
		if r.Parts.Maker == "" && len(r.Parts.Sent) > 0 {
			r.Parts.Maker = maker(r.Parts.Sent[0], server)
		}
	}
	if !p.o.Untimed {
		r.Rate = p.rate()
	}
	p.decode()
	p.recognise()
	r.Issues = p.issues()
	return *r
}

// rate is nil for fewer than three frames, and for those that came all at once.
func (p *Probe) rate() *Rate {
	if len(p.times) < 3 {
		return nil
	}
	var all []float64
	for i, t := range p.times[1:] {
		all = append(all, max(0, t.Sub(p.times[i]).Seconds()*1000))
	}
	n := float64(len(all))
	sum, squares := 0.0, 0.0
	for _, v := range all {
		sum += v
	}
	mean := sum / n
	for _, v := range all {
		squares += (v - mean) * (v - mean)
	}
	sorted := slices.Sorted(slices.Values(all))
	median := sorted[len(sorted)/2]
	if sum == 0 {
		return nil
	}
	r := &Rate{Mean: round(mean), Jitter: round(math.Sqrt(squares / n)), Clock: "arrival",
		P95: round(sorted[int(math.Ceil(0.95*n))-1]), Max: round(sorted[len(sorted)-1])}
	r.FPS = round(n / sum * 1000)
	r.MbitPerSecond = round(float64(p.timed) * 8 / 1e3 / sum)
	for _, v := range all {
		if v < median/10 {
			r.Bursts++
		}
		if v > 3*median {
			r.Gaps++
		}
	}
	if p.buffer != nil {
		r.Clock = "driver"
	}
	return r
}

func round(v float64) float64 { return math.Round(v*100) / 100 }

package pipeline

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"picam/mjpeg"
)

// Cause says why a frame was received but not shown.
type Cause int

// The causes.
const (
	_            Cause = iota
	Stale              // a newer frame came while it waited (policy latest)
	Damaged            // its data is broken or cut short
	Undecodable        // it is no frame that can be decoded
	TooBig             // it has more pixels than allowed
	TooCostly          // decoding it would take, or at the end of a run takes, too long
	FilterFailed       // a stage could not work on it
	numCauses
)

func (c Cause) String() string {
	switch c {
	case Stale:
		return "stale"
	case Damaged:
		return "damaged"
	case Undecodable:
		return "undecodable"
	case TooBig:
		return "too_big"
	case TooCostly:
		return "too_costly"
	case FilterFailed:
		return "filter_failed"
	}
	return "shown"
}

// Stats is a camera's account. FramesIn = FramesOut + the sum of Dropped + the few under way.
type Stats struct {
	Camera    string           `json:"camera"`
	Connected bool             `json:"connected"`
	State     string           `json:"state"`            // live, no_signal, frames_dropped or filters_slow
	Reason    string           `json:"reason,omitempty"` // why it is not live
	Seconds   float64          `json:"seconds"`          // since its first frame
	Width     int              `json:"width"`            // of the last decoded frame, in pixels; 0: none decoded
	Height    int              `json:"height"`
	FramesIn  int64            `json:"frames_in"`
	BytesIn   int64            `json:"bytes_in"` // of those frames, stamps not counted
	FramesOut int64            `json:"frames_out"`
	Lost      int64            `json:"lost"`     // gaps in the sender's count: frames that never arrived
	Dropped   map[string]int64 `json:"dropped"`  // received, not shown, by cause
	Bypassed  map[string]int64 `json:"bypassed"` // shown, but passed on by a stage as they were, by the stage's name
	// NotRecorded counts what outputs did not keep of the frames shown, or, of the camera's own bytes, received, by
	// cause.
	NotRecorded map[string]int64 `json:"not_recorded"`
	Torn        map[string]int64 `json:"torn"` // frames that did not arrive whole, by cause
	Skipped     int64            `json:"skipped_bytes"`
	Junk        int64            `json:"junk_frames"`   // with junk between their segments, which is no harm
	Damaged     int64            `json:"damaged_shown"` // broken, and shown all the same
	Decode      Latency          `json:"decode_ms"`     // wait for a worker and decoding
	Inside      Latency          `json:"inside_ms"`     // last byte received → handed to the sinks
	Total       Latency          `json:"total_ms"`      // captured → handed to the sinks; needs a stamp
	Recent      float64          `json:"recent_ms"`     // Total lately, or Inside where Total is not known
}

// Latency is a distribution of times in milliseconds.
type Latency struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50"`
	P95   float64 `json:"p95"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
}

// Drops is the sum of Dropped.
func (s *Stats) Drops() int64 {
	var n int64
	for _, d := range s.Dropped {
		n += d
	}
	return n
}

// Lossy is a Sink, or a recording of the camera's bytes, that counts what it did not keep, by cause. Any goroutine may
// call it, also after Close.
type Lossy interface{ Lost() map[string]int64 }

// lossy lists the outputs that count what they lose.
func (o *Outputs) lossy() []Lossy {
	var all []Lossy
	for _, s := range o.Sinks {
		if l, ok := s.(Lossy); ok {
			all = append(all, l)
		}
	}
	if l, ok := o.Raw.(Lossy); ok {
		all = append(all, l)
	}
	return all
}

// notRecorded adds up what outputs have lost.
func notRecorded(outputs []Lossy) map[string]int64 {
	counts := map[string]int64{}
	for _, o := range outputs {
		for cause, n := range o.Lost() {
			counts[cause] += n
		}
	}
	return counts
}

// meter counts for one Camera. Counters are written by the goroutine whose work they count; the histograms, which have
// one writer, are locked against their readers.
type meter struct {
	framesIn, bytesIn, framesOut, lost atomic.Int64
	damagedShown                       atomic.Int64
	dropped                            [numCauses]atomic.Int64
	since                              atomic.Int64 // Unix ns of the first frame; 0: none yet
	bypasses                           bypasses

	mu                    sync.Mutex
	decode, inside, total *hdrhistogram.Histogram // in microseconds
	recent                time.Duration
	fault                 error // of the last frame dropped for more than being stale
}

// rate is how many frames a second arrive, smoothed over some tens of them. It belongs to one goroutine.
type rate struct {
	last     time.Time
	interval float64 // seconds
}

// at takes in that a frame has arrived, and returns the rate; 0 until there are two frames.
func (r *rate) at(t time.Time) float64 {
	const weight = 1. / 16 // of the newest interval
	between := t.Sub(r.last).Seconds()
	switch {
	case r.last.IsZero() || between <= 0:
	case r.interval == 0 || between > silence: // the camera was away
		r.interval = between
	default:
		r.interval += weight * (between - r.interval)
	}
	r.last = t
	if r.interval == 0 {
		return 0
	}
	return 1 / r.interval
}

// silence is for how many seconds no frame comes until those before tell nothing of the rate any more.
const silence = 5

// longest is the longest latency that is told apart; longer ones count as this long.
const longest = time.Minute

func newMeter() *meter {
	h := func() *hdrhistogram.Histogram { return hdrhistogram.New(1, longest.Microseconds(), 3) }
	return &meter{decode: h(), inside: h(), total: h()}
}

func (m *meter) received(bytes int) {
	if m.framesIn.Add(1) == 1 {
		m.since.Store(time.Now().UnixNano())
	}
	m.bytesIn.Add(int64(bytes))
}

func (m *meter) drop(c Cause, err error) {
	m.dropped[c].Add(1)
	if err != nil {
		m.mu.Lock()
		m.fault = err
		m.mu.Unlock()
	}
}

// finished times a frame that is about to be handed to the sinks.
func (m *meter) finished(f *Frame) {
	m.framesOut.Add(1)
	inside := f.Done.Sub(f.Received)
	latency := inside
	m.mu.Lock()
	defer m.mu.Unlock()
	if !f.Decoded.IsZero() {
		record(m.decode, f.Decoded.Sub(f.Received))
	}
	record(m.inside, inside)
	// A frame from the future or from another hour has the time of a clock that is not ours.
	if total := f.Done.Sub(f.Captured); !f.Captured.IsZero() && total >= 0 && total < time.Hour {
		record(m.total, total)
		latency = total
	}
	m.recent += (latency - m.recent) / 8
}

func record(h *hdrhistogram.Histogram, d time.Duration) {
	// RecordValue fails only beyond the histogram's range.
	_ = h.RecordValue(max(0, min(d, longest)).Microseconds())
}

// takeFault returns the last fault and forgets it.
func (m *meter) takeFault() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	err := m.fault
	m.fault = nil
	return err
}

func (m *meter) stats(scan mjpeg.Stats) Stats {
	s := Stats{
		FramesIn:  m.framesIn.Load(),
		BytesIn:   m.bytesIn.Load(),
		FramesOut: m.framesOut.Load(),
		Lost:      m.lost.Load(),
		Dropped:   map[string]int64{},
		Bypassed:  m.bypasses.stats(),
		Torn:      map[string]int64{},
		Skipped:   scan.Skipped,
		Junk:      scan.JunkFrames,
		Damaged:   m.damagedShown.Load(),
	}
	if since := m.since.Load(); since != 0 {
		s.Seconds = time.Since(time.Unix(0, since)).Seconds()
	}
	for c := Stale; c < numCauses; c++ {
		s.Dropped[c.String()] = m.dropped[c].Load()
	}
	for d, n := range scan.Damaged {
		s.Torn[mjpeg.Damage(d).String()] = n
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s.Decode, s.Inside, s.Total = latencyOf(m.decode), latencyOf(m.inside), latencyOf(m.total)
	s.Recent = float64(m.recent.Microseconds()) / 1000
	return s
}

func latencyOf(h *hdrhistogram.Histogram) Latency {
	ms := func(us int64) float64 { return float64(us) / 1000 }
	return Latency{
		Count: h.TotalCount(),
		P50:   ms(h.ValueAtQuantile(50)),
		P95:   ms(h.ValueAtQuantile(95)),
		P99:   ms(h.ValueAtQuantile(99)),
		Max:   ms(h.Max()),
	}
}

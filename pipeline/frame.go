package pipeline

import (
	"sync"
	"time"

	"gocv.io/x/gocv"

	"picam/filters"
	"picam/mjpeg"
)

// Frame is one frame under way through the pipeline. Whoever holds it owns it.
type Frame struct {
	filters.Meta
	Decoded time.Time // when its pixels were there; zero if it was not decoded
	Done    time.Time // when its last stage was through

	plan    *Plan
	jpeg    []byte       // the camera's bytes, without the stamp
	header  mjpeg.Header // of jpeg
	broken  error        // why header could not be read
	decodes bool         // it needs pixels: a stage or a sink works on them
	turned  bool         // its pixels are upright where its bytes lie on a side, upside down or mirrored, as EXIF says
	pixels  *pixels      // nil while it has none
	shown   *gocv.Mat    // the one of pixels that holds the frame as it is so far
	started time.Time    // when a worker took it
	ready   bool         // the parallel steps are through; guarded by its Camera's mu
	cause   Cause        // why it is dropped; 0 means that it is not
	err     error        // in words
}

// pixels is memory for a frame's pixels, which goes from Frame to Frame.
type pixels struct {
	original gocv.Mat    // before the first stage, where one wants it
	results  [2]gocv.Mat // of the parallel and of the ordered steps
}

func newPixels() *pixels {
	return &pixels{gocv.NewMat(), [2]gocv.Mat{gocv.NewMat(), gocv.NewMat()}}
}

func (p *pixels) close() {
	p.original.Close()
	p.results[0].Close()
	p.results[1].Close()
}

// NewFrame makes a finished Frame outside a pipeline, for tests and tools. It takes mat over; Close frees it. touched
// says that a stage has changed the frame, so that jpeg is not what mat shows.
func NewFrame(camera string, seq uint64, jpeg []byte, mat gocv.Mat, touched bool) *Frame {
	now := time.Now()
	f := &Frame{Decoded: now, Done: now, jpeg: jpeg, plan: &Plan{changes: touched}}
	f.Meta = filters.Meta{Camera: camera, Seq: seq, Captured: now, Received: now}
	f.pixels = &pixels{gocv.NewMat(), [2]gocv.Mat{mat, gocv.NewMat()}}
	f.Original, f.shown = f.pixels.original, &f.pixels.results[0]
	return f
}

// SetRules gives a Frame made by NewFrame a chain with these rules.
func (f *Frame) SetRules(rules ...*Rule) {
	f.plan = &Plan{changes: f.plan.changes, Chain: Chain{Rules: rules}}
}

// JPEG returns the camera's own bytes, before any stage.
func (f *Frame) JPEG() []byte { return f.jpeg }

// Mat returns the finished frame: rows × cols × 1 (gray) or 3 (BGR), 8 bit. It must not be changed or closed, and is
// valid until Show returns. It is no Mat at all where Passthrough is true and all sinks are JPEGSinks: nothing was
// decoded then.
func (f *Frame) Mat() gocv.Mat {
	if f.shown == nil {
		return gocv.Mat{}
	}
	return *f.shown
}

// Passthrough reports whether no stage changed the frame and it needed no turning, so that JPEG shows what Mat would,
// to those who do not know EXIF too.
func (f *Frame) Passthrough() bool { return !f.plan.changes && !f.turned }

// Plan is the chain that made this frame.
func (f *Frame) Plan() *Plan { return f.plan }

// Close frees the Mats of a Frame made by NewFrame. Sinks never call it.
func (f *Frame) Close() { f.pixels.close() }

// frames is a camera's Frames that nobody uses. The one that came last goes first: its memory is warm, and a camera
// that needs few of them at a time has few. Camera.limit keeps them from becoming many.
type frames struct {
	mu   sync.Mutex
	list []*Frame
}

func (p *frames) get() *Frame {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.list) - 1
	if last < 0 {
		return &Frame{}
	}
	f := p.list[last]
	p.list = p.list[:last]
	return f
}

func (p *frames) put(f *Frame) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, f)
}

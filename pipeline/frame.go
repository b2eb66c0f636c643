package pipeline

import (
	"sync"
	"time"

	"gocv.io/x/gocv"

	"picam/filters"
)

// Frame is one frame under way through the pipeline. Whoever holds it owns it.
type Frame struct {
	filters.Meta
	Decoded time.Time // when its pixels were there; zero if it was not decoded
	Done    time.Time // when its last stage was through

	plan   *Plan
	jpeg   []byte      // the camera's bytes, without the stamp
	mats   [2]gocv.Mat // results of the parallel and of the ordered steps
	turned bool        // its pixels are upright where its bytes lie on a side, upside down or mirrored, as EXIF says
	shown  *gocv.Mat   // the one of mats, or Original, that holds the frame as it is so far
	ready  bool        // the parallel steps are through; guarded by its Camera's lineMu
	cause  Cause       // why it is dropped; 0 means that it is not
	err    error       // in words
}

func newFrame() *Frame {
	f := &Frame{}
	f.Original = gocv.NewMat()
	for i := range f.mats {
		f.mats[i] = gocv.NewMat()
	}
	f.shown = &f.mats[0]
	return f
}

// NewFrame makes a finished Frame outside a pipeline, for tests and tools. It takes mat over; Close frees it. touched
// says that a stage has changed the frame, so that jpeg is not what mat shows.
func NewFrame(camera string, seq uint64, jpeg []byte, mat gocv.Mat, touched bool) *Frame {
	now := time.Now()
	f := &Frame{Decoded: now, Done: now, jpeg: jpeg, plan: &Plan{changes: touched}}
	f.Meta = filters.Meta{Camera: camera, Seq: seq, Captured: now, Received: now, Original: gocv.NewMat()}
	f.mats = [2]gocv.Mat{mat, gocv.NewMat()}
	f.shown = &f.mats[0]
	return f
}

// SetRules gives a Frame made by NewFrame a chain with these rules.
func (f *Frame) SetRules(rules ...*Rule) {
	f.plan = &Plan{changes: f.plan.changes, Chain: Chain{Rules: rules}}
}

// JPEG returns the camera's own bytes, before any stage.
func (f *Frame) JPEG() []byte { return f.jpeg }

// Mat returns the finished frame: rows × cols × 1 (gray) or 3 (BGR), 8 bit. It must not be changed or closed, and is
// valid until Show returns. It is undefined where Passthrough is true and all sinks are JPEGSinks: nothing was decoded then.
func (f *Frame) Mat() gocv.Mat { return *f.shown }

// Passthrough reports whether no stage changed the frame and it needed no turning, so that JPEG shows what Mat would,
// to those who do not know EXIF too.
func (f *Frame) Passthrough() bool { return !f.plan.changes && !f.turned }

// Plan is the chain that made this frame.
func (f *Frame) Plan() *Plan { return f.plan }

// Close frees the Mats of a Frame made by NewFrame. Sinks never call it.
func (f *Frame) Close() {
	for i := range f.mats {
		f.mats[i].Close()
	}
	f.Original.Close()
}

// pool is the Frames that nobody uses. The one that came last goes first: its memory is there, and warm, and a camera
// that needs few of them at a time has few. Camera.flight keeps them from becoming many.
type pool struct {
	mu     sync.Mutex
	frames []*Frame
}

func (p *pool) get() *Frame {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.frames) - 1
	if last < 0 {
		return newFrame()
	}
	f := p.frames[last]
	p.frames = p.frames[:last]
	return f
}

func (p *pool) put(f *Frame) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frames = append(p.frames, f)
}

// close frees the memory of all that have come back.
func (p *pool) close() {
	for _, f := range p.frames {
		f.Close()
	}
	p.frames = nil
}

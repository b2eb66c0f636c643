package pipeline

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"picam/mjpeg"
	"picam/mjpeg/codec"
)

// Source yields frames; io.EOF ends it in good order. capture.Source and *transport.Stream are ones.
type Source interface {
	Next() (mjpeg.Frame, error)
}

// Troubled is a Source that may know why it gives no frames, in a sentence; "" while it gives some. Any goroutine may
// call it. Sources that are none are silent until they end.
type Troubled interface {
	Trouble() string
}

// Options say how cameras' frames are worked on. Zero values mean the defaults.
type Options struct {
	Workers     int          // frames decoded and filtered at a time; 0 means one for each processor
	KeepAll     bool         // the source waits while frames are worked on; else a newer frame replaces a waiting one
	ShowDamaged bool         // a frame with broken data goes on with what could be decoded; else it is dropped
	MaxPixels   int          // larger frames are dropped before they are decoded; 0 means DefaultMaxPixels
	Log         *slog.Logger // nil discards
}

// DefaultMaxPixels is the limit on width × height of a frame: that of a 64-megapixel camera.
const DefaultMaxPixels = 64 << 20

// Outputs are where one camera's frames go.
type Outputs struct {
	Sinks []Sink
	// Raw gets each frame's bytes as the camera made them, as soon as they have arrived, in one Write each: before
	// any frame is dropped, decoded or filtered. nil means nobody wants them.
	Raw io.WriteCloser
}

// Camera takes one camera's frames through its plan. It outlives the camera's connections.
//
// A frame is copied into a Frame when it arrives, waits (at most one does; with KeepAll they all stay in the source),
// is decoded and taken through the stateless steps by one of the workers, then in the order of arrival through the other
// steps and to the sinks, by the worker that finds it first in line.
//
// A worker does all of that by itself: to wake another goroutine on a busy processor costs more than what there is to
// do (docs/performance.md).
type Camera struct {
	name string
	ctl  *Controller
	out  Outputs
	opts Options
	log  *slog.Logger

	pixels  bool        // a sink wants pixels even of an passthrough frame
	upright bool        // a sink takes no bytes of a frame that is still to be turned
	free    pool        // the Frames that nobody uses
	waiting chan *Frame // the frame that waits for a worker; one at most
	feeds   chan *feed  // sources that workers may take frames from, with KeepAll
	workers sync.WaitGroup
	hired   int           // workers so far; for NewCamera and Feed
	flight  chan struct{} // a token for each frame between a worker's taking it and its Frame being free again

	interrupt codec.Interrupt // of the workers' decoders

	turn sync.Mutex // held by the worker that takes the next frame, so that order is that of arrival
	feed *feed      // what frames are taken from, with KeepAll; nil: nothing. For who has the turn

	// For Feed or, while that waits for workers that take its frames, for who has the turn.
	rate     rate
	lastSeq  uint64
	counting string // the sender whose numbers lastSeq is of

	lineMu  sync.Mutex     // guards the next two
	line    []*Frame       // frames that workers have taken, in the order of arrival
	showing bool           // a worker shows the first of them; last and sinks are its own meanwhile
	last    *workerContext // for the steps that need the order
	sinks   []Sink         // those of out that have not failed

	meter    *meter
	reporter sync.WaitGroup
	stop     chan struct{} // closed to end report

	lastTime atomic.Int64 // Unix ns of the last frame's arrival, or of the connection

	news      sync.Mutex  // held while what sinks are told of the connection changes
	inTrouble atomic.Bool // the source has trouble, as far as it is known

	mu        sync.Mutex
	scanned   mjpeg.Stats        // of connections that have ended
	scanNow   func() mjpeg.Stats // of the present one; nil: none, or it does not scan
	connected bool
	source    Troubled // of the present connection; nil: none, or it tells nothing
	why       Silence  // zero: frames are shown, or may be soon
	failed    []error  // of outputs
}

// NewCamera starts the pipeline of a camera. Close ends it and closes the outputs.
func NewCamera(name string, ctl *Controller, out Outputs, opts Options) *Camera {
	opts.Workers = workersOf(opts.Workers)
	if opts.MaxPixels <= 0 {
		opts.MaxPixels = DefaultMaxPixels
	}
	log := opts.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	// One frame in flight more than there are workers keeps these busy while a finished frame is being shown.
	inFlight := opts.Workers + 1
	c := &Camera{
		name: name, ctl: ctl, out: out, opts: opts, log: log.With("camera", name),
		waiting: make(chan *Frame, 1),
		feeds:   make(chan *feed),
		flight:  make(chan struct{}, inFlight),
		last:    newWorkerContext(1),
		sinks:   out.Sinks,
		stop:    make(chan struct{}),
		meter:   newMeter(),
		why:     Silence{Reason: "no frame yet"},
	}
	for _, s := range out.Sinks {
		if s, ok := s.(JPEGSink); !ok {
			c.pixels = true
		} else if !s.TakesJPEG() {
			c.upright = true
		}
	}
	c.hire()
	for opts.KeepAll && c.hired < opts.Workers {
		c.hire()
	}
	c.reporter.Add(1)
	go c.report()
	return c
}

// Feed takes in the frames of src until it ends: nil after io.EOF, else its error or ctx's. sender tells whose
// numbers the frames carry ("" where they carry none); scan is the stream's scanner counters, nil where it has none.
// One Feed runs at a time; the source is not closed.
func (c *Camera) Feed(ctx context.Context, src Source, sender string, scan func() mjpeg.Stats) error {
	c.begin(src, scan)
	err := c.take(ctx, src, sender)
	reason := "the camera ended its stream"
	if err != nil {
		reason = err.Error()
	}
	c.end(scan, reason)
	return err
}

// feed is a source that workers take frames from.
type feed struct {
	numbered bool       // its frames carry numbers
	ended    chan error // gets what has ended it; nil after io.EOF

	mu  sync.Mutex // held while src, or what it returned, is in use
	src Source     // nil: it is no longer to be used
}

// lend has the workers take frames from src until it or ctx ends.
func (c *Camera) lend(ctx context.Context, src Source, numbered bool) error {
	f := &feed{src: src, numbered: numbered, ended: make(chan error, 1)}
	select {
	case c.feeds <- f:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-f.ended:
		return err
	case <-ctx.Done():
		f.mu.Lock()
		defer f.mu.Unlock()
		f.src = nil
		return context.Cause(ctx)
	}
}

// take takes in the frames of src for the workers, or has them do so, until it ends.
func (c *Camera) take(ctx context.Context, src Source, sender string) error {
	if c.counting != sender {
		c.lastSeq, c.counting = 0, sender
	}
	numbered := sender != ""
	if c.opts.KeepAll {
		return c.lend(ctx, src, numbered)
	}
	f := c.free.get()
	for {
		in, err := src.Next()
		if err != nil {
			c.free.put(f)
			if err == io.EOF {
				return nil
			}
			return err
		}
		c.receive(f, in, numbered)
		if len(c.waiting) > 0 && c.hired < c.opts.Workers {
			c.hire() // there was none free for the frame before
		}
		f = c.offer(f)
	}
}

// hire starts a worker. Each costs memory for a frame's way, so cameras that one is enough for have one.
func (c *Camera) hire() {
	c.hired++
	c.workers.Add(1)
	go c.work()
}

// receive copies an arrived frame into f.
func (c *Camera) receive(f *Frame, in mjpeg.Frame, numbered bool) {
	f.Camera, f.Captured, f.Received = c.name, in.Captured, in.Received
	f.Decoded, f.Done = time.Time{}, time.Time{}
	f.FPS, f.Found, f.Bypassed = c.rate.at(in.Received), f.Found[:0], f.Bypassed[:0]
	f.cause, f.err, f.ready, f.turned = 0, nil, false, false
	f.jpeg = append(f.jpeg[:0], in.JPEG...)
	f.plan = c.ctl.Plan()
	f.shown = &f.mats[0]
	c.lastSeq++
	if numbered {
		if in.Seq > c.lastSeq && c.lastSeq > 1 {
			c.meter.lost.Add(int64(in.Seq - c.lastSeq))
		}
		c.lastSeq = in.Seq
	}
	f.Seq = c.lastSeq
	c.meter.received(len(f.jpeg))
	if c.inTrouble.Load() {
		c.askSource()
	}
	c.lastTime.Store(in.Received.UnixNano())
	if c.out.Raw != nil {
		if _, err := c.out.Raw.Write(f.jpeg); err != nil {
			c.log.Error("recording of the camera's bytes ended", "error", err)
			c.fail(errors.Join(err, c.out.Raw.Close()))
			c.out.Raw = nil
		}
	}
}

// offer makes f the frame that waits for a worker, and returns a Frame for the next one.
func (c *Camera) offer(f *Frame) *Frame {
	for {
		select {
		case c.waiting <- f:
			return c.free.get()
		default:
		}
		select {
		case old := <-c.waiting:
			c.meter.drop(Stale, nil)
			c.waiting <- f // has room: no other goroutine fills it
			return old
		default:
		}
	}
}

// drop counts f and frees it.
func (c *Camera) drop(f *Frame, cause Cause, err error) {
	c.meter.drop(cause, err)
	c.free.put(f)
}

// work is a worker: it takes frames in the order of arrival and through the parallel part of their plan, and shows
// those whose turn it is.
//
// It keeps its thread. The C library has memory for each thread, so that OpenCV's scratch memory of one frame is that
// of the frame before, and still in the processor's cache. While there is always a frame to work on, it lets the
// scheduler see after each that it goes on: Go's runtime suspects a goroutine that hangs in C for 10 ms, takes its
// processor away and then looks after all of them every 20 µs.
func (c *Camera) work() {
	defer c.workers.Done()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l := newWorkerContext(c.opts.processors())
	l.interrupt = &c.interrupt
	defer l.close()
	for f := c.next(); f != nil; f = c.next() {
		f.cause, f.err = c.process(l, f)
		c.finish(f)
		if c.opts.KeepAll || len(c.waiting) > 0 {
			runtime.Gosched()
		}
	}
}

// next waits for the next frame to work on and puts it in line; nil: there will be none.
func (c *Camera) next() *Frame {
	c.flight <- struct{}{}
	c.turn.Lock()
	defer c.turn.Unlock()
	f := c.pull()
	if f == nil {
		<-c.flight
		return nil
	}
	c.lineMu.Lock()
	defer c.lineMu.Unlock()
	c.line = append(c.line, f)
	return f
}

// pull is the frame that waits or, with KeepAll, the next one of the source.
func (c *Camera) pull() *Frame {
	if !c.opts.KeepAll {
		return <-c.waiting
	}
	f := c.free.get()
	for {
		if c.feed == nil {
			c.feed = <-c.feeds
		}
		if c.feed == nil { // closed
			c.free.put(f)
			return nil
		}
		if c.pullInto(f, c.feed) {
			return f
		}
		c.feed = nil
	}
}

// pullInto makes f the next frame of a feed, if it has one.
func (c *Camera) pullInto(f *Frame, from *feed) bool {
	from.mu.Lock()
	defer from.mu.Unlock()
	if from.src == nil {
		return false
	}
	in, err := from.src.Next()
	if err != nil {
		if err == io.EOF {
			err = nil
		}
		from.ended <- err
		return false
	}
	c.receive(f, in, from.numbered)
	return true
}

// finish marks f as ready to be shown, and shows the frames that are first in line, unless another worker is at it.
func (c *Camera) finish(f *Frame) {
	c.lineMu.Lock()
	defer c.lineMu.Unlock()
	f.ready = true
	for !c.showing && len(c.line) > 0 && c.line[0].ready {
		first := c.line[0]
		c.line = slices.Delete(c.line, 0, 1)
		c.showing = true
		c.lineMu.Unlock()
		c.show(first)
		<-c.flight
		c.lineMu.Lock()
		c.showing = false
	}
}

// process decodes f and takes it through the steps that need no order.
func (c *Camera) process(l *workerContext, f *Frame) (Cause, error) {
	p := f.plan
	passes := !p.changes && !c.pixels
	if passes && !c.upright {
		return 0, nil
	}
	h, err := mjpeg.ParseHeader(f.jpeg)
	f.turned = h.Orientation > 1
	if passes && !f.turned {
		return 0, nil
	}
	if err != nil {
		return Undecodable, err
	}
	if h.Width*h.Height > c.opts.MaxPixels {
		return TooBig, fmt.Errorf("pipeline: a frame of %d×%d has more than the %d pixels allowed", h.Width, h.Height, c.opts.MaxPixels)
	}
	decoded := &f.mats[0]
	switch {
	case p.original:
		decoded = &f.Original
	case p.ordered > 0:
		decoded = &l.decoded
	}
	switch err := l.decode(p, f.jpeg, h, decoded); {
	case err == nil:
	case errors.Is(err, codec.ErrTooCostly), errors.Is(err, codec.ErrInterrupted):
		return TooCostly, err
	case !errors.Is(err, codec.ErrDamaged):
		return Undecodable, err
	case !c.opts.ShowDamaged:
		return Damaged, err
	default:
		c.meter.damagedShown.Add(1)
	}
	c.ctl.saw(uprightSize(h))
	f.Decoded = time.Now()
	f.Full = image.Point{}
	if p.shrink != nil {
		f.Full = uprightSize(h)
	}
	if p.ordered == 0 {
		f.shown = decoded
		return 0, nil
	}
	if err := l.apply(p, p.steps[:p.ordered], *decoded, &f.mats[0], &f.Meta); err != nil {
		return FilterFailed, err
	}
	return 0, nil
}

// show takes a frame through the rest of its plan and to the sinks.
func (c *Camera) show(f *Frame) {
	if rest := f.plan.steps[f.plan.ordered:]; f.cause == 0 && len(rest) > 0 {
		if err := c.last.apply(f.plan, rest, *f.shown, &f.mats[1], &f.Meta); err != nil {
			f.cause, f.err = FilterFailed, err
		}
		f.shown = &f.mats[1]
	}
	if f.cause != 0 {
		c.drop(f, f.cause, f.err)
		return
	}
	f.Done = time.Now()
	c.meter.bypasses.count(f.Bypassed)
	c.meter.finished(f)
	c.hand(f)
	c.free.put(f)
}

// hand shows f to the sinks, and forgets those that fail.
func (c *Camera) hand(f *Frame) {
	for i := 0; i < len(c.sinks); {
		err := c.sinks[i].Show(f)
		if err == nil {
			i++
			continue
		}
		c.log.Error("an output ended", "error", err)
		c.fail(errors.Join(err, c.sinks[i].Close()))
		c.sinks = slices.Delete(slices.Clone(c.sinks), i, i+1)
	}
}

func (c *Camera) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = append(c.failed, err)
}

// report logs, at most once a second, what was dropped for another cause than being stale, tells the sinks when that is
// every frame, and watches the source for trouble.
func (c *Camera) report() {
	defer c.reporter.Done()
	tick, ask := time.NewTicker(time.Second), time.NewTicker(200*time.Millisecond)
	defer tick.Stop()
	defer ask.Stop()
	var before account
	for {
		select {
		case <-ask.C:
			c.askSource()
			continue
		case <-tick.C:
		case <-c.stop:
			c.reportOnce(&before)
			return
		}
		c.reportOnce(&before)
	}
}

// account is what reportOnce saw last.
type account struct {
	dropped [numCauses]int64
	shown   int64
}

func (c *Camera) reportOnce(before *account) {
	now := c.meter.framesOut.Load()
	shown := now > before.shown
	before.shown = now
	c.meter.bypasses.report(c.log, shown)
	if shown {
		c.noteDrops("")
	}
	var attrs []any
	for cause := Damaged; cause < numCauses; cause++ {
		if now := c.meter.dropped[cause].Load(); now != before.dropped[cause] {
			attrs = append(attrs, cause.String(), now-before.dropped[cause])
			before.dropped[cause] = now
		}
	}
	if len(attrs) == 0 {
		return
	}
	if err := c.meter.takeFault(); err != nil {
		attrs = append(attrs, "last", err.Error())
		if !shown {
			c.noteDrops(err.Error())
		}
	}
	c.log.Warn("frames dropped", attrs...)
}

// begin and end note that a connection does so.
func (c *Camera) begin(src Source, scan func() mjpeg.Stats) {
	c.lastTime.Store(time.Now().UnixNano())
	c.news.Lock()
	defer c.news.Unlock()
	c.mu.Lock()
	c.scanNow, c.connected, c.why = scan, true, Silence{}
	c.source, _ = src.(Troubled)
	c.mu.Unlock()
	c.signal(Silence{})
}

func (c *Camera) end(scan func() mjpeg.Stats, reason string) {
	c.news.Lock()
	defer c.news.Unlock()
	c.mu.Lock()
	if scan != nil {
		c.scanned = c.scanned.Plus(scan())
	}
	why := Silence{Reason: reason}
	c.scanNow, c.connected, c.source, c.why = nil, false, nil, why
	c.mu.Unlock()
	c.inTrouble.Store(false)
	c.signal(why)
}

// askSource looks whether the source has trouble, or has none any more, and tells of it.
func (c *Camera) askSource() {
	c.news.Lock()
	defer c.news.Unlock()
	c.mu.Lock()
	source, before := c.source, c.why
	c.mu.Unlock()
	if source == nil {
		return
	}
	reason := source.Trouble()
	if reason != "" {
		c.lastTime.Store(time.Now().UnixNano()) // the connection is not silent
	}
	if before.Dropped && reason == "" || before == (Silence{Reason: reason}) {
		return
	}
	c.mu.Lock()
	c.why = Silence{Reason: reason}
	c.mu.Unlock()
	c.inTrouble.Store(reason != "")
	if reason != "" {
		c.log.Warn("no signal", "why", reason)
	} else {
		c.log.Info("signal again")
	}
	c.signal(Silence{Reason: reason})
}

// noteDrops tells the sinks when every frame is dropped, and why; and with "" that some are shown again.
func (c *Camera) noteDrops(reason string) {
	c.news.Lock()
	defer c.news.Unlock()
	c.mu.Lock()
	before := c.why
	why := Silence{reason, reason != ""}
	if !c.connected || before == why || before.Reason != "" && !before.Dropped {
		c.mu.Unlock()
		return // nothing new, or it has another reason
	}
	c.why = why
	c.mu.Unlock()
	c.signal(why)
}

func (c *Camera) signal(why Silence) {
	for _, s := range c.out.Sinks {
		if s, ok := s.(Signaler); ok {
			s.Signal(why)
		}
	}
}

// silence is how long no frame has come.
func (c *Camera) silence() time.Duration { return time.Since(time.Unix(0, c.lastTime.Load())) }

// Stats may be called from any goroutine at any time.
func (c *Camera) Stats() Stats {
	c.mu.Lock()
	scan, why, connected := c.scanned, c.why, c.connected
	if c.scanNow != nil {
		scan = scan.Plus(c.scanNow())
	}
	c.mu.Unlock()
	s := c.meter.stats(scan)
	s.Camera, s.Connected, s.Reason, s.EveryDropped = c.name, connected, why.Reason, why.Dropped
	size := c.ctl.size.Load()
	s.Width, s.Height = int(size>>32), int(uint32(size))
	return s
}

// patience is how long a Camera that is closed waits for frames to be decoded.
const patience = 300 * time.Millisecond

// Close waits until the frames under way have been shown, then closes the outputs. Unless all frames are wanted (KeepAll),
// it does not wait for one that takes long to decode. No Feed may be running. The error joins those of the outputs that
// failed, earlier or now.
func (c *Camera) Close() error {
	close(c.waiting)
	close(c.feeds)
	if !c.opts.KeepAll {
		defer time.AfterFunc(patience, c.interrupt.Raise).Stop()
	}
	c.workers.Wait()
	c.last.close()
	for _, s := range c.sinks {
		if err := s.Close(); err != nil {
			c.fail(err)
		}
	}
	close(c.stop)
	c.reporter.Wait()
	if c.out.Raw != nil {
		if err := c.out.Raw.Close(); err != nil {
			c.fail(err)
		}
	}
	c.free.close()
	return errors.Join(c.failed...)
}

package pipeline

import (
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"picam/mjpeg"
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
	Pool        *Pool        // the workers of all cameras; nil: a Camera has workers of its own
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
// Feed takes frames in (intake.go): a newer one replaces the one that waits or, with KeepAll, the source waits. A
// worker of the Pool decodes the frame and takes it through the stateless steps, then in the order of arrival through
// the other steps and to the sinks, if it finds it first in the reorder queue (queue.go). It does all of that by
// itself: to wake another goroutine on a busy processor costs more than what there is to do (docs/performance.md).
//
// A frame that needs no pixels has no worker: with KeepAll Feed hands it on, else a goroutine of the Camera, so that a
// slow sink costs frames rather than delay.
type Camera struct {
	name    string
	ctl     *Controller
	out     Outputs
	opts    Options
	log     *slog.Logger
	pool    *Pool
	ownPool bool // pool is nobody else's

	decodes bool   // a sink wants pixels even of a passthrough frame
	upright bool   // a sink takes no bytes of a frame that is still to be turned
	frames  frames // that nobody uses
	limit   int    // frames taken from the intake and not yet through
	turn    turn   // guarded by the pool

	// For who takes in frames: Feed or, with KeepAll, the worker that pulls.
	rate     rate
	lastSeq  uint64
	counting string // the sender whose numbers lastSeq is of
	lying    bool   // the last frame was one to be turned

	mu       sync.Mutex
	changed  *sync.Cond    // what follows has changed
	mailbox  *Frame        // waits for a worker; the newest one
	feed     *feed         // lent to the workers, which take frames from it; nil: none is
	pulling  bool          // one of them does
	underWay int           // frames taken and not yet through, with the one that is being pulled
	queue    []*Frame      // frames taken, in the order of arrival
	showing  bool          // the first of them is being shown; last and sinks belong to who does it
	took     time.Duration // that a worker was at the frame shown last

	last   *workerContext // for the steps that need the order
	sinks  []Sink         // those of out that have not failed
	outlet chan struct{}  // tells the goroutine that hands passthrough frames on; nil: it has not been started

	meter    *meter
	lossy    []Lossy        // of out
	running  sync.WaitGroup // reporter and outlet
	stop     chan struct{}  // closed to end them
	lastTime atomic.Int64   // Unix ns of the last frame's arrival, or of the connection

	news      sync.Mutex  // held while what sinks are told of the connection changes
	inTrouble atomic.Bool // the source has trouble, as far as it is known

	state struct {
		sync.Mutex
		scanned   mjpeg.Stats        // of connections that have ended
		scanNow   func() mjpeg.Stats // of the present one; nil: none, or it does not scan
		connected bool
		source    Troubled // of the present connection; nil: none, or it tells nothing
		why       Silence  // zero: frames are shown, or may be soon
		failed    []error  // of outputs
	}
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
	c := &Camera{
		name: name, ctl: ctl, out: out, opts: opts, log: log.With("camera", name), pool: opts.Pool,
		// One frame more than there are workers keeps these busy while a finished frame is being shown.
		limit: opts.Workers + 1,
		last:  newWorkerContext(1),
		sinks: out.Sinks,
		stop:  make(chan struct{}),
		meter: newMeter(),
		lossy: out.lossy(),
	}
	if c.pool == nil {
		c.pool, c.ownPool = NewPool(opts), true
	}
	c.changed = sync.NewCond(&c.mu)
	c.state.why = Silence{Reason: "no frame yet"}
	for _, s := range out.Sinks {
		if s, ok := s.(JPEGSink); !ok {
			c.decodes = true
		} else if !s.TakesJPEG() {
			c.upright = true
		}
	}
	c.running.Go(c.report)
	return c
}

// Close waits until the frames under way have been shown, then closes the outputs. No Feed may be running. The
// error joins those of the outputs that failed, earlier or now.
func (c *Camera) Close() error {
	if c.ownPool && !c.opts.KeepAll {
		defer c.pool.hurry().Stop()
	}
	c.mu.Lock()
	for c.mailbox != nil || c.underWay > 0 {
		c.changed.Wait()
	}
	c.mu.Unlock()
	c.pool.forget(c)
	if c.ownPool {
		c.pool.Close()
	}
	c.last.close()
	c.ctl.Plan().retired.Store(true)
	for _, s := range c.sinks {
		if err := s.Close(); err != nil {
			c.fail(err)
		}
	}
	close(c.stop)
	c.running.Wait()
	if c.out.Raw != nil {
		if err := c.out.Raw.Close(); err != nil {
			c.fail(err)
		}
	}
	return errors.Join(c.state.failed...)
}

// Stats may be called from any goroutine at any time.
func (c *Camera) Stats() Stats {
	c.state.Lock()
	scan, why, connected := c.state.scanned, c.state.why, c.state.connected
	if c.state.scanNow != nil {
		scan = scan.Plus(c.state.scanNow())
	}
	c.state.Unlock()
	s := c.meter.stats(scan)
	s.Camera, s.Connected, s.State, s.Reason = c.name, connected, why.state(), why.Reason
	s.NotRecorded = notRecorded(c.lossy)
	size := c.ctl.size.Load()
	s.Width, s.Height = int(size>>32), int(uint32(size))
	return s
}

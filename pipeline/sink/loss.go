package sink

import (
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"picam/pipeline"
)

// Why an output does not keep a frame, as pipeline.Stats counts it.
const (
	notOpened   = "not_opened"   // the output could not be opened
	writeFailed = "write_failed" // the output has ended with an error, such as that of a full disk
	noJPEG      = "unreadable"   // a frame without a header that .avi needs
	ruleBusy    = "rule_queue"   // what a rule was to do: too much waited
	ruleFailed  = "rule_failed"  // what a rule was to do: it did not work
)

// losses counts what an output does not keep, by cause.
type losses struct {
	mu      sync.Mutex
	byCause map[string]int64
}

func (l *losses) add(cause string, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byCause == nil {
		l.byCause = map[string]int64{}
	}
	l.byCause[cause] += n
}

// counts returns a copy.
func (l *losses) counts() map[string]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.byCause)
}

// guard keeps the failure of one output from everything else: it is logged once, the output is closed, and the frames
// that it would have kept are counted from then on. Close returns the error.
type guard struct {
	what  string // the output, for the log
	log   *slog.Logger
	out   io.Closer // nil: it could not be opened, or has failed
	cause string    // of the frames after err
	err   error
	lost  losses
}

// newGuard guards what an attempt to open an output has returned.
func newGuard(what string, log *slog.Logger, out io.Closer, err error) *guard {
	g := &guard{what: what, log: log, out: out}
	if err != nil {
		g.out = nil
		g.fail(notOpened, err)
	}
	return g
}

func (g *guard) fail(cause string, err error) {
	g.cause, g.err = cause, err
	g.log.Error("an output ended; the rest goes on", "output", g.what, "error", err)
}

// keep has the output keep a frame.
func (g *guard) keep(frame func() error) {
	if g.err == nil {
		err := frame()
		if err == nil {
			return
		}
		g.fail(writeFailed, errors.Join(err, g.out.Close()))
	}
	g.lost.add(g.cause, 1)
}

// Lost has the causes of the guard and of what it guards.
func (g *guard) Lost() map[string]int64 {
	counts := g.lost.counts()
	if out, ok := g.out.(pipeline.Lossy); ok {
		if counts == nil {
			counts = map[string]int64{}
		}
		for cause, n := range out.Lost() {
			counts[cause] += n
		}
	}
	return counts
}

// Close says what was not kept.
func (g *guard) Close() error {
	err := g.err
	if err == nil {
		err = g.out.Close()
	}
	counts := g.Lost()
	attrs := []any{"output", g.what}
	for _, cause := range slices.Sorted(maps.Keys(counts)) {
		attrs = append(attrs, cause, counts[cause])
	}
	if len(counts) > 0 {
		g.log.Warn("not all was recorded", attrs...)
	}
	return err
}

// guardedSink is a Sink whose Show never fails.
type guardedSink struct {
	*guard
	sink pipeline.Sink
}

func (s guardedSink) Show(f *pipeline.Frame) error {
	s.keep(func() error { return s.sink.Show(f) })
	return nil
}

// guardedJPEG is a guardedSink that is a pipeline.JPEGSink.
type guardedJPEG struct {
	guardedSink
	lying bool
}

func (s guardedJPEG) TakesJPEG() bool { return s.lying }

// guardSink guards what an attempt to open a sink has returned.
func guardSink(what string, log *slog.Logger, sink pipeline.Sink, err error) pipeline.Sink {
	if err != nil {
		return guardedJPEG{guardedSink{newGuard(what, log, nil, err), nil}, true} // wants no pixels
	}
	s := guardedSink{newGuard(what, log, sink, nil), sink}
	if jpeg, ok := sink.(pipeline.JPEGSink); ok {
		return guardedJPEG{s, jpeg.TakesJPEG()}
	}
	return s
}

// guardedRaw is the recording of the camera's own bytes whose Write never fails.
type guardedRaw struct {
	*guard
	out io.Writer
}

func (r guardedRaw) Write(frame []byte) (int, error) {
	r.keep(func() error {
		_, err := r.out.Write(frame)
		return err
	})
	return len(frame), nil
}

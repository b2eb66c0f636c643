package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"picam/mjpeg"
)

const (
	// stopTime is how long a program may take to end after SIGINT, before it is killed.
	stopTime = 2 * time.Second
	// exitTime is how long a program may run on after it closed its standard output.
	exitTime = time.Second
	// steadyTime is how long a program must have run well for its end to count as the first one.
	steadyTime = 10 * time.Second
)

// process is the source of a program that writes MJPEG to its standard output. Whenever it ends it is started again,
// with growing pauses, without limit: cameras are unplugged, taken by others, and crash.
type process struct {
	lifetime
	program
	outage
	maxFrame int

	seq   uint64
	retry backoff.ExponentialBackOff

	mu    sync.Mutex // for child, which Next sets and Close reads
	child *child     // nil: none is running
}

// program is what a process runs.
type program struct {
	name    string        // for people; "" is that of argv[0]
	argv    []string      // the program and its arguments
	silence time.Duration // one that gives no frame for so long is stopped and started again; 0 means never
	// once: it may end: with status 0 and after some frames that is the end of the source, or, with Options.Loop, time
	// to start it again.
	once bool
	loop bool
	// explain finds a sentence for what a program said last and for its status, and whether it is hopeless to start it
	// again if it never gave a frame. "" means that there is none. It may be nil.
	explain func(said string, status int) (sentence string, hopeless bool)
}

// ofProgram finds the program of a kind of source.
type ofProgram func(arg string, o Options) (program, error)

// open starts the program.
func (find ofProgram) open(ctx context.Context, arg string, o Options) (*process, error) {
	prog, err := find(arg, o)
	if err != nil {
		return nil, err
	}
	return openProcess(ctx, prog, o)
}

// source is Kind.Open.
func (find ofProgram) source(ctx context.Context, arg string, o Options) (Source, error) {
	p, err := find.open(ctx, arg, o)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// stream is the same for what the program writes, in one run.
func (find ofProgram) stream(ctx context.Context, arg string, o Options) (Stream, error) {
	p, err := find.open(ctx, arg, o)
	if err != nil {
		return nil, err
	}
	return &onePart{Reader: (*output)(p), end: p.Close}, nil
}

// output reads what a process writes, and fails with what it died of.
type output process

func (o *output) Read(b []byte) (int, error) {
	p := (*process)(o)
	if p.child == nil {
		return 0, io.EOF // it has ended
	}
	c := p.child
	c.patience(p.silence)
	n, err := c.stdout.Read(b)
	if n > 0 || err == nil {
		return n, nil
	}
	if err = p.bury(err); p.ctx.Err() == nil && c.cmd.ProcessState.Success() {
		return 0, io.EOF
	}
	return 0, p.cause(fmt.Errorf("capture: %w", once(err)))
}

// openProcess starts the program. Only if that fails is there an error; that the program ends at once is none.
func openProcess(ctx context.Context, prog program, o Options) (*process, error) {
	prog.name = cmp.Or(prog.name, filepath.Base(prog.argv[0]))
	prog.loop = o.Loop
	p := &process{
		lifetime: newLifetime(ctx),
		program:  prog,
		outage:   outage{log: o.logger()},
		maxFrame: o.MaxFrame,
		retry: backoff.ExponentialBackOff{
			InitialInterval: 500 * time.Millisecond, Multiplier: 2, RandomizationFactor: 0.5,
			MaxInterval: 15 * time.Second,
		},
	}
	if err := p.start(); err != nil {
		p.Close()
		return nil, fmt.Errorf("capture: %w", once(err))
	}
	return p, nil
}

func (p *process) Next() (mjpeg.Frame, error) {
	for p.ctx.Err() == nil {
		err := p.start()
		if err == nil {
			var f mjpeg.Frame
			if f, err = p.child.next(p.silence); err == nil {
				return p.deliver(f), nil
			}
			err = p.bury(err)
		}
		if p.ctx.Err() != nil {
			break
		}
		if err == io.EOF && p.loop {
			continue
		}
		if err == io.EOF {
			return mjpeg.Frame{}, err
		}
		if troubleIn(err).hopeless && p.seq == 0 {
			return mjpeg.Frame{}, fmt.Errorf("capture: %w", once(err))
		}
		p.tell(troubleIn(err))
		if err := await(p.ctx, time.NewTimer(p.retry.NextBackOff())); err != nil {
			return mjpeg.Frame{}, err
		}
	}
	return mjpeg.Frame{}, context.Cause(p.ctx)
}

// deliver numbers a frame through all starts of the program. A stamp's capture time stays.
func (p *process) deliver(f mjpeg.Frame) mjpeg.Frame {
	p.fine()
	p.seq++
	f.Seq = p.seq
	if f.Captured.IsZero() {
		f.Captured = f.Received
	}
	return f
}

// start starts a child if none is running. Once Close has looked for one it starts no more.
func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.child != nil {
		return nil
	}
	if p.ctx.Err() != nil {
		return context.Cause(p.ctx)
	}
	c, err := startChild(p.ctx, p.argv, p.maxFrame)
	if err != nil {
		return &troubleError{text: fmt.Sprintf("%s: %v", p.name, err), does: startsItAgain}
	}
	p.child = c
	return nil
}

// bury ends the child, of which err came, and returns what it died of: io.EOF if it may. If the source ends meanwhile,
// Close waits for the child.
func (p *process) bury(err error) error {
	c := p.child
	if err == io.EOF {
		select {
		case <-c.exited: // of itself
		case <-p.ctx.Done():
		case <-time.After(exitTime):
		}
	}
	c.stop()
	select {
	case <-c.exited:
	case <-p.ctx.Done():
		return context.Cause(p.ctx)
	}
	p.mu.Lock()
	p.child = nil
	p.mu.Unlock()

	st := c.reader.ScanStats()
	if st.Frames > 0 && time.Since(c.started) > steadyTime {
		p.retry.Reset()
	}
	cause := err.Error()
	switch {
	case err == io.EOF && p.once && st.Frames > 0 && c.cmd.ProcessState.Success():
		return io.EOF
	case err == io.EOF:
		cause = c.cmd.ProcessState.String()
	case errors.Is(err, os.ErrDeadlineExceeded):
		cause = fmt.Sprintf("no frame for %v", p.silence)
	}
	// The key has nothing in it that may differ each time, as what it said may: ffmpeg's lines hold addresses.
	dead := &troubleError{does: startsItAgain, key: cause, hopeless: p.once && st.Frames == 0 &&
		c.cmd.ProcessState.Success()}
	if st.Frames == 0 && st.Bytes > 0 {
		cause += fmt.Sprintf(", no frame in the %d bytes that it wrote", st.Bytes)
	}
	if said := c.stderr.lastLines(); said != "" {
		cause += ": " + said
	}
	dead.text = p.name + ": " + cause
	if p.explain != nil {
		sentence, hopeless := p.explain(string(c.stderr.buf), c.cmd.ProcessState.ExitCode())
		dead.hopeless = dead.hopeless || hopeless
		if sentence != "" {
			dead.text, dead.detail, dead.key = sentence, dead.text, sentence
		}
	}
	return dead
}

// Close asks the program to end, kills it if it does not, and waits for it.
func (p *process) Close() error {
	p.lifetime.Close()
	p.mu.Lock()
	c := p.child
	p.mu.Unlock()
	if c != nil {
		c.stop()
		<-c.exited
	}
	return nil
}

// child is one run of the program.
type child struct {
	cmd     *exec.Cmd
	stop    func() // asks it to end, kills it if it does not, and makes next fail; may be called again
	stdout  *os.File
	reader  *mjpeg.Reader // of stdout
	stderr  tail          // to be read when it has exited
	started time.Time
	exited  chan struct{} // closed when it has been waited for
}

// startChild starts a program that runs until it ends, ctx ends or stop is called.
func startChild(ctx context.Context, argv []string, maxFrame int) (*child, error) {
	stdout, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	ctx, cancel := context.WithCancel(ctx)
	c := &child{
		cmd:     exec.CommandContext(ctx, argv[0], argv[1:]...),
		stop:    cancel,
		stdout:  stdout,
		reader:  mjpeg.NewReader(stdout, maxFrame),
		started: time.Now(),
		exited:  make(chan struct{}),
	}
	c.cmd.Stdout = w
	c.cmd.Stderr = &c.stderr
	c.cmd.WaitDelay = stopTime
	interruptGroup(c.cmd)
	if err := c.cmd.Start(); err != nil {
		cancel()
		stdout.Close()
		return nil, err
	}
	context.AfterFunc(ctx, func() { stdout.Close() })
	go func() {
		_ = c.cmd.Wait() // its error is in ProcessState
		close(c.exited)
	}()
	return c, nil
}

func (c *child) next(silence time.Duration) (mjpeg.Frame, error) {
	c.patience(silence)
	return c.reader.Next()
}

// patience makes what waits for the program fail after so long a silence.
func (c *child) patience(silence time.Duration) {
	if silence > 0 {
		// Where pipes have no deadlines (Windows) a silent program stays.
		_ = c.stdout.SetReadDeadline(time.Now().Add(silence))
	}
}

// tail keeps the end of what is written to it.
type tail struct{ buf []byte }

const tailSize = 2 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p[max(0, len(p)-tailSize):]...)
	t.buf = append(t.buf[:0], t.buf[max(0, len(t.buf)-tailSize):]...)
	return len(p), nil
}

// lastLines returns the last three lines that are not empty, as one.
func (t *tail) lastLines() string {
	var lines []string
	for line := range strings.Lines(string(t.buf)) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-3):], "; ")
}

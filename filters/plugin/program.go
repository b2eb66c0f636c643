package plugin

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

const (
	closeTime = 250 * time.Millisecond // that a program has to end after its standard input has ended
	exitTime  = 250 * time.Millisecond // that a program has to end after it has closed its standard output
)

// Program is a program that works on frames: it reads them from standard input and answers on standard output.
type Program struct {
	Command []string      // a program and its arguments, no shell
	Params  string        // JSON that it gets with every frame
	Workers int           // how many processes a Pool has, at most
	Timeout time.Duration // that a frame may take
	Start   time.Duration // that the first frame of a process may take
}

// Find says in words what is wrong if there is no such program.
func (p *Program) Find() error {
	_, err := exec.LookPath(p.Command[0])
	switch {
	case err == nil || errors.Is(err, exec.ErrDot):
		return nil
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("there is no program %q in PATH; one that is elsewhere needs its path, such as ./%[1]s",
			p.Command[0])
	}
	dir, _ := os.Getwd()
	var file *exec.Error
	if errors.As(err, &file) {
		err = file.Err
	}
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("%s is not executable; type: chmod +x %[1]s", p.Command[0])
	}
	return fmt.Errorf("the program %s, looked for from %s: %w", p.Command[0], dir, err)
}

// Pool returns a Pool of processes of the program.
func (p *Program) Pool() *Pool {
	return newPool(p.Workers, func() (worker, error) {
		if err := p.Find(); err != nil {
			return nil, err
		}
		return startChild(p)
	})
}

// child is a process. Three goroutines belong to it: one writes frames, one reads answers, one waits for its end.
// They exchange tokens with apply, so that nothing is locked, and all end with close.
type child struct {
	*Program
	cmd     *exec.Cmd
	in, out *os.File // our ends of its standard input and output
	stderr  tail     // to be read once it has exited
	exited  chan struct{}
	ending  sync.WaitGroup

	request []byte        // the frame under way
	seq     uint64        // its number
	begin   chan struct{} // a token: request is to be written, its answer to be read; nil: it has been ended
	done    chan error    // the answer is there
	answer  Answer
	head    [answerHead]byte
	pixels  []byte
	found   []byte

	limit    *time.Timer
	started  time.Time
	answered bool // once
	pending  bool // the first frame is under way, and apply did not wait for it
}

func startChild(p *Program) (*child, error) {
	itsIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer itsIn.Close()
	out, itsOut, err := os.Pipe()
	if err != nil {
		in.Close()
		return nil, err
	}
	defer itsOut.Close()
	enlarge(in)
	enlarge(out)
	c := &child{
		Program: p,
		cmd:     exec.Command(p.Command[0], p.Command[1:]...),
		in:      in, out: out,
		exited:  make(chan struct{}),
		begin:   make(chan struct{}, 1),
		done:    make(chan error, 1),
		limit:   time.NewTimer(time.Hour),
		started: time.Now(),
	}
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = itsIn, itsOut, &c.stderr
	c.cmd.WaitDelay = closeTime // for a standard error that somebody else has open
	ownGroup(c.cmd)
	if err := c.cmd.Start(); err != nil {
		in.Close()
		out.Close()
		return nil, fmt.Errorf("%s cannot be started: %w", p.Command[0], err)
	}
	c.ending.Add(2)
	toWrite, written := make(chan struct{}, 1), make(chan error, 1)
	go func() {
		defer c.ending.Done()
		for range toWrite {
			_, err := c.in.Write(c.request)
			written <- err
		}
	}()
	go func(begin <-chan struct{}) {
		defer c.ending.Done()
		defer close(toWrite)
		for range begin {
			toWrite <- struct{}{} // at the same time: it may answer while it still reads
			err := c.read()
			if err != nil {
				c.in.Close() // the writer ends
			}
			if werr := <-written; err == nil {
				err = werr
			}
			c.done <- err
		}
	}(c.begin)
	go func() {
		awaitExit(c.cmd)
		close(c.exited)
	}()
	return c, nil
}

// read reads an answer.
func (c *child) read() error {
	if _, err := io.ReadFull(c.out, c.head[:]); err != nil {
		return err
	}
	h, err := parseHead(c.head[:], c.seq)
	if err != nil {
		return err
	}
	c.pixels, c.found = sized(c.pixels, int(h.pixels)), sized(c.found, int(h.found))
	if _, err := io.ReadFull(c.out, c.pixels); err != nil {
		return err
	}
	if _, err := io.ReadFull(c.out, c.found); err != nil {
		return err
	}
	return h.fill(&c.answer, c.pixels, c.found)
}

// sized is b with n bytes, in its old memory if that is enough.
func sized(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

func (c *child) ready() bool {
	return !c.pending || len(c.done) > 0 || time.Since(c.started) > c.Start
}

func (c *child) apply(p *Frame, wait bool) (*Answer, error) {
	if c.pending {
		select {
		case err := <-c.done: // of the first frame, which has gone on without it
			c.pending, c.answered = false, true
			if err != nil {
				return nil, c.why(err)
			}
		default:
			if time.Since(c.started) > c.Start {
				return nil, c.because(fmt.Sprintf("no answer to the first frame within start=%v s", c.Start.Seconds()))
			}
			return nil, errStarting
		}
	}
	c.request, c.seq = appendRequest(c.request[:0], p, c.Params), p.Seq
	c.begin <- struct{}{}
	if !wait {
		c.pending = true
		return nil, errStarting
	}
	c.limit.Reset(c.Timeout)
	select {
	case err := <-c.done:
		if err != nil {
			return nil, c.why(err)
		}
		c.answered = true
		return &c.answer, nil
	case <-c.limit.C:
	}
	if !c.answered && time.Since(c.started) < c.Start {
		c.pending = true
		return nil, errStarting
	}
	return nil, c.because(fmt.Sprintf("no answer within timeout=%v s", c.Timeout.Seconds()))
}

// why says why there is no answer: err is of reading or writing.
func (c *child) why(err error) error {
	ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrClosed) ||
		isBrokenPipe(err)
	if !ended {
		return c.because(err.Error())
	}
	select {
	case <-c.exited:
		return c.because("it ended: " + c.cmd.ProcessState.String())
	case <-time.After(exitTime):
		return c.because("it has closed its standard output")
	}
}

// because ends the process and makes an error of what has happened and what it said last.
func (c *child) because(what string) error {
	c.end(0)
	text := fmt.Sprintf("%s: %s", strings.Join(c.Command, " "), what)
	if said := c.stderr.lastLines(); said != "" {
		text += ": " + said
	}
	return errors.New(text)
}

func (c *child) close() { c.end(closeTime) }

// end ends the process, which has that time to do it by itself, and all that belongs to it. It may be called again.
func (c *child) end(grace time.Duration) {
	c.in.Close()
	select {
	case <-c.exited:
	default:
		select {
		case <-c.exited:
		case <-time.After(grace):
			killGroup(c.cmd.Process.Pid)
			<-c.exited
		}
	}
	c.out.Close()
	if c.begin != nil {
		close(c.begin)
		c.begin = nil
	}
	c.ending.Wait()
	c.limit.Stop()
}

// tail keeps the end of what is written to it. Who writes too much has to wait.
type tail struct{ buf []byte }

const (
	tailSize  = 2 << 10
	tailChunk = 16 << 10             // who writes so much at once
	tailPause = 2 * time.Millisecond // waits so long
)

func (t *tail) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p[max(0, len(p)-tailSize):]...)
	t.buf = append(t.buf[:0], t.buf[max(0, len(t.buf)-tailSize):]...)
	if len(p) >= tailChunk {
		time.Sleep(tailPause)
	}
	return len(p), nil
}

// lastLines returns the last three lines that are not empty, as one.
func (t *tail) lastLines() string {
	var lines []string
	for line := range strings.Lines(strings.ToValidUTF8(string(t.buf), "")) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return excerpt(strings.Join(lines[max(0, len(lines)-3):], "; "))
}

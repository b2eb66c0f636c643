package transport

import (
	"bytes"
	"context"
	"flag"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

func TestMain(m *testing.M) {
	// The parallel tests wait rather than work: more of them than there are processors may run at a time.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// clip is a Source of given frames.
type clip struct {
	frames   [][]byte
	captured time.Time
}

func (c *clip) Next() (mjpeg.Frame, error) {
	if len(c.frames) == 0 {
		return mjpeg.Frame{}, io.EOF
	}
	f := mjpeg.Frame{JPEG: c.frames[0], Captured: c.captured}
	c.frames = c.frames[1:]
	return f, nil
}

// camera is a live Source: one frame each interval, until ctx ends. It hands out the same buffer each time, and
// destroys its contents at the next call, as the contract of a Source allows.
type camera struct {
	ctx      context.Context
	frame    []byte
	interval time.Duration
	limit    int // frames; 0: no end

	buf []byte
	due time.Time
	n   int
}

func (c *camera) Next() (mjpeg.Frame, error) {
	clear(c.buf)
	if c.limit > 0 && c.n == c.limit {
		return mjpeg.Frame{}, io.EOF
	}
	if c.due.IsZero() {
		c.due = time.Now()
	}
	select {
	case <-time.After(time.Until(c.due)):
	case <-c.ctx.Done():
		return mjpeg.Frame{}, c.ctx.Err()
	}
	c.due = c.due.Add(c.interval)
	c.n++
	c.buf = append(c.buf[:0], c.frame...)
	return mjpeg.Frame{JPEG: c.buf, Captured: time.Now()}, nil
}

// jpegOf returns a JPEG of about size bytes: a small one with filling segments.
func jpegOf(size int) []byte {
	small := mjpegtest.Frames(1, 64, 48, 70)[0]
	p := append([]byte{}, small[:2]...)
	for left := size - len(small); left > 4; left -= 65000 {
		p = append(p, mjpegtest.WithSegment(small[:2], 0xFE, bytes.Repeat([]byte{'x'}, min(left, 65000)-4))[2:]...)
	}
	return append(p, small[2:]...)
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := Listen(context.Background(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func dial(t testing.TB, l net.Listener) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

func acceptOne(t testing.TB, l net.Listener) *net.TCPConn {
	t.Helper()
	_ = l.(*net.TCPListener).SetDeadline(time.Now().Add(20 * time.Second))
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	return conn.(*net.TCPConn)
}

// start runs f in a goroutine until the test ends, or stop is called, which returns its error.
func start(t testing.TB, f func(ctx context.Context) error) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- f(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		begun := time.Now()
		err := <-result
		if d := time.Since(begun); d > 2*time.Second { // half a second, on a machine with nothing else to do
			t.Errorf("took %v to stop", d)
		}
		return err
	})
	t.Cleanup(func() { stop() })
	return stop
}

// wait returns what result gives.
func wait(t testing.TB, what string, result <-chan error) error {
	t.Helper()
	select {
	case err := <-result:
		return err
	case <-time.After(30 * time.Second):
		t.Fatalf("%s: still not done", what)
		return nil
	}
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !cond(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// journal is a log that tests read.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, strings.TrimSpace(string(p)))
	return len(p), nil
}

func (j *journal) log() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// with returns the lines that contain text.
func (j *journal) with(text string) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(j.lines), func(l string) bool { return !strings.Contains(l, text) })
}

// gathered is what handle was given: copies of the frames of each stream, and how it ended.
type gathered struct {
	mu      sync.Mutex
	streams []*gatheredStream
}

type gatheredStream struct {
	s      *Stream
	frames []mjpeg.Frame // with JPEG copied
	err    error
	ended  bool
}

func (g *gathered) handle(_ context.Context, s *Stream) error {
	gs := &gatheredStream{s: s}
	g.mu.Lock()
	g.streams = append(g.streams, gs)
	g.mu.Unlock()
	for {
		f, err := s.Next()
		g.mu.Lock()
		if err != nil {
			gs.err, gs.ended = err, true
			g.mu.Unlock()
			return err
		}
		f.JPEG = slices.Clone(f.JPEG)
		gs.frames = append(gs.frames, f)
		g.mu.Unlock()
	}
}

// all returns copies of what there is so far.
func (g *gathered) all() []gatheredStream {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make([]gatheredStream, len(g.streams))
	for i, s := range g.streams {
		out[i] = *s
		out[i].frames = slices.Clone(s.frames)
	}
	return out
}

func (g *gathered) frames() (n int) {
	for _, s := range g.all() {
		n += len(s.frames)
	}
	return n
}

// checkFrames compares frames, and says which differ rather than their bytes.
func checkFrames(t testing.TB, got []mjpeg.Frame, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("got %d frames, want %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if !bytes.Equal(got[i].JPEG, want[i]) {
			t.Fatalf("frame %d differs: got %d bytes, want %d", i, len(got[i].JPEG), len(want[i]))
		}
	}
}

// checkAccount checks that each frame captured was sent or dropped, when the Sender has ended.
func checkAccount(t testing.TB, st SenderStats) {
	t.Helper()
	if st.Captured != st.Sent+st.Dropped {
		t.Errorf("the account does not add up: %+v", st)
	}
}

// openFiles is how many descriptors the process has; -1 where that is not known.
func openFiles() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(list)
}

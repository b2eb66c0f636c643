package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

// numbered returns n different frames of some KB.
func numbered(n int) [][]byte {
	base := jpegOf(5e3)
	frames := make([][]byte, n)
	for i := range frames {
		frames[i] = mjpegtest.WithSegment(base, 0xFE, fmt.Appendf(nil, "frame %d", i))
	}
	return frames
}

// serve gathers what comes to l until the test ends.
func serve(t testing.TB, l net.Listener, g *gathered) (stop func() error) {
	return start(t, func(ctx context.Context) error { return Serve(ctx, l, Limits{}, nil, g.handle) })
}

func TestSendAll(t *testing.T) {
	frames := numbered(300)
	captured := time.Now().Add(-time.Hour)
	check := func(t *testing.T, s *Sender, g *gathered, stamped bool) {
		t.Helper()
		checkAccount(t, s.Stats())
		if st := s.Stats(); st.Sent != int64(len(frames)) || st.Connects != 1 || st.Receivers != 0 {
			t.Errorf("stats %+v", st)
		}
		eventually(t, "the stream ends", func() bool { all := g.all(); return len(all) == 1 && all[0].ended })
		got := g.all()[0]
		checkFrames(t, got.frames, frames)
		if got.err != io.EOF {
			t.Errorf("the stream ended by %v, want io.EOF", got.err)
		}
		camera := "127.0.0.1"
		if stamped {
			camera = "front door"
		}
		if got.s.Camera() != camera || (got.s.Sender() != "") != stamped {
			t.Errorf("camera %q, sender %q", got.s.Camera(), got.s.Sender())
		}
		for i, f := range got.frames {
			if f.Seq != uint64(i+1) || stamped && f.Captured.Sub(captured).Abs() > time.Second {
				t.Fatalf("frame %d has number %d and time %v, want %v", i, f.Seq, f.Captured, captured)
			}
		}
	}
	for _, noStamp := range []bool{false, true} {
		t.Run(fmt.Sprintf("dial, NoStamp %v", noStamp), func(t *testing.T) {
			l := listen(t)
			var g gathered
			serve(t, l, &g)
			s := &Sender{Addr: l.Addr().String(), Camera: "front door", KeepAll: true, NoStamp: noStamp}
			if err := s.Run(context.Background(), &clip{frames, captured}); err != nil {
				t.Fatal(err)
			}
			check(t, s, &g, !noStamp)
		})
		t.Run(fmt.Sprintf("listen, NoStamp %v", noStamp), func(t *testing.T) {
			l := listen(t)
			var g gathered
			start(t, func(ctx context.Context) error {
				return Pull(ctx, l.Addr().String(), true, Limits{},
					nil, g.handle)
			})
			s := &Sender{Listener: l, Camera: "front door", KeepAll: true, NoStamp: noStamp}
			if err := s.Run(context.Background(), &clip{frames, captured}); err != nil {
				t.Fatal(err)
			}
			check(t, s, &g, !noStamp)
		})
	}
}

// TestWire checks what is on the wire, for those who read it without picam.
func TestWire(t *testing.T) {
	t.Parallel()
	frames := numbered(10)
	long := strings.Repeat("%", 500) // is cut, and grows threefold by its percent codes
	for _, s := range []*Sender{{NoStamp: true}, {Camera: long}} {
		l := listen(t)
		s.Addr, s.KeepAll = l.Addr().String(), true
		stop := start(t, func(ctx context.Context) error { return s.Run(ctx, &clip{frames: frames}) })
		got, err := io.ReadAll(acceptOne(t, l))
		if err != nil {
			t.Fatal(err)
		}
		if s.NoStamp && !bytes.Equal(got, bytes.Join(frames, nil)) {
			t.Error("NoStamp changed the bytes")
		}
		if !s.NoStamp {
			var stamp mjpeg.Stamp
			n := stamp.Parse(got)
			if n == 0 || stamp.Camera != long[:200] || stamp.Seq != 1 || stamp.Synced {
				t.Errorf("%d bytes of stamp: %+v", n, stamp)
			}
			if !bytes.HasPrefix(got[n:], frames[0][2:]) {
				t.Error("after the stamp something else than the frame")
			}
		}
		if st := s.Stats(); st.Bytes != int64(len(got)) {
			t.Errorf("%d bytes counted, %d arrived", st.Bytes, len(got))
		}
		stop()
	}
}

// TestEitherFirst starts the two ends in either order, and one of them again.
func TestEitherFirst(t *testing.T) {
	for _, listening := range []string{"receiver", "sender"} {
		t.Run(listening+" listens and comes last", func(t *testing.T) {
			t.Parallel()
			l := listen(t)
			l.Close()
			addr := l.Addr().String()
			var g gathered
			var log journal
			sender := func(ctx context.Context, s *Sender) error {
				s.Camera, s.Log = "cam", log.log()
				return s.Run(ctx, &camera{ctx: ctx, frame: jpegOf(10e3), interval: 10 * time.Millisecond})
			}
			again := func() net.Listener {
				l, err := Listen(context.Background(), addr)
				if err != nil {
					t.Fatal(err)
				}
				return l
			}
			dialing := func(ctx context.Context) error { return sender(ctx, &Sender{Addr: addr}) }
			waiting := func(ctx context.Context) error { return Serve(ctx, again(), Limits{}, nil, g.handle) }
			if listening == "sender" {
				dialing = func(ctx context.Context) error {
					return Pull(ctx, addr, false, Limits{},
						log.log(), g.handle)
				}
				waiting = func(ctx context.Context) error { return sender(ctx, &Sender{Listener: again()}) }
			}
			start(t, dialing)
			eventually(t, "it says that nobody is there",
				func() bool { return len(log.with("connection refused")) > 0 })
			for round := range 2 {
				time.Sleep(500 * time.Millisecond) // sleep: the pause between tries grows meanwhile
				before := g.frames()
				begun := time.Now()
				stop := start(t, waiting)
				eventually(t, "frames", func() bool { return g.frames() > before })
				if d := time.Since(begun); d > time.Second {
					t.Errorf("round %d: the first frame came after %v", round, d)
				}
				eventually(t, "more frames", func() bool { return g.frames() > before+10 })
				stop()
			}
			if lines := log.with("connection refused"); len(lines) > 3 {
				t.Errorf("%d lines for the same failure: %q", len(lines), lines)
			}
		})
	}
}

// TestReceiverKilled kills the receiver again and again, as a crash does: by RST.
func TestReceiverKilled(t *testing.T) {
	l := listen(t)
	s := &Sender{Addr: l.Addr().String(), Camera: "cam"}
	stop := start(t, func(ctx context.Context) error {
		return s.Run(ctx, &camera{ctx: ctx, frame: jpegOf(50e3), interval: time.Millisecond})
	})
	once := func() {
		conn := acceptOne(t, l)
		r := mjpeg.NewReader(conn, 0)
		for synced := false; !synced; { // the sender knows that the connection works
			f, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			conn.Write(appendAck(nil, f.Seq, f.Received, time.Now()))
			st, _ := r.Stamp()
			synced = st.Synced
		}
		conn.SetLinger(0)
		conn.Close()
	}
	once()
	files, routines := openFiles(), runtime.NumGoroutine()
	const kills = 5 // TestCameraKilled has more, without pauses between
	for range kills {
		once()
	}
	eventually(t, "as many files and goroutines as before", func() bool {
		return openFiles() <= files+2 && runtime.NumGoroutine() <= routines+2
	})
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	checkAccount(t, s.Stats())
	if st := s.Stats(); st.Connects < kills+1 || st.Dropped == 0 {
		t.Errorf("stats %+v", st)
	}
}

// TestSlowReader reads slower than frames come. With acks the delay is bounded by what may be on the way; without, by
// the kernels' buffers, after which the newest frame comes.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	l := listen(t)
	s := &Sender{Addr: l.Addr().String(), Camera: "cam"}
	stop := start(t, func(ctx context.Context) error {
		return s.Run(ctx, &camera{ctx: ctx, frame: jpegOf(100e3), interval: 5 * time.Millisecond})
	})
	conn := acceptOne(t, l)
	r := mjpeg.NewReader(conn, 0)
	var last uint64
	var worst time.Duration
	for i := range 30 {
		f, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if f.Seq <= last {
			t.Fatalf("frame %d after %d", f.Seq, last)
		}
		last = f.Seq
		conn.Write(appendAck(nil, f.Seq, f.Received, time.Now()))
		st, _ := r.Stamp()
		if age := time.Since(st.Time); i >= 10 {
			worst = max(worst, age)
		}
		time.Sleep(30 * time.Millisecond) // sleep: the work on a frame
	}
	if worst > time.Second {
		t.Errorf("a frame was %v old", worst)
	}
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	checkAccount(t, s.Stats())
	if st := s.Stats(); st.Dropped < st.Sent {
		t.Errorf("stats %+v: most frames should have been dropped", st)
	}
}

// TestShortQueue has a receiver that stops to read, on a fast network, when the kernels have got used to much being on
// the way: hardly more than the receiver's buffer holds is committed.
func TestShortQueue(t *testing.T) {
	t.Parallel()
	l := listen(t)
	s := &Sender{Addr: l.Addr().String(), KeepAll: true, WriteTimeout: time.Minute}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	start(t, func(context.Context) error { return s.Run(ctx, &repeat{jpegOf(10e3), -1}) })
	conn := acceptOne(t, l)
	conn.SetReadBuffer(256 << 10)
	read, err := io.CopyN(io.Discard, conn, 50e6)
	if err != nil {
		t.Fatal(err)
	}
	bytes := int64(-1)
	eventually(t, "the sender waits", func() bool {
		before := bytes
		bytes = s.Stats().Bytes
		time.Sleep(50 * time.Millisecond) // sleep: between two counts, which are then compared
		return bytes == before
	})
	t.Logf("%d KB are committed", (bytes-read)>>10)
	if bytes-read > 1<<20 {
		t.Errorf("%d bytes are committed", bytes-read)
	}
	cancel()
}

func TestKeepAllWaits(t *testing.T) {
	t.Parallel()
	frames := make([][]byte, 100)
	for i := range frames {
		frames[i] = mjpegtest.WithSegment(jpegOf(200e3), 0xFE, fmt.Append(nil, i)) // 20 MB, more than the kernels hold
	}
	l := listen(t)
	s := &Sender{Addr: l.Addr().String(), KeepAll: true, WriteTimeout: 300 * time.Millisecond}
	result := make(chan error, 1)
	go func() { result <- s.Run(context.Background(), &clip{frames: frames}) }()
	conn := acceptOne(t, l)
	before := int64(-1)
	if runtime.GOOS == "linux" { // a receiver that pauses for longer than WriteTimeout is not given up
		eventually(t, "the sender waits", func() bool {
			n := before
			before = s.Stats().Bytes
			time.Sleep(s.WriteTimeout) // sleep: between two counts, which are then compared
			return n == before
		})
		time.Sleep(4 * s.WriteTimeout) // sleep: a receiver that pauses
	}
	r := mjpeg.NewReader(conn, 0)
	for i, want := range frames {
		f, err := r.Next()
		if err != nil || !bytes.Equal(f.JPEG, want) {
			t.Fatalf("frame %d: %d bytes, %v", i, len(f.JPEG), err)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("after the last frame: %v", err)
	}
	conn.Close()
	if err := wait(t, "Run", result); err != nil {
		t.Error(err)
	}
	if st := s.Stats(); st.Captured != 100 || st.Sent != 100 || st.Dropped != 0 || st.Connects != 1 {
		t.Errorf("stats %+v", st)
	}
}

// TestStuckReceiver has a receiver that takes nothing: a live one is given up for the next.
func TestStuckReceiver(t *testing.T) {
	t.Parallel()
	l := listen(t)
	var log journal
	s := &Sender{Addr: l.Addr().String(), WriteTimeout: 500 * time.Millisecond, Log: log.log()}
	start(t, func(ctx context.Context) error {
		return s.Run(ctx, &camera{ctx: ctx, frame: jpegOf(1e6), interval: time.Millisecond})
	})
	acceptOne(t, l)
	second := acceptOne(t, l)
	if _, err := mjpeg.NewReader(second, 0).Next(); err != nil {
		t.Error(err)
	}
	eventually(t, "the log says why", func() bool { return len(log.with("took nothing for 500ms")) == 1 })
}

// TestKeepAllAgain breaks connections in the middle of a frame: it comes again, whole, on the next one.
func TestKeepAllAgain(t *testing.T) {
	t.Parallel()
	for _, listening := range []bool{false, true} {
		t.Run(fmt.Sprintf("sender listens %v", listening), func(t *testing.T) {
			l := listen(t)
			s := &Sender{Addr: l.Addr().String(), KeepAll: true}
			connect := func() *net.TCPConn { return acceptOne(t, l) }
			if listening {
				s.Addr, s.Listener = "", l
				connect = func() *net.TCPConn { return dial(t, l) }
			}
			big := jpegOf(8e6) // more than the kernels hold
			frames := [][]byte{big, mjpegtest.WithSegment(big, 0xFE, []byte("second")), numbered(1)[0]}
			result := make(chan error, 1)
			go func() { result <- s.Run(context.Background(), &clip{frames: frames}) }()
			for range 3 {
				conn := connect()
				if _, err := io.CopyN(io.Discard, conn, 1e6); err != nil {
					t.Fatal(err)
				}
				conn.SetLinger(0)
				conn.Close()
				eventually(t, "the sender notices", func() bool { return s.Stats().Receivers == 0 })
			}
			conn := connect()
			r := mjpeg.NewReader(conn, 0)
			for i, want := range frames {
				f, err := r.Next()
				if err != nil || !bytes.Equal(f.JPEG, want) {
					t.Fatalf("frame %d: %d bytes, %v", i, len(f.JPEG), err)
				}
			}
			if _, err := r.Next(); err != io.EOF {
				t.Errorf("after the last frame: %v", err)
			}
			conn.Close()
			if err := wait(t, "Run", result); err != nil {
				t.Error(err)
			}
			if st := s.Stats(); st.Captured != 3 || st.Sent != 3 || st.Dropped != 0 {
				t.Errorf("stats %+v", st)
			}
		})
	}
}

// TestHalfOpen has a receiver that ends its own direction at once, as nc does without an input, and takes frames.
func TestHalfOpen(t *testing.T) {
	l := listen(t)
	s := &Sender{Addr: l.Addr().String()}
	start(t, func(ctx context.Context) error {
		return s.Run(ctx, &camera{ctx: ctx, frame: jpegOf(10e3), interval: time.Millisecond})
	})
	conn := acceptOne(t, l)
	conn.CloseWrite()
	r := mjpeg.NewReader(conn, 0)
	for range 100 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if st := s.Stats(); st.Connects != 1 {
		t.Errorf("stats %+v", st)
	}
}

// TestPeerLeaves has a receiver that acks and closes in good order: the sender knows at once, with no frame to write.
func TestPeerLeaves(t *testing.T) {
	l := listen(t)
	s := &Sender{Addr: l.Addr().String()}
	var source camera
	start(t, func(ctx context.Context) error {
		source = camera{ctx: ctx, frame: jpegOf(10e3), interval: time.Hour}
		return s.Run(ctx, &source)
	})
	conn := acceptOne(t, l)
	f, err := mjpeg.NewReader(conn, 0).Next()
	if err != nil {
		t.Fatal(err)
	}
	conn.Write(appendAck(nil, f.Seq, f.Received, time.Now()))
	eventually(t, "the ack arrives", func() bool { return s.Stats().Sent == 1 })
	conn.Close()
	acceptOne(t, l)
}

// TestOffset acks by a clock that is wrong, and looks for that in later stamps.
func TestOffset(t *testing.T) {
	const skew = -3*time.Hour + 123*time.Millisecond
	l := listen(t)
	s := &Sender{Addr: l.Addr().String(), Camera: "cam"}
	start(t, func(ctx context.Context) error {
		return s.Run(ctx, &camera{ctx: ctx, frame: jpegOf(20e3), interval: 5 * time.Millisecond})
	})
	conn := acceptOne(t, l)
	r := mjpeg.NewReader(conn, 0)
	for i := range 50 {
		f, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		st, _ := r.Stamp()
		if i == 0 && st.Synced {
			t.Error("synced before the first ack")
		}
		if i == 49 && (!st.Synced || (st.Offset-skew).Abs() > 5*time.Millisecond) {
			t.Errorf("offset %v (%v), want %v", st.Offset, st.Synced, skew)
		}
		// The time in which the receiver holds a frame is no part of the round trip.
		time.Sleep(3 * time.Millisecond) // sleep: a receiver that holds the frame for a while
		conn.Write(appendAck(nil, f.Seq, f.Received.Add(skew), time.Now().Add(skew)))
	}
	eventually(t, "a round trip is known", func() bool { return s.Stats().RTT > 0 })
	if rtt := s.Stats().RTT; rtt > 3*time.Millisecond {
		t.Errorf("round trip %v", rtt)
	}
}

// TestAcksStop has a receiver that acks once and never again: frames go on.
func TestAcksStop(t *testing.T) {
	t.Parallel()
	l := listen(t)
	s := &Sender{Addr: l.Addr().String(), Camera: "cam"}
	start(t, func(ctx context.Context) error {
		return s.Run(ctx, &camera{ctx: ctx, frame: jpegOf(20e3), interval: 5 * time.Millisecond})
	})
	conn := acceptOne(t, l)
	r := mjpeg.NewReader(conn, 0)
	for i := range 50 {
		f, err := r.Next()
		if err != nil {
			t.Fatalf("frame %d: %v", i, err)
		}
		if i == 0 {
			conn.Write(appendAck(nil, f.Seq, f.Received, time.Now()))
		}
	}
}

// TestHostileAnswers has receivers that answer by what is no ack.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, answer := range map[string][]byte{
		"a line without end": bytes.Repeat([]byte("ack"), 100e3),
		"zeros":              make([]byte, 1e6),
		"empty lines":        bytes.Repeat([]byte("\n"), 100e3),
		"acks of the future": bytes.Repeat(appendAck(nil, 1<<60, now, now), 1000),
		"acks of other times": append(appendAck(nil, 1, time.Unix(0, -1<<63), time.Unix(0, 1<<63-1)),
			appendAck(nil, 2, time.Unix(0, 1<<63-1), time.Unix(0, -1<<63))...),
		"frame": jpegOf(100e3),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := listen(t)
			s := &Sender{Addr: l.Addr().String(), Camera: "cam"}
			start(t, func(ctx context.Context) error {
				return s.Run(ctx, &camera{ctx: ctx, frame: jpegOf(5e3), interval: time.Millisecond})
			})
			conn := acceptOne(t, l)
			go conn.Write(answer)
			r := mjpeg.NewReader(conn, 0)
			for i := range 100 {
				if _, err := r.Next(); err != nil {
					t.Fatalf("frame %d: %v", i, err)
				}
			}
			if st := s.Stats(); st.Connects != 1 {
				t.Errorf("stats %+v", st)
			}
		})
	}
}

// TestListenerReceivers lets receivers come and go while one stays, and a browser and a port scan call.
func TestListenerReceivers(t *testing.T) {
	l := listen(t)
	var log journal
	s := &Sender{Listener: l, Camera: "cam", Log: log.log()}
	stop := start(t, func(ctx context.Context) error {
		return s.Run(ctx, &camera{ctx: ctx, frame: jpegOf(5e3), interval: 2 * time.Millisecond})
	})
	eventually(t, "frames without a receiver are dropped", func() bool { return s.Stats().Dropped > 3 })
	var stays gathered
	start(t, func(ctx context.Context) error {
		return Pull(ctx, l.Addr().String(), true, Limits{}, nil, stays.handle)
	})
	eventually(t, "frames", func() bool { return stays.frames() > 0 })
	for range 10 {
		conn := dial(t, l)
		if _, err := mjpeg.NewReader(conn, 0).Next(); err != nil {
			t.Fatal(err)
		}
		conn.Close()
		scan := dial(t, l)
		scan.SetLinger(0)
		scan.Close()
	}
	for range 5 {
		browser := dial(t, l)
		io.WriteString(browser, "GET / HTTP/1.1\r\nHost: pi\r\n\r\n")
		_ = browser.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.Copy(io.Discard, browser); errors.Is(err, context.DeadlineExceeded) {
			t.Error("the browser is not stalled up on")
		}
	}
	eventually(t, "one receiver is left", func() bool { return s.Stats().Receivers == 1 })
	before := stays.frames()
	eventually(t, "frames for it", func() bool { return stays.frames() > before+10 })
	if lines := log.with("HTTP request"); len(lines) != 1 {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
	if lines := log.with(""); len(lines) > 5 {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
	if all := stays.all(); len(all) != 1 {
		t.Errorf("the one that stays was connected %d times", len(all))
	}
	stop()
}

// TestOneReceiverSlow checks that a receiver that takes nothing costs another one nothing.
func TestOneReceiverSlow(t *testing.T) {
	l := listen(t)
	s := &Sender{Listener: l, Camera: "cam"}
	start(t, func(ctx context.Context) error {
		return s.Run(ctx, &camera{ctx: ctx, frame: jpegOf(500e3), interval: 10 * time.Millisecond})
	})
	dial(t, l) // and never read
	r := mjpeg.NewReader(dial(t, l), 0)
	next := func() {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	for s.Stats().Dropped < 10 { // until the slow one is full
		next()
	}
	begun, dropped := time.Now(), s.Stats().Dropped
	for range 50 {
		next()
	}
	if d := time.Since(begun); d > time.Second || s.Stats().Dropped < dropped+20 {
		t.Errorf("50 frames, 10 ms apart, took %v", d)
	}
}

// TestListenerAccount has a receiver that comes and is killed, again and again: the account adds up, and nothing is
// left of it.
func TestListenerAccount(t *testing.T) {
	l := listen(t)
	s := &Sender{Listener: l, Camera: "cam"}
	stop := start(t, func(ctx context.Context) error {
		return s.Run(ctx, &camera{ctx: ctx, frame: jpegOf(50e3), interval: time.Millisecond})
	})
	once := func() {
		conn := dial(t, l)
		r := mjpeg.NewReader(conn, 0)
		for range 3 {
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
		}
		conn.SetLinger(0)
		conn.Close()
		eventually(t, "it is gone", func() bool { return s.Stats().Receivers == 0 })
	}
	once()
	files, routines := openFiles(), runtime.NumGoroutine()
	for range 100 {
		once()
	}
	eventually(t, "as many files and goroutines as before", func() bool {
		return openFiles() <= files+2 && runtime.NumGoroutine() <= routines+2
	})
	stop()
	checkAccount(t, s.Stats())
}

// counted counts what is taken from a Source.
type counted struct {
	src   Source
	taken chan int // sent to for each
}

func (c counted) Next() (mjpeg.Frame, error) {
	c.taken <- 1
	return c.src.Next()
}

// TestKeepAllListener checks that the source is not asked before there is a receiver, and that a port scan that comes
// first costs nothing.
func TestKeepAllListener(t *testing.T) {
	l := listen(t)
	frames := numbered(5)
	taken := make(chan int, 100)
	s := &Sender{Listener: l, KeepAll: true}
	result := make(chan error, 1)
	go func() { result <- s.Run(context.Background(), counted{&clip{frames: frames}, taken}) }()
	select {
	case <-taken:
		t.Error("a frame was taken with nobody there")
	case <-time.After(100 * time.Millisecond):
	}
	var g gathered
	start(t, func(ctx context.Context) error { return Pull(ctx, l.Addr().String(), true, Limits{}, nil, g.handle) })
	if err := wait(t, "Run", result); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all frames", func() bool { return g.frames() == 5 })
	checkFrames(t, g.all()[0].frames, frames)
	checkAccount(t, s.Stats())
}

// TestEnd checks that Run waits until the last frame has arrived, and no longer.
func TestEnd(t *testing.T) {
	t.Parallel()
	frames := numbered(3)
	run := func(t *testing.T, keepAll bool, receiver func(conn *net.TCPConn)) (time.Duration, error) {
		l := listen(t)
		s := &Sender{Addr: l.Addr().String(), KeepAll: keepAll}
		done := make(chan struct{})
		go func() {
			defer close(done)
			conn, err := l.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			receiver(conn.(*net.TCPConn))
		}()
		begun := time.Now()
		result := make(chan error, 1)
		go func() { result <- s.Run(context.Background(), &clip{frames: frames}) }()
		err := wait(t, "Run", result)
		d := time.Since(begun)
		l.Close()
		<-done
		checkAccount(t, s.Stats())
		return d, err
	}
	t.Run("a receiver that reads late", func(t *testing.T) {
		var got []byte
		d, err := run(t, true, func(conn *net.TCPConn) {
			time.Sleep(300 * time.Millisecond) // sleep: a receiver that reads late
			got, _ = io.ReadAll(conn)
		})
		if err != nil || d < 300*time.Millisecond || d > 2*time.Second {
			t.Errorf("%v after %v", err, d)
		}
		if n := bytes.Count(got, []byte("frame ")); n != 3 {
			t.Errorf("%d frames of 3 arrived", n)
		}
	})
	t.Run("a receiver that acks, and holds on to the connection", func(t *testing.T) {
		d, err := run(t, true, func(conn *net.TCPConn) {
			r := mjpeg.NewReader(conn, 0)
			for {
				f, err := r.Next()
				if err != nil {
					break
				}
				conn.Write(appendAck(nil, f.Seq, f.Received, time.Now()))
			}
			time.Sleep(time.Second) // sleep: a receiver that closes late
		})
		if err != nil || d > 900*time.Millisecond {
			t.Errorf("%v after %v", err, d)
		}
	})
	t.Run("a receiver that crashes before the last", func(t *testing.T) {
		_, err := run(t, true, func(conn *net.TCPConn) {
			r := mjpeg.NewReader(conn, 0)
			f, _ := r.Next()
			conn.Write(appendAck(nil, f.Seq, f.Received, time.Now()))
			time.Sleep(100 * time.Millisecond) // sleep: the sender waits for its acks by then
			conn.SetLinger(0)
		})
		if err == nil || !strings.Contains(err.Error(), "2 frames not confirmed") {
			t.Errorf("Run: %v, want one that says that frames are missing", err)
		}
	})
	t.Run("live, and nobody there", func(t *testing.T) {
		l := listen(t)
		l.Close()
		s := &Sender{Addr: l.Addr().String()}
		result := make(chan error, 1)
		go func() { result <- s.Run(context.Background(), &clip{frames: frames}) }()
		if err := wait(t, "Run", result); err == nil || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("Run: %v, want connection refused", err)
		}
		if st := s.Stats(); st.Captured != 3 || st.Dropped != 3 {
			t.Errorf("stats %+v", st)
		}
	})
	t.Run("live, and the receiver crashes in the last frame", func(t *testing.T) {
		l := listen(t)
		s := &Sender{Addr: l.Addr().String()}
		big := jpegOf(8e6)
		result := make(chan error, 1)
		go func() { result <- s.Run(context.Background(), &clip{frames: [][]byte{big}}) }()
		conn := acceptOne(t, l)
		io.CopyN(io.Discard, conn, 1e6)
		conn.SetLinger(0)
		conn.Close()
		conn = acceptOne(t, l)
		if f, err := mjpeg.NewReader(conn, 0).Next(); err != nil || !bytes.Equal(f.JPEG, big) {
			t.Errorf("%d bytes, %v", len(f.JPEG), err)
		}
		conn.Close()
		l.Close()
		wait(t, "Run", result)
		checkAccount(t, s.Stats())
	})
}

// failing is a Source that fails after some frames.
type failing struct {
	clip
	err error
}

func (f *failing) Next() (mjpeg.Frame, error) {
	frame, err := f.clip.Next()
	if err == io.EOF {
		err = f.err
	}
	return frame, err
}

func TestSourceFails(t *testing.T) {
	unplugged := errors.New("unplugged")
	frames := numbered(3)
	for _, keepAll := range []bool{false, true} {
		l := listen(t)
		var g gathered
		serve(t, l, &g)
		s := &Sender{Addr: l.Addr().String(), KeepAll: keepAll}
		if err := s.Run(context.Background(), &failing{clip{frames: frames}, unplugged}); err != unplugged {
			t.Errorf("Run: %v, want %v", err, unplugged)
		}
		eventually(t, "the last frame arrives", func() bool {
			all := g.all()
			return len(all) == 1 && len(all[0].frames) > 0 &&
				bytes.Equal(all[0].frames[len(all[0].frames)-1].JPEG, frames[2])
		})
		checkAccount(t, s.Stats())
	}
}

func TestSenderMisused(t *testing.T) {
	for _, s := range []*Sender{{}, {Addr: "pi", Listener: listen(t)}, {Addr: "http://pi"}} {
		if err := s.Run(context.Background(), &clip{}); err == nil {
			t.Errorf("%+v runs", s)
		}
	}
}

// TestSenderStops ends ctx in each state that a Sender may wait in. start checks how long that takes.
func TestSenderStops(t *testing.T) {
	t.Parallel()
	live := func(ctx context.Context) Source {
		return &camera{ctx: ctx, frame: jpegOf(1e6), interval: time.Millisecond}
	}
	for _, c := range []struct {
		name  string
		state func(t *testing.T, l net.Listener, s *Sender) // reaches the state
		keep  bool
	}{
		{"nobody listens", func(t *testing.T, l net.Listener, s *Sender) {
			l.Close()
			eventually(t, "frames are dropped", func() bool { return s.Stats().Dropped > 10 })
		}, false},
		{"the receiver reads nothing", func(t *testing.T, l net.Listener, s *Sender) {
			acceptOne(t, l)
			eventually(t, "frames are dropped", func() bool { return s.Stats().Dropped > 10 })
		}, false},
		{"the receiver reads nothing, all are kept", func(t *testing.T, l net.Listener, s *Sender) {
			acceptOne(t, l)
			eventually(t, "the sender waits", func() bool {
				n := s.Stats().Bytes
				time.Sleep(50 * time.Millisecond) // sleep: between two counts, which are then compared
				return n > 0 && n == s.Stats().Bytes
			})
		}, true},
		{"all is well", func(t *testing.T, l net.Listener, s *Sender) {
			r := mjpeg.NewReader(acceptOne(t, l), 0)
			for range 5 {
				if _, err := r.Next(); err != nil {
					t.Fatal(err)
				}
			}
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := listen(t)
			s := &Sender{Addr: l.Addr().String(), KeepAll: c.keep}
			if c.keep { // bytes are counted when a write ends
				s.WriteTimeout = 50 * time.Millisecond
			}
			stop := start(t, func(ctx context.Context) error { return s.Run(ctx, live(ctx)) })
			c.state(t, l, s)
			if err := stop(); !errors.Is(err, context.Canceled) {
				t.Errorf("Run: %v", err)
			}
			checkAccount(t, s.Stats())
		})
	}
	for _, keep := range []bool{false, true} {
		t.Run(fmt.Sprintf("listening, all kept %v", keep), func(t *testing.T) {
			s := &Sender{Listener: listen(t), KeepAll: keep}
			stop := start(t, func(ctx context.Context) error { return s.Run(ctx, live(ctx)) })
			time.Sleep(50 * time.Millisecond) // sleep: it waits for a receiver by then
			if err := stop(); !errors.Is(err, context.Canceled) {
				t.Errorf("Run: %v", err)
			}
			checkAccount(t, s.Stats())
		})
	}
	t.Run("the listener is closed", func(t *testing.T) {
		l := listen(t)
		s := &Sender{Listener: l}
		result := make(chan error, 1)
		go func() { result <- s.Run(context.Background(), live(context.Background())) }()
		l.Close()
		if err := wait(t, "Run", result); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Run: %v", err)
		}
	})
}

// TestStopIsClean checks that a receiver sees whole frames and an end in good order when the sender is stopped.
func TestStopIsClean(t *testing.T) {
	l := listen(t)
	var g gathered
	serve(t, l, &g)
	s := &Sender{Addr: l.Addr().String(), Camera: "cam"}
	stop := start(t, func(ctx context.Context) error {
		return s.Run(ctx, &camera{ctx: ctx, frame: jpegOf(1e6), interval: time.Millisecond})
	})
	eventually(t, "frames", func() bool { return g.frames() > 5 })
	stop()
	eventually(t, "the stream ends", func() bool { return g.all()[0].ended })
	if got := g.all()[0]; got.err != io.EOF || int64(len(got.frames)) != s.Stats().Sent {
		t.Errorf("the stream ended by %v after %d frames of %d", got.err, len(got.frames), s.Stats().Sent)
	}
}

package transport

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"picam/internal/health"
)

// Sender sends the frames of one camera, to one receiver that it dials or to all that connect. Zero values of all
// fields but one of Addr and Listener are usable. Run it once.
//
// A live frame never waits behind another: at most one waits for each receiver, and a newer one takes its place. With
// KeepAll the source waits instead, and the frame under way when a connection breaks is sent again, whole, on the next
// one: it may arrive twice. What the kernels held on its way when the receiver crashed is lost either way.
type Sender struct {
	Addr     string       // host:port to dial, again and again; with Find, what to call the receiver until it is found
	Find     Find         // asked where the receiver is before it is dialled; nil: at Addr
	Listener net.Listener // or: receivers come here; each gets the frames. Run closes it
	Camera   string       // name in the stamp
	NoStamp  bool         // leave the camera's bytes alone; there are no acks then, see the package
	// Trouble tells why there are no frames just now, "" while there are; any goroutine may call it. Receivers are told
	// by a status message (see mjpeg.Stamp.AppendStatus), again and again, so that their connections do not count as
	// silent. nil: not known.
	Trouble func() string
	KeepAll bool // wait for the network rather than replace a waiting frame by a newer one
	// WriteTimeout is how long a connection may take nothing at all before it is given up; 0 means 5 s. With KeepAll,
	// and where the kernel can tell (Linux), a receiver that pauses may do so for as long as its computer is there.
	WriteTimeout time.Duration
	Log          *slog.Logger // nil discards

	id    string
	log   *slog.Logger
	ended chan struct{} // closed when the source has ended

	captured, sent, dropped, bytes, receivers, connects, rtt atomic.Int64
}

// SenderStats is a Sender's account.
type SenderStats struct {
	Captured  int64         // frames taken from the source
	Sent      int64         // frames, of each receiver
	Dropped   int64         // frames, of each receiver
	Bytes     int64         // taken by the kernel, stamps and all
	Receivers int           // connected now
	Connects  int64         // so far
	RTT       time.Duration // from the beginning of a frame's sending to its ack, smoothed; 0: not known (no acks)
}

// maxReceivers is how many a listening Sender serves at once.
const maxReceivers = 64

// Stats may be called from any goroutine. Captured = Sent + Dropped + those still under way.
func (s *Sender) Stats() SenderStats {
	st := SenderStats{ // Captured last, so that it is never behind
		Sent: s.sent.Load(), Dropped: s.dropped.Load(), Bytes: s.bytes.Load(),
		Receivers: int(s.receivers.Load()), Connects: s.connects.Load(), RTT: time.Duration(s.rtt.Load()),
	}
	st.Captured = s.captured.Load()
	return st
}

func (s *Sender) writeTimeout() time.Duration {
	if s.WriteTimeout > 0 {
		return s.WriteTimeout
	}
	return 5 * time.Second
}

// over reports whether the source has ended.
func (s *Sender) over() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// Run sends until src ends (nil, when the last frame has arrived), fails, or ctx ends; then it returns that error. src
// must end with ctx too: Run waits for its Next.
func (s *Sender) Run(ctx context.Context, src Source) error {
	if (s.Addr == "") == (s.Listener == nil) {
		return errors.New("transport: a Sender needs either an Addr or a Listener")
	}
	s.id, s.log, s.ended = rand.Text()[:12], logOr(s.Log), make(chan struct{})
	if s.Listener != nil {
		return s.listen(ctx, src)
	}
	addr := s.Addr
	if s.Find == nil {
		var err error
		if addr, err = ParseAddr(addr); err != nil {
			return err
		}
	}
	return s.dial(ctx, src, newDialer(addr, s.Find, s.log))
}

// dial sends the frames of src to the peer of d, by as many connections as it takes.
func (s *Sender) dial(ctx context.Context, src Source, d *dialer) error {
	l := newSubscriber(s)
	result := make(chan error, 1)
	go func() { result <- s.sendTo(ctx, l, d) }()
	err := s.produce(ctx, src, &broadcaster{s: s, subscribers: []*subscriber{l}})
	close(s.ended)
	if sending := <-result; err == nil {
		err = sending
	}
	l.dropAll()
	return err
}

// sendTo sends l's frames until all have arrived (nil), the last one cannot be sent, or ctx ends.
func (s *Sender) sendTo(ctx context.Context, l *subscriber, d *dialer) error {
	for lastTry := false; ; lastTry = s.over() {
		conn, err := d.dial(ctx)
		if err == nil {
			s.receivers.Add(1)
			err = l.send(ctx, conn, func() {
				d.worked()
				s.log.Info("sending to " + d.at)
			})
			s.receivers.Add(-1)
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case s.over() && !l.take():
			return fmt.Errorf("transport: %s: %w", d.at, err) // the end itself failed
		case lastTry && !s.KeepAll:
			return fmt.Errorf("transport: %s: the last frame was not sent: %w", d.at, err)
		case !d.failed(ctx, err):
			return ctx.Err()
		}
	}
}

// listen sends the frames of src to each receiver that connects.
func (s *Sender) listen(ctx context.Context, src Source) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	accepting, stop := context.WithCancel(ctx)
	defer stop()
	f := &broadcaster{s: s, changed: make(chan struct{}, 1)}
	limited := health.NewLog(s.log)
	var background sync.WaitGroup
	background.Go(func() { limited.Run(accepting) })
	background.Go(func() {
		err := accept(accepting, s.Listener, s.log,
			func(_ context.Context, conn net.Conn) { s.sendOn(ctx, conn, f, limited) })
		if err != nil {
			fail(err)
		}
	})
	err := s.produce(ctx, src, f)
	close(s.ended)
	if err == nil && s.KeepAll {
		err = f.finish(ctx)
	}
	stop()
	background.Wait()
	f.dropAll()
	if ctx.Err() != nil && err == ctx.Err() {
		return context.Cause(ctx)
	}
	return err
}

// sendOn sends frames to one receiver that has connected.
func (s *Sender) sendOn(ctx context.Context, conn net.Conn, f *broadcaster, limited *health.Log) {
	from := host(conn.RemoteAddr())
	l := f.enter()
	if l == nil {
		_ = conn.Close()
		limited.Tell(slog.LevelWarn, from, "one receiver too many",
			fmt.Sprintf("%s is refused: %d receivers are connected", from, maxReceivers))
		return
	}
	proven := false
	s.receivers.Add(1)
	err := l.send(ctx, conn, func() {
		proven = true
		s.log.Info("sending to " + from)
	})
	f.leave(l)
	s.receivers.Add(-1)
	var foreign *protocolError
	switch {
	case err == nil || ctx.Err() != nil:
	case errors.As(err, &foreign):
		limited.Tell(slog.LevelWarn, from, foreign.what, fmt.Sprintf("%s from %s: %s", foreign.what, from, foreign.do))
	case proven:
		s.log.Info(fmt.Sprintf("%s has gone: %v", from, err))
	default:
		limited.Tell(slog.LevelInfo, from, "a receiver that left at once",
			fmt.Sprintf("%s connected and left at once: %v", from, err))
	}
}

// produce takes the frames of src to f's subscribers until src ends (nil), or ctx.
func (s *Sender) produce(ctx context.Context, src Source, f *broadcaster) error {
	for seq := uint64(1); ; seq++ {
		if s.KeepAll && !f.await(ctx) {
			return ctx.Err()
		}
		frame, err := src.Next()
		switch {
		case err == io.EOF:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return err
		}
		if frame.Captured.IsZero() {
			frame.Captured = time.Now()
		}
		s.captured.Add(1)
		for !f.put(ctx, frame.JPEG, seq, frame.Captured) {
			if !s.KeepAll || !f.await(ctx) {
				s.dropped.Add(1) // nobody is there
				break
			}
		}
	}
}

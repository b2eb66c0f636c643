package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"picam/mjpeg"
)

// frame is a copy of a frame on its way to one receiver, with room before it for a stamp.
type frame struct {
	buf      []byte // stampRoom bytes, then the JPEG
	seq      uint64
	captured time.Time
}

// stampRoom is more than the longest stamp takes: two names of 200 bytes, each byte in percent code, and some numbers.
const stampRoom = 2 << 10

func (p *frame) set(jpeg []byte, seq uint64, captured time.Time) {
	if p.buf == nil {
		p.buf = make([]byte, stampRoom, stampRoom+len(jpeg))
	}
	p.buf = append(p.buf[:stampRoom], jpeg...)
	p.seq, p.captured = seq, captured
}

// jpeg is the frame as it came from the source.
func (p *frame) jpeg() []byte { return p.buf[stampRoom:] }

// stamped puts head, which is SOI and a stamp, in the place of the frame's SOI, so that all can leave in one write.
func (p *frame) stamped(head []byte) []byte {
	begin := stampRoom + 2 - len(head)
	copy(p.buf[begin:], head)
	return p.buf[begin:]
}

// subscriber takes frames to one receiver. Two buffers go round in it: one holds the frame that waits, which a newer
// one replaces unless all are kept, the other the one that is being written.
//
// The goroutine that takes frames from the source calls put; another one sends, and owns current.
type subscriber struct {
	s       *Sender
	free    chan *frame
	waiting chan *frame
	gone    chan struct{} // closed when nothing will be sent any more, and put is in vain

	current *frame // taken from waiting and not yet written
	stamp   mjpeg.Stamp
	head    []byte
	told    string    // the trouble that the receiver knows of; "" after a frame
	last    time.Time // when something was written last
}

func newSubscriber(s *Sender) *subscriber {
	l := &subscriber{
		s: s, free: make(chan *frame, 2), waiting: make(chan *frame, 1), gone: make(chan struct{}),
		stamp: mjpeg.Stamp{Camera: s.Camera, Sender: s.id},
	}
	l.free <- &frame{}
	l.free <- &frame{}
	return l
}

// put makes a copy of jpeg the waiting frame. With KeepAll it first waits until none waits. It returns false, and has
// not taken the frame, if the subscriber is gone or ctx has ended.
func (l *subscriber) put(ctx context.Context, jpeg []byte, seq uint64, captured time.Time) bool {
	select {
	case <-l.gone: // first of all: a select between two that are ready takes either
		return false
	default:
	}
	var p *frame
	if !l.s.KeepAll {
		select {
		case p = <-l.waiting:
			l.s.dropped.Add(1)
		default:
		}
	}
	if p == nil {
		select {
		case p = <-l.free:
		case <-l.gone:
			return false
		case <-ctx.Done():
			return false
		}
	}
	p.set(jpeg, seq, captured)
	select {
	case l.waiting <- p: // at once, unless all are kept
		return true
	case <-l.gone:
	case <-ctx.Done():
	}
	l.free <- p
	return false
}

// take makes the waiting frame the current one, if there is no current one. It returns false if none waits.
func (l *subscriber) take() bool {
	if l.current != nil {
		return true
	}
	select {
	case l.current = <-l.waiting:
		return true
	default:
		return false
	}
}

// done makes room for another frame when the current one has been sent, or dropped.
func (l *subscriber) done(count *atomic.Int64) {
	count.Add(1)
	l.free <- l.current
	l.current = nil
}

// dropAll drops what has not been sent. Nobody else may use the subscriber any more.
func (l *subscriber) dropAll() {
	for l.take() {
		l.done(&l.s.dropped)
	}
}

const (
	// stopPatience is how long a frame under way may take when ctx has ended, so that it arrives whole.
	stopPatience = 400 * time.Millisecond
	// drainPatience is how long a peer may take to take in what is on its way, since it last gave a sign of doing so.
	drainPatience = 5 * time.Second
	// noteCheck is how often the source is asked for its trouble while no frame comes, and noteRepeat how often a
	// receiver hears that nothing has changed: less than any receiver's idle timeout.
	noteCheck  = 200 * time.Millisecond
	noteRepeat = 2 * time.Second
)

// send writes frames to conn until there are no more, and waits until they have arrived: nil. Otherwise it returns
// what broke the connection, or ctx's error. proven is called when the connection has lasted for a while.
//
// The frame under way when a connection breaks stays the current one if all are kept, or if it is the last.
func (l *subscriber) send(ctx context.Context, conn net.Conn, proven func()) error {
	l.s.connects.Add(1)
	shortQueue(conn)
	begun := time.Now()
	p := newPeer(conn)
	go p.read()
	defer func() { <-p.ended }()
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now().Add(stopPatience)) })()

	l.told, l.last = "", begun
	t := subscriberTimers{time.NewTimer(ackPatience), time.NewTimer(noteCheck)}
	defer t.patience.Stop()
	defer t.check.Stop()
	for {
		err := l.next(ctx, p, t)
		if err == nil {
			err = l.write(ctx, p)
		}
		if proven != nil && time.Since(begun) > provenAfter {
			proven()
			proven = nil
		}
		switch {
		case err == io.EOF:
			return l.drain(p)
		case err != nil && ctx.Err() != nil:
			_ = l.drain(p) // for a moment only: the deadline is set
			return ctx.Err()
		case err != nil:
			if l.current != nil && !l.s.KeepAll && !l.s.over() {
				l.done(&l.s.dropped)
			}
			return err
		}
		l.done(&l.s.sent)
	}
}

// subscriberTimers are used again for each frame.
type subscriberTimers struct{ patience, check *time.Timer }

// next waits until one more frame may be on its way, and for one, and makes it the current one. io.EOF: there is none.
// While it waits it tells the receiver of the source's trouble.
func (l *subscriber) next(ctx context.Context, p *peer, t subscriberTimers) error {
	select {
	case <-p.gone: // first of all, so that no frame is wasted on it
		return p.err
	default:
	}
	t.patience.Reset(ackPatience)
	for !l.s.KeepAll && !p.hasRoom() {
		select {
		case <-p.progress:
		case <-t.patience.C:
			p.giveUpAcks()
		case <-p.gone:
			return p.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if l.take() {
		return nil
	}
	for {
		t.check.Reset(noteCheck)
		select {
		case l.current = <-l.waiting:
			return nil
		case <-t.check.C:
			if err := l.tell(ctx, p); err != nil {
				return err
			}
		case <-l.s.ended:
			if l.take() {
				return nil
			}
			return io.EOF
		case <-p.gone:
			return p.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tell writes a status message if the receiver does not know the source's trouble, or has heard nothing for a while.
func (l *subscriber) tell(ctx context.Context, p *peer) error {
	if l.s.Trouble == nil || l.s.NoStamp {
		return nil
	}
	now, trouble := time.Now(), l.s.Trouble()
	if trouble == l.told && now.Sub(l.last) < noteRepeat {
		return nil
	}
	l.told = trouble
	status := l.stamp
	status.Time, status.Trouble, status.Synced = now, trouble, false
	l.head = status.AppendStatus(l.head[:0])
	return l.writeAll(ctx, p, l.head)
}

// write writes the current frame, whole.
func (l *subscriber) write(ctx context.Context, p *peer) error {
	now := time.Now()
	b := l.current.jpeg()
	if !l.s.NoStamp && len(b) >= 2 {
		l.stamp.Seq, l.stamp.Time = l.current.seq, l.current.captured
		var rtt time.Duration
		l.stamp.Offset, l.stamp.Synced, rtt = p.offset()
		if rtt > 0 {
			l.s.rtt.Store(int64(rtt))
		}
		l.head = l.stamp.AppendTo(l.head[:0])
		b = l.current.stamped(l.head)
	}
	p.sending(l.current.seq, now)
	l.told = ""
	return l.writeAll(ctx, p, b)
}

func (l *subscriber) writeAll(ctx context.Context, p *peer, b []byte) error {
	now := time.Now()
	l.last = now
	timeout := l.s.writeTimeout()
	for heard := now; ; now = time.Now() {
		_ = p.conn.SetWriteDeadline(now.Add(timeout)) // fails on a closed connection, as Write will
		if ctx.Err() != nil {
			_ = p.conn.SetWriteDeadline(now.Add(stopPatience))
		}
		n, err := p.conn.Write(b)
		l.s.bytes.Add(int64(n))
		b = b[n:]
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !errors.Is(err, os.ErrDeadlineExceeded):
			select {
			case <-p.gone:
				return p.err // which may say more
			default:
				return cause(err)
			}
		}
		if n > 0 {
			heard = time.Now()
		} else if !l.s.KeepAll || !l.listens(p, time.Since(heard)) {
			return fmt.Errorf("the receiver took nothing for %v", timeout)
		}
	}
}

// listens reports whether a receiver that has taken nothing for so long is only slow, or pauses: its kernel then says
// that the buffer is full whenever ours asks. Ours does so after twice the time each time, and the other one may leave
// some questions of the first second unanswered.
func (l *subscriber) listens(p *peer, silence time.Duration) bool {
	heard, ok := lastHeard(p.conn)
	return ok && heard < silence/2+max(l.s.writeTimeout(), time.Second)
}

// drain ends the sending direction and waits until the peer has taken in what is on its way: until it confirms the last
// frame, or ends the connection after it. The error says what may be lost.
func (l *subscriber) drain(p *peer) error {
	half, ok := p.conn.(interface{ CloseWrite() error })
	if !ok {
		return nil
	}
	_ = half.CloseWrite() // where it fails the peer has gone, which the reading goroutine sees
	patience := time.NewTimer(drainPatience)
	defer patience.Stop()
	for {
		missing, answers := p.unconfirmed()
		if answers && missing == 0 {
			return nil
		}
		select {
		case <-p.progress:
			patience.Reset(drainPatience)
		case <-p.ended:
			missing, answers = p.unconfirmed()
			if p.err == nil || answers && missing == 0 {
				return nil
			}
			return fmt.Errorf("the receiver left before the end (%d frames not confirmed): %w", missing, p.err)
		case <-patience.C:
			if !answers {
				return nil // and would not
			}
			return fmt.Errorf("the receiver has not confirmed the last %d frames within %v", missing, drainPatience)
		}
	}
}

package transport

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// peer is what a Sender knows of the receiver at the other end of one connection, by what that answers. Until the
// first ack it is taken for one that never answers, such as nc, and nothing is expected of it.
type peer struct {
	conn     net.Conn
	progress chan struct{} // holds a token after an ack
	gone     chan struct{} // closed when the peer can take no more
	ended    chan struct{} // closed when the peer has sent its last byte; err is set by then
	err      error         // why it ended; nil for an end in good order

	mu        sync.Mutex
	frames    [128]sentFrame // the latest, by seq modulo the length
	sent      int64          // frames so far
	confirmed int64          // so many of sent have arrived; 0 also where there was no ack
	windowed  bool           // acks can be waited for
	lastSent  time.Time      // of the latest frame
	interval  time.Duration  // between frames, smoothed
	rtt       time.Duration  // from the beginning of a frame's sending to its ack, smoothed
	minRTT    time.Duration
	kernelRTT time.Duration // the least, as the kernel measures it; 0 means not known
	asked     time.Time     // when the kernel was asked for it
	clock     clock
}

type sentFrame struct {
	seq   uint64
	nth   int64 // of the connection's frames, from 1
	begun time.Time
}

const (
	smoothing = 8 // weight of the past in smoothed values, to 1 of the new one
	// ackPatience is how long a full window may stay so before acks are no longer counted on.
	ackPatience = 2 * time.Second
	// maxAnswer is the longest line from a peer that is looked at.
	maxAnswer = 256
)

// errClosed is a peer that answers and has ended the connection in good order.
var errClosed = errors.New("the receiver has closed the connection")

func newPeer(conn net.Conn) *peer {
	return &peer{
		conn: conn, progress: make(chan struct{}, 1), gone: make(chan struct{}), ended: make(chan struct{}),
	}
}

// read takes in what the peer answers until the connection ends. There is no deadline: most receivers never say
// anything. TCP's keep-alive finds out when there is nobody left to.
func (p *peer) read() {
	defer close(p.ended)
	lines := bufio.NewReaderSize(p.conn, maxAnswer)
	for first, whole := true, true; ; {
		line, err := lines.ReadSlice('\n')
		if first && len(line) > 0 {
			if s := sniff(line); s != nil {
				p.err = s
				close(p.gone)
				_ = p.conn.Close() // ends a write under way
				return
			}
			first = false
		}
		if whole && err == nil {
			p.ack(line, time.Now())
		}
		whole = err == nil
		if err == nil || err == bufio.ErrBufferFull {
			continue
		}
		if err != io.EOF {
			p.err = cause(err)
		} else if _, answers := p.unconfirmed(); answers {
			p.err = errClosed
		} else {
			return // may have ended its own direction only, as nc does without an input
		}
		close(p.gone)
		return
	}
}

// sending notes that a frame is on its way.
func (p *peer) sending(seq uint64, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent++
	p.frames[seq%uint64(len(p.frames))] = sentFrame{seq, p.sent, now}
	if !p.lastSent.IsZero() {
		p.interval = smooth(p.interval, now.Sub(p.lastSent))
	}
	p.lastSent = now
}

// ack takes in one line, which came at now. What is no ack of a frame sent lately is ignored.
func (p *peer) ack(line []byte, now time.Time) {
	seq, received, sent, ok := parseAck(line)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	frame := p.frames[seq%uint64(len(p.frames))]
	if frame.nth == 0 || frame.seq != seq || frame.nth <= p.confirmed {
		return
	}
	p.confirmed = frame.nth
	p.windowed = true
	rtt := now.Sub(frame.begun)
	if held := sent.Sub(received); held > 0 {
		rtt = max(rtt-held, 0)
	}
	p.rtt = smooth(p.rtt, rtt)
	if p.minRTT == 0 || rtt < p.minRTT {
		p.minRTT = rtt
	}
	if now.Sub(p.asked) > time.Second {
		p.kernelRTT, p.asked = roundTrip(p.conn), now
	}
	p.clock.add(sent, now)
	select {
	case p.progress <- struct{}{}:
	default:
	}
}

// smooth moves the mean towards the new value.
func smooth(mean, v time.Duration) time.Duration {
	if mean == 0 {
		return v
	}
	return mean + (v-mean)/smoothing
}

// hasRoom reports whether one more frame may be on its way.
func (p *peer) hasRoom() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.windowed || p.sent-p.confirmed < p.window()
}

// window is how many frames may be on their way: one that the link is busy with, those that fit into the round trip
// meanwhile (unless that costs less than a tenth of the time), and one to spare where the link has time to spare.
//
// The round trip is the least one of this connection. Under load it would count the very queue that the window is there
// to keep short, and let it grow.
func (p *peer) window() int64 {
	if p.interval <= 0 {
		return 2
	}
	trip := p.leastRTT()
	n := 1 + (trip+p.interval*9/10)/p.interval
	if p.rtt-trip < p.interval*8/10 {
		n++
	}
	return int64(n)
}

// leastRTT is the least round trip: the kernel's, of small packets, where it tells.
func (p *peer) leastRTT() time.Duration {
	if p.kernelRTT > 0 {
		return min(p.minRTT, p.kernelRTT)
	}
	return p.minRTT
}

// giveUpAcks makes room for good, until there is another ack.
func (p *peer) giveUpAcks() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.windowed = false
}

// unconfirmed is how many frames have not been acked, and whether any has.
func (p *peer) unconfirmed() (n int64, answers bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent - p.confirmed, p.confirmed > 0
}

// offset returns the receiver's clock less ours, and the smoothed round trip.
func (p *peer) offset() (d time.Duration, synced bool, rtt time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d, synced = p.clock.offset(p.leastRTT())
	return d, synced, p.rtt
}

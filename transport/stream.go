package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"picam/mjpeg"
)

// Stream is the frames that arrive on one connection. One goroutine calls Next; all else is for any.
type Stream struct {
	in     input
	reader *mjpeg.Reader
	first  mjpeg.Frame // found before handle was called
	ready  bool        // first has not been given out by Next yet
	camera string
	sender string
	last   atomic.Int64 // Unix ns of the last frame's arrival

	owed     mjpeg.Frame // Seq and Received of the last frame, if it has a stamp and has not been acked
	answer   []byte      // the ack, for its buffer
	unread   int         // acks written without a sign that the sender reads them
	ackFails bool        // there was no room for an ack, or nobody to take it: there will be no more
}

// newStream waits for the first frame on conn, or for a status message that there is none now. The error is a
// *protocolError if the peer is no camera. Closing conn is left to the caller.
func newStream(conn net.Conn, lim Limits) (*Stream, error) {
	s := &Stream{in: input{conn: conn, lim: lim, awaited: time.Now()}}
	s.reader = mjpeg.NewReader(&s.in, lim.MaxFrame)
	s.in.stats = s.reader.ScanStats
	err := s.in.sniff()
	if err == nil {
		s.first, err = s.next(true)
	}
	if err != nil {
		return nil, s.in.judge(err)
	}
	s.ready, s.in.awaited = s.first.JPEG != nil, time.Time{}
	if stamp, ok := s.reader.Stamp(); ok {
		s.camera, s.sender = printable(stamp.Camera), stamp.Sender
	}
	if s.camera == "" {
		s.camera = host(conn.RemoteAddr())
	}
	return s, nil
}

// printable is a name from the network, with ? for what could play tricks on a terminal or in a log.
func printable(name string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, name))
}

// Camera is the name from the first frame's stamp, else the peer's address without the port. It does not change.
func (s *Stream) Camera() string { return s.camera }

// Sender is the id from the stamp; "" without a stamp. It does not change.
func (s *Stream) Sender() string { return s.sender }

// RemoteAddr is the peer's address.
func (s *Stream) RemoteAddr() net.Addr { return s.in.conn.RemoteAddr() }

// LastReceived is when the last frame arrived.
func (s *Stream) LastReceived() time.Time { return time.Unix(0, s.last.Load()) }

// Trouble is why the camera gives no frames now, as its sender says; "" while it gives some.
func (s *Stream) Trouble() string { return printable(s.reader.Trouble()) }

// ScanStats are the scanner's counters for this connection. Any goroutine may call it.
func (s *Stream) ScanStats() mjpeg.Stats { return s.reader.ScanStats() }

// Close ends the connection; Next then fails. Any goroutine may call it, more than once.
func (s *Stream) Close() error {
	if err := s.in.conn.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Next returns the next frame, with the stamp taken out. io.EOF: the peer ended the stream in good order. Any other
// error is a sentence for the user, such as "no data for 10s".
func (s *Stream) Next() (mjpeg.Frame, error) {
	if s.ready {
		s.ready = false
		return s.first, nil
	}
	f, err := s.next(false)
	if err != nil {
		return mjpeg.Frame{}, s.reason(err)
	}
	return f, nil
}

// next reads a frame and acks it. With orStatus it also returns, without a frame, when there is a status message.
func (s *Stream) next(orStatus bool) (mjpeg.Frame, error) {
	read := s.reader.Next
	if orStatus {
		read = s.reader.NextOrStatus
	}
	f, err := read()
	if err == io.EOF {
		s.ack() // of the last frame, if it was left out
	}
	if err != nil {
		return mjpeg.Frame{}, err
	}
	if f.JPEG == nil {
		return f, nil
	}
	s.last.Store(f.Received.UnixNano())
	if stamp, ok := s.reader.Stamp(); ok && stamp.Seq > 0 {
		s.owed = mjpeg.Frame{Seq: stamp.Seq, Received: f.Received}
		if stamp.Synced { // it knows the offset of the clocks, and so has read acks
			s.unread = 0
		}
		if s.unread < maxUnread {
			s.unread++
			s.ack()
		}
	}
	return f, nil
}

const (
	// maxUnread is how many acks a sender gets that shows no sign of reading them: so few that they always find room. A
	// full socket may keep Linux (6.18) from seeing what the same packets confirm, and slow the frames down.
	maxUnread = 500
	// ackTimeout is how long a sender that did read its acks may hold Next up when it has stopped to, which happens
	// once.
	ackTimeout = time.Second
)

// ack acks the last frame, if it wants that and has not been acked.
func (s *Stream) ack() {
	if s.ackFails || s.owed.Seq == 0 {
		return
	}
	now := time.Now()
	s.answer = appendAck(s.answer[:0], s.owed.Seq, s.owed.Received, now)
	s.owed = mjpeg.Frame{}
	_ = s.in.conn.SetWriteDeadline(now.Add(ackTimeout)) // fails on a closed connection, as Write will
	_, err := s.in.conn.Write(s.answer)
	s.ackFails = err != nil
}

// reason says in words why there are no more frames.
func (s *Stream) reason(err error) error {
	switch {
	case err == io.EOF && s.ScanStats().Damaged[mjpeg.Cut] > 0:
		return errors.New("the connection ended in the middle of a frame")
	case err == io.EOF:
		return io.EOF
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("no data for %v", s.in.lim.Idle)
	case errors.Is(err, net.ErrClosed):
		return errors.New("the connection was closed at this end")
	case isReset(err):
		return errors.New("connection reset by the camera")
	}
	return cause(err)
}

// input reads a connection, each time with a deadline. Until the first frame has come, it also bounds how long that
// takes.
type input struct {
	conn    net.Conn
	lim     Limits
	head    []byte             // the first bytes, which sniff has read
	given   int                // how many of head Read has given out
	awaited time.Time          // since when the first frame is awaited; zero: it has come
	stats   func() mjpeg.Stats // of what has been read
}

// firstPatience is within how many idle times the first frame must have come.
const firstPatience = 3

// sniff reads the first bytes. The error is a *protocolError if the peer is no camera by these.
func (in *input) sniff() error {
	_ = in.conn.SetReadDeadline(time.Now().Add(in.lim.Idle))
	buf := make([]byte, 512)
	n, err := io.ReadAtLeast(in.conn, buf, sniffLen)
	in.head = buf[:n]
	if s := sniff(in.head); s != nil {
		return s
	}
	if n > 0 {
		return nil // Read goes on, or fails in the same way
	}
	return err
}

func (in *input) Read(p []byte) (int, error) {
	if in.given < len(in.head) {
		n := copy(p, in.head[in.given:])
		in.given += n
		return n, nil
	}
	deadline := time.Now().Add(in.lim.Idle)
	if !in.awaited.IsZero() {
		if last := in.awaited.Add(firstPatience * in.lim.Idle); last.Before(deadline) {
			deadline = last
		}
	}
	_ = in.conn.SetReadDeadline(deadline) // fails on a closed connection, as Read will
	return in.conn.Read(p)
}

// judge says what a peer is from which no frame came before err.
func (in *input) judge(err error) error {
	var s *protocolError
	n := in.stats().Bytes
	switch {
	case errors.As(err, &s), errors.Is(err, net.ErrClosed):
		return err
	case n > 0:
		return &protocolError{
			what: "no frame",
			do: fmt.Sprintf("%d bytes that begin with %q; this port takes MJPEG as picam send, rpicam-vid --codec "+
				"mjpeg or ffmpeg -f mjpeg write it",
				n, in.head[:min(len(in.head), 24)]),
		}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &protocolError{what: "nothing", do: fmt.Sprintf("not a byte within %v", in.lim.Idle)}
	}
	return &protocolError{what: "nothing", do: "a port scan, or a program that failed as it began", quiet: true}
}

// Package transport carries pictures over a network, freshest first, and keeps accounts that add up.
package transport

import (
	"context"
	"log/slog"
	"net"
	"time"

	"picam/mjpeg"
)

// Source is what a Sender takes pictures from; capture.Source is one.
type Source interface {
	Next() (mjpeg.Frame, error)
}

// Sender sends the pictures of one camera. Zero values of all fields but one of Addr and Listener are usable.
type Sender struct {
	Addr         string        // host:port to dial, again and again
	Listener     net.Listener  // or: receivers come here; each gets the pictures
	Camera       string        // name in the stamp
	NoStamp      bool          // leave the camera's bytes alone
	KeepAll      bool          // wait for the network rather than replace a waiting picture by a newer one
	WriteTimeout time.Duration // for one picture; 0 means a default
	Log          *slog.Logger  // nil discards
}

// Run sends until src ends (nil, when the last picture has arrived), fails, or ctx ends.
func (s *Sender) Run(ctx context.Context, src Source) error { panic("todo") }

// Stats may be called from any goroutine. Captured = Sent + Dropped + those still under way.
func (s *Sender) Stats() SenderStats { panic("todo") }

// SenderStats is a Sender's account.
type SenderStats struct {
	Captured, Sent, Dropped int64 // pictures; with several receivers Sent and Dropped count each receiver's
	Bytes                   int64
	Receivers               int           // connected now
	Connects                int64         // so far
	RTT                     time.Duration // 0: not known (no acks)
}

// Limits bound what a peer may do. Zero values mean the defaults.
type Limits struct {
	MaxFrame int           // bytes
	Idle     time.Duration // a connection silent for longer is closed
	Cameras  int           // connections at once
}

// Serve accepts connections until ctx ends and gives each camera's stream to handle, in a goroutine of its own. It
// returns when all have returned. What does not send JPEG (port scans, HTTP, TLS) gets one warning and is closed.
func Serve(ctx context.Context, l net.Listener, lim Limits, log *slog.Logger, handle func(ctx context.Context, s *Stream) error) error {
	panic("todo")
}

// Pull connects to addr (host:port) and gives the stream to handle, again and again until ctx ends.
// With once set it returns after the first stream that ended.
func Pull(ctx context.Context, addr string, once bool, lim Limits, log *slog.Logger, handle func(ctx context.Context, s *Stream) error) error {
	panic("todo")
}

// Stream is the pictures that arrive on one connection.
type Stream struct{}

// Camera is the name from the first picture's stamp, else the peer's address. Known from the first moment handle has the Stream.
func (s *Stream) Camera() string { panic("todo") }

// Sender is the id from the stamp; "" without a stamp.
func (s *Stream) Sender() string { panic("todo") }

// Next returns the next picture, with the stamp taken out. io.EOF: the peer ended the stream in good order.
func (s *Stream) Next() (mjpeg.Frame, error) { panic("todo") }

// ScanStats are the scanner's counters for this connection. Any goroutine may call it.
func (s *Stream) ScanStats() mjpeg.Stats { panic("todo") }

// Close ends the connection; Next then fails. Any goroutine may call it.
func (s *Stream) Close() error { panic("todo") }

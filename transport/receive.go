package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"picam/internal/health"
)

// Serve accepts connections until ctx ends (nil) or l fails, and gives each camera's stream to handle, in a goroutine
// of its own, as soon as the first frame is there, or a sender's word that there is none now. It closes l, ends the
// context of all handles, and returns when they have returned. What sends no frames (port scans, HTTP, TLS) is closed,
// with one warning a minute for each address. An error of handle is logged.
func Serve(ctx context.Context, l net.Listener, lim Limits, log *slog.Logger,
	handle func(ctx context.Context, s *Stream) error) error {
	log = logOr(log)
	srv := &server{lim: lim.withDefaults(), limited: health.NewLog(log), handle: handle}
	ctx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel()
	background.Go(func() { srv.limited.Run(ctx) })
	return accept(ctx, l, log, srv.serve)
}

// server is one run of Serve.
type server struct {
	lim     Limits
	limited *health.Log
	handle  func(ctx context.Context, s *Stream) error
	cameras atomic.Int64

	mu        sync.Mutex
	undecided []net.Conn // no frame has come yet; the oldest first
}

// maxUndecided is how many connections may wait for their first frame. One more ends the oldest of them, so that
// however many are held open, a camera gets through.
const maxUndecided = 64

func (srv *server) serve(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	from := host(conn.RemoteAddr())
	srv.enter(conn)
	s, err := newStream(conn, srv.lim)
	srv.leave(conn)
	var foreign *protocolError
	switch {
	case ctx.Err() != nil:
		return
	case errors.As(err, &foreign):
		level := slog.LevelWarn
		if foreign.quiet {
			level = slog.LevelInfo
		}
		srv.limited.Tell(level, from, foreign.what, fmt.Sprintf("%s from %s: %s", foreign.what, from, foreign.do))
		return
	case err != nil:
		srv.limited.Tell(slog.LevelWarn, from, "connections without a frame",
			fmt.Sprintf("a connection of %s is closed: %d others wait for their first frame too", from, maxUndecided))
		return
	}
	defer srv.cameras.Add(-1)
	if srv.cameras.Add(1) > int64(srv.lim.Cameras) {
		srv.limited.Tell(slog.LevelWarn, from, "one camera too many",
			fmt.Sprintf("camera %s (%s) is refused: %d are connected, which is the limit", s.Camera(), from,
				srv.lim.Cameras))
		return
	}
	if err := srv.handle(ctx, s); err != nil && err != io.EOF && ctx.Err() == nil {
		srv.limited.Tell(slog.LevelWarn, from, "the end of a camera's stream",
			fmt.Sprintf("camera %s (%s): %v", s.Camera(), from, err))
	}
}

func (srv *server) enter(conn net.Conn) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if len(srv.undecided) == maxUndecided {
		srv.undecided[0].Close()
		srv.undecided = slices.Delete(srv.undecided, 0, 1)
	}
	srv.undecided = append(srv.undecided, conn)
}

func (srv *server) leave(conn net.Conn) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if i := slices.Index(srv.undecided, conn); i >= 0 {
		srv.undecided = slices.Delete(srv.undecided, i, i+1)
	}
}

// Pull connects to addr (host:port), again and again until ctx ends, and gives each stream to handle as Serve does. It
// returns ctx's error; with once set, handle's when the first stream has ended.
func Pull(ctx context.Context, addr string, once bool, lim Limits, log *slog.Logger,
	handle func(ctx context.Context, s *Stream) error) error {
	addr, err := ParseAddr(addr)
	if err != nil {
		return err
	}
	return pullFrom(ctx, newDialer(addr, nil, logOr(log)), once, lim, handle)
}

// PullFound is Pull where the address is found anew before each try; what is what to call the sender until then.
func PullFound(ctx context.Context, what string, find Find, once bool, lim Limits, log *slog.Logger,
	handle func(ctx context.Context, s *Stream) error) error {
	return pullFrom(ctx, newDialer(what, find, logOr(log)), once, lim, handle)
}

func pullFrom(ctx context.Context, d *dialer, once bool, lim Limits,
	handle func(ctx context.Context, s *Stream) error) error {
	lim = lim.withDefaults()
	for {
		began, err := d.pull(ctx, lim, handle)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case began && once:
			return err
		case err == nil || err == io.EOF:
			err = errors.New("the stream has ended")
		}
		if !d.failed(ctx, err) {
			return ctx.Err()
		}
	}
}

// pull connects once. began: there was a stream, and err is what handle made of it.
func (d *dialer) pull(ctx context.Context, lim Limits, handle func(ctx context.Context, s *Stream) error) (began bool,
	err error) {
	conn, err := d.dial(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	s, err := newStream(conn, lim)
	if err != nil {
		return false, err
	}
	begun := time.Now()
	err = handle(ctx, s)
	if time.Since(begun) > provenAfter {
		d.worked()
	}
	return true, err
}

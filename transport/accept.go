package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"picam/internal/health"
)

// accept gives each connection that comes to l to handle, in a goroutine of its own, until ctx ends (nil) or l is
// closed. Then it closes l, ends the context that it has given to handle, and waits for all goroutines.
func accept(ctx context.Context, l net.Listener, log *slog.Logger,
	handle func(ctx context.Context, conn net.Conn)) error {
	var conns sync.WaitGroup
	defer conns.Wait()
	handling, cancel := context.WithCancel(ctx)
	defer cancel()
	defer l.Close()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	var failing health.Outage
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			failing.Over()
			conns.Go(func() { handle(handling, conn) })
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("transport: listening on %s: %w", l.Addr(), cause(err))
		default: // most likely there are too many open files, for now
			if why := cause(err); failing.Failed(why.Error()) {
				log.Warn(fmt.Sprintf("cannot accept a connection on %s: %v; trying again until it works",
					l.Addr(), why))
			}
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	}
}

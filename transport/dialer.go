package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/cenkalti/backoff/v5"

	"picam/internal/health"
	"picam/internal/linklocal"
)

const (
	dialTimeout = 5 * time.Second // with looking the name up; time for the third try of the kernel
	// provenAfter is how long a connection must last to count as one that works, so that one that breaks again and
	// again is not told of again and again.
	provenAfter = time.Second

	// Of an end that is looked for: how long one of its addresses may take, as it is near, how long one is tried before
	// the next one is too, and how many are.
	nearTimeout = 1500 * time.Millisecond
	nearPause   = 200 * time.Millisecond
	maxNear     = 8
	// lookedFor is how often the same failure is told of while the other end is looked for: it may never have been
	// there.
	lookedFor = time.Minute
)

// Find says at which addresses (host:port) the other end is just now, the best first. It is asked before each try to
// connect, so it need not find anything, and its error is logged as one of connecting is; but it should wait a while
// for the other end to turn up, as it is asked again soon.
type Find func(ctx context.Context) ([]string, error)

// dialer dials a peer again and again. It waits longer from failure to failure, but never so long that a peer that has
// come back waits for a second, and logs each kind of failure once, or now and then where the peer must be found.
type dialer struct {
	addr  string // or what to find
	find  Find   // nil: it is at addr
	at    string // where it has answered last
	log   *slog.Logger
	pause backoff.ExponentialBackOff
	told  health.Outage // since the last success
}

func newDialer(addr string, find Find, log *slog.Logger) *dialer {
	d := &dialer{addr: addr, find: find, at: addr, log: log, pause: backoff.ExponentialBackOff{
		InitialInterval:     100 * time.Millisecond,
		Multiplier:          1.5,
		RandomizationFactor: 0.5,
		MaxInterval:         400 * time.Millisecond, // 600 ms with the randomization
	}}
	if find != nil {
		d.told.Again = lookedFor
	}
	return d
}

// dial tries once.
func (d *dialer) dial(ctx context.Context) (net.Conn, error) {
	if d.find == nil {
		return connect(ctx, d.addr, dialTimeout)
	}
	addrs, err := d.find(ctx)
	if err != nil {
		return nil, err
	}
	conn, at, err := connectFirst(ctx, addrs[:min(len(addrs), maxNear)])
	if err == nil {
		d.at = at
	}
	return conn, err
}

// connectFirst connects to the first of the addresses that answers. The error is that of the best one.
func connectFirst(ctx context.Context, addrs []string) (conn net.Conn, at string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		i    int
		conn net.Conn
		err  error
	}
	results := make(chan result)
	for i, addr := range addrs {
		go func() {
			select {
			case <-time.After(time.Duration(i) * nearPause):
				conn, err := connect(ctx, addr, nearTimeout)
				results <- result{i, conn, err}
			case <-ctx.Done():
				results <- result{i, nil, ctx.Err()}
			}
		}()
	}
	err = errors.New("it has no address")
	for range addrs {
		switch r := <-results; {
		case r.err == nil && conn == nil:
			conn, at = r.conn, addrs[r.i]
			cancel()
		case r.err == nil:
			_ = r.conn.Close() // the others are too late
		case r.i == 0:
			err = fmt.Errorf("%s: %w", addrs[0], r.err)
		}
	}
	if conn != nil {
		err = nil
	}
	return conn, at, err
}

func connect(ctx context.Context, addr string, timeout time.Duration) (net.Conn, error) {
	nd := net.Dialer{Timeout: timeout, KeepAliveConfig: keepAlive()}
	conn, err := nd.DialContext(ctx, "tcp", addr)
	if err != nil {
		host, _, _ := net.SplitHostPort(addr)
		if hint, _ := linklocal.Hint(host); hint != "" {
			return nil, errors.New(hint)
		}
		return nil, cause(err)
	}
	return conn, nil
}

// failed logs err if it is time for that, and waits until it is time for the next try. It returns false if ctx ended
// first.
func (d *dialer) failed(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	if d.told.Failed(err.Error()) {
		d.log.Warn(fmt.Sprintf("%s: %v; trying again until it works", d.addr, err))
	}
	wait := time.NewTimer(d.pause.NextBackOff())
	defer wait.Stop()
	select {
	case <-wait.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// worked makes the next failure the first.
func (d *dialer) worked() {
	d.told.Over()
	d.pause.Reset()
}

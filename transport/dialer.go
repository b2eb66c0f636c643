package transport

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	dialTimeout = 5 * time.Second // with looking the name up; time for the third try of the kernel
	// provenAfter is how long a connection must last to count as one that works, so that one that breaks again and again
	// is not told of again and again.
	provenAfter = time.Second
	maxTold     = 16 // different failures remembered
)

// dialer dials a peer again and again. It waits longer from failure to failure, but never so long that a peer that has
// come back waits for a second, and logs each kind of failure once.
type dialer struct {
	addr  string
	log   *slog.Logger
	pause backoff.ExponentialBackOff
	told  map[string]bool // failures logged since the last success
}

func newDialer(addr string, log *slog.Logger) *dialer {
	return &dialer{addr: addr, log: log, told: map[string]bool{}, pause: backoff.ExponentialBackOff{
		InitialInterval:     100 * time.Millisecond,
		Multiplier:          1.5,
		RandomizationFactor: 0.5,
		MaxInterval:         400 * time.Millisecond, // 600 ms with the randomization
	}}
}

// dial tries once.
func (d *dialer) dial(ctx context.Context) (net.Conn, error) {
	nd := net.Dialer{Timeout: dialTimeout, KeepAliveConfig: keepAlive()}
	conn, err := nd.DialContext(ctx, "tcp", d.addr)
	if err != nil {
		return nil, cause(err)
	}
	return conn, nil
}

// failed logs err if it is new, and waits until it is time for the next try. It returns false if ctx ended first.
func (d *dialer) failed(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	if text := err.Error(); !d.told[text] && len(d.told) < maxTold {
		d.told[text] = true
		d.log.Warn(fmt.Sprintf("%s: %s; trying again until it works", d.addr, text))
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
	clear(d.told)
	d.pause.Reset()
}

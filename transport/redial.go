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
	// provenAfter is how long a connection must have carried pictures, where no ack proves it, to count as one.
	provenAfter = time.Second
	maxTold     = 16 // different failures remembered
)

// redial is the patience of an end that dials again and again. It waits longer from failure to failure, but never so
// long that a peer that has come back waits for a second, and logs each kind of failure once.
type redial struct {
	addr  string
	log   *slog.Logger
	pause backoff.ExponentialBackOff
	told  map[string]bool // failures logged since the last success
}

func newRedial(addr string, log *slog.Logger) *redial {
	return &redial{addr: addr, log: log, told: map[string]bool{}, pause: backoff.ExponentialBackOff{
		InitialInterval:     100 * time.Millisecond,
		Multiplier:          1.5,
		RandomizationFactor: 0.5,
		MaxInterval:         400 * time.Millisecond, // 600 ms with the randomization
	}}
}

// dial tries once.
func (r *redial) dial(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout, KeepAliveConfig: keepAlive()}
	conn, err := d.DialContext(ctx, "tcp", r.addr)
	if err != nil {
		return nil, cause(err)
	}
	return conn, nil
}

// failed logs err if it is new, and waits until it is time for the next try. It returns false if ctx ended first.
func (r *redial) failed(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	if text := err.Error(); !r.told[text] && len(r.told) < maxTold {
		r.told[text] = true
		r.log.Warn(fmt.Sprintf("%s: %s; trying again until it works", r.addr, text))
	}
	wait := time.NewTimer(r.pause.NextBackOff())
	defer wait.Stop()
	select {
	case <-wait.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// worked makes the next failure the first.
func (r *redial) worked() {
	clear(r.told)
	r.pause.Reset()
}

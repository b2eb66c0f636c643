package transport

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// rateLimitedLog logs what peers do that nobody asked for, such as scanning ports: the first time, and then once a minute how
// often it was, for each address and kind.
type rateLimitedLog struct {
	log *slog.Logger

	mu   sync.Mutex
	seen map[logKind]int // how often since it was logged
}

type logKind struct {
	host string
	what string
}

const (
	logPeriod   = time.Minute
	maxLogKinds = 64 // kinds told apart; whatever comes on top is one kind
)

func newRateLimitedLog(log *slog.Logger) *rateLimitedLog {
	return &rateLimitedLog{log: log, seen: map[logKind]int{}}
}

// tell logs line, unless host has done what lately.
func (n *rateLimitedLog) tell(level slog.Level, host, what, line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	kind := logKind{host, what}
	if _, ok := n.seen[kind]; !ok && len(n.seen) >= maxLogKinds {
		kind = logKind{host: "many addresses", what: "and more of the kind"}
		line = "more addresses, or more kinds of visits, than are worth a line each"
	}
	if _, ok := n.seen[kind]; ok {
		n.seen[kind]++
		return
	}
	n.seen[kind] = 0
	n.log.Log(context.Background(), level, line)
}

// run sums up each minute, and at the end, until ctx ends.
func (n *rateLimitedLog) run(ctx context.Context) {
	tick := time.NewTicker(logPeriod)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			n.sumUp()
		case <-ctx.Done():
			n.sumUp()
			return
		}
	}
}

// sumUp logs how often what has been told of has happened again, and forgets it.
func (n *rateLimitedLog) sumUp() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for kind, more := range n.seen {
		if more > 0 {
			n.log.Warn(fmt.Sprintf("%s: %d more times from %s", kind.what, more, kind.host))
		}
	}
	clear(n.seen)
}

// host is the address of a peer without its port, which differs from connection to connection.
func host(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap().String()
	}
	return addr.String()
}

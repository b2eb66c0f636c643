package transport

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// noise logs what peers do that nobody asked for, such as scanning ports: the first time, and then once a minute how
// often it was, for each address and kind.
type noise struct {
	log *slog.Logger

	mu   sync.Mutex
	seen map[noiseKind]int // how often since it was logged
}

type noiseKind struct {
	host string
	what string
}

const (
	noisePeriod = time.Minute
	maxNoise    = 64 // kinds told apart; whatever comes on top is one kind
)

func newNoise(log *slog.Logger) *noise { return &noise{log: log, seen: map[noiseKind]int{}} }

// tell logs line, unless host has done what lately.
func (n *noise) tell(level slog.Level, host, what, line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	kind := noiseKind{host, what}
	if _, ok := n.seen[kind]; !ok && len(n.seen) >= maxNoise {
		kind = noiseKind{host: "many addresses", what: "and more of the kind"}
		line = "more addresses, or more kinds of noise, than are worth a line each"
	}
	if _, ok := n.seen[kind]; ok {
		n.seen[kind]++
		return
	}
	n.seen[kind] = 0
	n.log.Log(context.Background(), level, line)
}

// run sums up each minute, and at the end, until ctx ends.
func (n *noise) run(ctx context.Context) {
	tick := time.NewTicker(noisePeriod)
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
func (n *noise) sumUp() {
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

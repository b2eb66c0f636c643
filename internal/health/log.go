package health

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Log logs what others do that nobody asked for, such as scanning ports: the first time, and then once a minute how
// often it was, for each who and what. Any goroutine may call its methods.
type Log struct {
	log *slog.Logger

	mu   sync.Mutex
	seen map[logKind]int // how often since it was logged
}

type logKind struct{ who, what string }

const (
	logPeriod   = time.Minute
	maxLogKinds = 64
)

// NewLog returns a Log that logs to log while Run runs.
func NewLog(log *slog.Logger) *Log {
	return &Log{log: log, seen: map[logKind]int{}}
}

// Tell logs line, unless who, such as an address, has done what within the minute. It tells 64 kinds apart; whatever
// comes on top is one kind.
func (l *Log) Tell(level slog.Level, who, what, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kind := logKind{who, what}
	if _, ok := l.seen[kind]; !ok && len(l.seen) >= maxLogKinds {
		kind = logKind{who: "many addresses", what: "and more of the kind"}
		line = "more addresses, or more kinds of visits, than are worth a line each"
	}
	if _, ok := l.seen[kind]; ok {
		l.seen[kind]++
		return
	}
	l.seen[kind] = 0
	l.log.Log(context.Background(), level, line)
}

// Run sums up each minute, and at the end, until ctx ends.
func (l *Log) Run(ctx context.Context) {
	tick := time.NewTicker(logPeriod)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			l.sumUp()
		case <-ctx.Done():
			l.sumUp()
			return
		}
	}
}

// sumUp logs how often what has been told of has happened again, and forgets it.
func (l *Log) sumUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for kind, more := range l.seen {
		if more > 0 {
			l.log.Warn(fmt.Sprintf("%s: %d more times from %s", kind.what, more, kind.who))
		}
	}
	clear(l.seen)
}

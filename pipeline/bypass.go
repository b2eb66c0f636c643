package pipeline

import (
	"log/slog"
	"maps"
	"slices"
	"sync"

	"picam/filters"
	"picam/internal/health"
)

// bypasses counts the frames that stages passed on as they were, and tells of it: once for each cause, and once when it
// is over.
type bypasses struct {
	mu     sync.Mutex
	stages map[string]*bypassed
}

// bypassed is the account of a stage.
type bypassed struct {
	frames int64
	cause  string // of the last one
	seen   int64  // frames, when report looked last
	since  int64  // frames, when it began
	outage health.Outage
}

func (b *bypasses) count(list []filters.Bypass) {
	if len(list) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stages == nil {
		b.stages = map[string]*bypassed{}
	}
	for _, one := range list {
		s := b.stages[one.Stage]
		if s == nil {
			s = &bypassed{}
			b.stages[one.Stage] = s
		}
		s.frames++
		s.cause = one.Cause.Error()
	}
}

// report tells what is new. frames says that some were shown since the last time.
func (b *bypasses) report(log *slog.Logger, frames bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(b.stages)) {
		s := b.stages[name]
		switch {
		case s.frames > s.seen:
			if s.outage.Cause() == "" {
				s.since = s.seen
			}
			if s.outage.Failed(s.cause) {
				log.Warn("stage bypassed, frames pass it as they are", "stage", name, "err", s.cause)
			}
		case frames:
			if _, ended := s.outage.Over(); ended {
				log.Info("stage works again", "stage", name, "bypassed", s.frames-s.since)
			}
		}
		s.seen = s.frames
	}
}

// stats has the frames that passed each stage.
func (b *bypasses) stats() map[string]int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	counts := make(map[string]int64, len(b.stages))
	for name, s := range b.stages {
		counts[name] = s.frames
	}
	return counts
}

package transport

import (
	"context"
	"slices"
	"sync"
	"time"
)

// fan hands each picture to the links of all receivers: of the one that is dialed, or of those that come and go.
//
// With KeepAll the last receiver's link stays when that goes, with what it has not sent, and the next receiver gets it.
type fan struct {
	s       *Sender
	links   []*link       // belongs to the goroutine that takes pictures from the source
	changed chan struct{} // holds a token after enter and leave

	mu     sync.Mutex
	fresh  []*link // new ones, not yet among links
	active int     // links in use
	parked *link   // the one that stays
}

// enter returns the link for a receiver that has connected; nil where there are too many.
func (f *fan) enter() *link {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.signal()
	if f.active == maxReceivers {
		return nil
	}
	f.active++
	l := f.parked
	f.parked = nil
	if l == nil {
		l = newLink(f.s)
		f.fresh = append(f.fresh, l)
	}
	return l
}

// leave gives the link of a receiver back.
func (f *fan) leave(l *link) {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.signal()
	f.active--
	if f.s.KeepAll && f.active == 0 {
		f.parked = l
		return
	}
	close(l.gone)
	if i := slices.Index(f.fresh, l); i >= 0 {
		f.fresh = slices.Delete(f.fresh, i, i+1)
	}
}

func (f *fan) signal() {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// admit takes new links among the links, and returns how many there are.
func (f *fan) admit() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.links = append(f.links, f.fresh...)
	f.fresh = f.fresh[:0]
	return len(f.links)
}

// await waits for the first link. It returns false if ctx ended before it came.
func (f *fan) await(ctx context.Context) bool {
	for f.admit() == 0 {
		select {
		case <-f.changed:
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

// put hands a picture to each link, and forgets those that are gone. It returns false if that leaves none.
func (f *fan) put(ctx context.Context, jpeg []byte, seq uint64, captured time.Time) bool {
	f.admit()
	kept := f.links[:0]
	for _, l := range f.links {
		switch {
		case l.put(ctx, jpeg, seq, captured):
			kept = append(kept, l)
		case ctx.Err() != nil:
			f.s.dropped.Add(1)
			kept = append(kept, l)
		default:
			l.dropAll()
		}
	}
	clear(f.links[len(kept):])
	f.links = kept
	return len(kept) > 0
}

// finish waits, when the source has ended, until the receivers have got all.
func (f *fan) finish(ctx context.Context) error {
	for {
		f.mu.Lock()
		finished := f.active == 0 && (f.parked == nil || !f.parked.take())
		f.mu.Unlock()
		if finished {
			return nil
		}
		select {
		case <-f.changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// dropAll drops what has not been sent when nobody uses the links any more.
func (f *fan) dropAll() {
	f.admit()
	for _, l := range f.links {
		l.dropAll()
	}
}

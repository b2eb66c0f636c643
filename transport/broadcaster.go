package transport

import (
	"context"
	"slices"
	"sync"
	"time"
)

// broadcaster hands each frame to the subscribers of all receivers: of the one that is dialed, or of those that come
// and go.
//
// With KeepAll the last receiver's subscriber stays when that goes, with what it has not sent, and the next receiver
// gets it.
type broadcaster struct {
	s           *Sender
	subscribers []*subscriber // belongs to the goroutine that takes frames from the source
	changed     chan struct{} // holds a token after enter and leave

	mu     sync.Mutex
	fresh  []*subscriber // new ones, not yet among subscribers
	active int           // subscribers in use
	parked *subscriber   // the one that stays
}

// enter returns the subscriber for a receiver that has connected; nil where there are too many.
func (b *broadcaster) enter() *subscriber {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.signal()
	if b.active == maxReceivers {
		return nil
	}
	b.active++
	l := b.parked
	b.parked = nil
	if l == nil {
		l = newSubscriber(b.s)
		b.fresh = append(b.fresh, l)
	}
	return l
}

// leave gives the subscriber of a receiver back.
func (b *broadcaster) leave(l *subscriber) {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.signal()
	b.active--
	if b.s.KeepAll && b.active == 0 {
		b.parked = l
		return
	}
	close(l.gone)
	if i := slices.Index(b.fresh, l); i >= 0 {
		b.fresh = slices.Delete(b.fresh, i, i+1)
	}
}

func (b *broadcaster) signal() {
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

// admit takes new subscribers among the subscribers, and returns how many there are.
func (b *broadcaster) admit() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subscribers = append(b.subscribers, b.fresh...)
	b.fresh = b.fresh[:0]
	return len(b.subscribers)
}

// await waits for the first subscriber. It returns false if ctx ended before it came.
func (b *broadcaster) await(ctx context.Context) bool {
	for b.admit() == 0 {
		select {
		case <-b.changed:
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

// put hands a frame to each subscriber, and forgets those that are gone. It returns false if that leaves none.
func (b *broadcaster) put(ctx context.Context, jpeg []byte, seq uint64, captured time.Time) bool {
	b.admit()
	kept := b.subscribers[:0]
	for _, l := range b.subscribers {
		switch {
		case l.put(ctx, jpeg, seq, captured):
			kept = append(kept, l)
		case ctx.Err() != nil:
			b.s.dropped.Add(1)
			kept = append(kept, l)
		default:
			l.dropAll()
		}
	}
	clear(b.subscribers[len(kept):])
	b.subscribers = kept
	return len(kept) > 0
}

// finish waits, when the source has ended, until the receivers have got all.
func (b *broadcaster) finish(ctx context.Context) error {
	for {
		b.mu.Lock()
		finished := b.active == 0 && (b.parked == nil || !b.parked.take())
		b.mu.Unlock()
		if finished {
			return nil
		}
		select {
		case <-b.changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// dropAll drops what has not been sent when nobody uses the subscribers any more.
func (b *broadcaster) dropAll() {
	b.admit()
	for _, l := range b.subscribers {
		l.dropAll()
	}
}

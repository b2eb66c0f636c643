// Package health keeps the log readable while something fails over and over. An [Outage] is one thing that works or
// does not: each cause is told once, the end of it is told once. A [Log] is for what many others do to us: each kind is
// told once, and then how often it was.
package health

import (
	"sync"
	"time"
)

// maxCauses is how many causes an Outage tells apart.
const maxCauses = 16

// Outage says when to tell of something that fails. What is told, and how, is the caller's: it logs when Failed and
// Over say so. The zero value is something that works. Any goroutine may call its methods.
type Outage struct {
	// Again is after what time a cause that goes on, or comes again, is told again; 0: not before the outage is over.
	Again time.Duration

	mu    sync.Mutex
	since time.Time            // zero: it works
	cause string               // the last one
	told  map[string]time.Time // causes told, and when
}

// Failed takes in that it has failed, for that cause, and reports whether to tell of it. Of causes that change all the
// time only the first 16 are told.
func (o *Outage) Failed(cause string) (tell bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if o.since.IsZero() {
		o.since = now
	}
	o.cause = cause
	last, known := o.told[cause]
	switch {
	case !known && len(o.told) >= maxCauses, known && (o.Again <= 0 || now.Sub(last) < o.Again):
		return false
	case o.told == nil:
		o.told = map[string]time.Time{}
	}
	o.told[cause] = now
	return true
}

// Over takes in that it works, and reports whether that ends an outage, and how long it was.
func (o *Outage) Over() (lasted time.Duration, ended bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.since.IsZero() {
		return 0, false
	}
	lasted = time.Since(o.since)
	o.since, o.cause = time.Time{}, ""
	clear(o.told)
	return lasted, true
}

// Cause is the last cause that Failed was told; "" while it works.
func (o *Outage) Cause() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.cause
}

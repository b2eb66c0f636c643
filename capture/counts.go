package capture

import (
	"fmt"
	"sync/atomic"
)

// Counted is a Source that accounts for every frame, such as a V4L2 camera.
type Counted interface {
	// Counts returns the account so far. Any goroutine may call it at any time.
	Counts() Counts
}

// Troubled is a Source that knows why it gives no frames.
type Troubled interface {
	// Trouble returns the reason in a sentence, or "" while there are frames. Any goroutine may call it at any time.
	Trouble() string
}

// Counts is an account of frames: Captured = Given + all Dropped, and one that waits for Next, until Close has
// returned.
type Counts struct {
	Captured int64 // taken by the camera
	Given    int64 // returned by Next
	Dropped  [NumDrops]int64
}

// Drop says why a source dropped a frame.
type Drop int

// The causes.
const (
	Late     Drop = iota // a newer one came before Next was called
	Lost                 // by the driver, before picam saw it: it numbers its frames, and one was missing
	Flagged              // by the driver, as damaged
	Empty                // no bytes
	NotJPEG              // not a JPEG frame
	Half                 // the end is missing
	Over                 // longer than Options.MaxFrame
	NumDrops = iota
)

// String returns the cause in words, such as "flagged as damaged".
func (d Drop) String() string {
	switch d {
	case Late:
		return "late"
	case Lost:
		return "lost by the driver"
	case Flagged:
		return "flagged as damaged"
	case Empty:
		return "empty"
	case NotJPEG:
		return "no JPEG"
	case Half:
		return "half"
	case Over:
		return "too long"
	}
	return fmt.Sprintf("Drop(%d)", int(d))
}

// counter makes Counts.
type counter struct {
	captured, given atomic.Int64
	dropped         [NumDrops]atomic.Int64
}

func (c *counter) drop(d Drop) { c.dropped[d].Add(1) }

func (c *counter) Counts() Counts {
	n := Counts{Given: c.given.Load()}
	for i := range n.Dropped {
		n.Dropped[i] = c.dropped[i].Load()
	}
	n.Captured = c.captured.Load() // at last, so that it is never behind
	return n
}

// dropped returns the causes that are wanted, and their numbers, as a log takes them; without those that are 0.
func (c Counts) dropped(wanted func(Drop) bool) (attrs []any) {
	for i, n := range c.Dropped {
		if d := Drop(i); n > 0 && wanted(d) {
			attrs = append(attrs, d.String(), n)
		}
	}
	return attrs
}

// broken says whether the camera gave a frame that was no good.
func (d Drop) broken() bool { return d != Late && d != Lost }

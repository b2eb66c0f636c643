package pipeline

import (
	"fmt"
	"time"

	"picam/mjpeg"
)

// report logs, at most once a second, what was dropped for another cause than being stale, tells the sinks when that is
// every frame, and watches the source for trouble.
func (c *Camera) report() {
	tick, ask := time.NewTicker(time.Second), time.NewTicker(200*time.Millisecond)
	defer tick.Stop()
	defer ask.Stop()
	var before account
	for {
		select {
		case <-ask.C:
			c.askSource()
			continue
		case <-tick.C:
		case <-c.stop:
			c.reportOnce(&before)
			return
		}
		c.reportOnce(&before)
	}
}

// account is what reportOnce saw last.
type account struct {
	dropped [numCauses]int64
	in, out int64
}

func (c *Camera) reportOnce(before *account) {
	in, out := c.meter.framesIn.Load(), c.meter.framesOut.Load()
	arrived, shown := in > before.in, out > before.out
	before.in, before.out = in, out
	c.meter.bypasses.report(c.log, shown)
	var attrs []any
	for cause := Damaged; cause < numCauses; cause++ {
		if now := c.meter.dropped[cause].Load(); now != before.dropped[cause] {
			attrs = append(attrs, cause.String(), now-before.dropped[cause])
			before.dropped[cause] = now
		}
	}
	why := Silence{}
	if len(attrs) > 0 {
		if err := c.meter.takeFault(); err != nil {
			attrs = append(attrs, "last", err.Error())
			why = Silence{err.Error(), FramesDropped}
		}
		c.log.Warn("frames dropped", attrs...)
	} else if arrived {
		why = c.slowness()
	}
	switch {
	case shown:
		c.tell(Silence{})
	case why != (Silence{}):
		c.tell(why)
	}
}

// slowness says that the filters have been working on a frame for long, and for how long; else it is zero.
func (c *Camera) slowness() Silence {
	const long = time.Second
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 && !c.showing {
		return Silence{}
	}
	if c.took > long {
		return Silence{fmt.Sprintf("the filters take %s a frame", c.took.Round(100*time.Millisecond)), FiltersSlow}
	}
	if len(c.queue) > 0 {
		if at := time.Since(c.queue[0].started); at > long {
			return Silence{"the filters have been at work on a frame for " + at.Round(time.Second).String(), FiltersSlow}
		}
	}
	return Silence{}
}

// begin and end note that a connection does so.
func (c *Camera) begin(src Source, scan func() mjpeg.Stats) {
	c.lastTime.Store(time.Now().UnixNano())
	c.news.Lock()
	defer c.news.Unlock()
	c.state.Lock()
	c.state.scanNow, c.state.connected, c.state.why = scan, true, Silence{}
	c.state.source, _ = src.(Troubled)
	c.state.Unlock()
	c.signal(Silence{})
}

func (c *Camera) end(scan func() mjpeg.Stats, reason string) {
	c.news.Lock()
	defer c.news.Unlock()
	why := Silence{Reason: reason}
	c.state.Lock()
	if scan != nil {
		c.state.scanned = c.state.scanned.Plus(scan())
	}
	c.state.scanNow, c.state.connected, c.state.source, c.state.why = nil, false, nil, why
	c.state.Unlock()
	c.inTrouble.Store(false)
	c.signal(why)
}

// askSource looks whether the source has trouble, or has none any more, and tells of it.
func (c *Camera) askSource() {
	c.news.Lock()
	defer c.news.Unlock()
	c.state.Lock()
	source, before := c.state.source, c.state.why
	c.state.Unlock()
	if source == nil {
		return
	}
	why := Silence{Reason: source.Trouble()}
	if why.Reason != "" {
		c.lastTime.Store(time.Now().UnixNano()) // the connection is not silent
	}
	if why == before || why.Reason == "" && before.Kind != NoSignal {
		return
	}
	c.inTrouble.Store(why.Reason != "")
	if why.Reason != "" {
		c.log.Warn("no signal", "why", why.Reason)
	} else {
		c.log.Info("signal again")
	}
	c.change(why)
}

// tell tells the sinks why no frame is shown though some arrive, or that some are, unless the source's trouble is the
// reason.
func (c *Camera) tell(why Silence) {
	c.news.Lock()
	defer c.news.Unlock()
	c.state.Lock()
	before, connected := c.state.why, c.state.connected
	c.state.Unlock()
	if connected && why != before && (before.Reason == "" || before.Kind != NoSignal) {
		c.change(why)
	}
}

// change notes the state and tells the sinks. The caller holds news.
func (c *Camera) change(why Silence) {
	c.state.Lock()
	c.state.why = why
	c.state.Unlock()
	c.signal(why)
}

func (c *Camera) signal(why Silence) {
	for _, s := range c.out.Sinks {
		if s, ok := s.(Signaler); ok {
			s.Signal(why)
		}
	}
}

// silence is how long no frame has come.
func (c *Camera) silence() time.Duration { return time.Since(time.Unix(0, c.lastTime.Load())) }

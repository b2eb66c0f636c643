package pipeline

import (
	"context"
	"errors"
	"io"
	"time"

	"picam/mjpeg"
)

// Feed takes in the frames of src until it ends: nil after io.EOF, else its error or ctx's. sender tells whose
// numbers the frames carry ("" where they carry none); scan is the stream's scanner counters, nil where it has none.
// One Feed runs at a time; the source is not closed.
func (c *Camera) Feed(ctx context.Context, src Source, sender string, scan func() mjpeg.Stats) error {
	c.begin(src, scan)
	c.lendPlayer(playerOf(src))
	if c.counting != sender {
		c.lastSeq, c.counting = 0, sender
	}
	var err error
	if f := (&feed{src: src, numbered: sender != "", ended: make(chan error, 1)}); c.opts.KeepAll {
		err = c.takeAll(ctx, f)
	} else {
		err = c.takeNewest(f)
	}
	c.lendPlayer(nil)
	if err == io.EOF {
		err = nil
	}
	reason := "the camera ended its stream"
	if err != nil {
		reason = err.Error()
	}
	c.end(scan, reason)
	return err
}

// feed is a source that frames are taken from.
type feed struct {
	src      Source
	numbered bool       // its frames carry numbers
	ended    chan error // gets what has ended it, or its lending
}

// next makes f the next frame of a feed.
func (c *Camera) next(from *feed, f *Frame) error {
	in, err := from.src.Next()
	if err == nil {
		c.receive(f, in, from.numbered)
	}
	return err
}

// takeNewest puts each frame in the mailbox, in place of one that is still there: the source is never held up.
func (c *Camera) takeNewest(from *feed) error {
	f := c.frames.get()
	for {
		if err := c.next(from, f); err != nil {
			c.frames.put(f)
			return err
		}
		c.mu.Lock()
		old := c.mailbox
		c.mailbox = f
		c.dispatch()
		c.mu.Unlock()
		if f = old; f != nil {
			c.meter.drop(Stale, nil)
			continue
		}
		f = c.frames.get()
	}
}

// errPassthrough ends the lending of a feed whose frames need no workers any more.
var errPassthrough = errors.New("frames need no workers")

// takeAll lends the feed to the workers, which take a frame from it whenever they have nothing else to do, so that the
// source waits. While frames need no workers it takes them by itself.
func (c *Camera) takeAll(ctx context.Context, from *feed) error {
	for {
		if c.needsWorkers() {
			if err := c.lend(ctx, from); err != errPassthrough {
				return err
			}
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		f := c.frames.get()
		if err := c.next(from, f); err != nil {
			c.frames.put(f)
			return err
		}
		c.mu.Lock()
		for c.mailbox != nil || c.underWay >= c.limit {
			c.changed.Wait()
		}
		if f.decodes {
			c.mailbox = f
			c.dispatch()
			c.mu.Unlock()
			continue
		}
		c.enter(f)
		c.mu.Unlock()
		c.finish(f)
	}
}

// needsWorkers says whether the next frame is likely to need a worker.
func (c *Camera) needsWorkers() bool {
	return c.ctl.Plan().changes || c.decodes || c.upright && c.lying
}

// lend has the workers take frames from a feed until it or ctx ends, or they need no workers any more.
func (c *Camera) lend(ctx context.Context, from *feed) error {
	c.mu.Lock()
	c.feed = from
	c.dispatch()
	c.mu.Unlock()
	select {
	case err := <-from.ended:
		return err
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.feed = nil
	for c.pulling {
		c.changed.Wait()
	}
	return context.Cause(ctx)
}

// take gives a worker the camera's next frame; nil: there is none for it.
func (c *Camera) take(p *Pool, w *worker) *Frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.underWay >= c.limit {
		return nil
	}
	if f := c.mailbox; f != nil {
		if !f.decodes {
			return nil // the outlet's
		}
		c.mailbox = nil
		c.enter(f)
		c.dispatch()
		return f
	}
	from := c.feed
	if from == nil || c.pulling {
		return nil
	}
	c.pulling = true
	c.underWay++
	c.mu.Unlock()
	p.leave(w)
	f := c.frames.get()
	err := c.next(from, f)
	p.join(w)
	c.mu.Lock()
	c.pulling = false
	c.underWay--
	c.changed.Broadcast()
	if err != nil {
		c.frames.put(f)
		c.feed = nil
		from.ended <- err
		return nil
	}
	c.enter(f)
	if c.feed == from && !c.needsWorkers() {
		c.feed = nil
		from.ended <- errPassthrough
	}
	c.dispatch()
	return f
}

// enter puts a frame in the reorder queue, when it is taken. The caller holds mu.
func (c *Camera) enter(f *Frame) {
	c.underWay++
	c.queue = append(c.queue, f)
	f.started = time.Now()
}

// dispatch sees to it that somebody takes the next frame, if there may be one. The caller holds mu.
func (c *Camera) dispatch() {
	c.changed.Broadcast()
	switch {
	case c.underWay >= c.limit:
	case c.mailbox != nil && !c.mailbox.decodes:
		if c.outlet == nil {
			c.outlet = make(chan struct{}, 1)
			c.running.Go(c.passOn)
		}
		select {
		case c.outlet <- struct{}{}:
		default:
		}
	case c.mailbox != nil, c.feed != nil && !c.pulling:
		c.pool.offer(c)
	}
}

// passOn hands frames on that need no pixels.
func (c *Camera) passOn() {
	for {
		select {
		case <-c.outlet:
		case <-c.stop:
			return
		}
		c.mu.Lock()
		f := c.mailbox
		if f == nil || f.decodes || c.underWay >= c.limit {
			c.mu.Unlock()
			continue
		}
		c.mailbox = nil
		c.enter(f)
		c.mu.Unlock()
		c.finish(f)
	}
}

// receive copies an arrived frame into f.
func (c *Camera) receive(f *Frame, in mjpeg.Frame, numbered bool) {
	f.Camera, f.Captured, f.Received = c.name, in.Captured, in.Received
	f.Decoded, f.Done = time.Time{}, time.Time{}
	f.FPS, f.Found, f.Bypassed = c.rate.at(in.Received), f.Found[:0], f.Bypassed[:0]
	f.cause, f.err, f.ready = 0, nil, false
	f.jpeg = append(f.jpeg[:0], in.JPEG...)
	f.plan = c.ctl.Plan()
	f.header, f.broken = mjpeg.ParseHeader(f.jpeg)
	c.lying = f.header.Orientation > 1
	f.decodes = f.plan.changes || c.decodes || c.upright && c.lying
	f.turned = f.decodes && c.lying
	if f.broken == nil && !f.decodes {
		c.ctl.saw(uprightSize(f.header))
	}
	c.lastSeq++
	if numbered {
		if in.Seq > c.lastSeq && c.lastSeq > 1 {
			c.meter.lost.Add(int64(in.Seq - c.lastSeq))
		}
		c.lastSeq = in.Seq
	}
	f.Seq = c.lastSeq
	c.meter.received(len(f.jpeg))
	if c.inTrouble.Load() {
		c.askSource()
	}
	c.lastTime.Store(in.Received.UnixNano())
	if c.out.Raw != nil {
		if _, err := c.out.Raw.Write(f.jpeg); err != nil {
			c.log.Error("recording of the camera's bytes ended", "error", err)
			c.fail(errors.Join(err, c.out.Raw.Close()))
			c.out.Raw = nil
		}
	}
}

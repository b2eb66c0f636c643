package pipeline

import (
	"errors"
	"fmt"
	"image"
	"slices"
	"time"

	"picam/mjpeg/codec"
)

// process decodes f and takes it through the steps that need no order.
func (c *Camera) process(l *workerContext, f *Frame) (Cause, error) {
	p, h := f.plan, f.header
	if f.broken != nil {
		return Undecodable, f.broken
	}
	if h.Width*h.Height > c.opts.MaxPixels {
		return TooBig, fmt.Errorf("pipeline: a frame of %d×%d has more than the %d pixels allowed", h.Width, h.Height,
			c.opts.MaxPixels)
	}
	c.pool.lend(f)
	decoded := &f.pixels.results[0]
	switch {
	case p.original:
		decoded = &f.pixels.original
	case p.ordered > 0:
		decoded = &l.decoded
	}
	switch err := l.decode(p, f.jpeg, h, decoded); {
	case err == nil:
	case errors.Is(err, codec.ErrTooCostly), errors.Is(err, codec.ErrInterrupted):
		return TooCostly, err
	case !errors.Is(err, codec.ErrDamaged):
		return Undecodable, err
	case !c.opts.ShowDamaged:
		return Damaged, err
	default:
		c.meter.damagedShown.Add(1)
	}
	c.ctl.saw(uprightSize(h))
	f.Decoded = time.Now()
	f.Original, f.Full, f.shown = f.pixels.original, image.Point{}, decoded
	if p.shrink != nil {
		f.Full = uprightSize(h)
	}
	if p.ordered == 0 {
		return 0, nil
	}
	f.shown = &f.pixels.results[0]
	if err := l.apply(p, p.steps[:p.ordered], *decoded, f.shown, &f.Meta); err != nil {
		return FilterFailed, err
	}
	return 0, nil
}

// finish marks f as ready, and shows the frames that are first in the queue, unless somebody is at it.
func (c *Camera) finish(f *Frame) {
	c.mu.Lock()
	f.ready = true
	for !c.showing && len(c.queue) > 0 && c.queue[0].ready {
		first := c.queue[0]
		c.queue = slices.Delete(c.queue, 0, 1)
		c.showing, c.took = true, time.Since(first.started)
		c.mu.Unlock()
		c.show(first)
		c.mu.Lock()
		c.showing = false
		c.underWay--
	}
	c.dispatch()
	c.mu.Unlock()
}

// show takes a frame through the rest of its plan and to the sinks.
func (c *Camera) show(f *Frame) {
	if rest := f.plan.steps[f.plan.ordered:]; f.cause == 0 && len(rest) > 0 {
		result := &f.pixels.results[1]
		if err := c.last.apply(f.plan, rest, *f.shown, result, &f.Meta); err != nil {
			f.cause, f.err = FilterFailed, err
		}
		f.shown = result
	}
	if f.cause != 0 {
		c.meter.drop(f.cause, f.err)
	} else {
		f.Done = time.Now()
		c.meter.bypasses.count(f.Bypassed)
		c.meter.finished(f)
		c.hand(f)
	}
	c.pool.giveBack(f)
	c.frames.put(f)
}

// hand shows f to the sinks, and forgets those that fail.
func (c *Camera) hand(f *Frame) {
	for i := 0; i < len(c.sinks); {
		err := c.sinks[i].Show(f)
		if err == nil {
			i++
			continue
		}
		c.log.Error("an output ended", "error", err)
		c.fail(errors.Join(err, c.sinks[i].Close()))
		c.sinks = slices.Delete(slices.Clone(c.sinks), i, i+1)
	}
}

func (c *Camera) fail(err error) {
	c.state.Lock()
	defer c.state.Unlock()
	c.state.failed = append(c.state.failed, err)
}

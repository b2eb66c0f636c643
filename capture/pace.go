package capture

import (
	"context"
	"time"
)

// pacer lets one frame through every 1/fps seconds, counted from the first one, so that no error adds up. Who comes
// late gets the tick under way at once and loses those before it: there is never a burst.
type pacer struct {
	fps   float64 // 0 or less: as fast as they are taken
	start time.Time
	tick  int64 // the last one given, counted from start
	timer *time.Timer
}

// wait returns nil when it is time for the next frame, and the cause of ctx's end as soon as that ends.
func (p *pacer) wait(ctx context.Context) error {
	_, err := p.waitOr(ctx, nil)
	return err
}

// restart makes the next frame the first one.
func (p *pacer) restart() { p.start, p.tick = time.Time{}, 0 }

// waitOr is wait that also returns when something comes from wake.
func (p *pacer) waitOr(ctx context.Context, wake <-chan struct{}) (woken bool, err error) {
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	if p.fps <= 0 {
		return false, nil
	}
	now := time.Now()
	if p.start.IsZero() {
		p.start = now
		return false, nil
	}
	underWay := int64(now.Sub(p.start).Seconds() * p.fps)
	p.tick = max(p.tick+1, underWay)
	due := p.start.Add(time.Duration(float64(p.tick) / p.fps * float64(time.Second)))
	d := due.Sub(now)
	if d <= 0 {
		return false, nil
	}
	if p.timer == nil {
		p.timer = time.NewTimer(d)
	} else {
		p.timer.Reset(d)
	}
	select {
	case <-wake:
		p.timer.Stop()
		return true, nil
	case <-p.timer.C:
		return false, nil
	case <-ctx.Done():
		p.timer.Stop()
		return false, context.Cause(ctx)
	}
}

// await waits for timer, or returns the cause of ctx's end if that comes first.
func await(ctx context.Context, timer *time.Timer) error {
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		timer.Stop()
		return context.Cause(ctx)
	}
}

package pipeline

import (
	"fmt"
	"image"
	"slices"
	"sync/atomic"
)

// Controller holds the plan in force of one camera. Any goroutine may read the plan, or change it, at any time; no lock
// is held while a plan is tried.
type Controller struct {
	plan atomic.Pointer[Plan]
	size atomic.Uint64 // of the last frame: cols << 32 | rows; 0: none seen
}

// NewController makes the first plan and tries it, see [Check].
func NewController(chain Chain) (*Controller, error) {
	c := &Controller{}
	if err := c.Replace(chain); err != nil {
		return nil, err
	}
	return c, nil
}

// Plan returns the plan in force.
func (c *Controller) Plan() *Plan { return c.plan.Load() }

// Replace puts another chain in force. Frames under way finish on the plan that they started with. A stage that is
// the same as before in the same place stays the same Stage, with its state and whether it is off. On an error nothing
// has changed.
func (c *Controller) Replace(chain Chain) error {
	_, err := c.update(func(old Chain) (Chain, error) { return chain.after(old), nil })
	return err
}

// Toggle switches stage i (from 0) of the chain off, or on again.
func (c *Controller) Toggle(i int) error {
	_, err := c.update(func(old Chain) (Chain, error) {
		if i < 0 || i >= len(old.Stages) {
			return Chain{}, fmt.Errorf("pipeline: there is no stage %d: the chain has %d", i+1, len(old.Stages))
		}
		old.Stages = slices.Clone(old.Stages)
		old.Stages[i].Off = !old.Stages[i].Off
		return old, nil
	})
	return err
}

// update puts in force what change makes of the chain in force, once a dry run has shown that it works. Where another
// chain has been put in force meanwhile, change is asked anew, so that no change undoes another. It returns the plan in
// force, and an error if nothing has changed because of it.
func (c *Controller) update(change func(old Chain) (Chain, error)) (*Plan, error) {
	for {
		base := c.plan.Load()
		var old Chain
		if base != nil {
			old = base.Chain
		}
		chain, err := change(old)
		if err != nil {
			return base, err
		}
		p, err := c.check(chain)
		if err != nil {
			return base, err
		}
		if now, done := c.commit(base, p); done {
			return now, nil
		}
	}
}

// check makes and tries a plan on a frame of the size last seen.
func (c *Controller) check(chain Chain) (*Plan, error) {
	size := c.size.Load()
	return Check(chain, image.Pt(int(size>>32), int(uint32(size))))
}

// commit puts p in force in place of base and gives it its version, unless it has the same chain. It returns the plan
// that is in force then. It does nothing, and reports false, if base is not in force any more.
func (c *Controller) commit(base, p *Plan) (now *Plan, done bool) {
	if base != nil {
		if base.same(p.Chain) {
			return base, true
		}
		p.Version = base.Version
	}
	p.Version++
	if !c.plan.CompareAndSwap(base, p) {
		return nil, false
	}
	if base != nil {
		base.retired.Store(true)
	}
	return p, true
}

// saw notes the size of a frame, for the next dry run.
func (c *Controller) saw(s image.Point) {
	if size := uint64(s.X)<<32 | uint64(uint32(s.Y)); c.size.Load() != size {
		c.size.Store(size)
	}
}

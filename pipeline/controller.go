package pipeline

import (
	"fmt"
	"image"
	"slices"
	"sync"
	"sync/atomic"
)

// Controller holds the plan in force of one camera. It is the one writer of the plan; readers take it without a lock.
type Controller struct {
	plan atomic.Pointer[Plan]
	size atomic.Uint64 // of the last frame: cols << 32 | rows; 0: none seen

	mu sync.Mutex // held while the plan is swapped
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
	p, err := c.prepare(chain)
	if err != nil {
		return err
	}
	c.commit(p)
	return nil
}

// Toggle switches stage i (from 0) of the chain off, or on again.
func (c *Controller) Toggle(i int) error {
	chain := c.plan.Load().Chain
	if i < 0 || i >= len(chain.Stages) {
		return fmt.Errorf("pipeline: there is no stage %d: the chain has %d", i+1, len(chain.Stages))
	}
	chain.Stages = slices.Clone(chain.Stages)
	chain.Stages[i].Off = !chain.Stages[i].Off
	p, err := c.check(chain)
	if err != nil {
		return err
	}
	c.commit(p)
	return nil
}

// prepare makes and tries a plan that commit can put in force.
func (c *Controller) prepare(chain Chain) (*Plan, error) {
	if old := c.plan.Load(); old != nil {
		chain = chain.after(old.Chain)
	}
	return c.check(chain)
}

// check makes and tries a plan on a frame of the size last seen.
func (c *Controller) check(chain Chain) (*Plan, error) {
	size := c.size.Load()
	return Check(chain, image.Pt(int(size>>32), int(uint32(size))))
}

// commit puts p in force and gives it its version. It reports false, and does nothing, if the chain in force is the same.
func (c *Controller) commit(p *Plan) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.plan.Load(); old != nil {
		if old.same(p.Chain) {
			return false
		}
		p.Version = old.Version
	}
	p.Version++
	c.plan.Store(p)
	return true
}

// saw notes the size of a frame, for the next dry run.
func (c *Controller) saw(s image.Point) {
	if size := uint64(s.X)<<32 | uint64(uint32(s.Y)); c.size.Load() != size {
		c.size.Store(size)
	}
}

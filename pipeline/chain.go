package pipeline

import (
	"slices"

	"picam/filters"
)

// Chain is what is to be done with a camera's frames: the stages, in order, and what happens when they find
// something. It never changes once made.
type Chain struct {
	Stages []PlannedStage
	Rules  []*Rule
}

// PlannedStage is a stage of a chain.
type PlannedStage struct {
	*filters.Stage
	Off     bool // switched off
	FileOff bool // the file says so; Off may have been toggled since
}

// ChainOf is the chain of these stages, all on.
func ChainOf(stages ...*filters.Stage) Chain {
	var c Chain
	for _, st := range stages {
		c.Stages = append(c.Stages, PlannedStage{Stage: st})
	}
	return c
}

// after returns c as it is put in force after old: a stage that is the same in the same place stays the same Stage,
// with its state, and on or off as it has been toggled; a rule that is the same stays the same Rule.
func (c Chain) after(old Chain) Chain {
	next := Chain{slices.Clone(c.Stages), slices.Clone(c.Rules)}
	for i := range min(len(c.Stages), len(old.Stages)) {
		if was := old.Stages[i]; was.Equal(c.Stages[i].Stage) && was.FileOff == c.Stages[i].FileOff {
			next.Stages[i] = was
		}
	}
	for i, r := range c.Rules {
		for _, was := range old.Rules {
			if was.equal(r) {
				next.Rules[i] = was
			}
		}
	}
	return next
}

// same reports whether o has the same Stages, on and off alike, and the same Rules.
func (c Chain) same(o Chain) bool {
	return slices.Equal(c.Stages, o.Stages) && slices.Equal(c.Rules, o.Rules)
}

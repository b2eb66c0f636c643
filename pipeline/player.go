package pipeline

import "time"

// Player is a Source in which its user may stop and move, such as a file; live cameras are none. Any goroutine may call
// it, and none is held up.
type Player interface {
	Pause(paused bool)     // holds the source: Next waits
	Step(frames int)       // gives the frame so many after the last one, or before it, even while paused
	Seek(by time.Duration) // the same, by time at the source's own rate
}

// PlayerSink is a Sink that wants to move in a source. Play may be called while Show runs; nil: there is nothing to
// move in any more.
type PlayerSink interface {
	Play(p Player)
}

// playerOf returns the Player that a source is, or nil.
func playerOf(src Source) Player {
	if s, ok := src.(*Stream); ok {
		src = s.Source
	}
	p, _ := src.(Player)
	return p
}

// lendPlayer gives p to the sinks that want it.
func (c *Camera) lendPlayer(p Player) {
	for _, s := range c.out.Sinks {
		if s, ok := s.(PlayerSink); ok {
			s.Play(p)
		}
	}
}

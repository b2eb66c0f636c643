package capture

import (
	"context"
	"sync"
)

// player holds a source's frames while it is paused, and says by how many frames to go on. Any goroutine may call Pause
// and Step.
type player struct {
	wake chan struct{} // tells wait of what has changed; has one place

	state  sync.Mutex
	paused bool
	moved  bool // since wait last looked: the pace begins anew
	move   int  // to go, in frames from the last one given
}

func newPlayer() player { return player{wake: make(chan struct{}, 1)} }

// Pause makes wait wait, or go on.
func (p *player) Pause(paused bool) {
	p.state.Lock()
	p.paused, p.moved = paused, true
	p.state.Unlock()
	p.tell()
}

// Step makes wait return that many frames more, at once and even while it is paused.
func (p *player) Step(frames int) {
	p.state.Lock()
	p.move, p.moved = p.move+frames, true
	p.state.Unlock()
	p.tell()
}

func (p *player) tell() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *player) isPaused() bool {
	p.state.Lock()
	defer p.state.Unlock()
	return p.paused
}

// wait waits until a frame is to be given, and returns by how many frames it is further than the last one: by 1 if
// nothing else was asked for. The error is the cause of ctx's end.
func (p *player) wait(ctx context.Context, pace *pacer) (by int, err error) {
	for {
		p.state.Lock()
		paused, move := p.paused, p.move
		if p.moved {
			pace.restart()
		}
		p.move, p.moved = 0, false
		p.state.Unlock()
		switch {
		case move != 0:
			_, err := pace.waitOr(ctx, nil) // which does not wait the first time
			return move, err
		case paused:
			select {
			case <-p.wake:
			case <-ctx.Done():
				return 0, context.Cause(ctx)
			}
		default:
			woken, err := pace.waitOr(ctx, p.wake)
			if !woken {
				return 1, err
			}
		}
	}
}

package plugin

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// steadyTime is how long a worker must have run for its end to count as the first one.
const steadyTime = 10 * time.Second

// worker is what does the work: a running program, or an instance of a module. One goroutine uses it at a time.
type worker interface {
	// ready reports whether apply would do more than to say errStarting.
	ready() bool
	// apply has it work on a frame. After errStarting it goes on; after another error it is of no more use. With
	// wait false, a worker that has just been started is not waited for.
	apply(p *Frame, wait bool) (*Answer, error)
	// close ends it, within half a second.
	close()
}

// Pool is a number of workers that do the same, each started when it is first needed.
type Pool struct {
	start func() (worker, error)

	mu      sync.Mutex
	changed sync.Cond // a slot is not busy any more
	slots   []slot
	users   int // of Shared
}

// slot is a worker's place in a Pool.
type slot struct {
	busy    bool
	worker  worker // nil: none runs
	started time.Time
	settled bool  // it has answered
	cause   error // why there was no answer last time; nil: there was one
	due     time.Time
	retry   backoff.ExponentialBackOff
}

func newPool(workers int, start func() (worker, error)) *Pool {
	p := &Pool{start: start, slots: make([]slot, workers)}
	p.changed.L = &p.mu
	for i := range p.slots {
		p.slots[i].retry = backoff.ExponentialBackOff{
			InitialInterval: 250 * time.Millisecond, Multiplier: 2,
			RandomizationFactor: 0.2, MaxInterval: 15 * time.Second,
		}
	}
	return p
}

// UnavailableError says why nobody has worked on a frame.
type UnavailableError struct{ Cause error }

func (e *UnavailableError) Error() string { return e.Cause.Error() }

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Cause }

// Apply has a worker work on a frame, then calls use with the answer, whose error it returns. While there is none
// that could, or if it fails, the error is an *UnavailableError, and later calls find another worker. Goroutines may
// call it at the same time; each waits until a worker is free.
func (p *Pool) Apply(frame *Frame, use func(*Answer) error) error {
	for {
		s, cause := p.take()
		if s == nil {
			return &UnavailableError{cause}
		}
		answer, err := p.run(s, frame)
		if err == nil {
			err = use(answer)
			p.give(s)
			return err
		}
		if again := p.failed(s, err); !again {
			return &UnavailableError{s.cause}
		}
	}
}

// take returns a slot that can be worked with: best one whose worker has answered before. The caller owns it until
// give or failed. Without one it returns the reason.
func (p *Pool) take() (*slot, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		var free *slot
		var cause error
		busy := false
		now := time.Now()
		for i := range p.slots {
			s := &p.slots[i]
			switch {
			case s.busy:
				busy = true
			case s.worker != nil && s.settled:
				s.busy = true
				return s, nil
			case s.worker == nil && now.Before(s.due), s.worker != nil && !s.worker.ready():
				cause = s.cause
			case free == nil:
				free = s
			}
		}
		switch {
		case free != nil:
			free.busy = true
			return free, nil
		case !busy:
			return nil, cause
		}
		p.changed.Wait()
	}
}

// run starts the slot's worker, if it has none, and has it work on the frame.
func (p *Pool) run(s *slot, frame *Frame) (*Answer, error) {
	wait := true
	if s.worker == nil {
		w, err := p.start()
		if err != nil {
			return nil, err
		}
		s.worker, s.started = w, time.Now()
		wait = s.cause == nil // a frame waits for the first start, not for later ones
	}
	return s.worker.apply(frame, wait)
}

// give frees the slot after an answer.
func (p *Pool) give(s *slot) {
	p.mu.Lock()
	s.busy, s.settled, s.cause = false, true, nil
	p.changed.Signal()
	p.mu.Unlock()
}

// failed frees the slot after an error of its worker, and reports whether to try another one.
func (p *Pool) failed(s *slot, err error) (again bool) {
	if !errors.Is(err, errStarting) {
		if s.worker != nil {
			s.worker.close()
			if s.settled && time.Since(s.started) > steadyTime {
				s.retry.Reset()
			}
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		s.worker, s.settled, s.cause = nil, false, err
		s.due = time.Now().Add(s.retry.NextBackOff())
		s.busy = false
		p.changed.Broadcast()
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.cause == nil {
		s.cause = err
	}
	s.busy = false
	p.changed.Broadcast()
	for i := range p.slots {
		again = again || p.slots[i].settled
	}
	return again
}

// Close ends the workers. No Apply may be running.
func (p *Pool) Close() error {
	var ending sync.WaitGroup
	for i := range p.slots {
		if w := p.slots[i].worker; w != nil {
			p.slots[i].worker, p.slots[i].settled = nil, false
			ending.Add(1)
			go func() {
				defer ending.Done()
				w.close()
			}()
		}
	}
	ending.Wait()
	return nil
}

// Shared is what the instances of one stage have together.
type Shared struct {
	mu     sync.Mutex
	pool   *Pool
	module *module
}

// Pool returns the pool that all instances share, and makes it if there is none. After as many calls of Release it is
// closed.
func (s *Shared) Pool(program *Program) *Pool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pool == nil {
		s.pool = program.Pool()
	}
	s.pool.users++
	return s.pool
}

// Release ends the use of the pool that Pool has returned.
func (s *Shared) Release() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	pool := s.pool
	if pool.users--; pool.users > 0 {
		return nil
	}
	s.pool = nil
	return pool.Close()
}

// Instance returns a Pool of one instance of the module in file, which may have so many MB of memory, gets params
// (JSON) with every frame, and may take so long for one.
func (s *Shared) Instance(file string, memory int, params string, timeout time.Duration) *Pool {
	return newPool(1, func() (worker, error) {
		m, err := s.compiled(file, memory)
		if err != nil {
			return nil, err
		}
		return m.open(params, timeout)
	})
}

// compiled returns the module in file. It compiles it once, and again when the file has changed.
func (s *Shared) compiled(file string, memory int) (*module, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.module != nil && s.module.current() {
		return s.module, nil
	}
	m, err := compile(file, memory)
	if err != nil {
		return nil, err
	}
	s.module = m
	return m, nil
}

// excerpt is text with at most 300 bytes, for an error.
func excerpt(text string) string {
	if len(text) > 300 {
		return fmt.Sprintf("…%s", text[len(text)-300:])
	}
	return text
}

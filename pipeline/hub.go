package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"picam/mjpeg"
)

// Stream is one connection of a camera: a Source, and what is known of it.
type Stream struct {
	Source
	Camera string             // the camera's name, from its stamp or its address
	Sender string             // tells senders of one name apart; "" where nothing tells
	Scan   func() mjpeg.Stats // the scanner's counters; may be nil
	Close  func() error       // makes Next fail; may be nil for a stream that nothing may replace
}

// Trouble is the Source's, if it tells.
func (s *Stream) Trouble() string {
	if t, ok := s.Source.(Troubled); ok {
		return t.Trouble()
	}
	return ""
}

// Hub gives each camera that comes a Camera, which stays when the connection goes. Its lock is never held while
// something is waited for, tried or closed, so that a slow camera keeps neither new ones nor Stats waiting.
type Hub struct {
	open  func(camera string, ctl *Controller) (Outputs, error)
	opts  Options
	limit int
	log   *slog.Logger

	reloading sync.Mutex     // held by Reload
	closing   sync.WaitGroup // cameras that had to make room

	mu      sync.Mutex
	config  *Config
	cameras map[string]*attached
	closed  bool
}

// attached is a Camera and the stream that feeds it.
type attached struct {
	name    string
	started chan struct{} // closed when cam is there, or err
	feed    sync.Mutex    // held by the Handle whose stream feeds cam

	// Guarded by the hub's mu. cam, ctl and err do not change once started is closed.
	cam    *Camera // nil: it is being started
	ctl    *Controller
	err    error
	config *Config       // that ctl was made of, or has been given
	stream *Stream       // nil: none
	idle   time.Time     // since when there is none
	gone   chan struct{} // not nil: it makes room for another one; closed when it has
}

// lively is how recent a camera's last frame must be for a second one of its name to be another camera, rather than
// the same one that has lost its connection without this end having noticed.
const lively = 2 * time.Second

// NewHub returns a Hub for at most limit cameras (0: 64). open makes the outputs of a camera when it first comes.
func NewHub(config *Config, limit int, open func(camera string, ctl *Controller) (Outputs, error), opts Options) *Hub {
	if limit <= 0 {
		limit = 64
	}
	log := opts.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	opts.Pool = NewPool(opts)
	return &Hub{open: open, opts: opts, limit: limit, log: log, config: config, cameras: map[string]*attached{}}
}

// Handle feeds a stream's frames to its camera until the stream ends, another one of the same camera takes its
// place, or ctx ends. It returns the stream's error, or that of the camera's outputs.
func (h *Hub) Handle(ctx context.Context, s *Stream) error {
	a, err := h.attach(ctx, s)
	if err != nil {
		return err
	}
	a.feed.Lock() // the stream whose place s took has been closed and ends
	defer a.feed.Unlock()
	err = a.cam.Feed(ctx, s, s.Sender, s.Scan)
	h.mu.Lock()
	defer h.mu.Unlock()
	if a.stream == s {
		a.stream, a.idle = nil, time.Now()
	}
	return err
}

// attach finds the camera of a stream, or starts it.
func (h *Hub) attach(ctx context.Context, s *Stream) (*attached, error) {
	for {
		a, begun, err := h.place(s)
		switch {
		case err != nil:
			return nil, err
		case begun:
			h.start(a)
		}
		wait := a.started
		if a.gone != nil {
			wait = a.gone
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if a.gone == nil {
			return a, a.err
		}
	}
}

// place finds the camera of a stream, or a new place for it, which begun says. The camera may still be on its way, or
// away: see attached.
func (h *Hub) place(s *Stream) (a *attached, begun bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, false, errors.New("pipeline: ending")
	}
	for n := 1; ; n++ {
		name := s.Camera
		if n > 1 {
			name = fmt.Sprintf("%s-%d", s.Camera, n)
		}
		a := h.cameras[name]
		switch {
		case a == nil:
			if err := h.makeRoom(name); err != nil {
				return nil, false, err
			}
			if n > 1 {
				h.log.Warn("a second camera of this name: give each its own with picam send --name", "camera", s.Camera, "called", name)
			}
			a = &attached{name: name, started: make(chan struct{}), config: h.config, stream: s}
			h.cameras[name] = a
			return a, true, nil
		case a.gone != nil:
			return a, false, nil
		case a.stream == nil:
			a.stream = s
			return a, false, nil
		case s.Sender != "" && s.Sender == a.stream.Sender, a.cam != nil && a.cam.silence() > lively:
			if a.stream.Close == nil {
				continue
			}
			h.log.Info("a new connection takes the place of the old one", "camera", name)
			_ = a.stream.Close() // it is given up either way
			a.stream = s
			return a, false, nil
		}
	}
}

// start makes the camera of a new place.
func (h *Hub) start(a *attached) {
	defer close(a.started)
	ctl, err := NewController(a.config.Chain(a.name))
	var out Outputs
	if err == nil {
		out, err = h.open(a.name, ctl)
	}
	if err != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		a.err = err
		delete(h.cameras, a.name)
		return
	}
	cam := NewCamera(a.name, ctl, out, h.opts)
	h.log.Info("new camera", "camera", a.name, "plan", ctl.Plan().String())
	h.mu.Lock()
	a.cam, a.ctl = cam, ctl
	config := h.config
	h.mu.Unlock()
	if config != a.config { // it was reloaded meanwhile
		h.follow(a, config)
	}
}

// follow puts a camera's chain of another Config in force.
func (h *Hub) follow(a *attached, config *Config) {
	before := a.ctl.Plan()
	if err := a.ctl.Replace(config.Chain(a.name)); err != nil {
		h.log.Error("the camera's chain stays as it was", "camera", a.name, "error", err)
		return
	}
	h.mu.Lock()
	a.config = config
	h.mu.Unlock()
	h.logChange(a, before)
}

func (h *Hub) logChange(a *attached, before *Plan) {
	if p := a.ctl.Plan(); p != before {
		h.log.Info("chain changed", "camera", a.name, "plan", p.String(), "version", p.Version)
	}
}

// makeRoom sees to it that there may be one more camera, if need be by ending the one that has been without a
// connection for longest. The caller holds mu.
func (h *Hub) makeRoom(name string) error {
	var oldest *attached
	n := 0
	for _, a := range h.cameras {
		if a.gone != nil {
			continue
		}
		n++
		if a.cam != nil && a.stream == nil && (oldest == nil || a.idle.Before(oldest.idle)) {
			oldest = a
		}
	}
	switch {
	case n < h.limit:
		return nil
	case oldest == nil:
		return fmt.Errorf("pipeline: camera %s is one too many: %d are connected; --max-cameras allows more", name, h.limit)
	}
	oldest.gone = make(chan struct{})
	h.closing.Go(func() {
		if err := oldest.cam.Close(); err != nil {
			h.log.Error("closing a camera's outputs", "camera", oldest.name, "error", err)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.cameras, oldest.name)
		close(oldest.gone)
	})
	return nil
}

// running lists the cameras that have been started and are not about to go.
func (h *Hub) running() []*attached {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []*attached
	for _, a := range h.cameras {
		if a.cam != nil && a.gone == nil {
			list = append(list, a)
		}
	}
	return list
}

// Reload puts another Config in force for all cameras at once, or for none of them where a chain fails its dry run.
func (h *Hub) Reload(config *Config) error {
	h.reloading.Lock()
	defer h.reloading.Unlock()
	type change struct{ base, plan *Plan }
	changes := map[*attached]change{}
	var errs []error
	for _, a := range h.running() {
		base := a.ctl.Plan()
		p, err := a.ctl.check(config.Chain(a.name).after(base.Chain))
		if err != nil {
			errs = append(errs, fmt.Errorf("camera %s: %w", a.name, err))
		}
		changes[a] = change{base, p}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	h.mu.Lock()
	h.config = config
	h.mu.Unlock()
	for _, a := range h.running() { // with those that have come meanwhile
		c, known := changes[a]
		if known {
			_, known = a.ctl.commit(c.base, c.plan)
		}
		if !known { // or somebody has changed the chain meanwhile
			h.follow(a, config)
			continue
		}
		h.mu.Lock()
		a.config = config
		h.mu.Unlock()
		h.logChange(a, c.base)
	}
	return nil
}

// Files lists the files that the Config in force was read from.
func (h *Hub) Files() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.config.Files()
}

// Stats returns the account of each camera, by name.
func (h *Hub) Stats() []Stats {
	list := h.running()
	stats := make([]Stats, 0, len(list))
	for _, a := range list {
		stats = append(stats, a.cam.Stats())
	}
	slices.SortFunc(stats, func(a, b Stats) int { return strings.Compare(a.Camera, b.Camera) })
	return stats
}

// Close ends all cameras once their frames under way have been shown. All Handles must have returned. The error
// joins those of outputs that failed.
func (h *Hub) Close() error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	if !h.opts.KeepAll {
		defer h.opts.Pool.hurry().Stop()
	}
	h.closing.Wait()
	var errs []error
	for _, a := range h.running() {
		if err := a.cam.Close(); err != nil {
			errs = append(errs, fmt.Errorf("camera %s: %w", a.name, err))
		}
	}
	h.opts.Pool.Close()
	return errors.Join(errs...)
}

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

// Hub gives each camera that comes a Camera, which stays when the connection goes.
type Hub struct {
	open  func(camera string, ctl *Controller) (Outputs, error)
	opts  Options
	limit int
	log   *slog.Logger

	mu      sync.Mutex
	config  *Config
	cameras map[string]*attached
	closed  bool
}

// attached is a Camera and the stream that feeds it.
type attached struct {
	cam  *Camera
	ctl  *Controller
	feed sync.Mutex // held by the Handle whose stream feeds cam

	// Guarded by the hub's mu.
	stream *Stream // nil: none
	idle   time.Time
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
	return &Hub{open: open, opts: opts, limit: limit, log: log, config: config, cameras: map[string]*attached{}}
}

// Handle feeds a stream's frames to its camera until the stream ends, another one of the same camera takes its
// place, or ctx ends. It returns the stream's error, or that of the camera's outputs.
func (h *Hub) Handle(ctx context.Context, s *Stream) error {
	a, err := h.attach(s)
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

// attach finds the camera of a stream, or makes it.
func (h *Hub) attach(s *Stream) (*attached, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, errors.New("pipeline: ending")
	}
	for n := 1; ; n++ {
		name := s.Camera
		if n > 1 {
			name = fmt.Sprintf("%s-%d", s.Camera, n)
		}
		a := h.cameras[name]
		switch {
		case a == nil:
			a, err := h.start(name)
			if err != nil {
				return nil, err
			}
			if n > 1 {
				h.log.Warn("a second camera of this name: give each its own with picam send --name", "camera", s.Camera, "called", name)
			}
			a.stream = s
			return a, nil
		case a.stream == nil:
			a.stream = s
			return a, nil
		case s.Sender != "" && s.Sender == a.stream.Sender, a.cam.silence() > lively:
			if a.stream.Close == nil {
				continue
			}
			h.log.Info("a new connection takes the place of the old one", "camera", name)
			_ = a.stream.Close() // it is given up either way
			a.stream = s
			return a, nil
		}
	}
}

// start makes the camera of that name. The caller holds mu.
func (h *Hub) start(name string) (*attached, error) {
	if len(h.cameras) >= h.limit && !h.evict() {
		return nil, fmt.Errorf("pipeline: camera %s is one too many: %d are connected; --max-cameras allows more", name, h.limit)
	}
	ctl, err := NewController(h.config.Chain(name))
	if err != nil {
		return nil, err
	}
	out, err := h.open(name, ctl)
	if err != nil {
		return nil, err
	}
	a := &attached{ctl: ctl, cam: NewCamera(name, ctl, out, h.opts)}
	h.cameras[name] = a
	h.log.Info("new camera", "camera", name, "plan", ctl.Plan().String())
	return a, nil
}

// evict ends the camera that has been without a connection for longest. The caller holds mu.
func (h *Hub) evict() bool {
	var oldest string
	for name, a := range h.cameras {
		if a.stream == nil && (oldest == "" || a.idle.Before(h.cameras[oldest].idle)) {
			oldest = name
		}
	}
	if oldest == "" {
		return false
	}
	if err := h.cameras[oldest].cam.Close(); err != nil {
		h.log.Error("closing a camera's outputs", "camera", oldest, "error", err)
	}
	delete(h.cameras, oldest)
	return true
}

// Reload puts another Config in force for all cameras at once, or for none of them where a chain fails its dry run.
func (h *Hub) Reload(config *Config) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	plans := map[*attached]*Plan{}
	var errs []error
	for name, a := range h.cameras {
		p, err := a.ctl.prepare(config.Chain(name))
		if err != nil {
			errs = append(errs, fmt.Errorf("camera %s: %w", name, err))
			continue
		}
		plans[a] = p
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	for a, p := range plans {
		if a.ctl.commit(p) {
			h.log.Info("chain changed", "camera", a.cam.name, "plan", p.String(), "version", p.Version)
		}
	}
	h.config = config
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
	h.mu.Lock()
	defer h.mu.Unlock()
	stats := make([]Stats, 0, len(h.cameras))
	for _, a := range h.cameras {
		stats = append(stats, a.cam.Stats())
	}
	slices.SortFunc(stats, func(a, b Stats) int { return strings.Compare(a.Camera, b.Camera) })
	return stats
}

// Close ends all cameras once their frames under way have been shown. All Handles must have returned. The error
// joins those of outputs that failed.
func (h *Hub) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	var errs []error
	for name, a := range h.cameras {
		if err := a.cam.Close(); err != nil {
			errs = append(errs, fmt.Errorf("camera %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

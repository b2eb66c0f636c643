package capture

import (
	"log/slog"
	"sync"
)

// outage is why a source gives no frames, which it logs: each reason once, until there are frames.
type outage struct {
	log  *slog.Logger
	mu   sync.Mutex
	now  string // "": there are frames
	told map[string]bool
}

const maxTold = 16 // different reasons remembered

func newOutage(log *slog.Logger) *outage { return &outage{log: log, told: map[string]bool{}} }

// tell makes text the reason.
func (o *outage) tell(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now = text
	if !o.told[text] && len(o.told) < maxTold {
		o.told[text] = true
		o.log.Warn(text)
	}
}

// fine ends it.
func (o *outage) fine() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.now != "" {
		o.now = ""
		clear(o.told)
		o.log.Info("the camera gives frames")
	}
}

// Trouble returns the reason, or "".
func (o *outage) Trouble() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now
}

package capture

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"picam/internal/health"
)

// What a Source does about a trouble, see troubleError.
const (
	waits         = "; picam waits for it"
	triesAgain    = "; picam tries again"
	connectsAnew  = "; picam connects anew"
	startsItAgain = "; picam starts it again"
	keepsStarting = "; picam keeps starting it anew"
)

// troubleError is why there are no frames, in a sentence for the user.
type troubleError struct {
	text     string // what is wrong, and what the user can do about it
	does     string // what a Source does about it, to go behind text: "; picam waits for it"; "": nothing
	hopeless bool   // waiting does not help, if it is so from the beginning
	detail   string // for the log: what else is known
	key      string // troubles of one key are told once, however their texts differ; "": the text
}

func (e *troubleError) Error() string {
	if e.detail != "" {
		return fmt.Sprintf("%s (%s)%s", e.text, e.detail, e.does)
	}
	return e.text + e.does
}

// sentence is the error without its detail.
func (e *troubleError) sentence() string { return e.text + e.does }

// hopeless is a trouble that does not go away by itself.
func hopeless(format string, args ...any) *troubleError {
	return &troubleError{text: fmt.Sprintf(format, args...), hopeless: true}
}

// troubleIn returns the troubleError that err holds, else one of its text.
func troubleIn(err error) *troubleError {
	var e *troubleError
	if !errors.As(err, &e) {
		e = &troubleError{text: err.Error()}
	}
	return e
}

// once is err for who does not try again. A troubleError must not be wrapped yet.
func once(err error) error {
	if e, ok := err.(*troubleError); ok { //nolint:errorlint // what wraps it would be lost
		final := *e
		final.does = ""
		return &final
	}
	return err
}

// outage is why a source gives no frames, which it logs: each reason once, until there are frames.
type outage struct {
	log    *slog.Logger
	reason atomic.Pointer[troubleError] // nil: there are frames
	told   health.Outage
}

// tell makes e the reason.
func (o *outage) tell(e *troubleError) {
	o.reason.Store(e)
	if !o.told.Failed(cmp.Or(e.key, e.text)) {
		return
	}
	if e.detail != "" {
		o.log.Warn(e.sentence(), "detail", e.detail)
		return
	}
	o.log.Warn(e.sentence())
}

// fine ends it.
func (o *outage) fine() {
	o.reason.Store(nil)
	if lasted, ended := o.told.Over(); ended {
		o.log.Info("the camera gives frames", "after", lasted.Round(time.Millisecond))
	}
}

// Trouble returns the reason, or "".
func (o *outage) Trouble() string {
	if e := o.reason.Load(); e != nil {
		return e.sentence()
	}
	return ""
}

// failure is the reason as an error of a Stream, which does not try again; nil if there is none.
func (o *outage) failure() error {
	if e := o.reason.Load(); e != nil {
		return fmt.Errorf("capture: %w", once(e))
	}
	return nil
}

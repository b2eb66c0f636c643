package pipeline

import (
	"errors"
	"strings"
)

// ErrQuit says that the user has asked to end the program.
var ErrQuit = errors.New("quit")

// Sink is where finished frames go. Show is called by one goroutine, in the order of arrival, and may keep nothing
// of f. An error of Show is reported and ends this sink, not the pipeline.
type Sink interface {
	Show(f *Frame) error
	Close() error
}

// JPEGSink is a Sink that is content with the camera's own bytes as long as no stage changes the frame
// (see [Frame.Passthrough]): no frame is decoded for it then.
type JPEGSink interface {
	Sink
	// TakesJPEG reports whether it also takes the bytes of a frame that is still to be turned by its EXIF orientation.
	// Where it does not, such a frame is decoded and turned, and is touched.
	TakesJPEG() (lying bool)
}

// Signaler is a Sink that wants to know when a camera shows no frames any more and why, and, by the zero Silence, when
// it may show some again. Signal may be called while Show runs.
type Signaler interface {
	Signal(Silence)
}

// Silence says why a camera shows no frames. The zero Silence says that nothing is in the way.
type Silence struct {
	Reason string // in a sentence
	Kind   SilenceKind
}

// SilenceKind is where frames get lost.
type SilenceKind int

// The kinds.
const (
	NoSignal      SilenceKind = iota // none arrive
	FramesDropped                    // they arrive, and each is dropped
	FiltersSlow                      // they arrive, and the filters have been working on one for long
)

// Title is a heading for Reason.
func (s Silence) Title() string {
	switch s.Kind {
	case FramesDropped:
		return "FRAMES DROPPED"
	case FiltersSlow:
		return "FILTERS SLOW"
	}
	return "NO SIGNAL"
}

// state is the word for it in Stats.
func (s Silence) state() string {
	if s.Reason == "" {
		return "live"
	}
	return strings.ToLower(strings.ReplaceAll(s.Title(), " ", "_"))
}

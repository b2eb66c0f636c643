package pipeline

import "errors"

// ErrQuit says that the user has asked to end the program.
var ErrQuit = errors.New("quit")

// Sink is where finished pictures go. Show is called by one goroutine, in the order of arrival, and may keep nothing
// of f. An error of Show is reported and ends this sink, not the pipeline.
type Sink interface {
	Show(f *Frame) error
	Close() error
}

// JPEGSink is a Sink that is content with the camera's own bytes as long as no stage changes the picture
// (see [Frame.Untouched]): no picture is decoded for it then.
type JPEGSink interface {
	Sink
	TakesJPEG()
}

// Signaler is a Sink that wants to know when a camera gives no pictures any more and why: its stream has ended, or its
// sender has trouble with it. reason "" means that it is back. Signal
// may be called while Show runs.
type Signaler interface {
	Signal(reason string)
}

// Package sink is where frames end: windows on the desktop, recordings, the last frame of a run.
//
// An [Ends] says what is wanted and opens it for each camera that comes. What no stage has changed is kept as the
// camera made it: recordings of JPEG frames decode and encode nothing then.
package sink

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"picam/pipeline"
)

// Options say how frames are kept. Zero values mean the defaults.
type Options struct {
	Quality    int          // of frames that a stage has changed, where they are kept as JPEG: 1 to 100; 0 means 90
	Rate       float64      // .avi: frames a second; 0 means that it is measured
	EveryFrame bool         // .avi: each frame exactly once, rather than in step with the clock
	Overwrite  bool         // replaces what an earlier run has recorded; else that is an error
	Log        *slog.Logger // nil discards

	claims *claims // nil: there is no other recording
}

// withDefaults fills in what zero values stand for.
func (o Options) withDefaults() Options {
	if o.Quality == 0 {
		o.Quality = 90
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Ends says where the frames of all cameras go. Empty paths, nil Events and a nil Desktop are not wanted.
// What the rules of a camera's chain say is always done.
type Ends struct {
	Record    string // as of Record
	RecordRaw string // as of RecordRaw
	LastFrame string // as of LastFrame
	Events    *Events
	Desktop   *Desktop
	Options   Options

	claims claims
	opened bool // for a camera at least
}

// Check finds out before any camera comes what would keep Open from working: a path of an unknown kind, or a recording
// of an earlier run in the way.
func (e *Ends) Check() error {
	var errs []error
	if e.Record != "" {
		_, err := kindOf(e.Record)
		errs = append(errs, err, e.checkFree(e.Record))
	}
	if e.RecordRaw != "" {
		errs = append(errs, checkRaw(e.RecordRaw), e.checkFree(e.RecordRaw))
	}
	if e.LastFrame != "" {
		errs = append(errs, checkLastFrame(e.LastFrame))
	}
	return errors.Join(errs...)
}

// checkFree looks for an earlier recording where the name does not depend on the camera.
func (e *Ends) checkFree(path string) error {
	if e.Options.Overwrite || strings.Contains(path, placeholder) {
		return nil
	}
	return checkFree(path)
}

// Open opens what is wanted for a camera. Calls are one at a time. In paths, {camera} stands for the camera's name (see
// [Expand]); the first camera's path may be without it, for the others it is put in (see [PerCamera]). An earlier
// recording in the way is an error for the first camera; later ones, for which a run should not end, get a number. On
// an error nothing stays open.
func (e *Ends) Open(camera string, ctl Toggler) (pipeline.Outputs, error) {
	o := e.Options
	o.claims = &e.claims
	mayExist := o.Overwrite || !e.opened // Record has the last word
	e.opened = true
	var out pipeline.Outputs
	var errs []error
	add := func(s pipeline.Sink, err error) {
		if err != nil {
			errs = append(errs, err)
			return
		}
		out.Sinks = append(out.Sinks, s)
	}
	// A window comes first: a frame is on the screen before it is on the disk.
	if e.Desktop != nil {
		add(e.Desktop.Open(camera, ctl), nil)
	}
	if e.Record != "" {
		add(Record(e.path(e.Record, camera, mayExist), o))
	}
	if e.LastFrame != "" {
		add(LastFrame(e.path(e.LastFrame, camera, true), o))
	}
	if e.Events != nil {
		add(e.Events.Camera(), nil)
	}
	add(Rules(o), nil)
	if e.RecordRaw != "" {
		raw, err := RecordRaw(e.path(e.RecordRaw, camera, mayExist), o)
		if err != nil {
			errs = append(errs, err)
		} else {
			out.Raw = raw
		}
	}
	if len(errs) == 0 {
		return out, nil
	}
	for _, s := range out.Sinks {
		errs = append(errs, s.Close())
	}
	if out.Raw != nil {
		errs = append(errs, out.Raw.Close())
	}
	return pipeline.Outputs{}, errors.Join(errs...)
}

// path makes a camera's path, which no other has.
func (e *Ends) path(pattern, camera string, mayExist bool) string {
	isFree := func(path string) bool { return (mayExist || checkFree(path) == nil) && e.claims.claim(path) }
	if path := Expand(pattern, camera); isFree(path) {
		return path
	}
	pattern = PerCamera(pattern)
	path := Expand(pattern, camera)
	for n := 2; !isFree(path); n++ {
		path = strings.ReplaceAll(pattern, placeholder, fmt.Sprintf("%s-%d", fileName(camera), n))
	}
	return path
}

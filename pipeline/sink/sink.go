// Package sink is where frames end: windows on the desktop, recordings, the last frame of a run.
//
// An [Ends] says what is wanted and opens it for each camera that comes. What no stage has changed is kept as the
// camera made it: recordings of JPEG frames decode and encode nothing then.
package sink

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

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
//
// In paths, {camera} stands for the camera's name (see [Expand]). Where it is missing, it is put in (see [PerCamera]),
// so that no file's name depends on which camera comes first, unless the run is for OneCamera.
type Ends struct {
	Record    string // as of Record
	RecordRaw string // as of RecordRaw
	LastFrame string // as of LastFrame
	OneCamera bool   // the first camera has the paths as they are; should others come, only theirs get names
	Events    *Events
	Desktop   *Desktop
	Options   Options

	claims claims
	ready  *recordings // of the first camera

	opening sync.Mutex // held by Open
}

// recordings are what one camera's frames are kept in; nil ones are not wanted.
type recordings struct {
	record pipeline.Sink
	raw    io.WriteCloser
}

// Prepare opens what does not depend on a camera's name, and looks whether files can be made for the rest, so that a
// path that is no good ends the run before it begins. Close is due then, too.
func (e *Ends) Prepare() error {
	var errs []error
	if e.Record != "" {
		_, err := kindOf(e.Record)
		errs = append(errs, err)
	}
	if e.RecordRaw != "" {
		errs = append(errs, checkRaw(e.RecordRaw))
	}
	if e.LastFrame != "" {
		errs = append(errs, checkLastFrame(e.LastFrame))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	var ready recordings
	for _, path := range []string{e.Record, e.RecordRaw, e.LastFrame} {
		if path != "" {
			errs = append(errs, checkFolder(path))
		}
	}
	if e.OneCamera && errors.Join(errs...) == nil {
		var err error
		if e.Record != "" && !strings.Contains(e.Record, placeholder) {
			ready.record, err = open(e, e.Record, Record)
			errs = append(errs, err)
		}
		if e.RecordRaw != "" && !strings.Contains(e.RecordRaw, placeholder) {
			ready.raw, err = open(e, e.RecordRaw, RecordRaw)
			errs = append(errs, err)
		}
		e.ready = &ready
	}
	return errors.Join(errs...)
}

// open opens the recording at a path that is claimed for it.
func open[T any](e *Ends, path string, how func(string, Options) (T, error)) (T, error) {
	var none T
	o := e.Options.withDefaults()
	o.claims = &e.claims
	if !e.claims.claim(path) {
		return none, fmt.Errorf("sink: %s: %w", path, ErrInUse)
	}
	out, err := how(path, o)
	if err != nil {
		return none, err // rather than an interface with a nil pointer in it
	}
	return out, nil
}

// openFor opens a camera's recording, under another number while the name is taken.
func openFor[T any](e *Ends, pattern, camera string, how func(string, Options) (T, error)) (T, error) {
	path := Expand(PerCamera(pattern), camera)
	if first := Expand(pattern, camera); e.OneCamera && !e.claims.has(first) {
		path = first
	}
	wanted := path
	for n := 2; ; n++ {
		out, err := open(e, path, how)
		if err == nil && n > 2 {
			e.Options.withDefaults().Log.Warn("the file's name is taken", "camera", camera, "file", wanted, "instead", path)
		}
		if err == nil || !isTaken(err) {
			return out, err
		}
		path = strings.ReplaceAll(PerCamera(pattern), placeholder, fmt.Sprintf("%s-%d", cameraName(camera), n))
	}
}

// Close closes what Prepare has opened and no camera has taken.
func (e *Ends) Close() error {
	var errs []error
	if e.ready != nil && e.ready.record != nil {
		errs = append(errs, e.ready.record.Close())
	}
	if e.ready != nil && e.ready.raw != nil {
		errs = append(errs, e.ready.raw.Close())
	}
	e.ready = nil
	return errors.Join(errs...)
}

// Open opens what is wanted for a camera, one camera after another. It never fails: what cannot be opened is logged,
// and counted as all that its camera loses (see [pipeline.Lossy]), and is an error of its Close. A recording whose name
// is taken, by an earlier run or by another program, gets a number.
func (e *Ends) Open(camera string, ctl Toggler) pipeline.Outputs {
	e.opening.Lock()
	defer e.opening.Unlock()
	o := e.Options.withDefaults()
	log := o.Log.With("camera", camera)
	f := recordings{}
	if e.ready != nil {
		f, e.ready = *e.ready, nil
	}
	var out pipeline.Outputs
	add := func(s pipeline.Sink) { out.Sinks = append(out.Sinks, s) }
	// A window comes first: a frame is on the screen before it is on the disk.
	if e.Desktop != nil {
		add(e.Desktop.Open(camera, ctl))
	}
	if e.Record != "" {
		var err error
		if f.record == nil {
			f.record, err = openFor(e, e.Record, camera, Record)
		}
		add(guardSink("record", log, f.record, err))
	}
	if e.LastFrame != "" {
		s, err := openFor(e, e.LastFrame, camera, LastFrame)
		add(guardSink("last frame", log, s, err))
	}
	if e.Events != nil {
		add(guardSink("events", log, e.Events.Camera(), nil))
	}
	add(Rules(o))
	if e.RecordRaw != "" {
		var err error
		if f.raw == nil {
			f.raw, err = openFor(e, e.RecordRaw, camera, RecordRaw)
		}
		out.Raw = guardedRaw{newGuard("record raw", log, f.raw, err), f.raw}
	}
	return out
}

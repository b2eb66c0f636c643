package sink

import (
	"encoding/json"
	"fmt"
	"image"
	"io"
	"os"
	"sync"
	"time"

	"picam/filters"
	"picam/pipeline"
)

// Events is a file of what the stages of all cameras find: a line of JSON for each frame in which they have found
// something, such as
//
//	{"camera":"door","seq":17,"time":"2026-11-25T09:00:00.123Z","detections":[{"stage":"faces","label":"face",
//	 "box":[310,95,120,120],"score":7,"size":[1280,720]}]}
//
// (in one line). box is x, y, width and height and points are pairs of x and y, in pixels of the frame that the stage
// was given, whose columns and rows are size. time is when the frame was captured, by this computer's clock, or, if
// that is not known, when it arrived. A detection has only what its filter tells of it.
type Events struct {
	mu   sync.Mutex
	out  io.Writer
	file io.Closer // nil: not to be closed
	err  error     // why no more is written
}

// OpenEvents makes the file at path; "-" is standard output. A line is in the file when the next frame is shown.
func OpenEvents(path string, o Options) (*Events, error) {
	if path == "-" {
		return &Events{out: os.Stdout}, nil
	}
	f, err := create(path, o.Overwrite)
	if err != nil {
		return nil, err
	}
	return &Events{out: f, file: f}, nil
}

// Camera is a sink for the frames of one camera.
func (e *Events) Camera() pipeline.Sink { return &cameraEvents{all: e} }

// Close closes the file, once all cameras' sinks are closed.
func (e *Events) Close() error {
	if e.file == nil {
		return nil
	}
	return e.file.Close()
}

// write writes a line whole, between others'.
func (e *Events) write(line []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err == nil {
		if _, err := e.out.Write(line); err != nil {
			e.err = fmt.Errorf("sink: events: %w", err)
		}
	}
	return e.err
}

type cameraEvents struct {
	all  *Events
	line []byte
}

func (c *cameraEvents) TakesJPEG() bool { return true }

func (c *cameraEvents) Show(f *pipeline.Frame) error {
	if len(f.Found) == 0 {
		return nil
	}
	line, err := json.Marshal(eventOf(f, f.Found))
	if err != nil {
		return fmt.Errorf("sink: events: %w", err)
	}
	c.line = append(append(c.line[:0], line...), '\n')
	return c.all.write(c.line)
}

func (c *cameraEvents) Close() error { return nil }

// event is what has been found in a frame, as JSON.
type event struct {
	Camera     string      `json:"camera"`
	Seq        uint64      `json:"seq"`
	Time       time.Time   `json:"time"`
	Detections []detection `json:"detections"`
}

type detection struct {
	Stage  string   `json:"stage"`
	Label  string   `json:"label,omitempty"`
	Box    []int    `json:"box,omitempty"`
	Points [][2]int `json:"points,omitempty"`
	Score  float64  `json:"score,omitempty"`
	Value  string   `json:"value,omitempty"`
	Size   [2]int   `json:"size"`
}

func eventOf(f *pipeline.Frame, found []filters.Detection) event {
	e := event{Camera: f.Camera, Seq: f.Seq, Time: timeOf(f).UTC()}
	for _, d := range found {
		out := detection{Stage: d.Stage, Label: d.Label, Score: d.Score, Value: d.Value, Size: [2]int{d.Size.X, d.Size.Y}}
		if d.Box != (image.Rectangle{}) {
			out.Box = []int{d.Box.Min.X, d.Box.Min.Y, d.Box.Dx(), d.Box.Dy()}
		}
		for _, p := range d.Points {
			out.Points = append(out.Points, [2]int{p.X, p.Y})
		}
		e.Detections = append(e.Detections, out)
	}
	return e
}

// timeOf is when f was captured, else when it arrived.
func timeOf(f *pipeline.Frame) time.Time {
	if f.Captured.IsZero() {
		return f.Received
	}
	return f.Captured
}

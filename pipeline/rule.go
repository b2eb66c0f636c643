package pipeline

import (
	"slices"
	"time"

	"picam/filters"
)

// Rule is what is to be done when a stage finds something. It never changes once loaded.
type Rule struct {
	// Which detections count. Zero values let all count.
	Stage    string  // of the stage with this name
	Label    string  // with this label
	MinScore float64 // with at least this score
	MinArea  float64 // with a box of at least so many percent of the frame, 0 to 100

	For      time.Duration // they must be there that long, in each frame
	Cooldown time.Duration // from one time that something is done to the next

	// What is done. In texts {camera}, {stage}, {label}, {value}, {score}, {seq} and {time} are replaced.
	Run           []string      // a program and its arguments; it gets the event as JSON on its standard input
	Post          string        // an http or https address to which the event goes as JSON
	Snapshot      string        // a file, .jpg or .png, of the frame as it is shown
	Clip          string        // a file, .mjpeg, of the camera's own frames
	Before, After time.Duration // how much of what came before and after is in the clip
}

// Limits of a rule, and what it has where the file says nothing.
const (
	DefaultCooldown = 10 * time.Second
	DefaultBefore   = 3 * time.Second
	DefaultAfter    = 5 * time.Second
	MaxClip         = time.Minute // before or after
)

// Match returns the first of some detections that counts.
func (r *Rule) Match(found []filters.Detection) (d filters.Detection, ok bool) {
	for _, d := range found {
		area := float64(d.Box.Dx()) * float64(d.Box.Dy())
		frame := float64(d.Size.X) * float64(d.Size.Y)
		if (r.Stage == "" || r.Stage == d.Stage) && (r.Label == "" || r.Label == d.Label) &&
			d.Score >= r.MinScore && area*100 >= r.MinArea*frame {
			return d, true
		}
	}
	return filters.Detection{}, false
}

// equal reports whether o says the same.
func (r *Rule) equal(o *Rule) bool {
	return r.Stage == o.Stage && r.Label == o.Label && r.MinScore == o.MinScore && r.MinArea == o.MinArea &&
		r.For == o.For && r.Cooldown == o.Cooldown && slices.Equal(r.Run, o.Run) && r.Post == o.Post &&
		r.Snapshot == o.Snapshot && r.Clip == o.Clip && r.Before == o.Before && r.After == o.After
}

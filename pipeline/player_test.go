package pipeline_test

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"picam/mjpeg"
	"picam/pipeline"
)

// clip is a Source that is a Player, and ends at once.
type clip struct{}

func (clip) Next() (mjpeg.Frame, error) { return mjpeg.Frame{}, io.EOF }
func (clip) Pause(bool)                 {}
func (clip) Step(int)                   {}
func (clip) Seek(time.Duration)         {}

// liveSource is a Source that is none.
type liveSource struct{}

func (liveSource) Next() (mjpeg.Frame, error) { return mjpeg.Frame{}, io.EOF }

// playerSink notes what it is lent.
type playerSink struct {
	mu   sync.Mutex
	lent []pipeline.Player
}

func (s *playerSink) Show(*pipeline.Frame) error { return nil }
func (s *playerSink) Close() error               { return nil }
func (s *playerSink) Play(p pipeline.Player) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lent = append(s.lent, p)
}

// TestPlayer: a sink gets the source to move in as long as it lasts, and nothing of a source that is live.
func TestPlayer(t *testing.T) {
	for _, tt := range []struct {
		name string
		src  pipeline.Source
		want []pipeline.Player
	}{
		{"a file", clip{}, []pipeline.Player{clip{}, nil}},
		{"a stream of a file", &pipeline.Stream{Source: clip{}}, []pipeline.Player{clip{}, nil}},
		{"a live camera", &pipeline.Stream{Source: liveSource{}}, []pipeline.Player{nil, nil}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctl, err := pipeline.NewController(pipeline.ChainOf())
			if err != nil {
				t.Fatal(err)
			}
			s := &playerSink{}
			cam := pipeline.NewCamera("clip", ctl, pipeline.Outputs{Sinks: []pipeline.Sink{s}}, pipeline.Options{Workers: 1})
			if err := cam.Feed(context.Background(), tt.src, "", nil); err != nil {
				t.Fatal(err)
			}
			if err := cam.Close(); err != nil {
				t.Fatal(err)
			}
			if len(s.lent) != len(tt.want) || s.lent[0] != tt.want[0] || s.lent[1] != tt.want[1] {
				t.Errorf("lent %v, want %v", s.lent, tt.want)
			}
		})
	}
}

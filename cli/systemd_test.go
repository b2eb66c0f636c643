package cli

import (
	"log/slog"
	"testing"
	"time"

	"picam/capture"
	"picam/transport"
)

func TestNoNotifier(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	n := newNotifier(slog.New(slog.DiscardHandler))
	if n != nil || n.patience() != 0 {
		t.Fatalf("there is a notifier, %+v", n)
	}
	n.ready() // and nothing happens
	n.tick("line", "")
	n.stopping()
}

func TestStallDetector(t *testing.T) {
	type step struct {
		second int
		due    bool
		count  int64
		want   bool
	}
	for _, tt := range []struct {
		name     string
		patience time.Duration
		steps    []step
	}{
		{"moves", 3 * time.Second, []step{{0, true, 1, false}, {3, true, 2, false}, {6, true, 3, false}, {9, true, 4, false}}},
		{"stands still", 3 * time.Second, []step{{0, true, 1, false}, {3, true, 1, false}, {4, true, 1, true}, {9, true, 1, true}}},
		{"goes on", 3 * time.Second,
			[]step{{0, true, 1, false}, {4, true, 1, true}, {5, true, 2, false}, {8, true, 2, false}, {9, true, 2, true}}},
		{"has no reason to move", 3 * time.Second,
			[]step{{0, false, 1, false}, {9, false, 1, false}, {10, true, 1, false}, {13, true, 1, true}}},
		{"nobody waits", 0, []step{{0, true, 1, false}, {999, true, 1, false}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var p stallDetector
			begin := time.Now()
			for _, s := range tt.steps {
				if got := p.stalled(begin.Add(time.Duration(s.second)*time.Second), tt.patience, s.due, s.count); got != s.want {
					t.Errorf("after %d s: stalled is %v", s.second, got)
				}
			}
		})
	}
}

// counted is a source that tells no more than a sender's watch asks it for.
type counted struct {
	capture.Source
	captured int64
}

func (c *counted) Counts() capture.Counts { return capture.Counts{Captured: c.captured} }

func TestHungSender(t *testing.T) {
	const source, sending = "the source gives neither frames nor a reason", "frames wait and are not sent"
	away := func() string { return "it is unplugged" }
	here := func() string { return "" }
	under := transport.SenderStats{Captured: 12, Sent: 10, Receivers: 1}
	for _, tt := range []struct {
		name   string
		sender *transport.Sender
		camera bool
		fps    float64
		stats  transport.SenderStats
		move   func(*transport.SenderStats, *counted) // what moves each second
		want   string                                 // after 35 s of a watchdog of 30 s
	}{
		{"a camera that is away", &transport.Sender{Trouble: away}, true, 0, transport.SenderStats{}, nil, ""},
		{"a camera that says nothing", &transport.Sender{Trouble: here}, true, 0, transport.SenderStats{}, nil, source},
		{"a slow camera", &transport.Sender{Trouble: here}, true, 0.1, transport.SenderStats{}, nil, ""},
		{"a camera that gives only broken frames", &transport.Sender{Trouble: here}, true, 0, transport.SenderStats{},
			func(_ *transport.SenderStats, c *counted) { c.captured++ }, ""},
		{"a program that pauses", &transport.Sender{}, false, 0, transport.SenderStats{}, nil, ""},
		{"a receiver that is not there", &transport.Sender{}, false, 0, transport.SenderStats{Captured: 12, Sent: 10}, nil, ""},
		{"frames that wait", &transport.Sender{}, false, 0, under,
			func(s *transport.SenderStats, _ *counted) { s.Captured++; s.Dropped++ }, sending},
		{"a frame that goes out slowly", &transport.Sender{}, false, 0, under,
			func(s *transport.SenderStats, _ *counted) { s.Bytes++ }, ""},
		{"a patient sender", &transport.Sender{WriteTimeout: time.Minute}, false, 0, under, nil, ""},
		{"one that keeps all", &transport.Sender{KeepAll: true}, true, 0, under, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := &counted{}
			w := &senderWatch{
				systemd: &notifier{watchdog: 30 * time.Second}, sender: tt.sender, src: src, camera: tt.camera, fps: tt.fps,
			}
			begin, s, got := time.Now(), tt.stats, ""
			for second := range 36 {
				if tt.move != nil {
					tt.move(&s, src)
				}
				if got = w.stalled(begin.Add(time.Duration(second)*time.Second), s); got != "" && second <= 30 {
					t.Errorf("after %d s: %s", second, got)
				}
			}
			if got != tt.want {
				t.Errorf("it is %q, want %q", got, tt.want)
			}
		})
	}
}

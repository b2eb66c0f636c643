// Package transport carries frames over a network, freshest first, and keeps accounts that add up.
//
// The stream is JPEG frames one after another and nothing else, so that nc, rpicam-vid, ffmpeg, GStreamer and the
// Python picamera scripts can be on either end. Two ends that are both picam know more of each other: [Sender] puts a
// stamp into each frame (see [mjpeg.Stamp]), and the end that reads it answers with a line of text, the ack (see
// ack.go). From these the sender learns how far the clocks are apart and how many frames are under way, of which it
// allows few: what waits, waits as one frame at the sender, where a newer one can still take its place.
package transport

import (
	"log/slog"
	"time"

	"picam/mjpeg"
)

// DefaultPort is the port that stands for one left out.
const DefaultPort = "8002"

// Source is what a Sender takes frames from; capture.Source is one.
type Source interface {
	Next() (mjpeg.Frame, error)
}

// Limits bound what a peer may do. Zero values mean the defaults.
type Limits struct {
	MaxFrame int           // longest accepted frame in bytes; 0 means mjpeg.DefaultMaxFrame
	Idle     time.Duration // a connection silent for longer is closed; 0 means 10 s
	Cameras  int           // connections at once, of Serve; 0 means 64
}

func (lim Limits) withDefaults() Limits {
	if lim.MaxFrame <= 0 {
		lim.MaxFrame = mjpeg.DefaultMaxFrame
	}
	if lim.Idle <= 0 {
		lim.Idle = 10 * time.Second
	}
	if lim.Cameras <= 0 {
		lim.Cameras = 64
	}
	return lim
}

// logOr returns log, or one that discards.
func logOr(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}

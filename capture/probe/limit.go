package probe

import (
	"io"
	"time"

	"picam/capture"
)

// firstByteTime is how long a source may take to begin: cameras wake up, programs start.
const firstByteTime = 10 * time.Second

// Limit calls end when a stream has been read for a time, which runs from its first byte on; before that it may take
// some seconds to begin. stop frees the timer.
func Limit(s capture.Stream, d time.Duration, end func()) (limited capture.Stream, stop func() bool) {
	l := &timeLimit{Stream: s, time: d, timer: time.AfterFunc(max(firstByteTime, d), end)}
	return l, l.timer.Stop
}

type timeLimit struct {
	capture.Stream
	timer *time.Timer
	time  time.Duration
	begun bool
}

func (l *timeLimit) Part() (capture.Part, error) {
	part, err := l.Stream.Part()
	if err == nil {
		part.Reader = limitedPart{part.Reader, l}
	}
	return part, err
}

type limitedPart struct {
	io.Reader
	limit *timeLimit
}

func (p limitedPart) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if n > 0 && !p.limit.begun {
		p.limit.begun = true
		p.limit.timer.Reset(p.limit.time)
	}
	return n, err
}

package capture

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"picam/internal/health"
	"picam/mjpeg"
)

const (
	videoBuffers = 4 // one to be filled, one filled, two for a computer that is busy
	// silentTime is how long a camera that gives frames may pause before it is started anew; startTime is the same for
	// its first frame. Both are longer for low rates.
	silentTime = 2 * time.Second
	startTime  = 5 * time.Second
	// hungTime is how long a driver may take for what the camera has to answer. It gives up after five seconds, if at
	// all.
	hungTime = 3 * time.Second
	// brokenTime is how often broken frames are told of, at most.
	brokenTime = 10 * time.Second
)

// v4l2 is the source of a V4L2 camera.
//
// The camera belongs to a goroutine of its own, because a request to a driver may take seconds, or hang, and neither
// Next nor the end of the program must. It takes each frame from the driver at once, looks whether it is whole, and
// puts it where Next finds it, in the place of one that Next has not taken.
type v4l2 struct {
	lifetime
	counter
	outage
	finder   finder
	options  Options
	settings []setting

	wakeup *os.File      // becomes readable when the source ends
	tried  chan struct{} // closed when the first try is over
	failed chan error    // why there will never be frames
	done   chan struct{} // closed when the goroutine has ended

	slot chan *shot // the newest frame
	free chan *shot // those that are not in use
	held *shot      // that which Next returned last

	developer developer // of Next
	logCounts func()    // of Close, once

	// Of the camera's goroutine:
	buffers chan<- Part // of a v4l2Stream, nil for a Source
	first   func()      // closes tried
	opened  string      // what was logged of the camera last
	filling *shot
	seq     uint64        // of the camera's frames, over all its starts
	broken  health.Outage // of whole frames
}

// openV4L2 opens the camera that device names: a node, its number, a link such as those of /dev/v4l/by-id, or "" for
// the first camera. If it is not there it is waited for, now and later. The error says why no frames will ever come.
func openV4L2(ctx context.Context, device string, o Options) (Source, error) {
	s, err := newV4L2(ctx, device, o, nil)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// newV4L2 is openV4L2; buffers, if there are any, takes what the driver gives, before it is looked at.
func newV4L2(ctx context.Context, device string, o Options, buffers chan<- Part) (*v4l2, error) {
	if err := checkV4L2(device, o); err != nil {
		return nil, err
	}
	settings, _ := parseControls(o.Controls)
	if _, err := strconv.ParseUint(device, 10, 16); err == nil {
		device = "/dev/video" + device
	}
	wakeup, wake, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("capture: v4l2: %w", err)
	}
	s := &v4l2{
		lifetime:  newLifetime(ctx),
		outage:    outage{log: o.logger()},
		finder:    finder{device: device},
		options:   o,
		settings:  settings,
		wakeup:    wakeup,
		tried:     make(chan struct{}),
		failed:    make(chan error, 1),
		done:      make(chan struct{}),
		slot:      make(chan *shot, 1),
		free:      make(chan *shot, 3),
		filling:   &shot{},
		buffers:   buffers,
		broken:    health.Outage{Again: brokenTime},
		developer: developer{quality: o.Quality, log: o.logger()},
	}
	s.first = sync.OnceFunc(func() { close(s.tried) })
	s.logCounts = sync.OnceFunc(func() {
		n := s.Counts()
		all := n.dropped(func(Drop) bool { return true })
		s.log.Debug("camera closed", append(all, "captured", n.Captured, "given", n.Given)...)
	})
	s.free <- &shot{} // for the slot
	s.free <- &shot{} // for Next
	context.AfterFunc(s.ctx, func() { wake.Close() })
	go s.run()

	select {
	case <-s.tried:
	case <-s.ctx.Done():
	case <-time.After(hungTime):
	}
	select {
	case err := <-s.failed:
		s.Close()
		return nil, err
	default:
		return s, nil
	}
}

func (s *v4l2) Next() (mjpeg.Frame, error) {
	if s.held != nil {
		s.free <- s.held
		s.held = nil
	}
	if s.ctx.Err() != nil {
		return mjpeg.Frame{}, context.Cause(s.ctx)
	}
	select {
	case <-s.ctx.Done():
		return mjpeg.Frame{}, context.Cause(s.ctx)
	case err := <-s.failed:
		s.failed <- err // for the next call
		return mjpeg.Frame{}, err
	case s.held = <-s.slot:
	}
	s.given.Add(1)
	jpeg, err := s.developer.develop(s.held)
	if err != nil {
		return mjpeg.Frame{}, err
	}
	return mjpeg.Frame{JPEG: jpeg, Seq: s.held.seq, Captured: s.held.captured, Received: s.held.received}, nil
}

// Close ends the stream and waits for that, but no longer than stopTime: a driver whose camera does not answer may take
// for ever.
func (s *v4l2) Close() error {
	s.lifetime.Close()
	select {
	case <-s.done:
	case <-time.After(stopTime):
		s.log.Warn("the camera's driver does not let go of it; picam goes on without waiting")
	}
	s.logCounts() // here, because run may end before Next has counted what it took
	return nil
}

// run has the camera until the source ends.
func (s *v4l2) run() {
	defer close(s.done)
	defer s.wakeup.Close()
	var before *trouble
	for {
		t := s.try(before)
		before = t
		if s.ctx.Err() != nil {
			break
		}
		if t.hopeless && !s.finder.found() {
			s.failed <- fmt.Errorf("capture: v4l2: %w", t)
			s.first()
			return
		}
		if !t.kind.startsAnew() { // else the next start may know better
			s.tell(t.troubleError)
		}
		s.first()
		if await(s.ctx, time.NewTimer(t.kind.pause())) != nil {
			break
		}
	}
	select {
	case <-s.slot:
		s.drop(Late)
	default:
	}
}

// try finds the camera, opens it, takes its frames until something is wrong or the source ends, and returns what was
// wrong. before is the same of the last try.
func (s *v4l2) try(before *trouble) *trouble {
	var c *camera
	var l layout
	var failed *trouble
	who := s.finder.who()
	s.guard(who, func() { c, l, failed = s.start() })
	if failed != nil {
		return failed
	}
	if before != nil && before.kind.startsAnew() {
		s.tell(before.troubleError)
	}
	who = s.finder.who()
	s.first()
	err := s.stream(c, l)
	if s.guard(who, c.close) {
		return hungTrouble(who)
	}
	return newTrouble(err, c.node, c.card, l.mode)
}

// guard calls f, which talks to the camera, and reports whether that took so long that it has told of it.
func (s *v4l2) guard(who string, f func()) (stalled bool) {
	timer := time.AfterFunc(hungTime, func() { s.tell(hungTrouble(who).troubleError) })
	f()
	return !timer.Stop()
}

// start opens the camera, sets it up and starts its stream.
func (s *v4l2) start() (*camera, layout, *trouble) {
	c, err := s.finder.open()
	if err != nil {
		return nil, layout{}, s.finder.trouble(err)
	}
	l, err := s.setUp(c)
	if err != nil {
		c.close()
		return nil, layout{}, newTrouble(err, c.node, c.card, l.mode)
	}
	s.finder.foundIt(c)
	return c, l, nil
}

func (s *v4l2) setUp(c *camera) (layout, error) {
	m, err := c.usable(c.formats(), s.options)
	if err != nil {
		return layout{}, err
	}
	l, err := c.set(m)
	if err != nil {
		return layout{mode: m}, err
	}
	if len(s.settings) > 0 {
		controls, err := findControls(s.settings, c.controls())
		if err != nil {
			return l, unusableError(err.Error())
		}
		for i, k := range controls {
			if err := c.setControl(k, s.settings[i].value); err != nil {
				s.log.Warn("the camera refuses a control; another one may rule it, such as automatic exposure",
					"control", k.Name, "value", s.settings[i].value, "error", err)
			}
		}
	}
	if err := c.start(videoBuffers); err != nil {
		return l, err
	}
	opened := fmt.Sprint(c.card, c.node, l)
	if opened != s.opened {
		s.opened = opened
		s.log.Info("camera opened", "camera", c.card, "device", c.node, "mode", l.mode, "asked", asked(s.options))
	}
	return l, nil
}

// stream takes frames until something is wrong, which it returns, or the source ends.
func (s *v4l2) stream(c *camera, l layout) error {
	period := time.Second
	if l.fps > 0 {
		period = time.Duration(float64(time.Second) / l.fps)
	}
	run := videoRun{layout: l, card: c.card, stale: c.driver == loopbackDriver}
	fds := [...]unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLIN}, {Fd: int32(s.wakeup.Fd()), Events: unix.POLLIN}}
	deadline := time.Now().Add(startTime + 3*period)
	broken := false // there are frames, and since the last whole one, or the start, only broken ones
	for {
		_, err := unix.Poll(fds[:], max(0, int(time.Until(deadline).Milliseconds())))
		switch {
		case err != nil && err != unix.EINTR:
			return fmt.Errorf("wait for a frame: %w", err)
		case fds[1].Revents != 0:
			return nil
		}
		n, whole, err := s.drain(c, &run)
		broken = whole == 0 && (broken || n > 0)
		switch {
		case err != nil:
			return err
		case whole > 0:
			deadline = time.Now().Add(silentTime + 3*period)
		case time.Now().After(deadline) && broken:
			return errBroken
		case time.Now().After(deadline):
			return errStalled
		case n == 0 && fds[0].Revents&unix.POLLERR != 0: // it would be reported again and again
			return errors.New("the driver reports an error, and no more")
		}
	}
}

// videoRun is one start of a camera.
type videoRun struct {
	layout   layout
	card     string
	stale    bool // what comes next is no frame: v4l2loopback 0.12 takes new buffers for full ones
	numbered bool // there has been a frame, of this number:
	sequence uint32
	good     bool // there has been a whole frame
}

// drain takes all frames that the driver has, and returns how many, and how many of them are whole: no more than it has
// buffers, so that the source can end where frames come faster than they are looked through.
func (s *v4l2) drain(c *camera, run *videoRun) (n, whole int, err error) {
	for range c.buffers {
		b, memory, err := c.dequeue()
		if err == unix.EAGAIN {
			return n, whole, nil
		}
		if err != nil {
			return n, whole, fmt.Errorf("take a frame: %w", err)
		}
		n++
		if s.take(c, &b, memory, run) {
			whole++
		}
		if err := c.queue(b.index); err != nil {
			return n, whole, err
		}
	}
	return n, whole, nil
}

// take counts a frame, and puts it where Next finds it if it is whole, which it reports.
func (s *v4l2) take(c *camera, b *videoBuffer, memory []byte, run *videoRun) (whole bool) {
	now, up := time.Now(), sinceStart()
	if run.stale {
		run.stale = false
		return false
	}
	const impossible = 1000 // such a gap is a driver that numbers in its own way
	lost := b.sequence - run.sequence - 1
	if !run.numbered || lost >= impossible {
		lost = 0
	}
	s.show(b, memory, run, int(lost), captureTime(b, now, up))
	if lost > 0 {
		s.captured.Add(int64(lost))
		s.dropped[Lost].Add(int64(lost))
		s.seq += uint64(lost)
	}
	run.numbered, run.sequence = true, b.sequence
	s.captured.Add(1)
	s.seq++

	why, ok := Flagged, b.flags&bufFlagError == 0
	if ok {
		why, ok = s.filling.fill(memory, run.layout, s.options.MaxFrame)
	}
	if c.overwritten(b) {
		why, ok = Late, false
	}
	if !ok {
		s.drop(why)
		if run.good && why.broken() { // the first ones after a start are often broken
			s.tellBroken()
		}
		return false
	}
	run.good = true
	s.filling.seq, s.filling.captured, s.filling.received = s.seq, captureTime(b, now, up), now
	var spare *shot
	select {
	case spare = <-s.slot:
		s.drop(Late)
	default:
		spare = <-s.free // Next has one at most
	}
	s.slot <- s.filling
	s.filling = spare
	s.fine()
	return true
}

// show gives a copy of a buffer to who looks at them, unless too many wait there.
func (s *v4l2) show(b *videoBuffer, memory []byte, run *videoRun, lost int, captured time.Time) {
	if s.buffers == nil || len(s.buffers) == cap(s.buffers) {
		return
	}
	l := run.layout
	s.buffers <- Part{Reader: bytes.NewReader(bytes.Clone(memory)), Buffer: &Buffer{
		Camera: run.card, Format: l.format, Width: l.width, Height: l.height, FPS: l.fps,
		Flagged: b.flags&bufFlagError != 0, Lost: lost, Captured: captured,
	}}
}

// v4l2Stream is the Stream of a V4L2 camera: the driver's buffers.
type v4l2Stream struct {
	*v4l2
	parts <-chan Part
}

const buffersWaiting = 64

func streamV4L2(ctx context.Context, device string, o Options) (Stream, error) {
	parts := make(chan Part, buffersWaiting)
	s, err := newV4L2(ctx, device, o, parts)
	if err != nil {
		return nil, err
	}
	if err := s.failure(); err != nil {
		s.Close()
		return nil, err
	}
	return v4l2Stream{s, parts}, nil
}

// Part waits for a camera that goes, or gives nothing, as the source does; the error is then why.
func (s v4l2Stream) Part() (Part, error) {
	select {
	case p := <-s.parts:
		return p, nil
	case err := <-s.failed:
		return Part{}, err
	case <-s.ctx.Done():
		if err := s.failure(); err != nil {
			return Part{}, err
		}
		return Part{}, context.Cause(s.ctx)
	}
}

// tellBroken tells how many frames were broken, now and then.
func (s *v4l2) tellBroken() {
	if !s.broken.Failed("") {
		return
	}
	s.log.Warn("the camera gives broken frames, which are dropped", s.Counts().dropped(Drop.broken)...)
}

// asked is what the options ask a camera for, in words.
func asked(o Options) string {
	var words []string
	if o.Width > 0 || o.Height > 0 {
		words = append(words, fmt.Sprintf("%d×%d", o.Width, o.Height))
	}
	if o.FPS > 0 {
		words = append(words, fmt.Sprintf("%g a second", o.FPS))
	}
	return cmp.Or(strings.Join(words, " at "), "nothing")
}

// captureTime turns a buffer's time, which counts from the start of the computer, into wall time. Without such a time,
// or with one that cannot be, it is now: a driver may use another clock, or none.
func captureTime(b *videoBuffer, now time.Time, sinceStart time.Duration) time.Time {
	const oldest = 10 * time.Second
	at := time.Duration(b.timestamp.Nano())
	age := sinceStart - at
	if b.flags&bufFlagTimestampMask != bufFlagMonotonicClock || at == 0 || age < 0 || age > oldest {
		return now
	}
	return now.Add(-age)
}

// sinceStart is the time by the kernel's monotonic clock.
func sinceStart() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0 // then captureTime finds the buffers' times impossible
	}
	return time.Duration(t.Nano())
}

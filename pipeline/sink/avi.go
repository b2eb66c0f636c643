package sink

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"time"

	"picam/mjpeg"
	"picam/pipeline"
)

const (
	// An AVI file has one rate: so many frames, or so long, are held back to measure it.
	holdFrames = 30
	holdTime   = time.Second
	holdBytes  = 32 << 20

	// The rate, in frames a second, of a recording that is too short to measure.
	usualRate = 25

	// The highest rates that are taken for a camera's. With EveryFrame, frames may come from a file, faster than any.
	highestRate      = 1000
	highestEveryRate = 120

	// A rate that is so near to a whole or, below halfRates, a half number of frames a second is taken for it.
	nearRate  = 0.01
	halfRates = 16

	// A file that is farther ahead of the clock has too low a rate.
	farAhead = time.Second

	// A longer silence is not filled with repetitions of the last frame: a night without a camera takes no room. Nor
	// does a jump of a camera's clock.
	longestFill = 10 * time.Second
)

// avi records Motion JPEG files and leaves out no frame. The frames of a file follow each other at one rate. Where the
// camera's are slower, the one before is shown for longer, by empty frames. Where they are faster, the file gets ahead
// of the clock: if its rate was measured badly, it gets a better one, which moves no frame by more than farAhead; if
// the camera has become faster, another file is begun.
//
// A file ends, and the recording goes on in out-2.avi, in two more cases: at 4 GB, and when frames come in another
// size.
type avi struct {
	path    string
	o       Options
	encoder jpegEncoder
	full    int64 // bytes of a file; a test's are smaller
	lost    losses

	rate   float64     // frames a second; 0: still being measured
	held   []heldFrame // while it is
	bytes  []byte      // of the held frames, one after another
	frame  []byte      // the one at hand
	before time.Time   // when the one before came

	part          int           // of the recording, from 1
	empty         *outputFile   // of the part, before its first frame; nil: it has one
	file          *aviWriter    // of the part; nil: it has no frame yet
	width, height int           // of the part's frames
	elapsed       time.Duration // from the part's first frame to the one at hand
	tuned         time.Duration // elapsed when the rate was measured last
	written       int           // frames in the part
	failed        bool          // the file could not be written
}

// heldFrame ends at bytes[end] and was taken at that time.
type heldFrame struct {
	end int
	at  time.Time
}

func newAVI(path string, o Options) (*avi, error) {
	f, err := create(path, o.Overwrite)
	if err != nil {
		return nil, err
	}
	return &avi{
		path: path, o: o, encoder: jpegEncoder{quality: o.Quality}, full: aviLargest, part: 1, empty: f, rate: o.Rate,
	}, nil
}

func (a *avi) TakesJPEG() bool { return false }

func (a *avi) Show(f *pipeline.Frame) error {
	var err error
	if a.frame, err = a.encoder.append(a.frame[:0], f); err != nil {
		return err
	}
	h, err := mjpeg.ParseHeader(a.frame)
	if err != nil {
		a.lost.add(noJPEG, 1) // no player could show it: it comes from a camera that nothing else here looks at
		return nil
	}
	at := f.Captured
	if at.IsZero() {
		at = f.Received
	}
	if a.width != h.Width || a.height != h.Height {
		if err := a.resize(h.Width, h.Height); err != nil {
			return err
		}
	}
	return a.place(a.frame, at)
}

// Lost counts the frames that no player could show, and those that were held back when the file failed, but for the one
// at which Show says so.
func (a *avi) Lost() map[string]int64 { return a.lost.counts() }

func (a *avi) Close() error {
	defer a.encoder.close()
	lost, err := a.release()
	if lost > 0 {
		a.lost.add(writeFailed, int64(lost))
	}
	switch {
	case a.file != nil:
		endErr := a.endPart()
		if a.failed {
			return err // which is Show's, or release's
		}
		return errors.Join(err, endErr)
	case a.empty != nil:
		return errors.Join(err, a.empty.Close())
	}
	return err
}

// release ends the measurement of the rate and writes the frames held back for it. On an error, lost is how many were
// not written.
func (a *avi) release() (lost int, err error) {
	held, bytes := a.held, a.bytes
	if len(held) == 0 {
		return 0, nil
	}
	a.rate = a.measured()
	a.held, a.bytes = nil, nil
	start := 0
	for i, h := range held {
		if err := a.place(bytes[start:h.end], h.at); err != nil {
			return len(held) - i, err
		}
		start = h.end
	}
	return 0, nil
}

// measured is the rate of the held frames.
func (a *avi) measured() float64 {
	span := a.held[len(a.held)-1].at.Sub(a.held[0].at)
	if span <= 0 {
		return usualRate
	}
	highest := float64(highestRate)
	if a.o.EveryFrame {
		highest = highestEveryRate
	}
	rate := min(float64(len(a.held)-1)/span.Seconds(), highest)
	unit := 1.
	if rate < halfRates {
		unit = 0.5
	}
	if nominal := math.Round(rate/unit) * unit; nominal > 0 && math.Abs(rate-nominal) <= nearRate*nominal {
		return nominal
	}
	return rate
}

// place writes the frame taken at that time, after empty ones where the file is behind the clock.
func (a *avi) place(frame []byte, at time.Time) error {
	if a.rate == 0 {
		return a.hold(frame, at)
	}
	if a.o.EveryFrame {
		return a.add(frame)
	}
	a.advance(at)
	if a.behind() < -farAhead.Seconds()*a.rate && a.elapsed > 0 && a.o.Rate == 0 {
		if a.elapsed < 2*a.tuned {
			if err := a.nextPart("the camera has become faster"); err != nil {
				return err
			}
			a.rate = 0
			return a.hold(frame, at)
		}
		// At most once in each doubling of the time, so that all of them together move no frame far.
		a.rate, a.tuned = float64(a.written)/a.elapsed.Seconds(), a.elapsed
		if err := a.file.setRate(a.rate); err != nil {
			return a.fail(err)
		}
	}
	for a.behind() > 1 {
		if err := a.add(nil); err != nil {
			return err
		}
	}
	return a.add(frame)
}

// hold keeps a frame until the rate is known.
func (a *avi) hold(frame []byte, at time.Time) error {
	a.bytes = append(a.bytes, frame...)
	a.held = append(a.held, heldFrame{len(a.bytes), at})
	if len(a.held) >= holdFrames || at.Sub(a.held[0].at) >= holdTime || len(a.bytes) >= holdBytes {
		lost, err := a.release()
		if lost > 1 {
			a.lost.add(writeFailed, int64(lost-1)) // all but the frame at hand
		}
		return err
	}
	return nil
}

// advance takes note of the time of the frame at hand.
func (a *avi) advance(at time.Time) {
	step := at.Sub(a.before)
	a.before = at
	if a.written == 0 {
		return
	}
	if step > longestFill {
		a.o.Log.Info("the recording leaves out a silence", "file", a.partPath(), "silence", step.Round(time.Second),
			"after", a.elapsed.Round(time.Second))
	}
	if step < 0 || step > longestFill {
		step = time.Duration(float64(time.Second) / a.rate)
	}
	a.elapsed += step
}

// behind is how many frames are missing from the part for its length to be what the clock says.
func (a *avi) behind() float64 { return a.elapsed.Seconds()*a.rate - float64(a.written) }

// add writes a frame, in another file if this one is full; nil is an empty one.
func (a *avi) add(frame []byte) error {
	if a.file == nil {
		if err := a.startPart(); err != nil {
			return err
		}
	}
	err := a.file.add(frame)
	if errors.Is(err, errAVIFull) && a.written > 0 {
		if err := a.nextPart(errAVIFull.Error()); err != nil {
			return err
		}
		if frame == nil {
			return nil // a file begins with a frame
		}
		return a.add(frame)
	}
	if err != nil {
		return a.fail(err)
	}
	a.written++
	return nil
}

func (a *avi) fail(err error) error {
	a.failed = true
	return fmt.Errorf("sink: record %s, after %d frames: %w", a.partPath(), a.written, err)
}

// resize takes note of the size of the frames, which is one for each file.
func (a *avi) resize(width, height int) error {
	if a.width != 0 {
		if lost, err := a.release(); err != nil {
			a.lost.add(writeFailed, int64(lost))
			return err
		}
		if err := a.nextPart(fmt.Sprintf("frames are now %d×%d", width, height)); err != nil {
			return err
		}
	}
	a.width, a.height = width, height
	return nil
}

// nextPart ends the file; the next frame begins another one.
func (a *avi) nextPart(why string) error {
	if a.file == nil {
		return nil
	}
	if err := a.endPart(); err != nil {
		return err
	}
	for a.empty == nil {
		a.part++
		if !a.o.claims.claim(a.partPath()) {
			continue
		}
		f, err := create(a.partPath(), a.o.Overwrite)
		switch {
		case err == nil:
			a.empty = f
		case !isTaken(err):
			return err
		}
	}
	a.o.Log.Info("the recording goes on in another file", "file", a.partPath(), "why", why)
	return nil
}

func (a *avi) startPart() error {
	file, err := beginAVI(a.empty, a.width, a.height, a.rate)
	if err != nil {
		err = a.fail(errors.Join(err, a.empty.Close()))
		a.empty = nil
		return err
	}
	file.full = a.full
	a.file, a.empty, a.tuned = file, nil, holdTime
	return nil
}

func (a *avi) endPart() error {
	err := a.file.close()
	a.file, a.elapsed, a.written = nil, 0, 0
	return err
}

// partPath is the file of the part: out.avi, out-2.avi, out-3.avi.
func (a *avi) partPath() string {
	if a.part == 1 {
		return a.path
	}
	ext := filepath.Ext(a.path)
	return fmt.Sprintf("%s-%d%s", strings.TrimSuffix(a.path, ext), a.part, ext)
}

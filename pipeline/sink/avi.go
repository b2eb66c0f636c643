package sink

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"time"

	icza "github.com/icza/mjpeg"

	"picam/mjpeg"
	"picam/pipeline"
)

const (
	// An AVI file says its rate before its first frame: so many frames, or so long, are held back to measure it.
	holdFrames = 30
	holdTime   = time.Second
	holdBytes  = 32 << 20

	// The rate, in frames a second, of a recording that is too short to measure; and the highest that is taken for a
	// camera's: frames without times of their own may come faster from a file.
	usualRate   = 25
	highestRate = 120

	// A longer silence is not filled with repetitions of the last frame: a night without a camera takes no room. Nor
	// does a jump of a camera's clock.
	longestFill = 10 * time.Second
)

// avi records Motion JPEG files. Their frames follow each other at a fixed rate: where the camera's are slower or
// faster, one is repeated or left out as soon as the file is more than a frame behind the clock, or ahead of it.
//
// A file ends, and the recording goes on in out-2.avi, where the format ends: at 4 GB, and when frames come in
// another size. While a file is being written, its index is in out.avi.idx_ beside it.
type avi struct {
	path    string
	o       Options
	encoder jpegEncoder
	open    func(path string, width, height, rate int32) (icza.AviWriter, error) // icza.New; a test's files are smaller

	rate   int         // frames a second; 0: still being measured
	held   []heldFrame // while it is
	bytes  []byte      // of the held frames, one after another
	frame  []byte      // the one at hand
	last   []byte      // the last one written
	before time.Time   // when the one before came

	part          int            // of the recording, from 1
	file          icza.AviWriter // of the part; nil: none yet
	width, height int            // of the part's frames
	elapsed       time.Duration  // from the part's first frame to the one at hand
	written       int            // frames in the part
	failed        bool           // the file could not be written
}

// heldFrame ends at bytes[end] and was taken at that time.
type heldFrame struct {
	end int
	at  time.Time
}

func newAVI(path string, o Options) (*avi, error) {
	// This finds out at once whether the file can be written. Its writer makes it again.
	f, err := create(path, o.Overwrite)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("sink: %w", err)
	}
	a := &avi{path: path, o: o, encoder: jpegEncoder{quality: o.Quality}, open: icza.New, part: 1}
	if o.Rate > 0 {
		a.rate = max(1, int(math.Round(o.Rate)))
	}
	return a, nil
}

func (a *avi) TakesJPEG() bool { return false }

func (a *avi) Show(f *pipeline.Frame) error {
	var err error
	if a.frame, err = a.encoder.append(a.frame[:0], f); err != nil {
		return err
	}
	h, err := mjpeg.ParseHeader(a.frame)
	if err != nil {
		return nil // no player could show it: it comes from a camera that nothing else here looks at
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
	if a.rate > 0 {
		return a.place(a.frame, at)
	}
	a.bytes = append(a.bytes, a.frame...)
	a.held = append(a.held, heldFrame{len(a.bytes), at})
	if len(a.held) >= holdFrames || at.Sub(a.held[0].at) >= holdTime || len(a.bytes) >= holdBytes {
		return a.release()
	}
	return nil
}

func (a *avi) Close() error {
	defer a.encoder.close()
	err := a.release()
	switch {
	case a.file == nil:
		return err
	case a.failed:
		_ = a.file.Close() // its error is the one that Show has returned
		return nil
	}
	return a.endPart()
}

// release ends the measurement of the rate and writes the frames held back for it.
func (a *avi) release() error {
	if len(a.held) == 0 {
		return nil
	}
	a.rate = usualRate
	if span := a.held[len(a.held)-1].at.Sub(a.held[0].at); span > 0 {
		rate := math.Round(float64(len(a.held)-1) / span.Seconds())
		a.rate = int(max(1, min(rate, highestRate)))
	}
	start := 0
	for _, h := range a.held {
		if err := a.place(a.bytes[start:h.end], h.at); err != nil {
			return err
		}
		start = h.end
	}
	a.held, a.bytes = nil, nil
	return nil
}

// place writes the frame taken at that time as often as the file needs it: usually once.
func (a *avi) place(frame []byte, at time.Time) error {
	if !a.o.EveryFrame {
		a.advance(at)
		if a.behind() < -1 {
			return nil
		}
		for a.behind() > 1 {
			if err := a.add(a.last); err != nil {
				return err
			}
		}
	}
	if err := a.add(frame); err != nil {
		return err
	}
	a.last = append(a.last[:0], frame...)
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
		step = time.Second / time.Duration(a.rate)
	}
	a.elapsed += step
}

// behind is how many frames are missing from the part for its length to be what the clock says.
func (a *avi) behind() float64 { return a.elapsed.Seconds()*float64(a.rate) - float64(a.written) }

// add writes a frame, in another file if this one is full.
func (a *avi) add(frame []byte) error {
	if a.file == nil {
		if err := a.startPart(); err != nil {
			return err
		}
	}
	err := a.file.AddFrame(frame)
	if errors.Is(err, icza.ErrTooLarge) && a.written > 0 {
		if err := a.nextPart("the file is full"); err != nil {
			return err
		}
		return a.add(frame)
	}
	if err != nil {
		a.failed = true
		return fmt.Errorf("sink: record %s, after %d frames: %w", a.partPath(), a.written, err)
	}
	a.written++
	return nil
}

// resize takes note of the size of the frames, which is one for each file.
func (a *avi) resize(width, height int) error {
	if a.width != 0 {
		if err := a.release(); err != nil {
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
	for free := false; !free; {
		a.part++
		free = (a.o.Overwrite || checkFile(a.partPath()) == nil) && a.o.claims.claim(a.partPath())
	}
	a.o.Log.Info("the recording goes on in another file", "file", a.partPath(), "why", why)
	return nil
}

func (a *avi) startPart() error {
	file, err := a.open(a.partPath(), int32(a.width), int32(a.height), int32(a.rate))
	if err != nil {
		return fmt.Errorf("sink: record %s: %w", a.partPath(), err)
	}
	a.file = file
	return nil
}

func (a *avi) endPart() error {
	err := a.file.Close()
	a.file, a.elapsed, a.written = nil, 0, 0
	if err != nil {
		return fmt.Errorf("sink: record %s: %w", a.partPath(), err)
	}
	return nil
}

// partPath is the file of the part: out.avi, out-2.avi, out-3.avi.
func (a *avi) partPath() string {
	if a.part == 1 {
		return a.path
	}
	ext := filepath.Ext(a.path)
	return fmt.Sprintf("%s-%d%s", strings.TrimSuffix(a.path, ext), a.part, ext)
}

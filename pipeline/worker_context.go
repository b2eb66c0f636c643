package pipeline

import (
	"errors"
	"fmt"
	"image"

	"gocv.io/x/gocv"

	"picam/filters"
	"picam/mjpeg"
	"picam/mjpeg/codec"
)

// workerContext is what one goroutine needs to work on frames: running instances of the stages, and a Mat for the
// result of each step, so that no buffer is shared or made per frame.
type workerContext struct {
	plan       *Plan              // that running is for
	running    []*filters.Running // of plan's steps; nil for a conversion
	instances  map[instanceKey]*instance
	mats       []gocv.Mat // results of all steps but the last, of any plan
	decoded    gocv.Mat
	lying      gocv.Mat        // a decoded frame that is still to be turned upright
	decoder    *codec.Parallel // made when first needed
	processors int             // that it decodes on
	interrupt  *codec.Interrupt
}

// instance is a running Stage. Cameras with the same Stage share it.
type instance struct {
	*filters.Running
	plan *Plan // that it was last prepared for
}

// instanceKey tells instances apart: a Stage that stands in a chain twice has two.
type instanceKey struct {
	stage *filters.Stage
	n     int // how often it stands before
}

// newWorkerContext returns a worker context that decodes a frame on up to so many processors.
func newWorkerContext(processors int) *workerContext {
	return &workerContext{
		instances: map[instanceKey]*instance{}, decoded: gocv.NewMat(), lying: gocv.NewMat(), processors: processors,
	}
}

// decode decodes a frame with header h into dst as plan p wants it, upright. The error may be codec.ErrDamaged: dst
// then holds what there is.
func (l *workerContext) decode(p *Plan, jpeg []byte, h mjpeg.Header, dst *gocv.Mat) error {
	if l.decoder == nil {
		d, err := codec.NewParallel(l.processors, l.interrupt)
		if err != nil {
			return err
		}
		l.decoder = d
	}
	frame := dst
	if h.Orientation > 1 {
		frame = &l.lying
	}
	scale := p.scale(uprightSize(h))
	cols, rows := codec.ScaledSize(h.Width, h.Height, scale)
	fit(frame, rows, cols, matType(p.decode))
	pixels, err := frame.DataPtrUint8()
	if err != nil {
		return fmt.Errorf("pipeline: %w", err)
	}
	err = l.decoder.DecodeScaled(pixels, frame.Step(), jpeg, p.decode, scale)
	if h.Orientation > 1 && (err == nil || errors.Is(err, codec.ErrDamaged)) {
		err = errors.Join(err, Upright(l.lying, dst, h.Orientation))
	}
	return err
}

// uprightSize is the size (cols, rows) of a frame as it is seen.
func uprightSize(h mjpeg.Header) image.Point {
	if h.Orientation >= 5 { // it lies on a side
		return image.Pt(h.Height, h.Width)
	}
	return image.Pt(h.Width, h.Height)
}

// Upright turns a frame by its EXIF orientation (2 to 8, as the standard's table of tag 0x0112 has them).
func Upright(src gocv.Mat, dst *gocv.Mat, orientation int) error {
	const vertically, horizontally, both = 0, 1, -1
	switch orientation {
	case 2:
		return gocv.Flip(src, dst, horizontally)
	case 3:
		return gocv.Flip(src, dst, both)
	case 4:
		return gocv.Flip(src, dst, vertically)
	case 5:
		return gocv.Transpose(src, dst)
	case 6:
		return gocv.Rotate(src, dst, gocv.Rotate90Clockwise)
	case 7: // transposed, and turned by 180°
		if err := gocv.Transpose(src, dst); err != nil {
			return err
		}
		return gocv.Flip(*dst, dst, both)
	case 8:
		return gocv.Rotate(src, dst, gocv.Rotate90CounterClockwise)
	}
	return fmt.Errorf("pipeline: EXIF orientation %d is not 1 to 8", orientation)
}

// apply takes src through steps, which are some of p's, and leaves the result in dst and what was found in meta. src
// stays as it is. Without steps it does nothing.
func (l *workerContext) apply(p *Plan, steps []step, src gocv.Mat, dst *gocv.Mat, meta *filters.Meta) error {
	if l.plan != p {
		if err := l.prepare(p, steps); err != nil {
			return err
		}
	}
	for i, s := range steps {
		out := dst
		if i < len(steps)-1 {
			out = &l.mats[i]
		}
		var err error
		if s.stage == nil {
			err = gocv.CvtColor(src, out, s.convert)
		} else {
			err = l.running[i].Apply(src, out, meta)
		}
		meta.Full = image.Point{} // the decoder made the frame smaller for the first stage, not for the next ones
		if err != nil {
			return err
		}
		src = *out
	}
	return nil
}

// prepare gets ready for p's steps. An instance of a Stage that is there already goes on, with its state. Those of
// plans that are in force no more are closed.
func (l *workerContext) prepare(p *Plan, steps []step) error {
	l.plan, l.running = nil, l.running[:0]
	for i, s := range steps {
		if s.stage == nil {
			l.running = append(l.running, nil)
			continue
		}
		key := instanceKey{stage: s.stage}
		for _, before := range steps[:i] {
			if before.stage == s.stage {
				key.n++
			}
		}
		in := l.instances[key]
		if in == nil {
			r, err := s.stage.Open()
			if err != nil {
				return fmt.Errorf("pipeline: %s: %w", s.stage, err)
			}
			in = &instance{Running: r}
			l.instances[key] = in
		}
		in.plan = p
		l.running = append(l.running, in.Running)
	}
	for key, in := range l.instances {
		if in.plan != p && in.plan.retired.Load() {
			in.Close()
			delete(l.instances, key)
		}
	}
	for len(l.mats) < len(steps) {
		l.mats = append(l.mats, gocv.NewMat())
	}
	l.plan = p
	return nil
}

func (l *workerContext) close() {
	for _, in := range l.instances {
		in.Close()
	}
	for i := range l.mats {
		l.mats[i].Close()
	}
	l.decoded.Close()
	l.lying.Close()
	if l.decoder != nil {
		l.decoder.Close()
	}
}

// fit makes *m rows × cols of type t. It is a new Mat only where the old one is not.
func fit(m *gocv.Mat, rows, cols int, t gocv.MatType) {
	if m.Rows() == rows && m.Cols() == cols && m.Type() == t {
		return
	}
	m.Close()
	*m = gocv.NewMatWithSize(rows, cols, t)
}

package pipeline

import (
	"errors"
	"fmt"
	"image"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"gocv.io/x/gocv"

	"picam/filters"
	"picam/mjpeg/codec"
)

// Plan is a chain of stages, checked, tried in a dry run and frozen. It never changes once made, so frames and
// goroutines share it freely.
type Plan struct {
	Chain          // as the user wrote it
	Version uint64 // counts the plans of a Controller, from 1
	// Needs has the stages that need frames of another size than the first one tried, where the camera's was not known.
	Needs []filters.SizeError

	decode   codec.Format   // what the decoder makes
	original bool           // a stage wants the frame before the first one too, which is decoded to BGR then
	shrink   *filters.Stage // the first step, if it leaves the way to a smaller frame to us; else nil
	steps    []step         // what is done to the decoded frame, in order
	ordered  int            // steps[ordered:] see the frames in their order, on one goroutine
	changes  bool           // a stage is on

	retired atomic.Bool // another plan has taken its place: what was opened for it may be closed
}

// step is one operation on a frame: a stage, or a conversion between formats that the next stage needs.
type step struct {
	stage   *filters.Stage           // nil: a conversion
	convert gocv.ColorConversionCode // of a conversion
	text    string
}

// Dry runs where the size of the camera's frames is not known.
var trialSize = image.Pt(640, 480) // cols × rows of the first frame tried
const (
	trialPixels = 16 << 20 // that a frame has at most
	maxTrials   = 8
)

// Check makes a plan of a chain and tries it on a made-up frame of size (cols × rows). 0 × 0 says that the size is not
// known: what depends on it is then no fault, and [Plan.Needs] tells of it.
func Check(chain Chain, size image.Point) (*Plan, error) {
	p := newPlan(chain)
	if size != (image.Point{}) {
		return p, p.dryRun(size)
	}
	return p, p.dryRunAtAnySize()
}

// newPlan negotiates formats in one forward pass: the decoder makes what the first stage wants, and a conversion is put
// in wherever a stage wants another format than is at hand. It does not look past a stage that takes any format, since
// blur-then-gray and gray-then-blur differ in their pixels: the user's order is the meaning.
func newPlan(chain Chain) *Plan {
	p := &Plan{Chain: chain, decode: codec.BGR}
	for _, ps := range chain.Stages {
		p.original = p.original || !ps.Off && ps.Kind().Original
	}
	format := filters.Any // nothing decoded yet
	if p.original {
		format = filters.BGR
	}
	for _, ps := range chain.Stages {
		if ps.Off {
			continue
		}
		p.changes = true
		switch {
		case format == filters.Any:
			if ps.In() == filters.Gray {
				p.decode = codec.Gray
			}
			format = formatOf(p.decode)
		case ps.In() != filters.Any && ps.In() != format:
			p.steps = append(p.steps, conversion(ps.In()))
			format = ps.In()
		}
		if ps.Kind().New == nil {
			continue // the format was all that it asked for
		}
		if _, ok := ps.Resizes(image.Pt(1, 1)); ok && len(p.steps) == 0 && !p.original {
			p.shrink = ps.Stage
		}
		p.steps = append(p.steps, step{stage: ps.Stage, text: ps.String()})
		if ps.Out() != filters.Any {
			format = ps.Out()
		}
	}
	p.ordered = len(p.steps)
	for i, s := range p.steps {
		if s.stage != nil && s.stage.Stateful() {
			p.ordered = i
			break
		}
	}
	return p
}

// scale is by how much the decoder makes a frame of size (cols × rows) smaller: 1, 2, 4 or 8. It never makes it smaller
// than the first stage wants it. The decoder fills up the last pixel of a row or column where a side is no multiple of
// the scale, so that the frame shrinks by a little less than that: by 1 % of a side at most.
func (p *Plan) scale(size image.Point) int {
	if p.shrink == nil {
		return 1
	}
	want, _ := p.shrink.Resizes(size)
	for _, scale := range []int{8, 4, 2} {
		cols, rows := codec.ScaledSize(size.X, size.Y, scale)
		if cols >= want.X && rows >= want.Y && 100*(cols*scale-size.X) <= size.X && 100*(rows*scale-size.Y) <= size.Y {
			return scale
		}
	}
	return 1
}

func formatOf(f codec.Format) filters.Format {
	if f == codec.Gray {
		return filters.Gray
	}
	return filters.BGR
}

func conversion(to filters.Format) step {
	if to == filters.Gray {
		return step{convert: gocv.ColorBGRToGray, text: "to gray"}
	}
	return step{convert: gocv.ColorGrayToBGR, text: "to colour"}
}

// dryRun runs every step once on a made-up frame of size (cols × rows): OpenCV finds wrong sizes and channels only
// then.
func (p *Plan) dryRun(size image.Point) error {
	frame := gocv.NewMatWithSize(size.Y, size.X, matType(p.decode))
	defer frame.Close()
	result := gocv.NewMat()
	defer result.Close()
	l := newWorkerContext(1)
	defer l.close()
	meta := filters.Meta{Camera: "dry run", Seq: 1, Captured: time.Now(), Received: time.Now(), Original: frame, DryRun: true}
	if err := l.apply(p, p.steps, frame, &result, &meta); err != nil {
		return err
	}
	for _, b := range meta.Bypassed {
		return fmt.Errorf("filters: %s: %w", b.Stage, b.Cause)
	}
	return nil
}

// dryRunAtAnySize looks for a size of frame that all steps can work on, and notes what they need. It is a fault if a
// stage is given frames of the same size whatever comes in, and that does not fit.
func (p *Plan) dryRunAtAnySize() error {
	size, before := trialSize, filters.SizeError{}
	for range maxTrials {
		err := p.dryRun(size)
		var misfit *filters.SizeError
		switch {
		case !errors.As(err, &misfit):
			return err
		case misfit.Stage != before.Stage || misfit.What != before.What:
			p.Needs = append(p.Needs, *misfit)
		case !nearer(*misfit, before):
			return err
		}
		before = *misfit
		factor := 0.5
		if misfit.Least != (image.Point{}) {
			factor = max(float64(misfit.Least.X)/float64(misfit.Size.X), float64(misfit.Least.Y)/float64(misfit.Size.Y))
		}
		size = image.Pt(int(math.Ceil(float64(size.X)*factor)), int(math.Ceil(float64(size.Y)*factor)))
		if size.X*size.Y > trialPixels {
			break
		}
	}
	return nil // there may be a size that fits
}

// nearer says whether a side that keeps a frame from fitting a stage has changed since the dry run before.
func nearer(now, before filters.SizeError) bool {
	if now.Least == (image.Point{}) {
		return now.Size != before.Size
	}
	return now.Size.X < now.Least.X && now.Size.X != before.Size.X || now.Size.Y < now.Least.Y && now.Size.Y != before.Size.Y
}

// String shows the derived steps, such as "decode gray > blur size=5 > canny low=50 high=150".
func (p *Plan) String() string {
	if !p.changes {
		return "pass on as it is, decode colour where pixels are shown"
	}
	parts := []string{"decode colour"}
	if p.decode == codec.Gray {
		parts[0] = "decode gray"
	}
	if p.shrink != nil {
		parts[0] += " (at 1/2, 1/4 or 1/8 where that is enough)"
	}
	for i, s := range p.steps {
		text := s.text
		if i >= p.ordered {
			text += " (in order)"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " > ")
}

func matType(f codec.Format) gocv.MatType {
	if f == codec.Gray {
		return gocv.MatTypeCV8UC1
	}
	return gocv.MatTypeCV8UC3
}

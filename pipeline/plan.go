package pipeline

import (
	"fmt"
	"image"
	"strings"
	"time"

	"gocv.io/x/gocv"

	"picam/filters"
	"picam/mjpeg/turbo"
)

// Plan is a chain of stages, checked, rehearsed and frozen. It never changes once made, so pictures and goroutines
// share it freely.
type Plan struct {
	Chain          // as the user wrote it
	Version uint64 // counts the plans of a Controller, from 1

	decode   turbo.Format   // what the decoder makes
	original bool           // a stage wants the picture before the first one too, which is decoded to BGR then
	shrink   *filters.Stage // the first step, if it leaves the way to a smaller picture to us; else nil
	steps    []step         // what is done to the decoded picture, in order
	ordered  int            // steps[ordered:] see the pictures in their order, on one goroutine
	touches  bool           // a stage is on
}

// step is one operation on a picture: a stage, or a conversion between formats that the next stage needs.
type step struct {
	stage   *filters.Stage           // nil: a conversion
	convert gocv.ColorConversionCode // of a conversion
	text    string
}

// rehearsalSize is the size (cols × rows) of the made-up picture on which a plan is rehearsed when no real one has been seen.
var rehearsalSize = [2]int{640, 480}

// newPlan negotiates formats in one forward pass: the decoder makes what the first stage wants, and a conversion is put
// in wherever a stage wants another format than is at hand. It does not look past a stage that takes any format, since
// blur-then-gray and gray-then-blur differ in their pixels: the user's order is the meaning.
func newPlan(chain Chain) *Plan {
	p := &Plan{Chain: chain, decode: turbo.BGR}
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
		p.touches = true
		switch {
		case format == filters.Any:
			if ps.In() == filters.Gray {
				p.decode = turbo.Gray
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

// scale is by how much the decoder makes a picture of size (cols, rows) smaller: 1, 2, 4 or 8. It never makes it smaller
// than the first stage wants it.
func (p *Plan) scale(size image.Point) int {
	if p.shrink == nil {
		return 1
	}
	want, _ := p.shrink.Resizes(size)
	for _, scale := range []int{8, 4, 2} {
		if cols, rows := turbo.ScaledSize(size.X, size.Y, scale); cols >= want.X && rows >= want.Y {
			return scale
		}
	}
	return 1
}

func formatOf(f turbo.Format) filters.Format {
	if f == turbo.Gray {
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

// rehearse runs every step once on a made-up picture of cols × rows pixels: OpenCV finds wrong sizes and channels only then.
func (p *Plan) rehearse(cols, rows int) error {
	picture := gocv.NewMatWithSize(rows, cols, matType(p.decode))
	defer picture.Close()
	result := gocv.NewMat()
	defer result.Close()
	l := newLane(1)
	defer l.close()
	meta := filters.Meta{Camera: "rehearsal", Seq: 1, Captured: time.Now(), Received: time.Now(), Original: picture,
		Rehearsal: true}
	if err := l.apply(p, p.steps, picture, &result, &meta); err != nil {
		return fmt.Errorf("pipeline: rehearsal on a picture of %d×%d: %w", cols, rows, err)
	}
	for _, b := range meta.Bypassed {
		return fmt.Errorf("pipeline: rehearsal on a picture of %d×%d: filters: %s: %w", cols, rows, b.Stage, b.Cause)
	}
	return nil
}

// String shows the derived steps, such as "decode gray > blur size=5 > canny low=50 high=150".
func (p *Plan) String() string {
	if !p.touches {
		return "pass on as it is, decode colour where pixels are shown"
	}
	parts := []string{"decode colour"}
	if p.decode == turbo.Gray {
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

func matType(f turbo.Format) gocv.MatType {
	if f == turbo.Gray {
		return gocv.MatTypeCV8UC1
	}
	return gocv.MatTypeCV8UC3
}

// Package plugin lets programs that picam was not built with work on its frames: a program in a process of its own
// ([Program]), or a WebAssembly module in a sandbox ([Shared.Instance]). Both are given the same bytes and answer with
// the same bytes, which docs/plugins.md has one by one.
//
// Such programs die, hang and talk nonsense. A [Pool] ends them, starts them again with growing pauses, and says of a
// frame that nobody could work on it; it never waits for longer than it was told to.
package plugin

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
	"time"
)

// Frame is what a program is given.
type Frame struct {
	Width, Height int // in pixels
	Channels      int // 1: gray, 3: BGR
	Stride        int // bytes from row to row
	Pixels        []byte
	Seq           uint64
	Captured      time.Time // zero: not known
	Camera        string
}

// Answer is what a program answers. It holds until the next frame.
type Answer struct {
	Width, Height, Channels, Stride int    // of Pixels, as in a Frame
	Pixels                          []byte // empty: the frame stays as it is
	Detections                      []Detection
}

// Detection is what a program has found, in pixels of the frame that it was given.
type Detection struct {
	Label  string
	Box    image.Rectangle
	Points []image.Point
	Score  float64
	Value  string
}

// The contract: numbers are little-endian, and of the kinds that docs/plugins.md gives.
const (
	magic        = "PICM"
	version      = 1
	requestHead  = 56
	answerHead   = 40
	maxSide      = 1 << 16
	maxPixels    = 64 << 20 // width × height of an answer
	maxFound     = 1 << 20  // bytes of detections
	maxDetection = 1000
)

// appendRequest adds the bytes of a frame with the filter's parameters, which are JSON, to b.
func appendRequest(b []byte, p *Frame, params string) []byte {
	le := binary.LittleEndian
	b = append(b, magic...)
	b = le.AppendUint16(b, version)
	b = le.AppendUint16(b, requestHead)
	for _, n := range [...]int{p.Width, p.Height, p.Channels, p.Stride} {
		b = le.AppendUint32(b, uint32(n))
	}
	b = le.AppendUint64(b, p.Seq)
	captured := int64(0)
	if !p.Captured.IsZero() {
		captured = p.Captured.UnixNano()
	}
	b = le.AppendUint64(b, uint64(captured))
	size := p.Stride * p.Height
	for _, n := range [...]int{len(p.Camera), len(params), size, 0} {
		b = le.AppendUint32(b, uint32(n))
	}
	b = append(b, p.Camera...)
	b = append(b, params...)
	return append(b, p.Pixels[:size]...)
}

// head is the beginning of an answer.
type head struct {
	width, height, channels, stride uint32
	pixels, found                   uint32 // bytes that follow
	seq                             uint64 // of the frame that it answers
}

// parseHead reads the answerHead bytes with which the answer to frame seq begins, and holds that what follows may be.
func parseHead(b []byte, seq uint64) (head, error) {
	le := binary.LittleEndian
	if string(b[:4]) != magic {
		return head{}, fmt.Errorf("its answer begins with %q instead of %q: only answers may go to standard output, "+
			"all other text to standard error", b[:8], magic)
	}
	if v, size := le.Uint16(b[4:]), le.Uint16(b[6:]); v != version || size != answerHead {
		return head{}, fmt.Errorf("its answer has version %d and a header of %d bytes, not version %d and %d bytes",
			v, size, version, answerHead)
	}
	h := head{
		width: le.Uint32(b[8:]), height: le.Uint32(b[12:]), channels: le.Uint32(b[16:]), stride: le.Uint32(b[20:]),
		pixels: le.Uint32(b[24:]), found: le.Uint32(b[28:]), seq: le.Uint64(b[32:]),
	}
	if h.seq != seq {
		return head{}, fmt.Errorf("it answers frame %d, but was given frame %d: each frame takes one answer",
			h.seq, seq)
	}
	if h.found > maxFound {
		return head{}, fmt.Errorf("its answer has %d bytes of detections; at most %d are allowed", h.found, maxFound)
	}
	if h.pixels == 0 {
		return h, nil
	}
	switch row := uint64(h.width) * uint64(h.channels); {
	case h.channels != 1 && h.channels != 3:
		return head{}, fmt.Errorf("its answer is a frame of %d channels, not of 1 (gray) or 3 (BGR)", h.channels)
	case h.width == 0 || h.height == 0 || h.width > maxSide || h.height > maxSide ||
		uint64(h.width)*uint64(h.height) > maxPixels:
		return head{}, fmt.Errorf("its answer is a frame of %d×%d pixels; allowed are 1×1 to %d million in all",
			h.width, h.height, maxPixels>>20)
	case uint64(h.stride) < row:
		return head{}, fmt.Errorf("its answer has a stride of %d bytes; a row of %d pixels has %d",
			h.stride, h.width, row)
	case uint64(h.pixels) != uint64(h.stride)*uint64(h.height):
		return head{}, fmt.Errorf("its answer has %d bytes of pixels; %d rows of %d bytes are %d",
			h.pixels, h.height, h.stride, uint64(h.stride)*uint64(h.height))
	case h.pixels > 3*maxPixels:
		return head{}, fmt.Errorf("its answer has %d MB of pixels; at most %d are allowed", h.pixels>>20,
			3*maxPixels>>20)
	}
	return h, nil
}

// fill sets a to what follows h: pixels, and detections as JSON.
func (h head) fill(a *Answer, pixels, found []byte) error {
	a.Width, a.Height, a.Channels, a.Stride = int(h.width), int(h.height), int(h.channels), int(h.stride)
	a.Pixels, a.Detections = pixels, a.Detections[:0]
	if len(found) == 0 {
		return nil
	}
	var list []struct {
		Label  string       `json:"label"`
		Box    []float64    `json:"box"`
		Points [][2]float64 `json:"points"`
		Score  float64      `json:"score"`
		Value  string       `json:"value"`
	}
	if err := json.Unmarshal(found, &list); err != nil {
		return fmt.Errorf("its detections are not a JSON list as it should be: %w", err)
	}
	if len(list) > maxDetection {
		return fmt.Errorf("it reports %d detections of one frame; at most %d are allowed", len(list), maxDetection)
	}
	for _, d := range list {
		points := make([]image.Point, len(d.Points))
		for i, p := range d.Points {
			points[i] = image.Pt(whole(p[0]), whole(p[1]))
		}
		var box image.Rectangle
		switch len(d.Box) {
		case 0:
		case 4:
			at := image.Pt(whole(d.Box[0]), whole(d.Box[1]))
			box = image.Rectangle{Min: at, Max: at.Add(image.Pt(whole(d.Box[2]), whole(d.Box[3])))}
		default:
			return fmt.Errorf("it reports a box of %d numbers, not [x, y, width, height]", len(d.Box))
		}
		a.Detections = append(a.Detections, Detection{d.Label, box, slices.Clip(points), d.Score, d.Value})
	}
	return nil
}

// whole is the nearest whole number that a place in a frame can be.
func whole(f float64) int { return int(math.Round(max(-1<<24, min(f, 1<<24)))) }

// errStarting is that of a worker that has been given its first frame and has not answered yet.
var errStarting = errors.New("it is still starting: it has not answered its first frame yet")

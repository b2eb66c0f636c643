package sink

import (
	"fmt"
	"image"
	"time"

	"gocv.io/x/gocv"

	"picam/filters/cv"
)

// view is a window on the screen. It keeps the shape of what it shows: it takes a new size when the shape changes,
// unless its user has chosen one, and has bars beside or above what is of another shape than it.
type view struct {
	title  string
	screen image.Point // the size of the screen in pixels; 0 × 0: not known
	gui    *cv.Window  // nil: not open

	shape   image.Point // for which the window got its size
	size    image.Point // that it has; 0 × 0: not known
	asked   image.Point // that it was given
	settles time.Time   // until then it is not its user who changes the size
	byUser  bool        // its size is
	full    bool        // it fills the screen
	bars    gocv.Mat    // what is shown, with bars; of the size of the window
}

// settleTime is how long a window manager may take to give a window its size.
const settleTime = time.Second

func newView(title string, screen image.Point) view {
	return view{title: title, screen: screen, bars: gocv.NewMat()}
}

// show puts m (rows × cols × 1 or 3) on the screen, in a new window if there is none yet.
func (v *view) show(m gocv.Mat, now time.Time) error {
	shape := image.Pt(m.Cols(), m.Rows())
	if err := v.fit(shape, now); err != nil {
		return fmt.Errorf("sink: window: %w", err)
	}
	place := placeIn(shape, v.size)
	if place.Size() == v.size {
		return v.put(m)
	}
	if v.bars.Cols() != v.size.X || v.bars.Rows() != v.size.Y || v.bars.Type() != m.Type() {
		v.bars.Close()
		v.bars = gocv.NewMatWithSize(v.size.Y, v.size.X, m.Type())
	}
	v.bars.SetTo(gocv.Scalar{})
	inside := v.bars.Region(place)
	defer inside.Close()
	way := gocv.InterpolationLinear
	if place.Dx() < shape.X {
		way = gocv.InterpolationArea
	}
	if err := gocv.Resize(m, &inside, place.Size(), 0, 0, way); err != nil {
		return fmt.Errorf("sink: window: %w", err)
	}
	return v.put(v.bars)
}

func (v *view) put(m gocv.Mat) error {
	if err := v.gui.Show(m); err != nil {
		return fmt.Errorf("sink: window: %w", err)
	}
	return nil
}

// fit gives the window a size for frames of a shape (cols, rows).
func (v *view) fit(shape image.Point, now time.Time) error {
	size := windowSize(shape, v.screen)
	switch {
	case v.gui == nil:
		gui, err := cv.OpenWindow(v.title, size)
		if err != nil {
			return err
		}
		v.gui = gui
	case v.full || sameShape(shape, v.shape):
		return nil
	case v.byUser:
		v.shape = shape
		return nil
	default:
		if err := v.gui.Resize(size); err != nil {
			return err
		}
	}
	v.shape, v.asked, v.settles = shape, size, now.Add(settleTime)
	return nil
}

// follow looks whether the window has another size now, and reports that.
func (v *view) follow(now time.Time) (changed bool) {
	if v.gui == nil {
		return false
	}
	size := v.gui.Size()
	if size == v.size {
		return false
	}
	v.size = size
	switch {
	case v.full:
	case now.Before(v.settles):
		v.asked = size // by the window manager, who has the last word
	case size != v.asked:
		v.byUser = true
	}
	return true
}

// setFull makes the window fill the screen, or gives it back its size.
func (v *view) setFull(full bool, now time.Time) error {
	if v.gui == nil || full == v.full {
		return nil
	}
	if err := v.gui.FullScreen(full); err != nil {
		return fmt.Errorf("sink: window: full screen: %w", err)
	}
	v.full, v.settles = full, now.Add(settleTime)
	return nil
}

// close takes the window off the screen.
func (v *view) close() {
	if v.gui != nil {
		v.gui.Close()
		v.gui = nil
	}
}

// free closes the window, for good.
func (v *view) free() {
	v.close()
	v.bars.Close()
}

// placeIn is where something of a shape stands in a window of a size, as large as can be and in its middle. It is all
// of the window where that is of the same shape up to rounding, or of no known size.
func placeIn(shape, window image.Point) image.Rectangle {
	whole := image.Rectangle{Max: window}
	if min(shape.X, shape.Y, window.X, window.Y) <= 0 {
		return whole
	}
	scale := min(float64(window.X)/float64(shape.X), float64(window.Y)/float64(shape.Y))
	size := image.Pt(max(1, int(float64(shape.X)*scale+0.5)), max(1, int(float64(shape.Y)*scale+0.5)))
	if free := window.Sub(size); free.X <= 2 && free.Y <= 2 {
		return whole
	}
	corner := window.Sub(size).Div(2)
	return image.Rectangle{Min: corner, Max: corner.Add(size)}
}

// sameShape says whether two sizes have the same ratio of width to height, up to rounding.
func sameShape(a, b image.Point) bool { return placeIn(a, b).Size() == b }

// windowSize is that of a new window for a frame: the frame's, or as much as the screen has comfortable room for.
func windowSize(frame, screen image.Point) image.Point {
	size := frame.Mul(enlargement(frame))
	room := largestSize
	if screen != (image.Point{}) {
		room = image.Pt(min(room.X, screen.X*9/10), min(room.Y, screen.Y*9/10)) // panels and the title take the rest
	}
	if shrink := min(float64(room.X)/float64(size.X), float64(room.Y)/float64(size.Y)); shrink < 1 {
		size = image.Pt(max(1, int(float64(size.X)*shrink)), max(1, int(float64(size.Y)*shrink)))
	}
	return size
}

// enlargement is how many times as large as it is a frame of that size is shown.
func enlargement(size image.Point) int {
	longer := max(size.X, size.Y, 1)
	return (legible + longer - 1) / longer
}

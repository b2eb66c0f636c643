package sink

import (
	"fmt"
	"image"
	"path/filepath"
	"strings"
	"time"

	"gocv.io/x/gocv"

	"picam/filters/cv"
	"picam/internal/file"
	"picam/pipeline"
)

const (
	silence      = 2 * time.Second        // without a frame, before a card says so
	patience     = 30 * time.Second       // with a camera that is slow, at most
	statusPeriod = 500 * time.Millisecond // between two texts of the status line, so that they can be read
	messageTime  = 2 * time.Second        // that a message stays

	legible = 640 // pixels: smaller frames are enlarged before something is written on them
)

// The sizes of a card before any frame came, and of the largest new window, in pixels.
var (
	cardSize    = image.Pt(960, 540)
	largestSize = image.Pt(1280, 720)
)

// window is the side of a window that its user sees. It belongs to the goroutine of [Desktop.Run].
type window struct {
	mailbox *mailbox
	title   string
	screen  image.Point // the size of the screen in pixels; 0 × 0: not known
	gui     *cv.Window
	closed  bool // by its user

	frame    frame    // the last one taken from the mailbox; empty: none yet
	enlarged gocv.Mat // it, if it is small
	canvas   gocv.Mat // it with what is written on it; or a card
	dirty    bool     // the screen does not show what it should
	paused   bool
	born     time.Time

	message    string // on the frame, until messageEnd
	messageEnd time.Time
	withStatus bool
	status     status
	said       silenceCard // on the screen; zero: no card
}

// status is what the status line says.
type status struct {
	at      time.Time // when it was made
	left    string
	right   string // switched-off stages
	counted time.Time
	frames  int     // that had come by then
	fps     float64 // since then; 0: not known yet
}

// silenceCard is what a card about a silent camera says.
type silenceCard struct {
	seconds int // from 1
	why     pipeline.Silence
}

func newWindow(s *mailbox, title string, screen image.Point, withStatus bool, now time.Time) *window {
	return &window{
		mailbox: s, title: title, screen: screen, withStatus: withStatus, born: now,
		frame: frame{mat: gocv.NewMat()}, enlarged: gocv.NewMat(), canvas: gocv.NewMat(),
	}
}

// refresh puts on the screen what should be there.
func (w *window) refresh(now time.Time) error {
	if w.closed {
		return nil
	}
	if !w.paused && w.mailbox.take(&w.frame) {
		w.dirty = true
	}
	if w.message != "" && now.After(w.messageEnd) {
		w.message, w.dirty = "", true
	}
	signs := w.mailbox.read()
	if c := w.silence(signs, now); c.seconds > 0 {
		return w.showCard(c)
	}
	if w.frame.mat.Empty() || !w.dirty && w.said.seconds == 0 {
		return nil
	}
	w.said = silenceCard{}
	if !w.paused && now.Sub(w.status.at) >= statusPeriod {
		w.updateStatus(signs, now)
	}
	return w.showFrame()
}

// silence returns what a card should say; its zero value if none is due.
func (w *window) silence(s signs, now time.Time) silenceCard {
	since, limit := s.last, silence
	if since.IsZero() {
		since = w.born
	} else if s.why == (pipeline.Silence{}) {
		limit = min(max(limit, 2*s.interval), patience)
	}
	if silent := now.Sub(since); silent >= limit && !w.paused {
		return silenceCard{int(silent.Seconds()), s.why}
	}
	return silenceCard{}
}

func (w *window) showCard(c silenceCard) error {
	if c == w.said {
		return nil
	}
	size := cardSize
	since := "no frame yet"
	if !w.frame.mat.Empty() {
		size = image.Pt(w.frame.mat.Cols(), w.frame.mat.Rows())
		size = size.Mul(enlargement(size))
		since = "last frame " + (time.Duration(c.seconds) * time.Second).String() + " ago"
	}
	text := card{title: c.why.Title(), lines: []string{w.mailbox.camera, c.why.Reason, since}, note: keyHint}
	if err := text.draw(&w.canvas, size); err != nil {
		return err
	}
	w.said = c
	return w.show(w.canvas)
}

// enlargement is how many times as large as it is a frame of that size is shown.
func enlargement(size image.Point) int {
	longer := max(size.X, size.Y, 1)
	return (legible + longer - 1) / longer
}

func (w *window) showFrame() error {
	w.dirty = false
	if !w.withStatus && !w.paused && w.message == "" {
		return w.show(w.frame.mat)
	}
	if err := w.compose(); err != nil {
		return err
	}
	return w.show(w.canvas)
}

// compose makes the canvas the frame, in colour, with what is to be said about it.
func (w *window) compose() error {
	m := w.frame.mat
	size := image.Pt(m.Cols(), m.Rows())
	if k := enlargement(size); k > 1 {
		if err := gocv.Resize(m, &w.enlarged, size.Mul(k), 0, 0, gocv.InterpolationNearestNeighbor); err != nil {
			return err
		}
		m = w.enlarged
	}
	var err error
	if m.Channels() == 1 {
		err = gocv.CvtColor(m, &w.canvas, gocv.ColorGrayToBGR)
	} else {
		err = m.CopyTo(&w.canvas)
	}
	if err != nil {
		return err
	}
	return w.annotate()
}

// annotate writes on the canvas what is to be said about the frame.
func (w *window) annotate() error {
	const capitals, line = 15, 40 // pixels of a frame 1280 wide
	unit := max(float64(w.canvas.Cols())/1280, 0.7)
	height, pitch := capitals*unit, int(line*unit)
	baseline, margin := int((line+capitals)/2*unit), int(20*unit)
	box := func(r image.Rectangle) {
		if r = r.Intersect(image.Rect(0, 0, w.canvas.Cols(), w.canvas.Rows())); !r.Empty() {
			region := w.canvas.Region(r)
			defer region.Close()
			region.MultiplyFloat(0.3)
		}
	}
	y := margin
	for _, text := range []string{w.pauseText(), w.message} {
		if text == "" {
			continue
		}
		box(image.Rect(margin, y, margin+textWidth(text, height)+2*margin, y+pitch))
		if err := write(&w.canvas, text, image.Pt(2*margin, y+baseline), height, accent); err != nil {
			return err
		}
		y += pitch + margin/2
	}
	if !w.withStatus || w.canvas.Rows() < pitch {
		return nil
	}
	top := w.canvas.Rows() - pitch
	box(image.Rect(0, top, w.canvas.Cols(), w.canvas.Rows()))
	if err := write(&w.canvas, w.status.left, image.Pt(margin, top+baseline), height, ink); err != nil {
		return err
	}
	at := image.Pt(w.canvas.Cols()-margin-textWidth(w.status.right, height), top+baseline)
	return write(&w.canvas, w.status.right, at, height, accent)
}

func (w *window) pauseText() string {
	if w.paused {
		return "PAUSED"
	}
	return ""
}

// updateStatus makes the texts of the status line.
func (w *window) updateStatus(s signs, now time.Time) {
	st := &w.status
	if since := now.Sub(st.counted); since >= time.Second {
		if !st.counted.IsZero() {
			st.fps = float64(s.frames-st.frames) / since.Seconds()
		}
		st.counted, st.frames = now, s.frames
	}
	st.at = now
	st.left = fmt.Sprintf("%s   %d×%d", w.mailbox.camera, w.frame.mat.Cols(), w.frame.mat.Rows())
	if st.fps > 0 {
		st.left += fmt.Sprintf("   %.1f fps", st.fps)
	}
	// A time in the future, or long ago, is that of a clock that does not agree with this one.
	if age := now.Sub(w.frame.captured); age >= 0 && age < time.Hour {
		st.left += fmt.Sprintf("   latency %d ms", age.Milliseconds())
	}
	st.right = w.switchedOff()
}

// switchedOff says which stages are off, as "off: 1 blur".
func (w *window) switchedOff() string {
	if w.mailbox.ctl == nil {
		return ""
	}
	var off []string
	for i, st := range w.mailbox.ctl.Plan().Stages {
		if st.Off {
			off = append(off, fmt.Sprintf("%d %s", i+1, st.Kind().Name))
		}
	}
	if len(off) == 0 {
		return ""
	}
	return "off: " + strings.Join(off, ", ")
}

// show puts m on the screen, in a new window if there is none yet.
func (w *window) show(m gocv.Mat) error {
	if w.gui == nil {
		gui, err := cv.OpenWindow(w.title, windowSize(image.Pt(m.Cols(), m.Rows()), w.screen))
		if err != nil {
			return fmt.Errorf("sink: window: %w", err)
		}
		w.gui = gui
	}
	if err := w.gui.Show(m); err != nil {
		return fmt.Errorf("sink: window: %w", err)
	}
	return nil
}

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

// press does what a key is for.
func (w *window) press(key rune, o DesktopOptions, now time.Time) {
	switch {
	case key == ' ':
		w.paused = !w.paused
		w.mailbox.rest(w.paused)
	case key == 'h':
		w.withStatus = !w.withStatus
	case key == 's':
		path, err := w.save(o.Folder, now)
		if err != nil {
			w.say(err.Error(), now)
			o.Log.Error("saving a snapshot", "error", err)
			break
		}
		w.say("saved "+path, now)
		o.Log.Info("snapshot saved", "file", path)
	case key >= '1' && key <= '9' && w.mailbox.ctl != nil:
		w.toggle(int(key-'1'), now)
	default:
		return
	}
	w.dirty = true
	w.status.at = time.Time{}
}

// toggle switches a stage, counted from 0.
func (w *window) toggle(i int, now time.Time) {
	if err := w.mailbox.ctl.Toggle(i); err != nil {
		w.say(err.Error(), now)
		return
	}
	w.status.right = w.switchedOff()                            // at once, even under a frozen frame
	if stages := w.mailbox.ctl.Plan().Stages; i < len(stages) { // a reload may just have taken it away
		state := "on"
		if stages[i].Off {
			state = "off"
		}
		w.say(fmt.Sprintf("%d %s %s", i+1, stages[i].Kind().Name, state), now)
	}
}

// say shows a message for a while.
func (w *window) say(text string, now time.Time) {
	w.message, w.messageEnd = text, now.Add(messageTime)
}

// save writes the frame, without what is written on it, to a PNG file of its own and returns its path.
func (w *window) save(folder string, now time.Time) (path string, err error) {
	if w.frame.mat.Empty() {
		return "", fmt.Errorf("sink: window of %s: there is no frame to save yet", w.mailbox.camera)
	}
	enc := newPNGEncoder()
	defer enc.close()
	data, err := enc.append(nil, w.frame.mat)
	if err != nil {
		return "", err
	}
	path = filepath.Join(folder, fileName(w.mailbox.camera)+now.Format("-20060102-150405.000")+".png")
	return path, file.Replace(path, data)
}

// closeGUI takes the window off the screen.
func (w *window) closeGUI() {
	if w.gui != nil {
		w.gui.Close()
		w.gui = nil
	}
}

// dismiss forgets the window on the screen, which its user has closed: frames are not copied for it any more.
func (w *window) dismiss() {
	w.closeGUI()
	w.closed = true
	w.mailbox.rest(true)
}

// free frees the window's Mats.
func (w *window) free() {
	w.closeGUI()
	w.frame.mat.Close()
	w.enlarged.Close()
	w.canvas.Close()
}

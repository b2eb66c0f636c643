package sink

import (
	"fmt"
	"image"
	"path/filepath"
	"strings"
	"time"

	"gocv.io/x/gocv"

	"picam/internal/file"
	"picam/pipeline"
)

const (
	silence      = 2 * time.Second        // without a frame, before a card says so
	patience     = 30 * time.Second       // with a camera that is slow, at most
	statusPeriod = 500 * time.Millisecond // between two texts of the status line, so that they can be read
	messageTime  = 2 * time.Second        // that a message stays

	seekTime = 5 * time.Second // of an arrow key

	legible = 640 // pixels: smaller frames are enlarged before something is written on them
)

// The sizes of a card before any frame came, and of the largest new window, in pixels.
var (
	cardSize    = image.Pt(960, 540)
	largestSize = image.Pt(1280, 720)
)

// window is the side of a window that its user sees. It belongs to the goroutine of [Desktop.Run].
type window struct {
	view
	mailbox *mailbox
	letters *lettering
	closed  bool // by its user, or since it has failed

	frame    frame    // the last one taken from the mailbox; empty: none yet
	enlarged gocv.Mat // it, if it is small
	canvas   gocv.Mat // it with what is written on it; or a card
	dirty    bool     // the screen does not show what it should
	paused   bool
	held     pipeline.Player // what is paused, where it is not this window alone
	born     time.Time

	notice     string // on the frame, until another comes
	message    string // on the frame, until messageEnd
	messageEnd time.Time
	withStatus bool
	status     status
	said       silenceCard // on the screen; zero: no card
}

// status is what the status line says.
type status struct {
	at      time.Time // when it was made
	middle  string    // behind the camera's name
	right   string    // switched-off stages
	counted time.Time
	frames  int     // that had come by then
	fps     float64 // since then; 0: not known yet
}

// silenceCard is what a card about a silent camera says.
type silenceCard struct {
	seconds int // from 1
	why     pipeline.Silence
	notice  string
}

func newWindow(s *mailbox, v view, letters *lettering, withStatus bool, now time.Time) *window {
	return &window{
		view: v, mailbox: s, letters: letters, withStatus: withStatus, born: now,
		frame: frame{mat: gocv.NewMat()}, enlarged: gocv.NewMat(), canvas: gocv.NewMat(),
	}
}

// refresh puts on the screen what should be there. notice stays on it until another comes; "" is none.
func (w *window) refresh(notice string, now time.Time) error {
	if w.closed {
		return nil
	}
	if w.follow(now) {
		w.said, w.dirty = silenceCard{}, true
	}
	if notice != w.notice {
		w.notice, w.dirty = notice, true
	}
	signs := w.mailbox.read()
	if w.held != nil && signs.player != w.held {
		w.paused, w.held = false, nil // with what was paused
	}
	if !w.frozen() && w.mailbox.take(&w.frame) {
		w.dirty = true
	}
	if w.message != "" && now.After(w.messageEnd) {
		w.message, w.dirty = "", true
	}
	if c := w.silence(signs, now); c.seconds > 0 {
		return w.showCard(c, now)
	}
	if w.frame.mat.Empty() || !w.dirty && w.said.seconds == 0 {
		return nil
	}
	w.said = silenceCard{}
	if !w.frozen() && now.Sub(w.status.at) >= statusPeriod {
		w.updateStatus(signs, now)
	}
	return w.showFrame(now)
}

// silence returns what a card should say; its zero value if none is due.
func (w *window) silence(s signs, now time.Time) silenceCard {
	since, limit := s.last, silence
	if since.IsZero() {
		since = w.born
	} else if s.why == (pipeline.Silence{}) || s.why.Kind == pipeline.FiltersSlow {
		limit = min(max(limit, 2*s.interval), patience)
	}
	if silent := now.Sub(since); silent >= limit && !w.paused {
		return silenceCard{int(silent.Seconds()), s.why, w.notice}
	}
	return silenceCard{}
}

// frozen says whether the window shows one frame while others come.
func (w *window) frozen() bool { return w.paused && w.held == nil }

func (w *window) showCard(c silenceCard, now time.Time) error {
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
	if err := text.draw(&w.canvas, size, w.letters); err != nil {
		return err
	}
	if err := w.letters.over(&w.canvas, w.notice); err != nil {
		return err
	}
	w.said = c
	return w.show(w.canvas, now)
}

func (w *window) showFrame(now time.Time) error {
	w.dirty = false
	if !w.withStatus && !w.paused && w.message == "" && w.notice == "" {
		return w.show(w.frame.mat, now)
	}
	if err := w.compose(); err != nil {
		return err
	}
	return w.show(w.canvas, now)
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
	above := []string{w.message, w.notice}
	if w.paused {
		above = append([]string{"PAUSED"}, above...)
	}
	if err := w.letters.over(&w.canvas, above...); err != nil {
		return err
	}
	l := layoutOf(w.canvas.Cols())
	if !w.withStatus || w.canvas.Rows() < l.pitch {
		return nil
	}
	top := w.canvas.Rows() - l.pitch
	darken(&w.canvas, image.Rect(0, top, w.canvas.Cols(), w.canvas.Rows()))
	// The name stands by itself: one from right to left would turn the line around.
	name := w.letters.shorten(w.mailbox.camera, l.height, w.canvas.Cols()/3)
	x := l.margin
	for _, text := range []string{name, w.status.middle} {
		if err := w.letters.write(&w.canvas, text, image.Pt(x, top+l.baseline), l.height, ink); err != nil {
			return err
		}
		x += w.letters.width(text, l.height) + l.margin
	}
	right := w.letters.shorten(w.status.right, l.height, w.canvas.Cols()-l.margin-x)
	at := image.Pt(w.canvas.Cols()-l.margin-w.letters.width(right, l.height), top+l.baseline)
	return w.letters.write(&w.canvas, right, at, l.height, accent)
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
	st.middle = fmt.Sprintf("%d×%d", w.frame.mat.Cols(), w.frame.mat.Rows())
	if st.fps > 0 {
		st.middle += fmt.Sprintf("   %.1f fps", st.fps)
	}
	// A time in the future, or long ago, is that of a clock that does not agree with this one.
	if age := now.Sub(w.frame.captured); age >= 0 && age < time.Hour {
		st.middle += fmt.Sprintf("   latency %d ms", age.Milliseconds())
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

// press does what a key is for.
func (w *window) press(key rune, o DesktopOptions, now time.Time) {
	switch player := w.mailbox.read().player; {
	case key == ' ':
		w.pause(player)
	case key == arrowLeft || key == arrowRight:
		if player == nil {
			return
		}
		way := 1
		if key == arrowLeft {
			way = -1
		}
		if w.paused {
			player.Step(way)
		} else {
			player.Seek(time.Duration(way) * seekTime)
		}
		return
	case key == 'f' || key == escape:
		if err := w.setFull(key == 'f' && !w.full, now); err != nil {
			w.say(err.Error(), now)
		}
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

// pause holds the source, or, where that is none to be held, freezes what this window shows; or lets it go on.
func (w *window) pause(player pipeline.Player) {
	w.paused = !w.paused
	switch {
	case w.held != nil:
		w.held.Pause(false)
		w.held = nil
	case w.paused && player != nil:
		player.Pause(true)
		w.held = player
	default:
		w.mailbox.rest(w.paused)
	}
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

// dismiss forgets the window on the screen: frames are not copied for it any more, and what it has paused goes on.
func (w *window) dismiss() {
	if w.held != nil {
		w.pause(nil)
	}
	w.close()
	w.closed = true
	w.mailbox.rest(true)
}

// free frees the window's Mats.
func (w *window) free() {
	w.view.free()
	w.frame.mat.Close()
	w.enlarged.Close()
	w.canvas.Close()
}

package sink

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"gocv.io/x/gocv"

	"picam/filters/cv"
	"picam/pipeline"
)

// Toggler switches the stages of a chain off and on: [pipeline.Controller] does.
type Toggler interface {
	Toggle(i int) error // i counts from 0
	Plan() *pipeline.Plan
}

// DesktopOptions say how windows look. Zero values mean the defaults.
type DesktopOptions struct {
	Title      string       // in front of the cameras' names; "" means "picam"
	Waiting    string       // what the card says before a camera came, in lines
	Folder     string       // where frames are saved; "" means the current one
	HideStatus bool         // the status line comes only when asked for
	Log        *slog.Logger // nil discards
}

// Desktop owns the windows of the process, one for each camera. Keys are for the window that the pointer was last over:
//
//	q, Esc   quit; Esc leaves the full screen first
//	space    pauses a file; else it freezes the frame. Again lets it go on
//	← →      go 5 s back or on in a file, or by a frame while it is paused
//	f        fills the screen, or no longer
//	1 to 9   switch a stage of the chain off, or on
//	s        saves the frame as a PNG file, without what is written on it
//	h        hides the status line, or shows it
//
// A window that its user closes stays closed; closing the last one quits. A window that fails is logged and closed, and
// nothing else ends by that.
type Desktop struct {
	o       DesktopOptions
	display display
	wake    chan struct{}

	mu        sync.Mutex
	mailboxes []*mailbox // opened and not yet seen by Run
	notice    string
	ended     bool

	// Of the goroutine of Run.
	windows []*window
	letters *lettering
	waiting view
	warned  string // the notice on the waiting card
	failed  bool   // there is no waiting card since it could not be shown

	lost bool // of who calls Run and Close: windows, and what is above, must be left alone
}

// NewDesktop looks for a display and for OpenCV's windows; the error says why there are none. It opens no window yet.
// Close is needed if Run is not called.
func NewDesktop(o DesktopOptions) (*Desktop, error) {
	display, err := findDisplay()
	if err != nil {
		return nil, err
	}
	if err := cv.LoadWindows(); err != nil {
		display.close()
		return nil, fmt.Errorf("sink: windows: %w", err)
	}
	if o.Title == "" {
		o.Title = "picam"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return newDesktop(o, display), nil
}

func newDesktop(o DesktopOptions, display display) *Desktop {
	return &Desktop{
		o: o, display: display, wake: make(chan struct{}, 1),
		letters: newLettering(), waiting: newView(o.Title, display.size),
	}
}

// Notice makes all windows say something, above what they show, until another text comes; "" is none. Any goroutine may
// call it.
func (d *Desktop) Notice(text string) {
	d.mu.Lock()
	d.notice = text
	d.mu.Unlock()
	d.wakeUp()
}

// Open returns the sink that is a camera's window. The window comes with its first frame. ctl may be nil. Any
// goroutine may call it; once Run has ended, what it returns does nothing.
func (d *Desktop) Open(camera string, ctl Toggler) pipeline.Sink {
	s := newMailbox(camera, ctl, d.wakeUp)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ended {
		s.rest(true)
		return s
	}
	d.mailboxes = append(d.mailboxes, s)
	d.wakeUp()
	return s
}

// wakeUp makes Run look for news at once.
func (d *Desktop) wakeUp() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// pollPeriod is how often keys and the mouse are looked at while no frame comes.
const pollPeriod = 10 * time.Millisecond

// Run shows the windows until ctx ends (nil) or the user quits (pipeline.ErrQuit). Call it on the main goroutine:
// window systems want one thread, and some the first. When the screen goes away, that is logged, and all else goes on.
func (d *Desktop) Run(ctx context.Context) error {
	if runtime.GOOS != "linux" {
		return d.loop(ctx)
	}
	// Here any thread will do, and Qt keeps the one that has lost its screen.
	done := make(chan error, 1)
	go func() { done <- d.loop(ctx) }()
	look := time.NewTicker(lookPeriod)
	defer look.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-look.C:
		}
		if cv.ScreenLost() {
			d.lost = true
			d.end()
			d.o.Log.Error("the screen is gone, and all windows; all else goes on")
			<-ctx.Done()
			return nil
		}
	}
}

const lookPeriod = 200 * time.Millisecond // between two looks whether there still is a screen

// loop is Run on a thread of its own.
func (d *Desktop) loop(ctx context.Context) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer d.Close()
	ticker := time.NewTicker(pollPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.wake:
		case <-ticker.C:
		}
		now := time.Now()
		d.refresh(now)
		key := keyOf(cv.PollKey())
		target := d.target()
		full := d.waiting.full || target != nil && target.full
		if key == 'q' || key == escape && !full || d.closedAll() {
			return pipeline.ErrQuit
		}
		switch {
		case key == 0:
		case target != nil:
			target.press(key, d.o, now)
		case key == 'f' || key == escape:
			if err := d.waiting.setFull(key == 'f' && !d.waiting.full, now); err != nil {
				d.o.Log.Error("a window", "error", err)
			}
		}
	}
}

// Keys without a character, by the numbers that X11 gives them.
const (
	escape     = 27
	arrowLeft  = 0xFF51
	arrowRight = 0xFF53
)

const keyHint = "q quit    space pause    ←→ move in a file    f full screen    1-9 filters    s save    h status line"

// keyOf returns the character of a key in lower case, or the number of one of the keys above; 0 for none and for
// others. GTK puts Shift, Ctrl and the locks above the lower 16 bits.
func keyOf(code int) rune {
	switch r := rune(code & 0xFFFF); {
	case code < 0:
		return 0
	case r <= unicode.MaxASCII:
		return unicode.ToLower(r)
	case r == arrowLeft || r == arrowRight:
		return r
	}
	return 0
}

// refresh makes windows for new mailboxes, takes away those of closed ones, and brings all up to date.
func (d *Desktop) refresh(now time.Time) {
	d.windows = slices.DeleteFunc(d.windows, func(w *window) bool {
		if !w.mailbox.isClosed() {
			return false
		}
		w.free()
		return true
	})
	d.mu.Lock()
	for _, s := range d.mailboxes {
		title := d.o.Title
		if s.camera != "" {
			title += ": " + s.camera
		}
		d.windows = append(d.windows,
			newWindow(s, newView(title, d.display.size), d.letters, !d.o.HideStatus, now))
	}
	d.mailboxes = d.mailboxes[:0]
	notice := d.notice
	d.mu.Unlock()
	for _, w := range d.windows {
		if err := w.refresh(notice, now); err != nil {
			d.o.Log.Error("a window is closed; all else goes on", "camera", w.mailbox.camera, "error", err)
			w.dismiss()
		}
	}
	if d.failed {
		return
	}
	if err := d.showWaiting(notice, now); err != nil {
		d.o.Log.Error("there is no window; all else goes on", "error", err)
		d.waiting.close()
		d.failed = true
	}
}

// showWaiting opens the card that says what to do while there is no window, and takes it away when there is one: in
// this order, since Qt ends with its last window.
func (d *Desktop) showWaiting(notice string, now time.Time) error {
	if slices.ContainsFunc(d.windows, func(w *window) bool { return w.gui != nil }) {
		d.waiting.close()
		return nil
	}
	if d.waiting.gui != nil && !d.waiting.follow(now) && notice == d.warned {
		return nil
	}
	d.warned = notice
	m := gocv.NewMat()
	defer func() { m.Close() }() // draw may put another one in its place
	text := card{title: "Waiting for a camera", lines: strings.Split(d.o.Waiting, "\n"), note: keyHint}
	if err := text.draw(&m, cardSize, d.letters); err != nil {
		return err
	}
	if err := d.letters.over(&m, notice); err != nil {
		return err
	}
	return d.waiting.show(m, now)
}

// closedAll notes which windows their user has closed, and says whether none is left of those that were there.
func (d *Desktop) closedAll() bool {
	if d.waiting.gui != nil {
		return d.waiting.gui.Gone()
	}
	closed, open := false, false
	for _, w := range d.windows {
		switch {
		case w.gui == nil:
		case w.gui.Gone():
			w.dismiss()
			closed = true
		default:
			open = true
		}
	}
	return closed && !open
}

// target returns the window that keys are for; nil if there is none.
func (d *Desktop) target() *window {
	var first *window
	for _, w := range d.windows {
		switch {
		case w.gui == nil:
		case w.gui.Pointed():
			return w
		case first == nil:
			first = w
		}
	}
	return first
}

// Close takes all windows away, on the goroutine of Run, which does so when it ends. Sinks that are still open show
// nothing from then on. The error is always nil.
func (d *Desktop) Close() error {
	d.end()
	if d.lost {
		return nil
	}
	for _, w := range d.windows {
		w.mailbox.rest(true)
		w.free()
	}
	d.windows = nil
	d.waiting.free()
	d.display.close()
	return nil
}

// end makes the sinks of windows that are still to be opened do nothing.
func (d *Desktop) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	for _, s := range d.mailboxes {
		s.rest(true)
	}
	d.mailboxes = nil
}

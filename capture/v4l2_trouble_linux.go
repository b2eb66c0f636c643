package capture

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// trouble is why a camera gives no frames, in a sentence for its user.
type trouble struct {
	kind     troubleKind
	text     string
	hopeless bool // waiting does not help, if it is so from the beginning
}

func (t *trouble) Error() string { return t.text }

type troubleKind int

const (
	troubleMissing troubleKind = iota
	troubleUnplugged
	troubleNotFed
	troubleBusy
	troubleNoBandwidth
	troubleDenied
	troubleUnusable
	troubleStalled
	troubleBroken
	troubleHung
	troubleOther
)

// startsAnew says whether a camera that can be started is started anew, which may help.
func (k troubleKind) startsAnew() bool { return k == troubleStalled || k == troubleBroken }

// pause is how long to wait before the next try. To look whether a camera has come costs little; to try one in vain may
// disturb others on its bus.
func (k troubleKind) pause() time.Duration {
	switch k {
	case troubleStalled, troubleBroken, troubleHung: // time enough has gone by
		return 0
	case troubleMissing, troubleUnplugged, troubleNotFed:
		return 250 * time.Millisecond
	}
	return time.Second
}

const (
	loopbackDriver = "v4l2 loopback"
	waits          = "; picam waits for it"
	partOfCamera   = "a part of a camera that libcamera puts together; a Raspberry Pi's own is --source rpicam"
)

// These are reasons of picam's own beside the kernel's.
var (
	errNoCamera = errors.New("no camera")
	errStalled  = errors.New("no frame for too long")
	errBroken   = errors.New("no whole frame for too long")
	errNotFed   = errors.New("a loopback device that nothing is written to")
)

// unusableError is the reason why no frames for picam come from a node.
type unusableError string

func (e unusableError) Error() string { return string(e) }

// newTrouble finds the sentence for an error that a node gave. name is what its camera calls itself, as far as known. m is
// the mode that was asked for.
func newTrouble(err error, node, name string, m mode) *trouble {
	who := who(node, name)
	var unusable unusableError
	switch {
	case errors.As(err, &unusable):
		return &trouble{troubleUnusable, fmt.Sprintf("%s: %s; picam devices lists the cameras", who, unusable), true}
	case errors.Is(err, errNotFed):
		return &trouble{troubleNotFed, who + " is a loopback device that no program writes to: start that program" + waits, false}
	case errors.Is(err, errStalled):
		return &trouble{troubleStalled, who + " gives no frames, though it answers: picam keeps starting it anew; " +
			"if that does not help, look at its cable and its power, or ask for a smaller --size or --fps", false}
	case errors.Is(err, errBroken):
		return &trouble{troubleBroken, who + " gives only broken frames: picam drops them and keeps starting it anew; " +
			"if that does not help, look at its cable and its power, or ask for a smaller --size or --fps", false}
	case errors.Is(err, unix.ETIMEDOUT):
		return hungTrouble(who)
	case errors.Is(err, unix.EBUSY):
		by := "another program"
		if list := users(node); len(list) > 0 {
			by = strings.Join(list, ", ")
		}
		return &trouble{troubleBusy, fmt.Sprintf("%s is in use by %s: end that, or take another camera%s", who, by, waits), false}
	case errors.Is(err, unix.ENOSPC):
		return &trouble{troubleNoBandwidth, fmt.Sprintf("%s: there is no room for %v on its USB bus: ask for a smaller --size "+
			"or --fps, or plug it in where no other camera is; picam tries again", who, m), false}
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return &trouble{troubleDenied, who + " may not be opened by this user: sudo usermod -aG video $USER, then log in anew", true}
	case errors.Is(err, unix.ENOLINK): // its links to other nodes are not set up
		return &trouble{troubleUnusable, who + " is " + partOfCamera, true}
	case errors.Is(err, unix.ENOTTY), errors.Is(err, unix.EISDIR):
		return &trouble{troubleUnusable, who + " is no camera; picam devices lists those that there are", true}
	case isGone(err):
		return &trouble{troubleUnplugged, who + " is gone: plug it in again" + waits, false}
	}
	return &trouble{troubleOther, fmt.Sprintf("%s: %v: picam tries again; if that does not help, unplug it and plug it in again",
		who, err), false}
}

// who names a camera.
func who(node, name string) string {
	if name == "" {
		return node
	}
	return fmt.Sprintf("%s (%s)", name, node)
}

// isGone says whether the camera of an error is not there.
func isGone(err error) bool {
	for _, gone := range []error{errNoCamera, unix.ENOENT, unix.ENODEV, unix.ENXIO, unix.ESHUTDOWN} {
		if errors.Is(err, gone) {
			return true
		}
	}
	return false
}

// missingTrouble is for a camera that has not been there yet.
func missingTrouble(device string) *trouble {
	if device == "" {
		return &trouble{troubleMissing, "there is no camera: plug one in" + waits, false}
	}
	return &trouble{troubleMissing, fmt.Sprintf("there is no camera at %s: plug it in%s; picam devices lists those that there are",
		device, waits), false}
}

func hungTrouble(who string) *trouble {
	return &trouble{troubleHung, who + " does not answer: picam waits for it; unplug it and plug it in again, or look at its " +
		"cable and its power", false}
}

// journal tells each kind of trouble once, from its beginning to the next frame.
type journal struct {
	log   *slog.Logger
	mu    sync.Mutex
	now   *trouble // nil: there are frames
	since time.Time
	told  [troubleOther + 1]bool
}

// tell logs a trouble.
func (j *journal) tell(t *trouble) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.now == nil {
		j.since = time.Now()
	}
	j.now = t
	if !j.told[t.kind] {
		j.told[t.kind] = true
		j.log.Warn(t.text)
	}
}

// fine logs that a trouble is over, if there was one.
func (j *journal) fine() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.now != nil {
		j.log.Info("the camera gives frames", "after", time.Since(j.since).Round(time.Millisecond))
		j.now, j.told = nil, [len(j.told)]bool{}
	}
}

// Trouble returns why there are no frames, or "".
func (j *journal) Trouble() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.now == nil {
		return ""
	}
	return j.now.text
}

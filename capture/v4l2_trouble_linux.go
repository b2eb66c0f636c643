package capture

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// trouble is a troubleError of a V4L2 camera. Those of one kind have one key.
type trouble struct {
	*troubleError
	kind troubleKind
}

type troubleKind int

// of is a trouble of this kind, see troubleError. It is hopeless where a Source does nothing about it.
func (k troubleKind) of(text, does string) *trouble {
	return &trouble{&troubleError{text: text, does: does, hopeless: does == "", key: strconv.Itoa(int(k))}, k}
}

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
	lookAt         = "look at its cable and its power, or ask for a smaller --size or --fps"
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

// newTrouble finds the sentence for an error that a node gave. name is what its camera calls itself, as far as known. m
// is the mode that was asked for.
func newTrouble(err error, node, name string, m mode) *trouble {
	who := who(node, name)
	var unusable unusableError
	switch {
	case errors.As(err, &unusable):
		return troubleUnusable.of(fmt.Sprintf("%s: %s; picam devices lists the cameras", who, unusable), "")
	case errors.Is(err, errNotFed):
		return troubleNotFed.of(who+" is a loopback device that no program writes to: start that program", waits)
	case errors.Is(err, errStalled):
		return troubleStalled.of(who+" gives no frames, though it answers: "+lookAt, keepsStarting)
	case errors.Is(err, errBroken):
		return troubleBroken.of(who+" gives only broken frames, which picam drops: "+lookAt, keepsStarting)
	case errors.Is(err, unix.ETIMEDOUT):
		return hungTrouble(who)
	case errors.Is(err, unix.EBUSY):
		by := "another program"
		if list := users(node); len(list) > 0 {
			by = strings.Join(list, ", ")
		}
		return troubleBusy.of(fmt.Sprintf("%s is in use by %s: end that, or take another camera", who, by), waits)
	case errors.Is(err, unix.ENOSPC):
		return troubleNoBandwidth.of(fmt.Sprintf("%s: there is no room for %v on its USB bus: ask for a smaller "+
			"--size "+
			"or --fps, or plug it in where no other camera is", who, m), triesAgain)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return troubleDenied.of(who+" may not be opened by this user: sudo usermod -aG video $USER, then log in anew",
			"")
	case errors.Is(err, unix.ENOLINK): // its links to other nodes are not set up
		return troubleUnusable.of(who+" is "+partOfCamera, "")
	case errors.Is(err, unix.ENOTTY), errors.Is(err, unix.EISDIR):
		return troubleUnusable.of(who+" is no camera; picam devices lists those that there are", "")
	case isGone(err):
		return troubleUnplugged.of(who+" is gone: plug it in again", waits)
	}
	return troubleOther.of(fmt.Sprintf("%s: %v", who, err),
		": picam tries again; if that does not help, unplug it and plug it in again")
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
		return troubleMissing.of("there is no camera: plug one in", waits)
	}
	return troubleMissing.of(fmt.Sprintf("there is no camera at %s: plug it in, or take one that picam devices lists",
		device),
		waits)
}

func hungTrouble(who string) *trouble {
	return troubleHung.of(who+" does not answer: unplug it and plug it in again, or look at its cable and its power",
		waits)
}

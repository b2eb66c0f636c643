package cv

/*
#include <stdlib.h>
#include "cv.h"
*/
import "C"

import (
	"image"
	"strconv"
	"strings"
	"unicode"
	"unsafe"

	"gocv.io/x/gocv"
)

// Window is a window of OpenCV's highgui on the screen. One thread works with all of them. Close frees it.
//
// It is here since gocv links highgui, and with it Qt or GTK and X11: a third of each start of a program that may never
// open a window, and more to install than all the rest.
type Window struct {
	name *C.char
	id   C.int // not 0
}

var windows C.int // that were opened

// LoadWindows sees to it that OpenCV's highgui is there; the error says that it is not. Opening a window does the same.
func LoadWindows() error { return check(C.picam_window_load()) }

// OpenWindow makes a window of that size (cols, rows), which its user may change, without OpenCV's toolbar and status
// bar. title may be any text: OpenCV knows the window by a name that is made here, since it does not bear any name.
func OpenWindow(title string, size image.Point) (*Window, error) {
	windows++
	w := &Window{name: C.CString("picam-" + strconv.Itoa(int(windows))), id: windows}
	t := C.CString(printable(title))
	defer C.free(unsafe.Pointer(t))
	if err := check(C.picam_window_open(w.name, t, C.int(size.X), C.int(size.Y), w.id)); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// printable is a title as window managers take it: on one line, not endless, and without characters that cannot be
// seen.
func printable(title string) string {
	const most = 100 // characters
	var b strings.Builder
	n := 0
	for _, r := range title {
		if n++; n > most {
			b.WriteRune('…')
			break
		}
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			b.WriteByte(' ')
		case unicode.IsGraphic(r): // others could turn the text around
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Show puts m (rows × cols × 1 or 3) into the window, stretched to its size. It is seen with the next PollKey.
func (w *Window) Show(m gocv.Mat) error { return check(C.picam_window_show(w.name, ptr(m))) }

// Resize asks for another size (cols, rows). It takes effect later, if at all: the window manager decides.
func (w *Window) Resize(size image.Point) error {
	return check(C.picam_window_resize(w.name, C.int(size.X), C.int(size.Y)))
}

// Size is that (cols, rows) of what the window shows; 0 × 0 where it is not known.
func (w *Window) Size() image.Point {
	var cols, rows C.int
	if check(C.picam_window_size(w.name, &cols, &rows)) != nil {
		return image.Point{}
	}
	return image.Pt(max(0, int(cols)), max(0, int(rows)))
}

// FullScreen makes the window fill the screen, or gives it back its size.
func (w *Window) FullScreen(full bool) error {
	return check(C.picam_window_full_screen(w.name, flag(full)))
}

// Gone says whether its user has closed the window.
func (w *Window) Gone() bool { return C.picam_window_gone(w.name) != 0 }

// Pointed says whether the pointer was last over this window, of all of them.
func (w *Window) Pointed() bool { return C.picam_window_pointed() == w.id }

// Close takes the window off the screen. It is called once.
func (w *Window) Close() {
	C.picam_window_close(w.name)
	C.free(unsafe.Pointer(w.name))
}

// PollKey lets all windows paint, and returns the code of a key that was pressed; a negative number if none was.
func PollKey() int { return int(C.picam_poll_key()) }

// ScreenLost says whether the window system has ended while a function of a window was running. The goroutine that
// called it is lost then, and no other may work with windows any more. Any goroutine may ask.
func ScreenLost() bool { return C.picam_screen_lost() != 0 }

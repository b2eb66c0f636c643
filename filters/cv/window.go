package cv

/*
#include <stdlib.h>
#include "cv.h"
*/
import "C"

import (
	"image"
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
// bar. The name is its title, and no other window's.
func OpenWindow(name string, size image.Point) (*Window, error) {
	windows++
	w := &Window{name: C.CString(name), id: windows}
	if err := check(C.picam_window_open(w.name, C.int(size.X), C.int(size.Y), w.id)); err != nil {
		C.free(unsafe.Pointer(w.name))
		return nil, err
	}
	return w, nil
}

// Show puts m (rows × cols × 1 or 3) into the window, fitted to its size. It is seen with the next PollKey.
func (w *Window) Show(m gocv.Mat) error { return check(C.picam_window_show(w.name, ptr(m))) }

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

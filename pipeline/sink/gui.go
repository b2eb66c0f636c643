package sink

/*
#cgo !customenv pkg-config: opencv4
#include <stdlib.h>
#include "gui.h"
*/
import "C"

import (
	"fmt"
	"image"
	"strings"
	"unsafe"

	"gocv.io/x/gocv"
)

// openWindow makes a window of that size (its user may change it) for the calling thread. gocv.NewWindow cannot ask for
// a window without OpenCV's toolbar and status bar, so it is made here; gocv then finds it by its name.
func openWindow(name string, size image.Point) (*gocv.Window, error) {
	cName := C.CString(name)
	defer C.free(unsafe.Pointer(cName))
	if text := C.picam_open_window(cName); text != nil {
		defer C.free(unsafe.Pointer(text))
		return nil, fmt.Errorf("sink: window: %s", strings.TrimSpace(C.GoString(text)))
	}
	w := gocv.NewWindow(name)
	if err := w.ResizeWindow(size.X, size.Y); err != nil {
		return nil, fmt.Errorf("sink: window: %w", err)
	}
	return w, nil
}

// Package cv has what picam needs of OpenCV and gocv does not offer: functions that gocv lacks or hands on without all
// their parameters, parts of OpenCV that gocv 0.43 cannot compile with OpenCV 4.6 (video, photo, calib3d, objdetect),
// and windows (highgui), which gocv has every program load. It is a thin layer: names and parameters are OpenCV's, and
// its exceptions become errors.
//
// Mats are those of gocv. None of the functions keeps one. dst is another Mat than src; it gets the size and type of
// the result, in its old memory if they were the same before.
package cv

/*
#cgo !customenv pkg-config: opencv4
#include <stdlib.h>
#include "cv.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"image"
	"os"
	"strings"
	"unsafe"

	"gocv.io/x/gocv"
)

// KeepMemory has the C library keep memory that is freed (up to 256 MB of it at a time), for the next frame. Its own
// ways with blocks of over 128 KB are to take them from the system and give them back each time, for which the system
// clears them, page by page. It does nothing where the C library is not glibc.
func KeepMemory() { C.picam_keep_memory() }

// Point is a place in a frame, in pixels from the middle of the one at the top left.
type Point struct{ X, Y float32 }

// Canny is gocv.Canny with the size of the Sobel kernels (3, 5 or 7), and with the choice how a gradient is measured:
// by the length of its vector (l2), or by the sum of its parts.
func Canny(src gocv.Mat, dst *gocv.Mat, low, high float64, aperture int, l2 bool) error {
	return check(C.picam_canny(ptr(src), ptr(*dst), C.double(low), C.double(high), C.int(aperture), flag(l2)))
}

// Crop copies the part r of src. An r that is not all in src is an error.
func Crop(src gocv.Mat, dst *gocv.Mat, r image.Rectangle) error {
	return check(C.picam_crop(ptr(src), ptr(*dst), C.int(r.Min.X), C.int(r.Min.Y), C.int(r.Dx()), C.int(r.Dy())))
}

// CopyPixels makes dst a frame, rows × cols × channels, of pixels, whose rows begin stride bytes after each other.
func CopyPixels(dst *gocv.Mat, pixels []byte, rows, cols, channels, stride int) error {
	if rows < 1 || cols < 1 || stride < cols*channels || len(pixels) < stride*rows {
		return fmt.Errorf("cv: %d bytes are no frame of %d×%d×%d with a stride of %d", len(pixels), rows,
			cols, channels,
			stride)
	}
	return check(C.picam_copy_pixels(ptr(*dst), (*C.uchar)(unsafe.SliceData(pixels)), C.int(rows), C.int(cols),
		C.int(channels), C.size_t(stride)))
}

// Denoise is fastNlMeansDenoising for gray frames, fastNlMeansDenoisingColored for colour ones. patch and window
// are odd numbers of pixels.
func Denoise(src gocv.Mat, dst *gocv.Mat, strength, colourStrength float64, patch, window int) error {
	return check(C.picam_denoise(ptr(src), ptr(*dst), C.float(strength), C.float(colourStrength), C.int(patch),
		C.int(window)))
}

// Farneback leaves in flow (rows × cols × 2, float32) by how many pixels each pixel of before has moved to the right
// and down in now. Both are gray frames of the same size.
func Farneback(before, now gocv.Mat, flow *gocv.Mat, levels, window, iterations int) error {
	return check(C.picam_farneback(ptr(before), ptr(now), ptr(*flow), C.int(levels), C.int(window), C.int(iterations)))
}

// FillPolygon paints the polygon black in dst.
func FillPolygon(dst *gocv.Mat, points []Point) error {
	return check(C.picam_fill_polygon(ptr(*dst), cPoints(points), C.int(len(points))))
}

// GrabCut leaves a mask (rows × cols × 1) of the foreground of src, a colour frame: 255 there, 0 elsewhere. Outside
// of r all is background. There must be some pixels inside and some outside.
func GrabCut(src gocv.Mat, mask *gocv.Mat, r image.Rectangle, iterations int) error {
	return check(C.picam_grabcut(ptr(src), ptr(*mask), C.int(r.Min.X), C.int(r.Min.Y), C.int(r.Dx()), C.int(r.Dy()),
		C.int(iterations)))
}

// Perspective makes a frame of that size (cols, rows) whose corners are the four given ones of src, from the top left
// on clockwise.
func Perspective(src gocv.Mat, dst *gocv.Mat, corners []Point, size image.Point) error {
	if len(corners) != 4 {
		return errors.New("cv: a frame has four corners")
	}
	return check(C.picam_perspective(ptr(src), ptr(*dst), cPoints(corners), C.int(size.X), C.int(size.Y)))
}

// Threshold is gocv.Threshold with an error.
func Threshold(src gocv.Mat, dst *gocv.Mat, threshold, highest float64, kind gocv.ThresholdType) error {
	return check(C.picam_threshold(ptr(src), ptr(*dst), C.double(threshold), C.double(highest), C.int(kind)))
}

// Camera is a lens by the model of OpenCV's calibration: focal lengths and the middle of the frame in pixels, and the
// coefficients of its radial (k) and tangential (p) distortion.
type Camera struct {
	FX, FY, CX, CY     float64
	K1, K2, P1, P2, K3 float64
}

// UndistortMaps makes the two maps with which gocv.Remap undoes the distortion in frames of that size (cols, rows).
func UndistortMaps(map1, map2 *gocv.Mat, size image.Point, c Camera) error {
	return check(C.picam_undistort_maps(ptr(*map1), ptr(*map2), C.int(size.X), C.int(size.Y), C.picam_camera{
		fx: C.double(c.FX), fy: C.double(c.FY), cx: C.double(c.CX), cy: C.double(c.CY),
		k1: C.double(c.K1), k2: C.double(c.K2), p1: C.double(c.P1), p2: C.double(c.P2), k3: C.double(c.K3),
	}))
}

// MOG2 tells what moves from a background that it learns. The zero MOG2 is of no use. Close frees it.
type MOG2 struct{ p unsafe.Pointer }

// NewMOG2 makes one that remembers about history frames and takes a pixel for background up to that squared distance,
// in variances, from what it has seen there. With shadows it marks these as 127.
func NewMOG2(history int, varThreshold float64, shadows bool) (*MOG2, error) {
	m := &MOG2{}
	return m, check(C.picam_mog2_new(&m.p, C.int(history), C.double(varThreshold), flag(shadows)))
}

// Apply learns from src and leaves a mask (rows × cols × 1) in dst: 255 where something moves, else 0. It begins
// anew where size or channels have changed.
func (m *MOG2) Apply(src gocv.Mat, dst *gocv.Mat) error {
	if m.p == nil {
		return errors.New("cv: MOG2: used after Close")
	}
	return check(C.picam_mog2_apply(m.p, ptr(src), ptr(*dst)))
}

// Close frees m. Further calls do nothing.
func (m *MOG2) Close() error {
	C.picam_mog2_free(m.p)
	m.p = nil
	return nil
}

// Cascade finds objects of one kind, such as faces, by P. Viola and M. Jones, Rapid Object Detection using a Boosted
// Cascade of Simple Features, 2001. Close frees it.
type Cascade struct {
	Path string // of the file that describes such objects, which is read when Detect is first called

	p unsafe.Pointer
}

// Detect looks for objects of at least that size (cols, rows) in src, at sizes that grow by the factor scale, over 1.
// Where at least so many neighbours agree there is one. found gets a row for each: x, y, cols, rows, neighbours, as
// int32. Where the file cannot be opened, the error says so as package os does, and the next call tries again.
func (c *Cascade) Detect(src gocv.Mat, found *gocv.Mat, scale float64, neighbours int, least image.Point) error {
	if c.p == nil {
		f, err := os.Open(c.Path) // OpenCV does not tell what is wrong with it
		if err != nil {
			return err
		}
		f.Close()
		path := C.CString(c.Path)
		defer C.free(unsafe.Pointer(path))
		if err := check(C.picam_cascade_new(&c.p, path)); err != nil {
			return fmt.Errorf("%s: %w", c.Path, err)
		}
	}
	return check(C.picam_cascade_detect(c.p, ptr(src), ptr(*found), C.double(scale), C.int(neighbours), C.int(least.X),
		C.int(least.Y)))
}

// Close frees what c has read. Further calls do nothing.
func (c *Cascade) Close() error {
	C.picam_cascade_free(c.p)
	c.p = nil
	return nil
}

func ptr(m gocv.Mat) unsafe.Pointer { return unsafe.Pointer(m.Ptr()) }

func cPoints(points []Point) *C.picam_point {
	return (*C.picam_point)(unsafe.Pointer(unsafe.SliceData(points)))
}

func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

// check makes an error of what a call returned.
func check(message *C.char) error {
	if message == nil {
		return nil
	}
	defer C.free(unsafe.Pointer(message))
	return errors.New(strings.TrimSpace(C.GoString(message)))
}

//go:build cgo && !gocv_specific_modules && !customenv

package opencvcheck

// #cgo pkg-config: opencv4
import "C"

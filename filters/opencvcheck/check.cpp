//go:build cgo && !gocv_specific_modules && !customenv

#include <opencv2/core/version.hpp>

#if CV_VERSION_MAJOR < 4 || (CV_VERSION_MAJOR == 4 && CV_VERSION_MINOR < 9)
#error "This OpenCV is older than 4.9 and needs build tags. Stop this (Ctrl-C) and type:   make build   (or: go build -tags gocv_specific_modules,gocv_highgui)"
#endif

//go:build cgo && !gocv_specific_modules && !customenv

#include <opencv2/core/version.hpp>

#if CV_VERSION_MAJOR < 4 || (CV_VERSION_MAJOR == 4 && CV_VERSION_MINOR < 9)
#error "This OpenCV is older than 4.9, so picam needs build tags. Stop this with Ctrl-C and type: make build"
#error "(Without make: go build -tags gocv_specific_modules)"
#endif

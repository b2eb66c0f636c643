// Package opencvcheck stops a build that cannot succeed with a message that says what to type instead.
//
// Without the build tag gocv_specific_modules, gocv compiles parts that need OpenCV 4.9 or newer, and an older OpenCV
// fails there with a thousand lines that name no cause. This package holds nothing but a check of the version. It does
// not import gocv, so its message comes first, a minute before those lines.
package opencvcheck

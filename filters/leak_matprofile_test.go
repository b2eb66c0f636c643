//go:build matprofile

package filters

import (
	"os"

	"gocv.io/x/gocv"
)

// withoutLeaks is code, or 1 if a test left a Mat open: go test -tags ...,matprofile.
func withoutLeaks(code int) int {
	if n := gocv.MatProfile.Count(); n > 0 && code == 0 {
		os.Stderr.WriteString("Mats that nobody closed:\n")
		gocv.MatProfile.WriteTo(os.Stderr, 1)
		code = 1
	}
	return code
}

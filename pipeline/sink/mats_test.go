//go:build matprofile

package sink

import (
	"os"

	"gocv.io/x/gocv"
)

// exitWithMats fails the tests if a Mat was left open.
func exitWithMats(code int) {
	if n := gocv.MatProfile.Count(); n != 0 {
		_, _ = os.Stderr.WriteString("Mats left open:\n")
		_ = gocv.MatProfile.WriteTo(os.Stderr, 1)
		code = 1
	}
	os.Exit(code)
}

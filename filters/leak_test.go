//go:build matprofile

package filters

import (
	"os"
	"testing"

	"gocv.io/x/gocv"
)

// TestMain fails if a test left a Mat open: go test -tags ...,matprofile.
func TestMain(m *testing.M) {
	code := m.Run()
	if n := gocv.MatProfile.Count(); n > 0 && code == 0 {
		os.Stderr.WriteString("Mats that nobody closed:\n")
		gocv.MatProfile.WriteTo(os.Stderr, 1)
		code = 1
	}
	os.Exit(code)
}

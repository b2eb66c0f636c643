package sink

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain is also the program whose windows the tests look at, since windows want the main goroutine.
func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		exitWithMats(desktopChild())
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(exitWithMats))
}

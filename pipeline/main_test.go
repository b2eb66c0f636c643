package pipeline

import (
	"testing"

	"go.uber.org/goleak"

	"picam/filters/own/owntest"
)

func TestMain(m *testing.M) {
	owntest.Main()
	goleak.VerifyTestMain(m, goleak.Cleanup(exitWithMats))
}

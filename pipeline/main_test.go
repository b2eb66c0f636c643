package pipeline

import (
	"testing"

	"go.uber.org/goleak"

	"picam/filters/plugin/plugintest"
)

func TestMain(m *testing.M) {
	plugintest.Main()
	goleak.VerifyTestMain(m, goleak.Cleanup(exitWithMats))
}

package filters

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"picam/filters/plugin/plugintest"
)

// TestMain holds that tests leave no Mat open and no goroutine behind, so no process either.
func TestMain(m *testing.M) {
	plugintest.Main()
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) { os.Exit(withoutLeaks(code)) }))
}

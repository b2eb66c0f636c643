package health

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestLog: what was held back is summed up each minute and at the end, and however many there are, the log stays short.
func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		l := NewLog(slog.New(slog.NewTextHandler(&text, nil)))
		ctx, stop := context.WithCancel(t.Context())
		go l.Run(ctx)
		lines := func(part string) (n int) {
			l.mu.Lock()
			defer l.mu.Unlock()
			for line := range strings.Lines(text.String()) {
				if strings.Contains(line, part) {
					n++
				}
			}
			return n
		}
		for i := range 100 {
			l.Tell(slog.LevelInfo, "1.2.3.4", "an HTTP request", "first")
			for j := range 100 {
				l.Tell(slog.LevelInfo, fmt.Sprintf("10.0.%d.%d", i, j), "nothing", "a scan")
			}
		}
		if n := lines(""); n != maxLogKinds+1 {
			t.Errorf("%d lines", n)
		}
		time.Sleep(logPeriod + time.Second)
		synctest.Wait()
		if lines("an HTTP request: 99 more times from 1.2.3.4") != 1 || lines("many addresses") != 1 {
			t.Errorf("%s", &text)
		}
		before := lines("")
		time.Sleep(logPeriod)
		synctest.Wait()
		if n := lines(""); n != before {
			t.Errorf("sums up what it has summed up: %d lines, %d before", n, before)
		}
		for range 3 { // a new minute
			l.Tell(slog.LevelInfo, "1.2.3.4", "an HTTP request", "first")
		}
		stop()
		synctest.Wait()
		if n := lines("an HTTP request: 2 more times"); n != 1 || lines("") != before+2 {
			t.Errorf("at the end: %s", &text)
		}
	})
}

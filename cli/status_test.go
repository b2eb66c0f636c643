package cli

import (
	"testing"
	"time"
)

func TestProgressLine(t *testing.T) {
	for _, test := range []struct {
		done, total int64
		spent       time.Duration
		want        string
	}{
		{0, 1000, 0, "  0% ░░░░░░░░░░░░░░░░"},
		{0, 1000, time.Minute, "  0% ░░░░░░░░░░░░░░░░"},
		{750, 1000, 12 * time.Second, " 75% ████████████░░░░ 4s left"},
		{1, 1 << 40, time.Minute, "  0% ░░░░░░░░░░░░░░░░"},
		{100, 1000, 20 * time.Second, " 10% █░░░░░░░░░░░░░░░ 3m0s left"},
		{1000, 1000, time.Minute, "100% ████████████████"},
		{2000, 1000, time.Minute, "100% ████████████████"},
		{-1, 1000, time.Minute, "  0% ░░░░░░░░░░░░░░░░"},
	} {
		if got := progressLine(test.done, test.total, test.spent); got != test.want {
			t.Errorf("%d of %d after %v: %q, want %q", test.done, test.total, test.spent, got, test.want)
		}
	}
}

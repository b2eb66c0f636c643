//go:build cgo && unix

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// failsOnce is a source whose frames come twice, with trouble of a second or so between.
func failsOnce(t *testing.T, path string) string {
	t.Helper()
	marker := filepath.Join(t.TempDir(), "again")
	return fmt.Sprintf("exec:cat %s; test -e %[2]s || { touch %[2]s; echo the cable fell out >&2; exit 3; }", path, marker)
}

// A receiver says why there are no frames, before the first one too, and stays connected.
func TestNoSignalTellsWhy(t *testing.T) {
	stats := filepath.Join(t.TempDir(), "stats.json")
	recv, addr := recvProcess(t, "--idle-timeout", "3s", "--stats-file", stats, "--status", "always")
	send := picam(t, "send", "--to", addr, "--source", "exec:echo no camera >&2; exit 3", "--name", "door")
	recv.says(`door · NO SIGNAL: exec: exit status 3: no camera`)
	until(t, "the reason is in the statistics", func() bool {
		if size(stats) == 0 {
			return false
		}
		s := readCameraStats(t, stats)
		return len(s) == 1 && s[0].Camera == "door" && s[0].Connected && strings.Contains(s[0].Reason, "no camera")
	})
	send.interrupt()
	recv.says(`door · NO SIGNAL: the camera ended its stream`)
	recv.interrupt()
}

// Other programs pass over what tells of trouble: they get every frame, and complain of nothing.
func TestTroubleDisturbsNobody(t *testing.T) {
	path, _ := clip(t, 25, 320, 240)
	t.Run("ffmpeg", func(t *testing.T) {
		if said := toFFmpeg(t, 50, "--source", failsOnce(t, path), "--policy", "all"); said != "" {
			t.Errorf("ffmpeg says %s", said)
		}
	})
	t.Run("GStreamer", func(t *testing.T) {
		toGStreamer(t, 50, "--source", failsOnce(t, path), "--policy", "all")
	})
}

// TestSecondInterruptEndsAtOnce: with filters that take long, the first Ctrl-C says what is waited for, the second one
// ends the program.
func TestSecondInterruptEndsAtOnce(t *testing.T) {
	need(t, "sleep")
	config := writeFile(t, "filters.yaml", "filters:\n  - exec: {command: [sleep, 600], timeout: 60}\n")
	stats := filepath.Join(t.TempDir(), "stats.json")
	recv := picam(t, "recv", "--display", "none", "--config", config, "--from", "pattern", "--stats-file", stats)
	until(t, "the filters are told to be slow", func() bool {
		return size(stats) > 0 && readCameraStats(t, stats)[0].State == "filters_slow"
	})
	recv.signal(os.Interrupt)
	recv.says("another Ctrl-C ends at once")
	recv.signal(os.Interrupt)
	recv.ends(-1) // by the signal
}

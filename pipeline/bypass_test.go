package pipeline

import (
	"bytes"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"picam/filters"
	"picam/filters/plugin/plugintest"
	"picam/mjpeg/mjpegtest"
)

// execOf is the filter exec with a program of plugintest's.
func execOf(t *testing.T, more map[string]any, mode string, args ...string) *filters.Stage {
	t.Helper()
	var command []any
	for _, word := range plugintest.Command(mode, args...) {
		command = append(command, word)
	}
	kind, _ := filters.Find("exec")
	values := map[string]any{"command": command, "timeout": 20}
	for name, v := range more {
		values[name] = v
	}
	st, faults := filters.Configure(kind, values)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return st
}

// TestReloadKeepsProgram: a stage that a reload leaves as it is keeps its process, whatever changes around it.
func TestReloadKeepsProgram(t *testing.T) {
	chain := func(size int) Chain {
		return ChainOf(stages(t, fmt.Sprintf("blur: {size: %d}", size))[0], execOf(t, nil, "pid"))
	}
	ctl, err := NewController(chain(3))
	if err != nil {
		t.Fatal(err)
	}
	pids, n := map[float64]bool{}, 0
	sink := sinkFunc(func(f *Frame) error {
		if len(f.Found) != 1 {
			t.Errorf("frame %d: found %v, bypassed %v", f.Seq, f.Found, f.Bypassed)
			return nil
		}
		pids[f.Found[0].Score] = true
		if n++; n%20 == 0 {
			return ctl.Replace(chain(3 + n/20%5*2))
		}
		return nil
	})
	s := run(t, ctl, repeat(mjpegtest.Frames(3, 64, 48, 80), 100), Outputs{Sinks: []Sink{sink}},
		Options{Workers: 2, KeepAll: true})
	if len(pids) != 1 || n != 100 || ctl.Plan().Version < 4 {
		t.Errorf("%d processes, %d frames, version %d, dropped %v", len(pids), n, ctl.Plan().Version, s.Dropped)
	}
}

// TestBypassIsToldOnce: a program that does not work costs no frame, and one line.
func TestBypassIsToldOnce(t *testing.T) {
	for _, workers := range []int{1, 2} {
		var log bytes.Buffer
		ctl, err := NewController(ChainOf(execOf(t, map[string]any{"workers": workers, "out": "gray"}, "hello").Named("mine")))
		if err != nil {
			t.Fatal(err)
		}
		sink := sinkFunc(func(f *Frame) error {
			m := f.Mat()
			if len(f.Bypassed) != 1 || f.Bypassed[0].Stage != "mine" || m.Channels() != 1 {
				t.Errorf("frame %d: bypassed %v, %d channels", f.Seq, f.Bypassed, m.Channels())
			}
			return nil
		})
		s := run(t, ctl, repeat(mjpegtest.Frames(3, 64, 48, 80), 50), Outputs{Sinks: []Sink{sink}},
			Options{KeepAll: true, Workers: 2, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if s.FramesOut != 50 || s.Bypassed["mine"] != 50 {
			t.Errorf("%d shown, bypassed %v", s.FramesOut, s.Bypassed)
		}
		if n := strings.Count(log.String(), "stage bypassed"); n != 1 ||
			!strings.Contains(log.String(), "its answer begins with") {
			t.Errorf("told %d times:\n%s", n, &log)
		}
	}
}

// TestBypassReport: what the log says as a stage goes away, fails for another reason, and is there again.
func TestBypassReport(t *testing.T) {
	var log bytes.Buffer
	var b bypasses
	logger := slog.New(slog.NewTextHandler(&log, nil))
	step := func(cause string, frames bool) {
		if cause != "" {
			b.count([]filters.Bypass{{Stage: "mine", Cause: fmt.Errorf("%s", cause)}})
		}
		b.report(logger, frames)
	}
	for range 3 {
		step("it died", true)
	}
	step("it hangs", true)
	step("", false) // no frame, no news
	step("", true)
	step("", true)
	step("it died", true)
	got := regexp.MustCompile(`level=|msg=|time=\S+ |stage=mine `).ReplaceAllString(log.String(), "")
	want := `WARN "stage bypassed, frames pass it as they are" err="it died"
WARN "stage bypassed, frames pass it as they are" err="it hangs"
INFO "stage works again" bypassed=4
WARN "stage bypassed, frames pass it as they are" err="it died"
`
	if got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
}

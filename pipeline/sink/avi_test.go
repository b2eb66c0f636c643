package sink

import (
	"bytes"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"picam/mjpeg/mjpegtest"
)

// showAt shows frame n times to a, with the times that at gives.
func showAt(t testing.TB, a *avi, frame []byte, n int, at func(i int) time.Time) {
	t.Helper()
	for i := range n {
		f := untouched(t, frame)
		f.Captured = at(i)
		if err := a.Show(f); err != nil {
			t.Fatal(err)
		}
	}
}

func newTestAVI(t testing.TB, path string, o Options) *avi {
	t.Helper()
	s, err := Record(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return s.(*avi)
}

// steady gives times that are a fixed step apart.
func steady(start time.Time, fps float64) func(int) time.Time {
	return func(i int) time.Time { return start.Add(time.Duration(float64(i) / fps * float64(time.Second))) }
}

// TestAVIKeepsEveryFrame: whatever a camera's rate does, each of its frames is in the recording once, at its time.
func TestAVIKeepsEveryFrame(t *testing.T) {
	t.Parallel()
	frame := mjpegtest.Frames(1, 32, 16, 80)[0]
	start := time.Now()
	// changing gives times of frames that come at a rate until frame n, then at another one.
	changing := func(before float64, n int, after float64) func(int) time.Time {
		return func(i int) time.Time {
			return steady(start, before)(min(i, n)).Add(steady(start, after)(max(0, i-n)).Sub(start))
		}
	}
	// gap gives times at 30 frames a second, with a pause before frame 40.
	gap := func(d time.Duration) func(int) time.Time {
		return func(i int) time.Time { return steady(start, 30)(i).Add(time.Duration(i/40) * d) }
	}
	for _, tt := range []struct {
		name    string
		o       Options
		frames  int
		at      func(int) time.Time
		rate    string  // of the first file; "": as it was measured
		parts   int     // most files
		seconds float64 // of all files together; 0: as the clock says
	}{
		{"30", Options{}, 90, steady(start, 30), "30/1", 1, 0},
		{"29.97", Options{}, 300, steady(start, 29.97), "30/1", 1, 0},
		{"7.5", Options{}, 60, steady(start, 7.5), "15/2", 1, 0},
		{"7.4", Options{}, 148, steady(start, 7.4), "37/5", 1, 0},
		{"7.4, every frame", Options{EveryFrame: true}, 148, steady(start, 7.4), "37/5", 1, 0},
		{"30.3 looks like 30", Options{}, 4000, steady(start, 30.299), "30299/1000", 1, 0},
		{"1", Options{}, 10, steady(start, 1), "1/1", 1, 0},
		{"a frame each 4 s", Options{}, 5, steady(start, 0.25), "1/4", 1, 0},
		{"as asked", Options{Rate: 10}, 90, steady(start, 30), "10/1", 1, 9},
		{"as asked, in parts of a frame", Options{Rate: 12.5}, 50, steady(start, 12.5), "25/2", 1, 0},
		{"as asked, every frame", Options{Rate: 10, EveryFrame: true}, 90, steady(start, 30), "10/1", 1, 9},
		{"jitter", Options{}, 300, func(i int) time.Time {
			return steady(start, 30)(i).Add(time.Duration(i*7919%25-12) * time.Millisecond)
		}, "", 1, 0},
		{"one frame", Options{}, 1, steady(start, 1), "25/1", 1, 0},
		{"all at one time", Options{}, 50, func(int) time.Time { return start }, "25/1", 1, 2},
		{"all at one time, every frame", Options{EveryFrame: true}, 50, func(int) time.Time { return start }, "25/1", 1, 2},
		{"from a fast file", Options{EveryFrame: true}, 200, steady(start, 3000), "120/1", 1, 200. / 120},
		{"slower later", Options{}, 180, changing(30, 30, 15), "30/1", 1, 0},
		{"a little faster later", Options{}, 330, changing(30, 30, 33), "", 2, 0},
		{"twice as fast later", Options{}, 330, changing(30, 30, 60), "", 2, 0},
		{"from 5 to 30", Options{}, 141, changing(5, 25, 30), "", 2, 0},
		{"from 5 to 30 after ten minutes", Options{}, 3000 + 300, changing(5, 3000, 30), "", 2, 0},
		{"30, 15, 30, 10, 30", Options{}, 900, func(i int) time.Time {
			t := start
			for n := range i {
				t = t.Add(time.Second / time.Duration([]int{30, 15, 30, 10, 30}[n/180]))
			}
			return t
		}, "30/1", 1, 0},
		{"a stall, then what was waiting", Options{}, 300, func(i int) time.Time {
			if i >= 100 && i < 125 {
				return steady(start, 30)(125)
			}
			return steady(start, 30)(i)
		}, "30/1", 1, 0},
		{"5 s of silence", Options{}, 60, gap(5 * time.Second), "30/1", 1, 0},
		{"a night of silence", Options{}, 60, gap(8 * time.Hour), "30/1", 1, 2},
		{"a clock set back", Options{}, 60, gap(-time.Hour), "30/1", 1, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "out.avi")
			a := newTestAVI(t, path, tt.o)
			showAt(t, a, frame, tt.frames, tt.at)
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
			if lost := a.Lost(); len(lost) > 0 {
				t.Errorf("lost %v", lost)
			}
			all := files(t, dir)
			if len(all) > tt.parts {
				t.Errorf("files %q, want %d", all, tt.parts)
			}
			frames, total := 0, 0.
			for _, name := range all {
				p := probe(t, filepath.Join(dir, name))
				if name == "out.avi" && tt.rate != "" && p.Rate != tt.rate {
					t.Errorf("rate %s, want %s", p.Rate, tt.rate)
				}
				seconds, err := strconv.ParseFloat(p.Duration, 64)
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				frames += p.Frames
				total += seconds
			}
			if frames != tt.frames {
				t.Errorf("%d frames, want %d", frames, tt.frames)
			}
			want := tt.seconds
			if want == 0 {
				want = tt.at(tt.frames - 1).Sub(start).Seconds()
			}
			// A file's length has the last frame's time too; and one of 0.2 s may take it beyond farAhead.
			if tolerance := farAhead.Seconds() + 0.2 + 1/a.rate; math.Abs(total-want) > tolerance {
				t.Errorf("%.2f s, want %.2f", total, want)
			}
		})
	}
}

// TestAVIStaysInStep looks at the drift at each frame, not only at the end.
func TestAVIStaysInStep(t *testing.T) {
	a := newTestAVI(t, filepath.Join(t.TempDir(), "out.avi"), Options{})
	defer a.Close()
	frame := mjpegtest.Frames(1, 32, 16, 80)[0]
	start := time.Now()
	at := steady(start, 22.3)
	for i := range 2000 {
		showAt(t, a, frame, 1, func(int) time.Time { return at(i) })
		if a.rate == 0 {
			continue
		}
		clock := at(i).Sub(start).Seconds()
		if file := float64(a.written-1) / a.rate; math.Abs(file-clock) > 2/a.rate {
			t.Fatalf("frame %d: the file is at %.3f s, the clock at %.3f s", i, file, clock)
		}
	}
}

func TestAVIGoesOnInAnotherFile(t *testing.T) {
	t.Parallel()
	small, large := mjpegtest.Frames(1, 32, 16, 80)[0], mjpegtest.Frames(1, 64, 48, 80)[0]
	for _, tt := range []struct {
		name     string
		frames   [][]byte // 10 of each
		room     int      // frames in a file
		existing string   // a file of an earlier run
		want     map[string]int
	}{
		{"full", [][]byte{small, small, small, small}, 15, "",
			map[string]int{"out.avi": 15, "out-2.avi": 15, "out-3.avi": 10}},
		{"just full", [][]byte{small, small, small, small}, 40, "", map[string]int{"out.avi": 40}},
		{"another size", [][]byte{small, small, large, small}, 1000, "",
			map[string]int{"out.avi": 20, "out-2.avi": 10, "out-3.avi": 10}},
		{"another size at once", [][]byte{small, large}, 1000, "", map[string]int{"out.avi": 10, "out-2.avi": 10}},
		{"a file in the way", [][]byte{small, small, large}, 1000, "out-2.avi",
			map[string]int{"out.avi": 20, "out-3.avi": 10}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if tt.existing != "" {
				if err := os.WriteFile(filepath.Join(dir, tt.existing), []byte("precious"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			var log bytes.Buffer
			a := newTestAVI(t, filepath.Join(dir, "out.avi"), Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
			a.full = int64(aviHeaderSize + (tt.room-1)*(24+len(small)+len(small)%2) + len(small) + 64)
			start := time.Now()
			for i, p := range tt.frames {
				showAt(t, a, p, 10, func(j int) time.Time { return steady(start, 30)(10*i + j) })
			}
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
			for name, frames := range tt.want {
				if p := probe(t, filepath.Join(dir, name)); p.Frames != frames || p.Rate != "30/1" {
					t.Errorf("%s: %+v, want %d frames", name, p, frames)
				}
				if !strings.Contains(log.String(), name) && name != "out.avi" {
					t.Errorf("no word of %s in the log:\n%s", name, &log)
				}
			}
			files := len(tt.want)
			if tt.existing != "" {
				files++
				if data, _ := os.ReadFile(filepath.Join(dir, tt.existing)); string(data) != "precious" {
					t.Errorf("%s was overwritten", tt.existing)
				}
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) != files {
				t.Errorf("%d files, %v", len(entries), err)
			}
		})
	}
}

// TestAVINewSizeAfterAGap: the gap is not filled with frames of the old size.
func TestAVINewSizeAfterAGap(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.avi")
	a := newTestAVI(t, path, Options{})
	start := time.Now()
	showAt(t, a, mjpegtest.Frames(1, 32, 16, 80)[0], 40, steady(start, 30))
	showAt(t, a, mjpegtest.Frames(1, 64, 48, 80)[0], 10, steady(start.Add(5*time.Second), 30))
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if p := probe(t, strings.Replace(path, ".avi", "-2.avi", 1)); p.Frames != 10 || p.Width != 64 {
		t.Errorf("%+v", p)
	}
}

// TestAVIAfterACrash: what is in the file when the program dies can be played.
func TestAVIAfterACrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.avi")
	a := newTestAVI(t, path, Options{})
	showAt(t, a, mjpegtest.Frames(1, 32, 16, 80)[0], 60, steady(time.Now(), 30))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	crashed := filepath.Join(t.TempDir(), "crashed.avi")
	if err := os.WriteFile(crashed, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if p := probe(t, crashed); p.Frames != 60 || p.Rate != "30/1" {
		t.Errorf("%+v", p)
	}
}

func TestAVISkipsWhatIsNoFrame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.avi")
	a := newTestAVI(t, path, Options{})
	at := steady(time.Now(), 30)
	showAt(t, a, []byte("\xFF\xD8\xFF\xD9"), 1, at)
	showAt(t, a, mjpegtest.Frames(1, 32, 16, 80)[0], 3, at)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if p := probe(t, path); p.Frames != 3 {
		t.Errorf("%+v", p)
	}
	if lost := a.Lost(); lost[noJPEG] != 1 {
		t.Errorf("lost %v", lost)
	}
}

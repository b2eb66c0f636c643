package sink

import (
	"bytes"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	icza "github.com/icza/mjpeg"

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

func TestAVIRate(t *testing.T) {
	t.Parallel()
	frame := mjpegtest.Frames(1, 32, 16, 80)[0]
	start := time.Now()
	for _, tt := range []struct {
		name             string
		o                Options
		frames           int
		at               func(int) time.Time
		rate             int
		minimum, maximum int // frames in the file
	}{
		{"30", Options{}, 90, steady(start, 30), 30, 90, 90},
		{"29.97", Options{}, 300, steady(start, 29.97), 30, 299, 301},
		{"7.4 rounds to 7", Options{}, 148, steady(start, 7.4), 7, 139, 141},
		{"7.4, every frame", Options{EveryFrame: true}, 148, steady(start, 7.4), 7, 148, 148},
		{"7.6 rounds to 8", Options{}, 152, steady(start, 7.6), 8, 159, 161},
		{"1", Options{}, 10, steady(start, 1), 1, 10, 10},
		{"a frame each 4 s", Options{}, 5, steady(start, 0.25), 1, 16, 18},
		{"as asked", Options{Rate: 10}, 90, steady(start, 30), 10, 29, 31},
		{"as asked, every frame", Options{Rate: 10, EveryFrame: true}, 90, steady(start, 30), 10, 90, 90},
		{"jitter", Options{}, 300, func(i int) time.Time {
			return steady(start, 30)(i).Add(time.Duration(i*7919%25-12) * time.Millisecond)
		}, 30, 299, 301},
		{"one frame", Options{}, 1, steady(start, 1), usualRate, 1, 1},
		{"all at one time", Options{EveryFrame: true}, 50, func(int) time.Time { return start }, usualRate, 50, 50},
		{"from a fast file", Options{EveryFrame: true}, 200, steady(start, 3000), highestRate, 200, 200},
		{"slower later", Options{}, 180, func(i int) time.Time { // 30 for a second, then 15
			return start.Add(time.Duration(i+max(0, i-30)) * time.Second / 30)
		}, 30, 328, 332},
		{"faster later", Options{}, 330, func(i int) time.Time { // 30 for a second, then 60
			return start.Add(time.Duration(2*i-max(0, i-30)) * time.Second / 60)
		}, 30, 178, 182},
		{"5 s of silence", Options{}, 60, func(i int) time.Time {
			return steady(start, 30)(i).Add(time.Duration(i/40) * 5 * time.Second)
		}, 30, 209, 211},
		{"a night of silence", Options{}, 60, func(i int) time.Time {
			return steady(start, 30)(i).Add(time.Duration(i/40) * 8 * time.Hour)
		}, 30, 60, 61},
		{"a clock set back", Options{}, 60, func(i int) time.Time {
			return steady(start, 30)(i).Add(-time.Duration(i/40) * time.Hour)
		}, 30, 60, 61},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "out.avi")
			a := newTestAVI(t, path, tt.o)
			showAt(t, a, frame, tt.frames, tt.at)
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
			p := probe(t, path)
			if p.Rate != fmt.Sprintf("%d/1", tt.rate) {
				t.Errorf("rate %s, want %d", p.Rate, tt.rate)
			}
			if p.Frames < tt.minimum || p.Frames > tt.maximum {
				t.Errorf("%d frames, want %d to %d", p.Frames, tt.minimum, tt.maximum)
			}
			seconds, err := strconv.ParseFloat(p.Duration, 64)
			if want := float64(p.Frames) / float64(tt.rate); err != nil || math.Abs(seconds-want) > 0.01 {
				t.Errorf("duration %s s, want %.2f", p.Duration, want)
			}
			if _, err := os.Stat(path + ".idx_"); err == nil {
				t.Error("the index file was left behind")
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
		if file := float64(a.written-1) / float64(a.rate); math.Abs(file-clock) > 2/float64(a.rate) {
			t.Fatalf("frame %d: the file is at %.3f s, the clock at %.3f s", i, file, clock)
		}
	}
}

// smallDisk is an AVI file that is full after some frames.
type smallDisk struct {
	icza.AviWriter
	room int
}

func (s *smallDisk) AddFrame(frame []byte) error {
	if s.room == 0 {
		return icza.ErrTooLarge
	}
	s.room--
	return s.AviWriter.AddFrame(frame)
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
			a.open = func(path string, width, height, rate int32) (icza.AviWriter, error) {
				w, err := icza.New(path, width, height, rate)
				return &smallDisk{w, tt.room}, err
			}
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
}

package sink

import (
	"bytes"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"picam/mjpeg/mjpegtest"
	"picam/pipeline"
)

// files lists the files in dir, by name.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			name, _ := filepath.Rel(dir, path)
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// TestEndsGiveEachCameraItsFiles: whatever cameras call themselves, no two write one file, nor over an older one.
func TestEndsGiveEachCameraItsFiles(t *testing.T) {
	for _, tt := range []struct {
		name                   string
		record, raw, lastFrame string
		one, overwrite         bool
		existing               string // a file of an earlier run
		cameras                []string
		want                   []string
	}{
		{"one camera", "out.mjpeg", "raw.mjpeg", "last.jpg", true, false, "", []string{"door"},
			[]string{"last.jpg", "out.mjpeg", "raw.mjpeg"}},
		{"another than the one camera", "out.mjpeg", "", "last.jpg", true, false, "", []string{"door", "garage"},
			[]string{"last-garage.jpg", "last.jpg", "out-garage.mjpeg", "out.mjpeg"}},
		{"the first of many", "out.mjpeg", "raw.mjpeg", "last.jpg", false, false, "", []string{"door"},
			[]string{"last-door.jpg", "out-door.mjpeg", "raw-door.mjpeg"}},
		{"three cameras", "out.mjpeg", "", "last.jpg", false, false, "", []string{"door", "garage", "a/b"},
			[]string{"last-a_b-07f440.jpg", "last-door.jpg", "last-garage.jpg", "out-a_b-07f440.mjpeg", "out-door.mjpeg", "out-garage.mjpeg"}},
		{"by name", "{camera}/out.mjpeg", "", "", false, false, "", []string{"door", "garage"},
			[]string{"door/out.mjpeg", "garage/out.mjpeg"}},
		{"numbered", "p/%d.jpg", "", "", true, false, "", []string{"door", "garage"}, []string{"p/1.jpg", "p/garage/1.jpg"}},
		{"numbered, of many", "p/%d.jpg", "", "", false, false, "", []string{"door", "garage"}, []string{"p/door/1.jpg", "p/garage/1.jpg"}},
		{"names that would become one", "{camera}.mjpeg", "", "", false, false, "", []string{"a_b", "a b", "a/b", "A_b"},
			[]string{"A_b.mjpeg", "a_b-07f440.mjpeg", "a_b-806c5c.mjpeg", "a_b.mjpeg"}},
		{"long names that would become one", "{camera}.mjpeg", "", "", false, false, "",
			[]string{strings.Repeat("x", 300) + "a", strings.Repeat("x", 300) + "b"},
			[]string{strings.Repeat("x", 60) + "-6c12bc.mjpeg", strings.Repeat("x", 60) + "-f51bed.mjpeg"}},
		{"a name that is another's with its digits", "{camera}.mjpeg", "", "", false, false, "", []string{"a b", "a_b-806c5c"},
			[]string{"a_b-806c5c-2.mjpeg", "a_b-806c5c.mjpeg"}},
		{"one that comes back", "out.mjpeg", "", "", true, false, "", []string{"door", "door", "door"},
			[]string{"out-door-2.mjpeg", "out-door.mjpeg", "out.mjpeg"}},
		{"an older file", "{camera}.mjpeg", "", "", false, false, "b.mjpeg", []string{"a", "b"},
			[]string{"a.mjpeg", "b-2.mjpeg", "b.mjpeg"}},
		{"older frames", "{camera}/%d.jpg", "", "", false, false, "b/7.jpg", []string{"a", "b"},
			[]string{"a/1.jpg", "b-2/1.jpg", "b/7.jpg"}},
		{"overwrite", "{camera}.mjpeg", "", "", false, true, "b.mjpeg", []string{"a", "b", "b"},
			[]string{"a.mjpeg", "b-2.mjpeg", "b.mjpeg"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if tt.existing != "" {
				path := filepath.Join(dir, tt.existing)
				if err := makeFolder(path); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte("precious"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			in := func(path string) string {
				if path == "" {
					return ""
				}
				return filepath.Join(dir, path)
			}
			e := &Ends{
				Record: in(tt.record), RecordRaw: in(tt.raw), LastFrame: in(tt.lastFrame),
				OneCamera: tt.one, Options: Options{Overwrite: tt.overwrite},
			}
			if err := e.Prepare(); err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			var all []pipeline.Outputs
			for _, camera := range tt.cameras {
				all = append(all, e.Open(camera, nil))
			}
			frame := mjpegtest.Frames(1, 32, 16, 80)[0]
			for _, out := range all {
				for _, s := range out.Sinks {
					if err := s.Show(untouched(t, frame)); err != nil {
						t.Error(err)
					}
					if err := s.Close(); err != nil {
						t.Error(err)
					}
				}
				if out.Raw != nil {
					if _, err := out.Raw.Write(frame); err != nil {
						t.Error(err)
					}
					if err := out.Raw.Close(); err != nil {
						t.Error(err)
					}
				}
			}
			got := files(t, dir)
			if !slices.Equal(got, tt.want) {
				t.Errorf("files %q, want %q", got, tt.want)
			}
			for _, name := range got {
				data, err := os.ReadFile(filepath.Join(dir, name))
				isOld := string(data) == "precious"
				if want := name == tt.existing && !tt.overwrite; err != nil || isOld != want {
					t.Errorf("%s is the older file: %v, want %v, %v", name, isOld, want, err)
				}
			}
		})
	}
}

// TestEndsKeepPartsApart: the second part of one camera's video is not the video of another one, even with Overwrite.
func TestEndsKeepPartsApart(t *testing.T) {
	dir := t.TempDir()
	e := &Ends{Record: filepath.Join(dir, "{camera}.avi"), Options: Options{Overwrite: true, Rate: 30}}
	var sinks []pipeline.Sink
	small, large := mjpegtest.Frames(1, 32, 16, 80)[0], mjpegtest.Frames(1, 64, 48, 80)[0]
	show := func(i int, frame []byte) {
		t.Helper()
		f := untouched(t, frame)
		f.Captured = time.Now()
		if err := sinks[i].Show(f); err != nil {
			t.Fatal(err)
		}
	}
	for _, camera := range []string{"cam", "cam-2", "cam-3"} {
		if camera == "cam-3" {
			show(0, small)
			show(0, large) // the next part: not cam-2.avi, which another camera has
		}
		out := e.Open(camera, nil)
		sinks = append(sinks, out.Sinks[0])
		defer out.Sinks[1].Close()
	}
	for i := range sinks {
		show(i, large)
		if err := sinks[i].Close(); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"cam-2.avi", "cam-3-2.avi", "cam-3.avi", "cam.avi"}
	if got := files(t, dir); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

// TestOneOutputWritesAFile: what one run writes, no other one does, not even with Overwrite, until it is over.
func TestOneOutputWritesAFile(t *testing.T) {
	for _, path := range []string{"out.mjpeg", "out.avi", "p/%d.jpg", "p/%04d.png"} {
		t.Run(path, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), path)
			newEnds := func() *Ends {
				return &Ends{Record: path, OneCamera: true, Options: Options{Overwrite: true, Rate: 30}}
			}
			first, second := newEnds(), newEnds()
			if err := first.Prepare(); err != nil {
				t.Fatal(err)
			}
			out := first.Open("door", nil)
			if err := out.Sinks[0].Show(touched(t, 32, 16, 3, 1)); err != nil {
				t.Fatal(err)
			}
			err := second.Prepare()
			if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), filepath.Dir(path)) ||
				!strings.Contains(err.Error(), "another name") {
				t.Errorf("while another run writes it: %v", err)
			}
			if err := second.Close(); err != nil {
				t.Error(err)
			}
			for _, s := range out.Sinks {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
			before := files(t, filepath.Dir(path))
			if info, err := os.Stat(filepath.Join(filepath.Dir(path), before[0])); err != nil || info.Size() == 0 {
				t.Errorf("the first run's %s: %v, %v", before[0], info, err)
			}
			third := newEnds()
			if err := third.Prepare(); err != nil {
				t.Errorf("after the first run: %v", err)
			}
			if err := third.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("events", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "found.jsonl")
		e, err := OpenEvents(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		if _, err := OpenEvents(path, Options{Overwrite: true}); !errors.Is(err, ErrInUse) {
			t.Errorf("%v", err)
		}
	})
	t.Run("a camera's name", func(t *testing.T) {
		dir := t.TempDir()
		for i, want := range []string{"out-door.mjpeg", "out-door-2.mjpeg"} {
			var log bytes.Buffer
			e := &Ends{Record: filepath.Join(dir, "out.mjpeg"), Options: Options{Log: slog.New(slog.NewTextHandler(&log, nil))}}
			for _, s := range e.Open("door", nil).Sinks {
				if err := s.Show(untouched(t, mjpegtest.Frames(1, 32, 16, 80)[0])); err != nil {
					t.Fatal(err)
				}
				defer s.Close()
			}
			if got := files(t, dir); len(got) != i+1 || !slices.Contains(got, want) {
				t.Errorf("files %q, want %s", got, want)
			}
			if said := strings.Contains(log.String(), want); said != (i > 0) {
				t.Errorf("the log: %s", &log)
			}
		}
	})
}

// TestPrepareFindsWhatIsWrong: before any camera comes.
func TestPrepareFindsWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	in := func(path string) string { return filepath.Join(dir, path) }
	for _, name := range []string{"old.avi", "000417.png", "file"} {
		if err := os.WriteFile(in(name), []byte("precious"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(in("folder.avi"), 0o755); err != nil {
		t.Fatal(err)
	}
	one := func(e *Ends) *Ends {
		e.OneCamera = true
		return e
	}
	for _, tt := range []struct {
		name string
		e    *Ends
		want string // "": nothing is wrong
	}{
		{"nothing", &Ends{}, ""},
		{"a kind of file", &Ends{Record: in("x.mp4")}, "use .mjpeg, .avi"},
		{"a kind of raw file", &Ends{RecordRaw: in("x.avi")}, "a .mjpeg file"},
		{"a kind of last frame", &Ends{LastFrame: in("x.gif")}, "use .jpg or .png"},
		{"an earlier file", one(&Ends{Record: in("old.avi")}), "--overwrite"},
		{"an earlier file that is to go", one(&Ends{Record: in("old2.avi"), Options: Options{Overwrite: true}}), ""},
		{"an earlier file, but names are added", &Ends{Record: in("old.avi")}, ""},
		{"earlier frames", one(&Ends{Record: in("%06d.png")}), in("000417.png")},
		{"a new folder", one(&Ends{Record: in("new/%06d.png")}), ""},
		{"a file for a folder", &Ends{Record: in("file/out.avi")}, in("file")},
		{"a file for a folder, raw", &Ends{RecordRaw: in("file/{camera}/out.mjpeg")}, in("file")},
		{"a file for a folder, last frame", &Ends{LastFrame: in("file/last.jpg")}, in("file")},
		{"a folder that takes no files", &Ends{Record: "/proc/self/out.avi"}, "/proc/self/out.avi"},
		{"a folder for a file", one(&Ends{Record: in("folder.avi")}), in("folder.avi")},
		{"one file for two", one(&Ends{Record: in("a.mjpeg"), RecordRaw: in("a.mjpeg")}), in("a.mjpeg")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := files(t, dir)
			err := tt.e.Prepare()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if err := tt.e.Close(); err != nil {
				t.Error(err)
			}
			if after := files(t, dir); !slices.Equal(before, after) {
				t.Errorf("a run without a frame makes %q of %q", after, before)
			}
		})
	}
}

// TestAnOutputFailsAlone: the failure of an output is told once, counted, and an error of its Close; nothing else
// notices.
func TestAnOutputFailsAlone(t *testing.T) {
	frame := mjpegtest.Frames(1, 32, 16, 80)[0]
	const shown = 40
	for _, tt := range []struct {
		record, raw string
		fail        func(t *testing.T, path string) // makes it fail
		cause       string
		lost        int64
	}{
		{"out.mjpeg", "", disk, writeFailed, shown},
		{"out.avi", "", disk, writeFailed, shown},
		{"", "raw.mjpeg", disk, writeFailed, shown},
		{"out.mjpeg", "", folder, notOpened, shown},
		{"out.avi", "", folder, notOpened, shown},
		{"p-{camera}/%d.jpg", "", func(t *testing.T, path string) { folder(t, filepath.Join(path, "2.jpg")) }, writeFailed, shown - 1},
		{"p-{camera}/%d.png", "", func(t *testing.T, path string) { folder(t, filepath.Join(path, "2.png")) }, writeFailed, shown - 1},
		{"p-{camera}/%d.png", "", func(t *testing.T, path string) { disk(t, path) }, notOpened, shown},
		{"", "raw.mjpeg", folder, notOpened, shown},
	} {
		t.Run(filepath.Base(tt.record+tt.raw)+" "+tt.cause, func(t *testing.T) {
			dir := t.TempDir()
			var log bytes.Buffer
			e := &Ends{LastFrame: filepath.Join(dir, "last.jpg"), Options: Options{Log: slog.New(slog.NewTextHandler(&log, nil))}}
			path := tt.record + tt.raw
			if tt.record != "" {
				e.Record = filepath.Join(dir, path)
			} else {
				e.RecordRaw = filepath.Join(dir, path)
			}
			path, _ = strings.CutSuffix(Expand(PerCamera(path), "door"), "/%d"+filepath.Ext(path))
			tt.fail(t, filepath.Join(dir, path))
			out := e.Open("door", nil)
			counts := map[string]int64{}
			var closed error
			for i := range shown {
				for _, s := range out.Sinks {
					f := touched(t, 32, 16, 3, i)
					f.Captured = time.Unix(0, 0).Add(time.Duration(i) * time.Second / 30)
					if err := s.Show(f); err != nil {
						t.Fatal(err)
					}
				}
				if out.Raw != nil {
					if n, err := out.Raw.Write(frame); n != len(frame) || err != nil {
						t.Fatal(n, err)
					}
				}
			}
			for _, s := range out.Sinks {
				closed = errors.Join(closed, s.Close())
				for cause, n := range s.(pipeline.Lossy).Lost() {
					counts[cause] += n
				}
			}
			if out.Raw != nil {
				closed = errors.Join(closed, out.Raw.Close())
				counts = out.Raw.(pipeline.Lossy).Lost()
			}
			if tt.record == "p-{camera}/%d.png" && tt.cause == writeFailed { // written beside Show
				if counts[writeFailed] < 2 || counts[writeFailed] > tt.lost {
					t.Errorf("lost %v", counts)
				}
			} else if want := map[string]int64{tt.cause: tt.lost}; !maps.Equal(counts, want) {
				t.Errorf("lost %v, want %v", counts, want)
			}
			if closed == nil {
				t.Error("Close says nothing of it")
			}
			if n := strings.Count(log.String(), "an output ended"); n != 1 {
				t.Errorf("told %d times:\n%s", n, &log)
			}
			if !strings.Contains(log.String(), tt.cause+"=") {
				t.Errorf("no count of what was lost:\n%s", &log)
			}
			if info, err := os.Stat(filepath.Join(dir, "last-door.jpg")); err != nil || info.Size() == 0 {
				t.Errorf("the other output: %v", err)
			}
		})
	}
}

// disk makes a path a file whose disk is full.
func disk(t *testing.T, path string) {
	t.Helper()
	if err := os.Symlink("/dev/full", path); err != nil {
		t.Skip(err)
	}
}

// folder makes a path a folder.
func folder(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
}

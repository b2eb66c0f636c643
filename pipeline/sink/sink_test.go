package sink

import (
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
		overwrite              bool
		existing               string // a file of an earlier run
		cameras                []string
		want                   []string
	}{
		{"one camera", "out.mjpeg", "raw.mjpeg", "last.jpg", false, "", []string{"door"},
			[]string{"last.jpg", "out.mjpeg", "raw.mjpeg"}},
		{"three cameras", "out.mjpeg", "", "last.jpg", false, "", []string{"door", "garage", "a/b"},
			[]string{"last-a_b.jpg", "last-garage.jpg", "last.jpg", "out-a_b.mjpeg", "out-garage.mjpeg", "out.mjpeg"}},
		{"by name", "{camera}/out.mjpeg", "", "", false, "", []string{"door", "garage"},
			[]string{"door/out.mjpeg", "garage/out.mjpeg"}},
		{"numbered", "p/%d.jpg", "", "", false, "", []string{"door", "garage"}, []string{"p/1.jpg", "p/garage/1.jpg"}},
		{"names that become one", "{camera}.mjpeg", "", "", false, "", []string{"a b", "a_b", "a_b-2", "a/b"},
			[]string{"a_b-2-2.mjpeg", "a_b-2.mjpeg", "a_b-3.mjpeg", "a_b.mjpeg"}},
		{"long names that become one", "{camera}.mjpeg", "", "", false, "",
			[]string{strings.Repeat("x", 70) + "a", strings.Repeat("x", 70) + "b"},
			[]string{strings.Repeat("x", 60) + "-2.mjpeg", strings.Repeat("x", 60) + ".mjpeg"}},
		{"one that comes back", "out.mjpeg", "", "", false, "", []string{"door", "door", "door"},
			[]string{"out-door-2.mjpeg", "out-door.mjpeg", "out.mjpeg"}},
		{"an older file of a later camera", "{camera}.mjpeg", "", "", false, "b.mjpeg", []string{"a", "b"},
			[]string{"a.mjpeg", "b-2.mjpeg", "b.mjpeg"}},
		{"older frames of a later camera", "{camera}/%d.jpg", "", "", false, "b/7.jpg", []string{"a", "b"},
			[]string{"a/1.jpg", "b-2/1.jpg", "b/7.jpg"}},
		{"overwrite", "{camera}.mjpeg", "", "", true, "b.mjpeg", []string{"a", "b", "b"},
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
				Options: Options{Overwrite: tt.overwrite},
			}
			var all []pipeline.Outputs
			for _, camera := range tt.cameras {
				out, err := e.Open(camera, nil)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, out)
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
		out, err := e.Open(camera, nil)
		if err != nil {
			t.Fatal(err)
		}
		sinks = append(sinks, out.Sinks...)
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

// TestEndsOpenAllOrNothing: a failure closes what had been opened.
func TestEndsOpenAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	e := &Ends{Record: filepath.Join(dir, "p/%d.png"), RecordRaw: filepath.Join(dir, "raw.mjpeg"), LastFrame: "last.gif"}
	out, err := e.Open("door", nil) // the tests fail if a Mat stays open
	if err == nil || !strings.Contains(err.Error(), "last.gif") || out.Sinks != nil || out.Raw != nil {
		t.Errorf("%+v, %v", out, err)
	}
}

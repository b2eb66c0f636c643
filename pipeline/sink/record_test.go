package sink

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
	"picam/pipeline"
)

// untouched is a Frame that no stage has changed: it has no pixels, as where none were asked for.
func untouched(t testing.TB, jpeg []byte) *pipeline.Frame {
	t.Helper()
	f := pipeline.NewFrame("door", 1, jpeg, gocv.NewMat(), false)
	t.Cleanup(f.Close)
	return f
}

// touched is a Frame with made-up pixels, width × height × channels, another one for each seed.
func touched(t testing.TB, width, height, channels, seed int) *pipeline.Frame {
	t.Helper()
	kind := gocv.MatTypeCV8UC3
	if channels == 1 {
		kind = gocv.MatTypeCV8UC1
	}
	m := gocv.NewMatWithSize(height, width, kind)
	pixels, err := m.DataPtrUint8()
	if err != nil {
		t.Fatal(err)
	}
	for i := range pixels {
		pixels[i] = byte((i*i>>3 + i*7 + seed*31) >> 1)
	}
	f := pipeline.NewFrame("door", 1, nil, m, true)
	t.Cleanup(f.Close)
	return f
}

// record shows all frames to a new recording and closes it.
func record(t testing.TB, path string, o Options, frames ...*pipeline.Frame) {
	t.Helper()
	s, err := Record(path, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		if err := s.Show(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// frames cuts a file into its frames.
func jpegsIn(t testing.TB, path string) [][]byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	s := mjpeg.NewScanner(bytes.NewReader(data))
	for s.Scan() {
		all = append(all, bytes.Clone(s.Frame()))
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRecordKinds(t *testing.T) {
	for _, tt := range []struct {
		path      string
		wantError string // part of it; "": none
		takesJPEG bool
	}{
		{"out.mjpeg", "", true},
		{"out.MJPG", "", true},
		{"a/b/out.avi", "", true},
		{"a/%06d.png", "", false},
		{"a/%d.png", "", false},
		{"a/x-%04d.jpg", "", true},
		{"out.mkv", "use .mjpeg, .avi, or numbered frames", false},
		{"out", "use .mjpeg, .avi", false},
		{"out.png", "%06d.png", false},
		{"%s.png", "%06d.png", false},
		{"%06d-%06d.png", "%06d.png", false},
		{"%6d.png", "%06d.png", false},
		{"%0000006d.jpg", "%06d.jpg", false},
		{"%d/out.png", "%06d.png", false},
	} {
		t.Run(tt.path, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), tt.path)
			s, err := Record(path, Options{})
			checkErr := (&Ends{Record: path}).Prepare()
			if tt.wantError != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantError) {
					t.Fatalf("error %v, want one with %q", err, tt.wantError)
				}
				if checkErr == nil || checkErr.Error() != err.Error() {
					t.Errorf("Prepare: %v", checkErr)
				}
				return
			}
			if err != nil || checkErr != nil {
				t.Fatal(err, checkErr)
			}
			defer s.Close()
			if _, ok := s.(pipeline.JPEGSink); ok != tt.takesJPEG {
				t.Errorf("takes JPEG: %v", ok)
			}
		})
	}
}

func TestRecordMJPEGKeepsTheCamerasBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new/folder/out.mjpeg")
	in := mjpegtest.Frames(5, 64, 48, 80)
	s, err := Record(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range in {
		if err := s.Show(untouched(t, p)); err != nil {
			t.Fatal(err)
		}
		// A crash right now must lose nothing: it is in the file.
		if got := jpegsIn(t, path); len(got) != i+1 || !bytes.Equal(got[i], p) {
			t.Fatalf("after frame %d, %d are in the file", i+1, len(got))
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRecordAddsHuffmanTables(t *testing.T) {
	bare := mjpegtest.WithoutDHT(mjpegtest.Frames(1, 64, 48, 80)[0])
	dir := t.TempDir()
	record(t, filepath.Join(dir, "out.mjpeg"), Options{}, untouched(t, bare))
	got := jpegsIn(t, filepath.Join(dir, "out.mjpeg"))
	if h, err := mjpeg.ParseHeader(got[0]); err != nil || !h.HasDHT {
		t.Errorf("tables: %v, %v", h.HasDHT, err)
	}

	raw, err := RecordRaw(filepath.Join(dir, "raw.mjpeg"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := raw.Write(bare); err != nil {
		t.Fatal(err)
	}
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}
	if got := jpegsIn(t, filepath.Join(dir, "raw.mjpeg")); len(got) != 1 || !bytes.Equal(got[0], bare) {
		t.Errorf("the raw recording changed the frame")
	}
}

func TestRecordPNGLosesNothing(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {3, 5}, {64, 48}, {641, 479}} {
		for _, channels := range []int{1, 3} {
			t.Run(fmt.Sprintf("%d×%d×%d", size.X, size.Y, channels), func(t *testing.T) {
				dir := t.TempDir()
				frames := []*pipeline.Frame{touched(t, size.X, size.Y, channels, 1), touched(t, size.X, size.Y, channels, 2)}
				record(t, filepath.Join(dir, "p/%06d.png"), Options{}, frames...)
				for i, f := range frames {
					comparePNG(t, filepath.Join(dir, fmt.Sprintf("p/%06d.png", i+1)), f.Mat())
				}
				if files, err := os.ReadDir(filepath.Join(dir, "p")); err != nil || len(files) != len(frames) {
					t.Errorf("%d files, %v", len(files), err)
				}
			})
		}
	}
}

// comparePNG checks that a file has exactly the pixels of m, and no colour where m has none.
func comparePNG(t *testing.T, path string, m gocv.Mat) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if b := got.Bounds(); b.Dx() != m.Cols() || b.Dy() != m.Rows() {
		t.Fatalf("%v, want %d×%d", b, m.Cols(), m.Rows())
	}
	if _, gray := got.(*image.Gray); gray != (m.Channels() == 1) {
		t.Errorf("gray: %v, of %d channels", gray, m.Channels())
	}
	pixels, err := m.DataPtrUint8()
	if err != nil {
		t.Fatal(err)
	}
	cols := m.Cols()
	for i := range m.Rows() * cols {
		x, y := i%cols, i/cols
		switch got := got.(type) {
		case *image.Gray:
			if v := got.GrayAt(x, y).Y; v != pixels[i] {
				t.Fatalf("pixel %d,%d is %d, want %d", x, y, v, pixels[i])
			}
		case *image.RGBA: // OpenCV's order is blue, green, red
			if c, want := got.RGBAAt(x, y), (color.RGBA{pixels[3*i+2], pixels[3*i+1], pixels[3*i], 255}); c != want {
				t.Fatalf("pixel %d,%d is %v, want %v", x, y, c, want)
			}
		default:
			t.Fatalf("it is a %T", got)
		}
	}
}

func TestRecordEncodesWhatAStageChanged(t *testing.T) {
	dir := t.TempDir()
	record(t, filepath.Join(dir, "out.mjpeg"), Options{Quality: 20}, touched(t, 64, 48, 3, 1), touched(t, 64, 48, 1, 1))
	record(t, filepath.Join(dir, "fine.mjpeg"), Options{}, touched(t, 64, 48, 3, 1), touched(t, 64, 48, 1, 1))
	coarse, fine := jpegsIn(t, filepath.Join(dir, "out.mjpeg")), jpegsIn(t, filepath.Join(dir, "fine.mjpeg"))
	for i, components := range []int{3, 1} {
		h, err := mjpeg.ParseHeader(coarse[i])
		if err != nil || h.Width != 64 || h.Height != 48 || h.Components != components {
			t.Errorf("frame %d: %+v, %v", i, h, err)
		}
		if len(coarse[i]) >= len(fine[i]) {
			t.Errorf("frame %d: %d bytes at quality 20, %d at 90", i, len(coarse[i]), len(fine[i]))
		}
	}
}

func TestRecordNumberedJPEG(t *testing.T) {
	dir := t.TempDir()
	in := mjpegtest.Frames(12, 32, 16, 80)
	var frames []*pipeline.Frame
	for _, p := range in {
		frames = append(frames, untouched(t, p))
	}
	record(t, filepath.Join(dir, "x-%d.jpg"), Options{}, frames...)
	for i, want := range in {
		got, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("x-%d.jpg", i+1)))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("frame %d: %v", i+1, err)
		}
	}
}

func TestRecordRefusesToOverwrite(t *testing.T) {
	for _, tt := range []struct{ path, file string }{
		{"out.mjpeg", "out.mjpeg"},
		{"out.avi", "out.avi"},
		{"p/%06d.png", "p/000001.png"},
		{"p/%06d.png", "p/000417.png"}, // an earlier recording whose first frames were deleted
		{"p/%06d.jpg", "p/000001.jpg"},
	} {
		t.Run(tt.file, func(t *testing.T) {
			dir := t.TempDir()
			path, file := filepath.Join(dir, tt.path), filepath.Join(dir, tt.file)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte("precious"), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := Record(path, Options{})
			if !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), "--overwrite") ||
				!strings.Contains(err.Error(), file) {
				t.Errorf("error %v", err)
			}
			if got, _ := os.ReadFile(file); string(got) != "precious" {
				t.Errorf("the file has changed to %q", got)
			}
			record(t, path, Options{Overwrite: true}, touched(t, 32, 16, 3, 1))
			if got, _ := os.ReadFile(file); tt.file != "p/000417.png" && string(got) == "precious" {
				t.Errorf("the file was not overwritten")
			}

			// An empty file, and other files in the folder of numbered ones, are in nobody's way.
			if err := os.RemoveAll(filepath.Dir(file)); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{file, filepath.Join(filepath.Dir(file), "notes.txt")} {
				if err := os.WriteFile(name, nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			record(t, path, Options{}, touched(t, 32, 16, 3, 1))
		})
	}
}

// full is a path of that extension whose writes fail as on a full disk.
func full(t *testing.T, ext string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out"+ext)
	if err := os.Symlink("/dev/full", path); err != nil {
		t.Skip(err)
	}
	return path
}

func TestRecordFullDisk(t *testing.T) {
	frame := mjpegtest.Frames(1, 64, 48, 80)[0]
	t.Run(".mjpeg", func(t *testing.T) {
		path := full(t, ".mjpeg")
		s, err := Record(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Show(untouched(t, frame))
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path) {
			t.Errorf("Show: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	t.Run(".avi", func(t *testing.T) {
		path := full(t, ".avi")
		s, err := Record(path, Options{Rate: 25})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Show(untouched(t, frame))
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path) {
			t.Errorf("Show: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	for _, ext := range []string{".jpg", ".png"} {
		t.Run("a file in the way of "+ext, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "p")
			s, err := Record(filepath.Join(dir, "%06d"+ext), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "000002"+ext), []byte("of another program"), 0o644); err != nil {
				t.Fatal(err)
			}
			err = errors.Join(s.Show(touched(t, 64, 48, 3, 1)), s.Show(touched(t, 64, 48, 3, 2)))
			if err = errors.Join(err, s.Close()); !errors.Is(err, fs.ErrExist) {
				t.Errorf("Show and Close: %v", err)
			}
		})
	}
	t.Run("full by number", func(t *testing.T) {
		path := full(t, ".png")
		s, err := Record(filepath.Join(filepath.Dir(path), "%d.png"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path, filepath.Join(filepath.Dir(path), "2.png")); err != nil {
			t.Fatal(err)
		}
		err = errors.Join(s.Show(touched(t, 64, 48, 3, 1)), s.Show(touched(t, 64, 48, 3, 2)))
		if err = errors.Join(err, s.Close()); !errors.Is(err, syscall.ENOSPC) || strings.Count(err.Error(), "no space") != 1 {
			t.Errorf("Show and Close: %v", err)
		}
		if _, err := os.Lstat(filepath.Join(filepath.Dir(path), "2.png")); err == nil {
			t.Error("half a frame was left behind")
		}
	})
}

// TestRecordHalfAFrame limits the size of files, as a full disk does, so that a frame fits by half.
func TestRecordHalfAFrame(t *testing.T) {
	if os.Getenv("PICAM_TEST_LIMIT") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestRecordHalfAFrame$", "-test.v")
		cmd.Env = append(os.Environ(), "PICAM_TEST_LIMIT=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	in := mjpegtest.Frames(3, 64, 48, 80)
	limit := uint64(len(in[0]) + len(in[1]) + len(in[2])/2)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		t.Skip(err)
	}
	path := filepath.Join(t.TempDir(), "out.mjpeg")
	s, err := Record(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range in {
		err := s.Show(untouched(t, p))
		isFull := errors.Is(err, syscall.EFBIG) && strings.Contains(err.Error(), "after 2 frames")
		if i < 2 && err != nil || i == 2 && !isFull {
			t.Errorf("frame %d: %v", i, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(data, append(bytes.Clone(in[0]), in[1]...)) {
		t.Errorf("%d bytes, not the two whole frames, %v", len(data), err)
	}
}

// probed is what ffprobe says of a video.
type probed struct {
	Width, Height int
	Frames        int    `json:"nb_read_frames,string"`
	Rate          string `json:"r_frame_rate"`
	Codec         string `json:"codec_name"`
	Duration      string
}

// probe reads a video with ffprobe, decoding every frame.
func probe(t *testing.T, path string, args ...string) probed {
	t.Helper()
	if _, err := exec.LookPath("ffprobe"); err != nil {
		t.Skip("ffprobe is not installed (Debian: ffmpeg)")
	}
	args = append([]string{"-v", "error", "-count_frames", "-show_streams", "-of", "json"}, append(args, path)...)
	var stderr bytes.Buffer
	cmd := exec.Command("ffprobe", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("ffprobe %s: %v\n%s", path, err, &stderr)
	}
	var result struct{ Streams []probed }
	if err := json.Unmarshal(out, &result); err != nil || len(result.Streams) != 1 {
		t.Fatalf("ffprobe %s: %v\n%s", path, err, out)
	}
	return result.Streams[0]
}

func TestRecordIsReadByFFmpeg(t *testing.T) {
	dir := t.TempDir()
	in := mjpegtest.Frames(40, 65, 47, 80)
	var frames []*pipeline.Frame
	start := time.Now()
	for i, p := range in {
		f := untouched(t, p)
		if i%10 == 3 {
			f = touched(t, 65, 47, 3, i)
		}
		f.Captured = start.Add(time.Duration(i) * time.Second / 20)
		frames = append(frames, f)
	}
	record(t, filepath.Join(dir, "out.mjpeg"), Options{}, frames...)
	record(t, filepath.Join(dir, "out.avi"), Options{}, frames...)
	record(t, filepath.Join(dir, "p/%06d.jpg"), Options{}, frames...)
	for _, tt := range []struct {
		path string
		args []string
	}{
		{"out.mjpeg", []string{"-f", "mjpeg"}},
		{"out.avi", nil},
		{"p/%06d.jpg", nil},
	} {
		t.Run(tt.path, func(t *testing.T) {
			p := probe(t, filepath.Join(dir, tt.path), tt.args...)
			if p.Frames != len(in) || p.Width != 65 || p.Height != 47 || p.Codec != "mjpeg" {
				t.Errorf("%+v", p)
			}
		})
	}
}

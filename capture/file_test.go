package capture

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

func writeFile(t testing.TB, path string, b ...[]byte) {
	t.Helper()
	if err := os.WriteFile(path, bytes.Join(b, nil), 0o600); err != nil {
		t.Fatal(err)
	}
}

// writeFrames writes a file of n different frames and returns them.
func writeFrames(t testing.TB, path string, n int) [][]byte {
	t.Helper()
	frames := mjpegtest.Frames(n, 64, 48, 80)
	writeFile(t, path, frames...)
	return frames
}

func jpegs(frames []mjpeg.Frame) (list [][]byte) {
	for _, f := range frames {
		list = append(list, f.JPEG)
	}
	return list
}

func checkFrames(t *testing.T, got, want [][]byte) {
	t.Helper()
	if !slices.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("%d frames differ from the %d wanted", len(got), len(want))
	}
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	p := mjpegtest.Frames(12, 64, 48, 80)
	stamp := mjpeg.Stamp{Camera: "door", Seq: 1234, Time: time.Unix(1, 0)}
	stamped := append(stamp.AppendTo(nil), p[0][2:]...)
	thumbnail := mjpegtest.WithSegment(p[1], 0xE1, mjpegtest.Exif(1, p[2], true))
	photo := func(frames ...[]byte) (first, all []byte) {
		all = mjpegtest.MultiFrame(frames...)
		return all[:len(all)-len(bytes.Join(frames[1:], nil))], all
	}
	first, mpo := photo(p[0], p[1])
	first3, mpo3 := photo(p[3], p[4], p[5])
	alone, _ := photo(p[0], slices.Concat(p[1][:len(p[1])-2], make([]byte, 50), p[1][len(p[1])-2:]))
	for _, tt := range []struct {
		name  string
		files map[string][]byte // of a folder, or one
		path  string
		want  [][]byte
	}{
		{"clip", map[string][]byte{"a.mjpeg": bytes.Join(p, nil)}, "a.mjpeg", p},
		{"clip of another name, with a colon", map[string][]byte{"a:b": bytes.Join(p, nil)}, "a:b", p},
		{"one frame", map[string][]byte{"a.JPG": p[0]}, "a.JPG", p[:1]},
		{"stamped", map[string][]byte{"a": append(slices.Clone(stamped), stamped...)}, "a", [][]byte{p[0], p[0]}},
		{"EXIF thumbnail", map[string][]byte{"a.jpg": thumbnail}, "a.jpg", [][]byte{thumbnail}},
		{"MPO", map[string][]byte{"a.mpo": mpo}, "a.mpo", [][]byte{first}},
		{"MPO of three", map[string][]byte{"a.jpg": mpo3}, "a.jpg", [][]byte{first3}},
		{"MPO with something before and behind", map[string][]byte{"a.jpg": slices.Concat([]byte("\r\n"), mpo, []byte("SEFT"))}, "a.jpg",
			[][]byte{first}},
		{"folder of MPO", map[string][]byte{"1.jpg": mpo, "2.jpg": p[9], "3.jpg": mpo3}, ".", [][]byte{first, p[9], first3}},
		{"MPO without its second frame", map[string][]byte{"a.jpg": first}, "a.jpg", [][]byte{first}},
		{"MPO that is cut", map[string][]byte{"a.jpg": mpo[:len(mpo)-9]}, "a.jpg", [][]byte{first}},
		{"recording of MPO", map[string][]byte{"a.mjpeg": slices.Concat(mpo, mpo3)}, "a.mjpeg", [][]byte{first, p[1], first3, p[4], p[5]}},
		{"recording of the first frames of MPO", map[string][]byte{"a.mjpeg": slices.Concat(first, first3)}, "a.mjpeg", [][]byte{first, first3}},
		{"recording whose index fits by chance but for the size", map[string][]byte{"a.mjpeg": slices.Concat(alone, p[2], p[3])}, "a.mjpeg",
			[][]byte{alone, p[2], p[3]}},
		{"damage", map[string][]byte{"a": slices.Concat(p[0][50:], p[1][:200], p[2], p[3][:300])}, "a", p[2:3]},
		{"folder", map[string][]byte{
			"img10.jpg": p[4], "img2.jpg": p[3], "img1.jpeg": p[1], "img01.JPG": p[0], "img1b.jpg": p[2],
			"zebra.JPEG": p[5],
			"readme.txt": p[6], ".hidden.jpg": p[6], "clip.mjpeg": p[6],
		}, ".", p[:6]},
		{"folder with an empty file", map[string][]byte{"1.jpg": p[0], "2.jpg": nil, "3.jpg": p[1]}, ".", p[:2]},
		{"folder with padded files", map[string][]byte{
			"1.jpg": append(slices.Clone(p[0]), make([]byte, 37)...), "2.jpg": p[1],
		}, ".", p[:2]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(dir, tt.name)
			if err := os.MkdirAll(filepath.Join(dir, "folder.jpg"), 0o700); err != nil {
				t.Fatal(err)
			}
			for name, b := range tt.files {
				writeFile(t, filepath.Join(dir, name), b)
			}
			before := time.Now()
			s := open(t, "file:"+filepath.Join(dir, tt.path), Options{})
			frames := all(t, s)
			checkFrames(t, jpegs(frames), tt.want)
			if done, total := s.(Sized).Progress(); done != total {
				t.Errorf("at the end, %d of %d bytes are done", done, total)
			}
			for i, f := range frames {
				if f.Seq != uint64(i+1) {
					t.Errorf("frame %d has Seq %d", i+1, f.Seq)
				}
				if f.Captured.Before(before) || f.Received.Before(f.Captured) {
					t.Errorf("frame %d captured %v, received %v; test began %v", i+1, f.Captured, f.Received, before)
				}
			}
		})
	}
}

func TestFileErrors(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	writeFile(t, path("empty"), nil)
	writeFile(t, path("text"), []byte("this is not a frame"))
	frame := writeFrames(t, path("a.jpg"), 1)[0]
	writeFile(t, path("cut"), frame[:500])
	for _, d := range []string{"none", "broken"} {
		if err := os.Mkdir(path(d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, path("none/a.png"), []byte("x"))
	writeFile(t, path("broken/a.jpg"), []byte("x"))
	for _, tt := range []struct {
		path    string
		options Options
		want    string
	}{
		{"", Options{}, "want a path"},
		{path("missing.mjpeg"), Options{}, "missing.mjpeg: no such file or directory: want an .mjpeg or .jpg"},
		{path("empty"), Options{}, "empty: no JPEG frame in 0 bytes: want MJPEG"},
		{path("text"), Options{Loop: true}, "text: no JPEG frame in 19 bytes: want MJPEG"},
		{path("cut"), Options{}, "cut: no whole JPEG frame (1 cut) in 500 bytes"},
		{path("a.jpg"), Options{MaxFrame: 100}, "a.jpg: no whole JPEG frame (1 over the limit of 100 bytes)"},
		{path("none"), Options{}, "none: no .jpg or .jpeg file among the 1 in this folder"},
		{path("broken"), Options{Loop: true}, "broken: no JPEG frame in 1 bytes"},
		{os.DevNull, Options{}, "want picam send --source - < " + os.DevNull},
	} {
		t.Run(tt.path, func(t *testing.T) {
			_, err := Open(t.Context(), "file:"+tt.path, tt.options)
			if err == nil || !strings.HasPrefix(err.Error(), "capture: file:") ||
				!strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestFileDamageIsReported(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	p := mjpegtest.Frames(3, 64, 48, 80)
	writeFile(t, path, p[0][:len(p[0])*2/3], p[1], p[2][:300])
	var log bytes.Buffer
	checkFrames(t, jpegs(all(t, open(t, "file:"+path, Options{Log: slog.New(slog.NewTextHandler(&log, nil))}))), p[1:2])
	if !strings.Contains(log.String(), "1 torn, 1 cut") {
		t.Errorf("log: %s", &log)
	}
}

// TestFileThatVanishes: a folder is not read ahead, so a file may be gone when its turn comes.
func TestFileThatVanishes(t *testing.T) {
	dir := t.TempDir()
	writeFrames(t, filepath.Join(dir, "1.jpg"), 1)
	writeFrames(t, filepath.Join(dir, "2.jpg"), 1)
	s := open(t, "file:"+dir, Options{})
	if err := os.Remove(filepath.Join(dir, "2.jpg")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(); err == nil || !strings.Contains(err.Error(), "2.jpg") {
		t.Errorf("got %v", err)
	}
}

func TestFileLoop(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before []byte // in the file
		after  []byte
		n      int
	}{
		{"clip", nil, nil, 5},
		{"one frame", nil, nil, 1},
		{"cut at both ends", mjpegtest.Frames(1, 64, 48, 80)[0][500:], mjpegtest.Frames(1, 64, 48, 80)[0][:300], 3},
		{"cut in a segment at the end", nil, mjpegtest.Frames(1, 64, 48, 80)[0][:100], 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a")
			want := mjpegtest.Frames(tt.n, 64, 48, 80)
			writeFile(t, path, tt.before, bytes.Join(want, nil), tt.after)
			s := open(t, "file:"+path, Options{Loop: true})
			for i := range 10 * tt.n {
				f, err := s.Next()
				if err != nil {
					t.Fatal(err)
				}
				if f.Seq != uint64(i+1) {
					t.Errorf("frame %d has Seq %d", i+1, f.Seq)
				}
				if !bytes.Equal(f.JPEG, want[i%tt.n]) {
					t.Fatalf("frame %d is another one", i+1)
				}
			}
		})
	}
	t.Run("emptied meanwhile", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a")
		writeFrames(t, path, 1)
		s := open(t, "file:"+path, Options{Loop: true})
		writeFile(t, path, nil)
		for range 3 {
			if _, err := s.Next(); err == io.EOF {
				return
			}
		}
		t.Error("no end")
	})
}

func TestFileProgress(t *testing.T) {
	dir := t.TempDir()
	const files, size = 5, 100_000
	for i := range files {
		b := append(mjpegtest.Frames(1, 64, 48, 80)[0], make([]byte, size)...)[:size]
		writeFile(t, filepath.Join(dir, string(rune('a'+i))+".jpg"), b)
	}
	for _, loop := range []bool{false, true} {
		s := open(t, "file:"+dir, Options{Loop: loop})
		var last int64
		for i := range files {
			done, total := s.(Sized).Progress()
			if done < last || done < int64((i-1)*size) || done > int64(i+1)*size || total != files*size {
				t.Errorf("before frame %d: %d of %d", i, done, total)
			}
			last = done
			if _, err := s.Next(); err != nil {
				t.Fatal(err)
			}
		}
		_, err := s.Next()
		done, total := s.(Sized).Progress()
		switch {
		case loop && (err != nil || done > size):
			t.Errorf("second round: %d of %d, %v", done, total, err)
		case !loop && (err != io.EOF || done != total):
			t.Errorf("at the end: %d of %d, %v", done, total, err)
		}
	}
}

func TestFilePace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.jpg")
	writeFrames(t, path, 11)
	frames := all(t, open(t, "file:"+path, Options{FPS: 50}))
	if took := frames[10].Captured.Sub(frames[0].Captured); took < 198*time.Millisecond || took > time.Second {
		t.Errorf("10 frames at 50 a second took %v", took)
	}
}

func TestCompareNatural(t *testing.T) {
	want := []string{
		"", "!", "0", "00", "01", "1", "1a", "1b", "01c", "2", "2.jpg", "10", "10.jpg",
		"99999999999999999999", "100000000000000000000",
		"a", "img", "img-1", "img0", "img01", "img1", "img1.jpg", "img1a2", "img1a10", "img2.jpg", "img10.jpg", "imgb",
		"é1", "é2", "é10",
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, compareNatural)
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// FuzzCompareNatural checks that it is an order: sorting relies on that.
func FuzzCompareNatural(f *testing.F) {
	f.Add("img2", "img10", "img")
	f.Add("01", "1", "001")
	f.Add("a1b", "a01a", "a1")
	f.Add("0", "00", "a")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		ab, bc, ac := compareNatural(a, b), compareNatural(b, c), compareNatural(a, c)
		if ab != -compareNatural(b, a) || (ab == 0) != (a == b) {
			t.Errorf("%q and %q: %d and %d", a, b, ab, compareNatural(b, a))
		}
		if ab <= 0 && bc <= 0 && ac > 0 {
			t.Errorf("%q ≤ %q ≤ %q, but %d", a, b, c, ac)
		}
	})
}

func BenchmarkFile(b *testing.B) {
	path := filepath.Join(b.TempDir(), "clip.mjpeg")
	frames := mjpegtest.Frames(20, 1280, 720, 80)
	writeFile(b, path, frames...)
	s, err := Open(b.Context(), "file:"+path, Options{Loop: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.SetBytes(int64(len(bytes.Join(frames, nil)) / len(frames)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Next(); err != nil {
			b.Fatal(err)
		}
	}
}

//go:build cgo

package e2e

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

// orientations are those of a stream that is turned under way, as a phone is; 0: without EXIF.
var orientations = []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 6}

// turnedStream returns a frame of 65×47 for each of the orientations, in a stream and as it is to be seen.
func turnedStream(t *testing.T) (stream []byte, want []*image.RGBA) {
	t.Helper()
	for i, frame := range mjpegtest.Frames(len(orientations), 65, 47, 95) {
		want = append(want, turned(decoded(t, frame), orientations[i]))
		if orientations[i] > 0 {
			frame = mjpegtest.WithSegment(frame, 0xE1, mjpegtest.Exif(orientations[i], nil, i%2 == 0))
		}
		stream = append(stream, frame...)
	}
	return stream, want
}

// turned is an image as EXIF 2.3 wants it seen: for each value of tag 0x0112, where row 0 and column 0 of src are.
func turned(src image.Image, orientation int) *image.RGBA {
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	from := func(x, y int) (int, int) { return x, y }
	switch orientation {
	case 2: // top, right
		from = func(x, y int) (int, int) { return w - 1 - x, y }
	case 3: // bottom, right
		from = func(x, y int) (int, int) { return w - 1 - x, h - 1 - y }
	case 4: // bottom, left
		from = func(x, y int) (int, int) { return x, h - 1 - y }
	case 5: // left, top
		from = func(x, y int) (int, int) { return y, x }
	case 6: // right, top
		from = func(x, y int) (int, int) { return y, h - 1 - x }
	case 7: // right, bottom
		from = func(x, y int) (int, int) { return w - 1 - y, h - 1 - x }
	case 8: // left, bottom
		from = func(x, y int) (int, int) { return w - 1 - y, x }
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if orientation >= 5 {
		dst = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range dst.Rect.Dy() {
		for x := range dst.Rect.Dx() {
			dst.Set(x, y, src.At(from(x, y)))
		}
	}
	return dst
}

// decoded is a file's image by the standard library, which does not know EXIF.
func decoded(t testing.TB, file []byte) image.Image {
	t.Helper()
	img, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// byFFmpeg decodes a file, or with "-" a frame, of width × height.
func byFFmpeg(t *testing.T, file string, frame []byte, width, height int) (images []image.Image) {
	t.Helper()
	cmd := exec.Command("ffmpeg", "-v", "error", "-i", file, "-fps_mode", "passthrough",
		"-f", "rawvideo", "-pix_fmt", "rgba", "-")
	cmd.Stdin = bytes.NewReader(frame)
	pixels, err := cmd.Output()
	if err != nil || len(pixels) == 0 || len(pixels)%(width*height*4) != 0 {
		t.Fatalf("%s: %v, %d bytes are no frames of %d×%d", file, err, len(pixels), width, height)
	}
	for ; len(pixels) > 0; pixels = pixels[width*height*4:] {
		images = append(images, &image.RGBA{Pix: pixels, Stride: 4 * width, Rect: image.Rect(0, 0, width, height)})
	}
	return images
}

// looksLike holds that an image is want but for what JPEG loses.
func looksLike(t *testing.T, what string, got image.Image, want *image.RGBA) {
	t.Helper()
	if got.Bounds().Size() != want.Rect.Size() {
		t.Errorf("%s is %v, want %v", what, got.Bounds().Size(), want.Rect.Size())
		return
	}
	sum := 0
	for y := range want.Rect.Dy() {
		for x := range want.Rect.Dx() {
			r, g, b, _ := got.At(x, y).RGBA()
			c := want.RGBAAt(x, y)
			for _, pair := range [][2]int{{int(r >> 8), int(c.R)}, {int(g >> 8), int(c.G)}, {int(b >> 8), int(c.B)}} {
				sum += max(pair[0], pair[1]) - min(pair[0], pair[1])
			}
		}
	}
	if mean := float64(sum) / float64(3*want.Rect.Dx()*want.Rect.Dy()); mean > 6 {
		t.Errorf("%s differs by %.1f levels on average", what, mean)
	}
}

// TestRecordingsAreUpright: whatever is kept of a stream with EXIF orientations looks right to programs that know EXIF,
// and to those that do not.
func TestRecordingsAreUpright(t *testing.T) {
	need(t, "ffmpeg")
	stream, want := turnedStream(t)
	clip := writeFile(t, "turned.mjpeg", string(stream))
	camera := jpegsIn(t, stream)
	record := func(t *testing.T, name string, args ...string) string {
		t.Helper()
		out := filepath.Join(t.TempDir(), name)
		args = append(args, "--from", "file:"+clip, "--fps", "0", "--display", "none", "--record", out)
		picam(t, append([]string{"recv"}, args...)...).ends(0)
		return out
	}
	frames := func(t *testing.T, out string) (all [][]byte) {
		t.Helper()
		if filepath.Ext(out) == ".mjpeg" {
			all = jpegsIn(t, readFile(t, out))
		} else {
			for i := range want {
				all = append(all, readFile(t, fmt.Sprintf(out, i+1)))
			}
		}
		if len(all) != len(want) {
			t.Fatalf("%d frames, want %d", len(all), len(want))
		}
		return all
	}

	for _, name := range []string{"out.mjpeg", "%06d.jpg", "%06d.png"} {
		t.Run(filepath.Ext(name), func(t *testing.T) {
			for i, frame := range frames(t, record(t, name)) {
				what := fmt.Sprintf("frame %d, orientation %d", i+1, orientations[i])
				size := want[i].Rect.Size()
				looksLike(t, what+", by Go", decoded(t, frame), want[i])
				looksLike(t, what+", by ffmpeg", byFFmpeg(t, "-", frame, size.X, size.Y)[0], want[i])
				if filepath.Ext(name) == ".png" {
					continue
				}
				if h, err := mjpeg.ParseHeader(frame); err != nil || h.Orientation > 1 {
					t.Errorf("%s: it would be turned again: %+v, %v", what, h, err)
				}
				if orientations[i] <= 1 && !bytes.Equal(frame, camera[i]) {
					t.Errorf("%s: not the camera's bytes", what)
				}
			}
		})
	}
	t.Run(".avi", func(t *testing.T) {
		dir := filepath.Dir(record(t, "out.avi"))
		for i, n := 0, 1; i < len(want); n++ {
			size, out := want[i].Rect.Size(), filepath.Join(dir, "out.avi")
			if n > 1 {
				out = filepath.Join(dir, fmt.Sprintf("out-%d.avi", n))
			}
			head := readFile(t, out)[64:] // of AVIMAINHEADER: dwWidth, dwHeight; these are small
			if says := image.Pt(int(head[0]), int(head[4])); says != size {
				t.Errorf("part %d says %v, want %v", n, says, size)
			}
			jpegs := jpegsIn(t, readFile(t, out))
			for j, img := range byFFmpeg(t, out, nil, size.X, size.Y) {
				what := fmt.Sprintf("frame %d, %d of part %d, orientation %d", i+1, j+1, n, orientations[i])
				looksLike(t, what+", by ffmpeg", img, want[i])
				looksLike(t, what+", by Go", decoded(t, jpegs[j]), want[i])
				i++
			}
		}
	})
	t.Run("after a filter", func(t *testing.T) {
		config := writeFile(t, "flip.yaml", "filters: [flip: {axis: horizontal}]\n")
		for i, frame := range frames(t, record(t, "%06d.jpg", "--config", config)) {
			what := fmt.Sprintf("frame %d, orientation %d", i+1, orientations[i])
			looksLike(t, what, decoded(t, frame), turned(want[i], 2))
			if h, err := mjpeg.ParseHeader(frame); err != nil || h.Orientation > 1 {
				t.Errorf("%s: it would be turned again: %+v, %v", what, h, err)
			}
		}
	})
	t.Run("last frame", func(t *testing.T) {
		for _, name := range []string{"last.jpg", "last.png"} {
			last := filepath.Join(t.TempDir(), name)
			record(t, "out.mjpeg", "--last-frame", last)
			looksLike(t, name, decoded(t, readFile(t, last)), want[len(want)-1])
		}
	})
	t.Run("raw", func(t *testing.T) {
		raw := filepath.Join(t.TempDir(), "raw.mjpeg")
		record(t, "out.mjpeg", "--record-raw", raw)
		if !bytes.Equal(readFile(t, raw), stream) {
			t.Error("not the camera's bytes")
		}
	})
}

// TestTwoReceiversWriteTwoFiles: the second one ends before it has done anything, and says of which file and what to
// do.
func TestTwoReceiversWriteTwoFiles(t *testing.T) {
	for _, name := range []string{"out.avi", "out.mjpeg", "%06d.png"} {
		t.Run(filepath.Ext(name), func(t *testing.T) {
			out := filepath.Join(t.TempDir(), name)
			args := []string{"recv", "--from", "pattern", "--fps", "30", "--display", "none", "--overwrite", "--record", out}
			first := picam(t, args...)
			first.says("new camera")
			second := picam(t, args...)
			second.ends(1)
			if said := second.text(); strings.Count(said, "\n") != 1 || !strings.Contains(said, filepath.Dir(out)) ||
				!strings.Contains(said, "end the other picam, or choose another name") {
				t.Errorf("the second says %q", said)
			}
			until(t, "frames of the first", func() bool { return size(strings.Replace(out, "%06d", "000003", 1)) > 0 })
			first.interrupt()
		})
	}
}

// TestRecordingsHaveTheCamerasNames: where several cameras may come, no file's name depends on which of them is first.
func TestRecordingsHaveTheCamerasNames(t *testing.T) {
	path, stream := clip(t, 5, 160, 120)
	dir := t.TempDir()
	cameras := map[string]string{
		"door": "out-door.mjpeg", "Küche": "out-Küche.mjpeg", `Küche "1" 東京`: "out-Küche__1__東京-0a7458.mjpeg",
		"../x": "out-_._x-1fb8ad.mjpeg", strings.Repeat("n", 300): "",
	}
	recv, addr := recvProcess(t, "--policy", "all", "--record", filepath.Join(dir, "out.mjpeg"))
	for name := range cameras {
		picam(t, "send", "--to", addr, "--name", name, "--source", "file:"+path, "--policy", "all", "--fps", "0").ends(0)
	}
	recv.interrupt()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(cameras) {
		t.Errorf("%v, %v: want a file for each of %d cameras", entries, err, len(cameras))
	}
	for name, file := range cameras {
		if file != "" && !bytes.Equal(readFileIfThere(t, filepath.Join(dir, file)), stream) {
			t.Errorf("the camera %q is not in %s but %v", name, file, entries)
		}
	}
}

// TestAFailingRecordingEndsAlone: it ends neither the run nor what is kept of another camera, and is told and counted.
func TestAFailingRecordingEndsAlone(t *testing.T) {
	path, stream := clip(t, 5, 160, 120)
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "out-bad.mjpeg"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/full", filepath.Join(dir, "out-full.mjpeg")); err != nil {
		t.Fatal(err)
	}
	stats := filepath.Join(dir, "stats.json")
	recv, addr := recvProcess(t, "--policy", "all", "--status", "always", "--stats-file", stats,
		"--record", filepath.Join(dir, "out.mjpeg"))
	for _, name := range []string{"bad", "full", "good"} {
		picam(t, "send", "--to", addr, "--name", name, "--source", "file:"+path, "--policy", "all", "--fps", "0").ends(0)
	}
	recv.signal(os.Interrupt)
	recv.ends(1) // not all that was asked for is there
	if got := readFile(t, filepath.Join(dir, "out-good.mjpeg")); !bytes.Equal(got, stream) {
		t.Errorf("the other camera has %d bytes, want %d", len(got), len(stream))
	}
	want := map[string]map[string]int64{"bad": {"not_opened": 5}, "full": {"write_failed": 5}, "good": {}}
	for _, s := range readCameraStats(t, stats) {
		if s.FramesOut != 5 || !maps.Equal(s.NotRecorded, want[s.Camera]) {
			t.Errorf("%s: %d shown, not recorded %v, want %v", s.Camera, s.FramesOut, s.NotRecorded, want[s.Camera])
		}
	}
	for _, line := range []string{"bad: received 5 .* 5 not recorded \\(not opened\\)",
		"full: received 5 .* 5 not recorded \\(write failed\\)",
		"full.*not all was recorded.*write_failed=5|not all was recorded.*full.*write_failed=5"} {
		recv.says(line)
	}
}

// TestAVIOfACameraWhoseRateChanges: what came is in the files, and the stats say so.
func TestAVIOfACameraWhoseRateChanges(t *testing.T) {
	dir := t.TempDir()
	stats := filepath.Join(dir, "stats.json")
	recv, addr := recvProcess(t, "--stats-file", stats, "--record", filepath.Join(dir, "out.avi"))
	for _, args := range [][]string{{"pattern:12", "5"}, {"pattern:60", "60"}, {"pattern:12", "7.5"}} {
		picam(t, "send", "--to", addr, "--name", "door", "--size", "160x120", "--source", args[0], "--fps", args[1]).ends(0)
	}
	recv.interrupt()
	told := readCameraStats(t, stats)
	frames := 0
	for _, file := range []string{"out-door.avi", "out-door-2.avi", "out-door-3.avi"} {
		frames += len(jpegsIn(t, readFileIfThere(t, filepath.Join(dir, file))))
	}
	if s := told[0]; int64(frames) != s.FramesOut || s.FramesOut < 70 {
		t.Errorf("%d frames in the files, %d shown of %d", frames, s.FramesOut, s.FramesIn)
	}
}

package pipeline

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"gocv.io/x/gocv"

	"picam/filters"
	"picam/filters/plugin/plugintest"
	"picam/mjpeg"
	"picam/mjpeg/codec"
	"picam/mjpeg/mjpegtest"
)

// reducedBound is by how much the pixels of a resize to which the decoder has contributed may differ on average from
// those of OpenCV's resize of the whole frame, of 255.
const reducedBound = 2

// TestEveryFilterFromJPEGBytes takes frames of many sizes through a camera's whole way, each filter as the first stage
// and behind grayscale, and holds the result against the same stages, called one by one on fully decoded frames.
func TestEveryFilterFromJPEGBytes(t *testing.T) {
	for _, k := range filters.All() {
		t.Run(k.Name, func(t *testing.T) {
			st, faults := filters.Configure(k, requiredValues(t, k))
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			for _, gray := range []bool{false, true} {
				chain := ChainOf(st)
				if gray {
					chain = ChainOf(stages(t, "grayscale")[0], st)
				}
				for _, size := range []struct{ cols, rows int }{{1, 1}, {3, 5}, {101, 480}, {640, 16}, {9, 700}, {322, 243}} {
					t.Run(fmt.Sprintf("gray=%v/%dx%d", gray, size.cols, size.rows), func(t *testing.T) {
						frames := mjpegtest.Frames(3, size.cols, size.rows, 85)
						got := lastFrame(t, chain, frames)
						bound := 0.
						if _, ok := st.Resizes(image.Pt(1, 1)); ok {
							bound = reducedBound
						}
						holds(t, chain, frames, got, bound)
					})
				}
			}
		})
	}
}

// TestResizeAsFirstStageMakesTheSizeAsked: whatever part of the way the decoder goes, a first resize makes the size
// that it would make of the whole frame, and pixels near those that it would.
func TestResizeAsFirstStageMakesTheSizeAsked(t *testing.T) {
	for _, size := range []struct{ cols, rows int }{{1280, 720}, {101, 480}, {641, 479}, {1600, 17}, {17, 1600}, {64, 48}, {9, 9}} {
		for _, resize := range []string{
			"scale: 0.5", "scale: 0.25", "scale: 0.125", "scale: 0.1", "scale: 0.3", "scale: 0.51", "scale: 0.01", "scale: 2",
			"width: 50", "height: 50", "width: 8", "height: 119", "width: 50, height: 9", "width: 3, height: 3",
			"scale: 0.5, interpolation: area", "scale: 0.25, interpolation: nearest",
		} {
			for _, orientation := range []int{0, 6} {
				for _, before := range []string{"", "grayscale, "} {
					text := before + "resize: {" + resize + "}"
					t.Run(fmt.Sprintf("%dx%d/turn %d/%s", size.cols, size.rows, orientation, text), func(t *testing.T) {
						frames := mjpegtest.Frames(1, size.cols, size.rows, 90)
						if orientation != 0 {
							frames[0] = mjpegtest.WithSegment(frames[0], 0xE1, mjpegtest.Exif(orientation, nil, true))
						}
						chain := ChainOf(stages(t, text)...)
						holds(t, chain, frames, lastFrame(t, chain, frames), reducedBound)
					})
				}
			}
		}
	}
}

// TestResizeIsNotDoneTwice has the sizes that users reported.
func TestResizeIsNotDoneTwice(t *testing.T) {
	for _, tt := range []struct {
		cols, rows int
		chain      string
		want       string
	}{
		{1280, 720, "resize: {scale: 0.5}", "640×360"},
		{1280, 720, "resize: {scale: 0.25}", "320×180"},
		{1280, 720, "grayscale, resize: {scale: 0.5}", "640×360"},
		{1280, 720, "resize: {scale: 0.5}, resize: {scale: 0.5}", "320×180"},
		{1280, 720, "resize: {scale: 0.25}, flip, resize: {scale: 0.5}", "160×90"},
		{101, 480, "resize: {width: 50}", "50×238"},
		{101, 480, "grayscale, resize: {width: 50}", "50×238"},
	} {
		t.Run(tt.chain, func(t *testing.T) {
			got := lastFrame(t, ChainOf(stages(t, tt.chain)...), mjpegtest.Frames(2, tt.cols, tt.rows, 80))
			if size := fmt.Sprintf("%d×%d", got.mat.Cols(), got.mat.Rows()); size != tt.want {
				t.Errorf("%s of %d×%d, not %s", size, tt.cols, tt.rows, tt.want)
			}
		})
	}
}

// finished is a copy of the last frame that a sink has seen.
type finished struct {
	mat  gocv.Mat
	meta filters.Meta // as the stages saw it, but for the original
	n    int          // frames shown
	err  error        // of the last one, if it was dropped
}

// lastFrame takes frames through a camera with that chain.
func lastFrame(t *testing.T, chain Chain, frames [][]byte) finished {
	t.Helper()
	last := finished{mat: gocv.NewMat()}
	t.Cleanup(func() { last.mat.Close() })
	ctl, err := NewController(chain)
	if err != nil {
		t.Fatal(err)
	}
	sink := sinkFunc(func(f *Frame) error {
		last.n++
		last.meta = f.Meta
		m := f.Mat()
		return m.CopyTo(&last.mat)
	})
	cam := NewCamera("door", ctl, Outputs{Sinks: []Sink{sink}}, Options{KeepAll: true, Workers: 1})
	if err := cam.Feed(t.Context(), repeat(frames, len(frames)), "", nil); err != nil {
		t.Error(err)
	}
	last.err = cam.meter.takeFault()
	if err := cam.Close(); err != nil {
		t.Error(err)
	}
	return last
}

// holds tells where got is not what the stages make of fully decoded frames. bound is the mean difference allowed, of
// 255.
func holds(t *testing.T, chain Chain, frames [][]byte, got finished, bound float64) {
	t.Helper()
	var running []*filters.Running
	for _, st := range chain.Stages {
		r, err := st.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		running = append(running, r)
	}
	want, n := gocv.NewMat(), 0
	defer func() { want.Close() }()
	var lastErr error
	for _, jpeg := range frames {
		meta := got.meta
		meta.Found, meta.Bypassed = nil, nil
		if err := byHand(t, running, chain, jpeg, &meta, &want); err != nil {
			lastErr = err
			continue
		}
		n++
	}
	if got.n != n || (got.err == nil) != (lastErr == nil) {
		t.Fatalf("%d of %d frames shown (%v), by hand %d (%v)", got.n, len(frames), got.err, n, lastErr)
	}
	if n == 0 {
		return // refused in words, either way
	}
	if got.mat.Rows() != want.Rows() || got.mat.Cols() != want.Cols() || got.mat.Type() != want.Type() {
		t.Fatalf("%d×%d of type %s, by hand %d×%d of type %s", got.mat.Cols(), got.mat.Rows(), got.mat.Type(),
			want.Cols(), want.Rows(), want.Type())
	}
	a, b := got.mat.ToBytes(), want.ToBytes()
	if bytes.Equal(a, b) {
		return
	}
	var sum float64
	for i := range a {
		sum += max(float64(a[i])-float64(b[i]), float64(b[i])-float64(a[i]))
	}
	if mean := sum / float64(len(a)); mean > bound {
		t.Errorf("pixels differ by %.2f on average from what the stages make of the whole frame, more than %g", mean, bound)
	}
}

// byHand decodes a frame and takes it through the stages, converting where one wants another format.
func byHand(t *testing.T, running []*filters.Running, chain Chain, jpeg []byte, meta *filters.Meta, dst *gocv.Mat) error {
	t.Helper()
	h, err := mjpeg.ParseHeader(jpeg)
	if err != nil {
		t.Fatal(err)
	}
	read := func(f codec.Format) gocv.Mat {
		d, err := codec.NewDecoder()
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		lying := gocv.NewMatWithSize(h.Height, h.Width, matType(f))
		pixels, err := lying.DataPtrUint8()
		if err == nil {
			err = d.Decode(pixels, lying.Step(), jpeg, f)
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Orientation < 2 {
			return lying
		}
		defer lying.Close()
		standing := gocv.NewMat()
		if err := Upright(lying, &standing, h.Orientation); err != nil {
			t.Fatal(err)
		}
		return standing
	}
	meta.Original = read(codec.BGR)
	defer meta.Original.Close()
	original, format := false, codec.BGR
	for _, st := range chain.Stages {
		original = original || st.Kind().Original
	}
	if !original && chain.Stages[0].In() == filters.Gray {
		format = codec.Gray
	}
	at := read(format)
	defer func() { at.Close() }()
	for i, r := range running {
		to := gocv.NewMat()
		in := chain.Stages[i].In()
		var err error
		switch {
		case in == filters.Gray && at.Channels() == 3:
			err = gocv.CvtColor(at, &to, gocv.ColorBGRToGray)
		case in == filters.BGR && at.Channels() == 1:
			err = gocv.CvtColor(at, &to, gocv.ColorGrayToBGR)
		default:
			err = at.CopyTo(&to)
		}
		if err != nil {
			t.Fatal(err)
		}
		at.Close()
		at = gocv.NewMat()
		err = r.Apply(to, &at, meta)
		to.Close()
		if err != nil {
			return err
		}
	}
	return at.CopyTo(dst)
}

// requiredValues are the values that k has to be given, fit for small frames.
func requiredValues(t *testing.T, k filters.Kind) map[string]any {
	t.Helper()
	file := func(name string, data []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	switch k.Name {
	case "exec":
		var command []any
		for _, word := range plugintest.Command("invert") {
			command = append(command, word)
		}
		return map[string]any{"command": command, "timeout": 20}
	case "wasm":
		return map[string]any{"module": file("filter.wasm", plugintest.Module{Filter: plugintest.Invert}.Binary()), "timeout": 20}
	case "template":
		m := decode(t, mjpegtest.Frames(1, 12, 9, 90)[0], codec.BGR)
		defer m.Close()
		img, err := m.ToImage()
		var b bytes.Buffer
		if err == nil {
			err = png.Encode(&b, img)
		}
		if err != nil {
			t.Fatal(err)
		}
		return map[string]any{"image": file("template.png", b.Bytes())}
	case "faces":
		cascade := filters.Declared(k)[0].Default.(string)
		if _, err := os.Stat(cascade); err != nil {
			t.Skip("install opencv-data for this test: ", err)
		}
	}
	return nil
}

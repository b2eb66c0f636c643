package capture

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"strings"
	"testing"
	"time"

	"picam/mjpeg"
)

func open(t *testing.T, spec string, o Options) Source {
	t.Helper()
	s, err := Open(t.Context(), spec, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// all returns copies of a source's frames.
func all(t *testing.T, s Source) (frames []mjpeg.Frame) {
	t.Helper()
	for {
		f, err := s.Next()
		if err == io.EOF {
			return frames
		}
		if err != nil {
			t.Fatal(err)
		}
		f.JPEG = bytes.Clone(f.JPEG)
		frames = append(frames, f)
	}
}

func TestPattern(t *testing.T) {
	for _, tt := range []struct {
		spec    string
		options Options
		frames  int
		w, h    int
	}{
		{"pattern:1", Options{}, 1, 1280, 720},
		{"pattern:20", Options{Width: 160, Height: 120, FPS: -1}, 20, 160, 120},
		{"pattern:5", Options{Width: 160, Height: 120, FPS: 1000, Quality: 1}, 5, 160, 120},
		{"pattern:3,noise", Options{Width: 321, Height: 243, FPS: -1, Quality: 100}, 3, 321, 243},
		{"pattern:noise,2", Options{Width: 16, Height: 16, FPS: -1}, 2, 16, 16},
		{"pattern:40,scene", Options{Width: 320, Height: 180, FPS: -1}, 40, 320, 180},
		{"pattern:scene,3", Options{Width: 321, Height: 243, FPS: -1}, 3, 321, 243},
		{"pattern:2,scene", Options{Width: 17, Height: 1001, FPS: -1}, 2, 17, 1001},
		{"pattern:scene,2", Options{Width: 16, Height: 16, FPS: -1}, 2, 16, 16},
		{"pattern:1", Options{Width: 8192, Height: 16}, 1, 8192, 16},
		{"pattern:1", Options{Width: 16, Height: 8192}, 1, 16, 8192},
	} {
		t.Run(fmt.Sprintf("%s %dx%d", tt.spec, tt.w, tt.h), func(t *testing.T) {
			before := time.Now()
			frames := all(t, open(t, tt.spec, tt.options))
			if len(frames) != tt.frames {
				t.Fatalf("%d frames, want %d", len(frames), tt.frames)
			}
			for i, f := range frames {
				h, err := mjpeg.ParseHeader(f.JPEG)
				if err != nil || h.Width != tt.w || h.Height != tt.h || h.Subsampling != "4:2:0" {
					t.Errorf("header %+v %v, want %d×%d", h, err, tt.w, tt.h)
				}
				if f.Seq != uint64(i+1) {
					t.Errorf("frame %d has Seq %d", i+1, f.Seq)
				}
				if f.Captured.Before(before) || f.Received.Before(f.Captured) || time.Since(f.Received) < 0 {
					t.Errorf("captured %v and received %v, after %v", f.Captured, f.Received, before)
				}
				before = f.Captured
				if tt.options.Quality >= 50 || tt.options.Quality == 0 {
					if n, ok := PatternNumber(decode(t, f.JPEG)); n != uint32(f.Seq) || !ok {
						t.Errorf("frame %d shows %d %v", f.Seq, n, ok)
					}
				}
			}
			if n := scanned(t, frames); n != tt.frames {
				t.Errorf("%d frames in the stream, want %d", n, tt.frames)
			}
		})
	}
}

// scanned returns how many whole frames a Scanner finds in the frames, and that there is nothing else.
func scanned(t *testing.T, frames []mjpeg.Frame) int {
	var stream bytes.Buffer
	for _, f := range frames {
		stream.Write(f.JPEG)
	}
	s := mjpeg.NewScanner(&stream)
	for s.Scan() {
	}
	if st := s.Stats(); st.Skipped > 0 {
		t.Errorf("skipped: %+v", st)
	}
	return int(s.Stats().Frames)
}

func TestPatternErrors(t *testing.T) {
	for _, tt := range []struct {
		spec    string
		options Options
		want    string
	}{
		{"pattern:nosie", Options{}, `"nosie": want how many frames`},
		{"pattern:noise,scene", Options{}, `"scene": want how many frames`},
		{"pattern:0", Options{}, `"0": want how many frames (1 or more)`},
		{"pattern:-1", Options{}, `"-1"`},
		{"pattern:1,,noise", Options{}, `""`},
		{"pattern", Options{Width: 15, Height: 16}, "size 15×16: want 16 to 8192 pixels"},
		{"pattern", Options{Width: 16, Height: 8193}, "size 16×8193: want 16 to 8192 pixels"},
	} {
		t.Run(tt.spec, func(t *testing.T) {
			_, err := Open(t.Context(), tt.spec, tt.options)
			if err == nil || !strings.HasPrefix(err.Error(), "capture: pattern: ") ||
				!strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	t.Run("over the limit", func(t *testing.T) {
		s := open(t, "pattern:noise", Options{Width: 320, Height: 240, MaxFrame: 1000})
		if f, err := s.Next(); err == nil || !strings.Contains(err.Error(), "over the limit of 1000") {
			t.Errorf("%d bytes, %v", len(f.JPEG), err)
		}
	})
}

// TestStripes: a frame put together from stripes has the pixels of one encoded at once.
func TestStripes(t *testing.T) {
	for _, tt := range []struct {
		size  image.Point
		looks look
	}{
		{image.Pt(16, 16), plain}, {image.Pt(17, 19), plain}, {image.Pt(333, 277), plain},
		{image.Pt(16, 16), scenic}, {image.Pt(17, 19), scenic}, {image.Pt(333, 277), scenic}, {image.Pt(640, 200), scenic},
	} {
		size := tt.size
		t.Run(fmt.Sprint(size, tt.looks), func(t *testing.T) {
			test := newTestFrame(size, 75, tt.looks)
			for n := range uint32(20) {
				got := decode(t, test.draw(nil, n*11, time.Now())).(*image.YCbCr)
				var buf bytes.Buffer
				if err := jpeg.Encode(&buf, test.img, &jpeg.Options{Quality: 75}); err != nil {
					t.Fatal(err)
				}
				want := decode(t, buf.Bytes()).(*image.YCbCr)
				if got.Rect != want.Rect {
					t.Fatalf("%v, want %v", got.Rect, want.Rect)
				}
				for y := range size.Y {
					for x := range size.X {
						if got.YCbCrAt(x, y) != want.YCbCrAt(x, y) {
							t.Fatalf("frame %d, pixel %d, %d: %v, want %v", n, x, y, got.YCbCrAt(x, y),
								want.YCbCrAt(x, y))
						}
					}
				}
			}
		})
	}
}

// TestPatternIsLegible reads the text as a person would, by the likeness of each character to a drawn one.
func TestPatternIsLegible(t *testing.T) {
	now := time.Date(2031, 2, 3, 23, 45, 6, 789e6, time.Local)
	for _, tt := range []struct {
		size image.Point
		want string
	}{
		{image.Pt(1280, 720), "00001234  23:45:06.789"},
		{image.Pt(320, 240), "00001234  23:45:06.789"},
		{image.Pt(160, 120), "00001234  23:45:06.789"},
		{image.Pt(96, 96), "00001234"},
	} {
		t.Run(tt.size.String(), func(t *testing.T) {
			test := newTestFrame(tt.size, 80, plain)
			img := decode(t, test.draw(nil, 1234, now)).(*image.YCbCr)
			cell := test.glyphs.size
			var got []byte
			for i := range len(tt.want) {
				left := (tt.size.X-len(tt.want)*cell.X)/2 + i*cell.X
				best, least := byte('?'), int(1e9)
				for c, glyph := range test.glyphs.cells {
					sum := 0
					for j, light := range glyph {
						d := int(light) - int(img.Y[img.YOffset(left+j%cell.X, test.textTop+j/cell.X)])
						sum += d * d
					}
					if sum < least {
						best, least = c, sum
					}
				}
				got = append(got, best)
			}
			if string(got) != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestPatternMoves: the bar is where it was, and a step on, in each frame.
func TestPatternMoves(t *testing.T) {
	test := newTestFrame(image.Pt(640, 64), 80, plain)
	position := func(n uint32) int {
		img := decode(t, test.draw(nil, n, time.Now())).(*image.YCbCr)
		for x := 0; x < 600; x++ {
			if img.Y[img.YOffset(x, (test.bandTop+test.textTop)/2)] > 200 {
				return x
			}
		}
		return -1
	}
	first := position(10)
	for n := range uint32(10) {
		if got, want := position(10+n), first+int(n)*5; first < 0 || max(got-want, want-got) > 1 {
			t.Errorf("frame %d: bar at %d, want %d", 10+n, got, want)
		}
	}
}

func BenchmarkPattern(b *testing.B) {
	for _, arg := range []string{"plain", "noise"} {
		b.Run(arg, func(b *testing.B) {
			s, err := Open(context.Background(), "pattern:"+strings.TrimPrefix(arg, "plain"), Options{FPS: -1})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			b.ReportAllocs()
			var n int64
			for b.Loop() {
				f, err := s.Next()
				if err != nil {
					b.Fatal(err)
				}
				n += int64(len(f.JPEG))
			}
			b.SetBytes(n / int64(b.N))
		})
	}
}

func BenchmarkPatternNumber(b *testing.B) {
	img, err := jpeg.Decode(bytes.NewReader(newTestFrame(image.Pt(1280, 720), 80, plain).draw(nil, 7, time.Now())))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if n, ok := PatternNumber(img); n != 7 || !ok {
			b.Fatal(n, ok)
		}
	}
}

package filters

import (
	"bytes"
	"image"
	"testing"

	"gocv.io/x/gocv"
)

// TestTinyPictures shows what each filter does on gray pictures that can be followed by hand. A row of a picture is a
// string of bytes.
func TestTinyPictures(t *testing.T) {
	const dark, step, edge = "\x00\x00\x00\x00\x00", "\x00\x00\xFF\xFF\xFF", "\x00\xFF\x00\x00\x00"
	type values = map[string]any
	tests := []struct {
		kind     Kind
		values   values
		in, want []string
	}{
		{blur, values{"size": 1}, []string{"\x00\x80\xFF"}, []string{"\x00\x80\xFF"}},
		{blur, values{"size": 3}, // weights 1 2 1 in both directions
			[]string{"\x00\x00\x00", "\x00\x40\x00", "\x00\x00\x00"},
			[]string{"\x10\x10\x10", "\x10\x10\x10", "\x10\x10\x10"}},
		{blur, values{"size": 3},
			[]string{dark, dark, "\x00\x00\x40\x00\x00", dark, dark},
			[]string{dark, "\x00\x04\x08\x04\x00", "\x00\x08\x10\x08\x00", "\x00\x04\x08\x04\x00", dark}},
		{canny, nil, []string{"\x50\x50\x50\x50\x50", "\x50\x50\x50\x50\x50", "\x50\x50\x50\x50\x50"},
			[]string{dark, dark, dark}},
		{canny, nil, []string{step, step, step},
			[]string{edge, edge, edge}},
		{canny, values{"high": 2000}, []string{step, step, step}, []string{dark, dark, dark}},
		{flip, nil, []string{"abc", "def"}, []string{"cba", "fed"}},
		{flip, values{"axis": "vertical"}, []string{"abc", "def"}, []string{"def", "abc"}},
		{flip, values{"axis": "both"}, []string{"abc", "def"}, []string{"fed", "cba"}},
		{grayscale, nil, []string{"abc", "def"}, []string{"abc", "def"}},
		{resize, nil, []string{"\x00\x10\x20\x20", "\x20\x30\x20\x20"}, []string{"\x18\x20"}},
		{resize, values{"scale": 1}, []string{"abc", "def"}, []string{"abc", "def"}},
		{resize, values{"scale": 2, "interpolation": "nearest"}, []string{"ab"}, []string{"aabb", "aabb"}},
		{resize, values{"width": 4, "interpolation": "nearest"}, []string{"ab"}, []string{"aabb", "aabb"}},
		{resize, values{"height": 2, "interpolation": "nearest"}, []string{"ab"}, []string{"aabb", "aabb"}},
		{resize, values{"width": 4, "height": 1, "interpolation": "nearest"}, []string{"ab"}, []string{"aabb"}},
		{resize, values{"scale": 0.01}, []string{"aaa", "aaa"}, []string{"a"}},
		{resize, values{"width": 3}, []string{"\x00\x40"}, []string{"\x00\x20\x40", "\x00\x20\x40"}},
		{rotate, nil, []string{"abc", "def"}, []string{"fed", "cba"}},
		{rotate, values{"degrees": 90}, []string{"abc", "def"}, []string{"da", "eb", "fc"}},
		{rotate, values{"degrees": 270}, []string{"abc", "def"}, []string{"cf", "be", "ad"}},
	}
	tested := map[string]bool{}
	for _, tt := range tests {
		st := configure(t, tt.kind, tt.values)
		tested[tt.kind.Name] = true
		t.Run(st.String(), func(t *testing.T) {
			src, dst := picture(t, tt.in), empty(t)
			if err := open(t, st).Apply(src, &dst); err != nil {
				t.Fatal(err)
			}
			want := picture(t, tt.want)
			if dst.Rows() != want.Rows() || dst.Cols() != want.Cols() || !bytes.Equal(pixels(dst), pixels(want)) {
				t.Errorf("%q gives %d×%d %q, want %q", tt.in, dst.Cols(), dst.Rows(), pixels(dst), tt.want)
			}
		})
	}
	for _, k := range All() {
		if !tested[k.Name] {
			t.Errorf("%s has no tiny picture here", k.Name)
		}
	}
}

func picture(t *testing.T, rows []string) gocv.Mat {
	t.Helper()
	m := gocv.NewMatWithSize(len(rows), len(rows[0]), gocv.MatTypeCV8UC1)
	t.Cleanup(func() { m.Close() })
	data, err := m.DataPtrUint8()
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		copy(data[i*len(row):], row)
	}
	return m
}

// TestAgainstOpenCV holds that parameters mean what OpenCV's own do.
func TestAgainstOpenCV(t *testing.T) {
	type values = map[string]any
	tests := []struct {
		kind   Kind
		values values
		direct Filter
	}{
		{blur, nil, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.GaussianBlur(src, dst, image.Pt(5, 5), 0, 0, gocv.BorderReflect101)
		}},
		{blur, values{"size": 99}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.GaussianBlur(src, dst, image.Pt(99, 99), 0, 0, gocv.BorderReflect101)
		}},
		{blur, values{"size": 7, "sigma": 2.5}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.GaussianBlur(src, dst, image.Pt(7, 7), 2.5, 2.5, gocv.BorderReflect101)
		}},
		{canny, nil, func(src gocv.Mat, dst *gocv.Mat) error { return gocv.Canny(src, dst, 50, 150) }},
		{canny, values{"low": 10, "high": 20}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Canny(src, dst, 10, 20)
		}},
		{canny, values{"low": 99.5, "high": 400}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Canny(src, dst, 99.5, 400)
		}},
		{flip, nil, func(src gocv.Mat, dst *gocv.Mat) error { return gocv.Flip(src, dst, 1) }},
		{flip, values{"axis": "vertical"}, func(src gocv.Mat, dst *gocv.Mat) error { return gocv.Flip(src, dst, 0) }},
		{flip, values{"axis": "both"}, func(src gocv.Mat, dst *gocv.Mat) error { return gocv.Flip(src, dst, -1) }},
		{resize, nil, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Resize(src, dst, image.Pt(321, 240), 0, 0, gocv.InterpolationArea) // of 641 × 479
		}},
		{resize, values{"scale": 1.5}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Resize(src, dst, image.Pt(962, 719), 0, 0, gocv.InterpolationLinear)
		}},
		{resize, values{"width": 320, "interpolation": "lanczos"}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Resize(src, dst, image.Pt(320, 239), 0, 0, gocv.InterpolationLanczos4)
		}},
		{resize, values{"width": 700, "height": 100, "interpolation": "cubic"}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Resize(src, dst, image.Pt(700, 100), 0, 0, gocv.InterpolationCubic)
		}},
		{rotate, nil, func(src gocv.Mat, dst *gocv.Mat) error { return gocv.Rotate(src, dst, gocv.Rotate180Clockwise) }},
		{rotate, values{"degrees": 90}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Rotate(src, dst, gocv.Rotate90Clockwise)
		}},
		{rotate, values{"degrees": 270}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Rotate(src, dst, gocv.Rotate90CounterClockwise)
		}},
	}
	for _, tt := range tests {
		st := configure(t, tt.kind, tt.values)
		t.Run(st.String(), func(t *testing.T) {
			for _, typ := range inputs(tt.kind) {
				src, got, want := texture(t, 641, 479, typ, 1), empty(t), empty(t)
				if err := open(t, st).Apply(src, &got); err != nil {
					t.Fatal(err)
				}
				if err := tt.direct(src, &want); err != nil {
					t.Fatal(err)
				}
				if got.Rows() != want.Rows() || got.Cols() != want.Cols() || !bytes.Equal(pixels(got), pixels(want)) {
					t.Errorf("%s: %d×%d pixels differ from OpenCV's own %d×%d",
						typ, got.Cols(), got.Rows(), want.Cols(), want.Rows())
				}
			}
		})
	}
}

// TestResizeLimit holds that a small picture of odd shape cannot become a huge one.
func TestResizeLimit(t *testing.T) {
	tests := []struct {
		values     map[string]any
		cols, rows int
		want       string
	}{
		{map[string]any{"height": 8192}, 2, 1,
			"filters: resize: 2×1 pixels would become 16384×8192; a side may have 8192"},
		{map[string]any{"width": 100}, 1, 1000,
			"filters: resize: 1×1000 pixels would become 100×100000; a side may have 8192"},
		{map[string]any{"scale": 8}, 1025, 1,
			"filters: resize: 1025×1 pixels would become 8200×8; a side may have 8192"},
		{map[string]any{"scale": 1}, 9000, 1, ""}, // of a large camera: no larger than it was
		{map[string]any{"width": 8192}, 8192, 1, ""},
	}
	for _, tt := range tests {
		src, dst := texture(t, tt.cols, tt.rows, gocv.MatTypeCV8UC1, 1), empty(t)
		got := ""
		if err := open(t, configure(t, resize, tt.values)).Apply(src, &dst); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%v on %d×%d: %q, want %q", tt.values, tt.cols, tt.rows, got, tt.want)
		}
	}
}

// BenchmarkFilter is each filter at its defaults on a picture of 1280 × 720.
func BenchmarkFilter(b *testing.B) {
	gocv.SetNumThreads(1)
	for _, k := range All() {
		for _, typ := range inputs(k) {
			b.Run(k.Name+"/"+typ.String(), func(b *testing.B) {
				r := open(b, configure(b, k, nil))
				src, dst := texture(b, 1280, 720, typ, 1), empty(b)
				if err := r.Apply(src, &dst); err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				b.SetBytes(int64(src.Total() * src.Channels()))
				for b.Loop() {
					if err := r.Apply(src, &dst); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

package filters

import (
	"bytes"
	"testing"

	"gocv.io/x/gocv"
)

// TestTinyFrames shows what each filter does on frames that can be followed by hand: gray ones, or colour
// ones where the filter takes no others. A row of a frame is a string of bytes, three for a pixel of a colour one.
func TestTinyFrames(t *testing.T) {
	const dark, step, edge = "\x00\x00\x00\x00\x00", "\x00\x00\xFF\xFF\xFF", "\x00\xFF\x00\x00\x00"
	const red, W, K, G = "\x00\x00\xFF", "\xFF\xFF\xFF", "\x00\x00\x00", "\x00\xFF\x00" // colours
	type values = map[string]any
	dot := values{"thickness": 0, "image": saveFrame(t, frame(t, []string{W + K, W + W}, gocv.MatTypeCV8UC3))}
	tests := []struct {
		kind     Kind
		values   values
		in, want []string
	}{
		{adaptiveThreshold, nil, []string{"\x40\x40\x40", "\x40\x10\x40", "\x40\x40\x40"},
			[]string{"\xFF\xFF\xFF", "\xFF\x00\xFF", "\xFF\xFF\xFF"}},
		{adaptiveThreshold, values{"inverse": true}, []string{"\x40\x40\x40", "\x40\x10\x40", "\x40\x40\x40"},
			[]string{dark[:3], "\x00\xFF\x00", dark[:3]}},
		{adjust, nil, []string{"\x00\x80\xFF"}, []string{"\x00\x80\xFF"}},
		{adjust, values{"brightness": 16}, []string{"\x00\x80\xFF"}, []string{"\x10\x90\xFF"}},
		{adjust, values{"contrast": 0.5}, []string{"\x00\x80\xFE"}, []string{"\x40\x80\xBF"}},
		{adjust, values{"gamma": 2}, []string{"\x00\x40\xFF"}, []string{"\x00\x80\xFF"}}, // √(64/255) × 255
		{bilateral, values{"sigma_colour": 1}, []string{"\x00\x00\xFF\xFF"}, []string{"\x00\x00\xFF\xFF"}},
		{bilateral, values{"sigma_colour": 500, "sigma_space": 500, "diameter": 3}, // almost the mean of a disc
			[]string{dark, dark, "\x00\x00\x50\x00\x00", dark, dark},
			[]string{dark, "\x00\x00\x10\x00\x00", "\x00\x10\x10\x10\x00", "\x00\x00\x10\x00\x00", dark}},
		{blend, nil, []string{"\x00\xFF"}, []string{K + "\x4D\xFF\x4D"}}, // 30 % of the original's white
		{blend, values{"mode": "mix"}, []string{"\x00\x80\xFF"}, []string{K + "\x80\x80\x80" + W}},
		{blend, values{"mode": "lighten"}, []string{"\x00\x80\xFF"}, []string{K + "\x80\x80\x80" + W}},
		{blend, values{"mode": "cut"}, []string{"\x00\x80\xFF"}, []string{K + "\x40\x40\x40" + W}},
		{blur, values{"size": 1}, []string{"\x00\x80\xFF"}, []string{"\x00\x80\xFF"}},
		{blur, values{"size": 3}, // weights 1 2 1 in both directions
			[]string{"\x00\x00\x00", "\x00\x40\x00", "\x00\x00\x00"},
			[]string{"\x10\x10\x10", "\x10\x10\x10", "\x10\x10\x10"}},
		{blur, values{"size": 3},
			[]string{dark, dark, "\x00\x00\x40\x00\x00", dark, dark},
			[]string{dark, "\x00\x04\x08\x04\x00", "\x00\x08\x10\x08\x00", "\x00\x04\x08\x04\x00", dark}},
		{canny, nil, []string{"\x50\x50\x50\x50\x50", "\x50\x50\x50\x50\x50", "\x50\x50\x50\x50\x50"},
			[]string{dark, dark, dark}},
		{canny, values{"aperture": 5, "low": 100, "high": 1000}, []string{step, step, step},
			[]string{edge, edge, edge}},
		{canny, nil, []string{step, step, step},
			[]string{edge, edge, edge}},
		{canny, values{"high": 10000}, []string{step, step, step}, []string{dark, dark, dark}},
		{channel, values{"channel": "green"}, []string{"BGRbgr"}, []string{"Gg"}},
		{channel, nil, []string{red + "\x80\x80\x80" + "\x80\x80\xFF"}, []string{"\xFF\x00\x7F"}},
		{channel, values{"channel": "hue"}, []string{red + "\x00\xFF\x00" + "\xFF\x00\x00"}, []string{"\x00\x3C\x78"}},
		{clahe, values{"tiles": 1, "clip_limit": 0}, []string{"\x00\x80\xFF\xFF"}, []string{"\x40\x80\xFF\xFF"}},
		{colormap, values{"map": "autumn"}, []string{"\x00\x80\xFF"}, []string{"\x00\x00\xFF\x00\x80\xFF\x00\xFF\xFF"}},
		{contours, values{"of": "mask"}, []string{K + W + W + W + K, K + W + W + W + K, K + W + W + W + K},
			[]string{K + G + G + G + K, K + G + W + G + K, K + G + G + G + K}},
		{contours, values{"of": "mask", "thickness": 0, "colour": "red"}, []string{K + W + W + K, K + W + W + K},
			[]string{K + red + red + K, K + red + red + K}},
		{contours, values{"of": "mask", "min_area": 2}, []string{K + W + W + K, K + W + W + K},
			[]string{K + W + W + K, K + W + W + K}}, // the area within the middles of the pixels is 1
		{contours, nil, []string{W + W, W + W}, []string{W + W, W + W}},
		{corners, nil, []string{W + W + W, W + W + W}, []string{W + W + W, W + W + W}},
		{crop, nil, []string{"abc", "def"}, []string{"abc", "def"}},
		{crop, values{"x": 1, "height": 1}, []string{"abc", "def"}, []string{"bc"}},
		{crop, values{"x": 1, "y": 1, "width": 1}, []string{"abc", "def"}, []string{"e"}},
		{denoise, nil, []string{"\x40\x40\x40", "\x40\x40\x40"}, []string{"\x40\x40\x40", "\x40\x40\x40"}},
		{denoise, values{"strength": 30, "patch": 3, "window": 3}, []string{"\x40\x42\x40"}, []string{"\x41\x41\x41"}},
		{difference, nil, []string{"abc"}, []string{dark[:3]}},
		{equalize, nil, []string{"\x10\x11\x12"}, []string{"\x00\x80\xFF"}},
		{faces, nil, []string{W + K + W, K + W + K}, []string{W + K + W, K + W + K}},
		{flip, nil, []string{"abc", "def"}, []string{"cba", "fed"}},
		{flip, values{"axis": "vertical"}, []string{"abc", "def"}, []string{"def", "abc"}},
		{flip, values{"axis": "both"}, []string{"abc", "def"}, []string{"fed", "cba"}},
		{grabcut, values{"margin": 1, "shrink": 1, "iterations": 1}, []string{
			K + K + K + K + K + K + K, K + W + W + W + W + W + K, K + K + K + K + K + K + K}, []string{
			K + K + K + K + K + K + K, K + W + W + W + W + W + K, K + K + K + K + K + K + K}},
		{grayscale, nil, []string{"abc", "def"}, []string{"abc", "def"}},
		{grid, nil, []string{K + K + K, K + K + K, K + K + K}, []string{K + W + W, W + W + W, W + W + W}},
		{grid, values{"columns": 2, "rows": 1, "colour": "red"}, []string{K + K + K + K + K},
			[]string{K + K + red + K + K}},
		{houghCircles, nil, []string{W + W + W, W + W + W}, []string{W + W + W, W + W + W}},
		{houghLines, values{"of": "mask", "votes": 5, "min_length": 5},
			[]string{K + K + K + K + K + K, W + W + W + W + W + W},
			[]string{K + K + K + K + K + K, G + G + G + G + G + G}},
		{houghLines, values{"of": "mask", "votes": 5, "min_length": 6}, []string{W + W + W + W + W + W},
			[]string{W + W + W + W + W + W}},
		{inRange, nil, []string{red + "abc"}, []string{"\xFF\xFF"}},
		{inRange, values{"green_from": int('b'), "green_to": int('c')},
			[]string{"aaaabaacaada"}, []string{"\x00\xFF\xFF\x00"}},
		{inRange, values{"hue_from": 170, "hue_to": 10, "saturation_from": 200},
			[]string{red + "\x00\xFF\x00" + "\x20\x00\xFF" + "\x80\x80\x80"}, []string{"\xFF\x00\xFF\x00"}},
		{invert, nil, []string{"\x00\x01\x80\xFF"}, []string{"\xFF\xFE\x7F\x00"}},
		// left, right, above and below less 4 times the middle
		{laplacian, nil, []string{dark, "\x00\x00\x10\x00\x00", dark},
			[]string{"\x00\x00\x20\x00\x00", "\x00\x10\x40\x10\x00", "\x00\x00\x20\x00\x00"}},
		{laplacian, values{"size": 3, "scale": 0.5}, []string{"\x00\x10\x00"}, []string{"\x40\x40\x40"}},
		{mask, nil, []string{"aaa", "bbb", "ccc"}, []string{dark[:3], "bbb", "ccc"}},
		{mask, values{"corners": "0,0 100,100 0,100"}, []string{"aaa", "bbb", "ccc"},
			[]string{"\x00aa", dark[:2] + "b", dark[:3]}},
		{median, values{"size": 3}, []string{step, "\xFF\x00\xFF\x00\xFF", step}, []string{step, step, step}},
		{morphology, nil, []string{dark, "\x00\x00\xFF\x00\x00", dark}, []string{dark, dark, dark}},
		{morphology, values{"operation": "dilate"}, []string{dark, "\x00\x00\xFF\x00\x00", dark},
			[]string{"\x00\xFF\xFF\xFF\x00", "\x00\xFF\xFF\xFF\x00", "\x00\xFF\xFF\xFF\x00"}},
		{morphology, values{"operation": "dilate", "shape": "cross"}, []string{dark, "\x00\x00\xFF\x00\x00", dark},
			[]string{"\x00\x00\xFF\x00\x00", "\x00\xFF\xFF\xFF\x00", "\x00\x00\xFF\x00\x00"}},
		{morphology, values{"operation": "close"}, []string{"\xFF\xFF\x00\xFF\xFF"}, []string{"\xFF\xFF\xFF\xFF\xFF"}},
		{motion, nil, []string{"aaa"}, []string{"\xFF\xFF\xFF"}}, // of the first frame all is new
		{motionBoxes, nil, []string{W + K + W}, []string{W + K + W}},
		{opticalFlow, nil, []string{W + K + W}, []string{W + K + W}},
		{perspective, values{"corners": "0,0 100,0 100,100 0,100"}, []string{"abc", "def"}, []string{"abc", "def"}},
		{perspective, values{"corners": "0,0 50,0 50,100 0,100", "width": 2}, []string{"abc", "def"},
			[]string{"ab", "de"}},
		{qr, nil, []string{W + K + W, K + W + K}, []string{W + K + W, K + W + K}},
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
		{scharr, nil, []string{"\x00\x00\x04\x04\x04"}, []string{"\x00\x20\x20\x00\x00"}}, // half of 16 times
		{scharr, values{"direction": "x", "scale": 0.5}, []string{"\x00\x00\x04\x04"}, []string{"\x00\x20\x20\x00"}},
		{sharpen, values{"amount": 0}, []string{"\x00\x80\xFF"}, []string{"\x00\x80\xFF"}},
		{sharpen, values{"radius": 0.3}, []string{"\x40\x40\x80\x80"}, []string{"\x40\x40\x80\x80"}},
		{sideBySide, nil, []string{W + K, K + G}, []string{W + K + W + K, K + G + K + G}},
		{sideBySide, values{"original": "above"}, []string{W + K + G}, []string{W + K + G, W + K + G}},
		{sobel, nil, []string{"\x00\x00\x10\x10\x10"}, []string{"\x00\x20\x20\x00\x00"}}, // half of 4 times
		{sobel, values{"direction": "x"}, []string{"\x00\x00\x10\x10\x10"}, []string{"\x00\x40\x40\x00\x00"}},
		{sobel, values{"direction": "y"}, []string{"\x00\x00\x10\x10\x10"}, []string{dark}},
		{template, dot, []string{W + W + K, W + W + W}, []string{W + W + K, W + W + W}},
		{text, values{"text": ""}, []string{W + W + W, W + W + W}, []string{W + W + W, W + W + W}},
		{threshold, nil, []string{"\x00\x7F\x80\xFF"}, []string{"\x00\x00\xFF\xFF"}},
		{threshold, values{"type": "inverse", "white": 200}, []string{"\x00\x7F\x80\xFF"},
			[]string{"\xC8\xC8\x00\x00"}},
		{threshold, values{"type": "truncate"}, []string{"\x00\x7F\x80\xFF"}, []string{"\x00\x7F\x7F\x7F"}},
		{threshold, values{"type": "to_zero"}, []string{"\x00\x7F\x80\xFF"}, []string{"\x00\x00\x80\xFF"}},
		{threshold, values{"type": "to_zero_inverse"}, []string{"\x00\x7F\x80\xFF"}, []string{"\x00\x7F\x00\x00"}},
		{threshold, values{"method": "otsu"}, []string{"\x10\x11\x20\x21"}, []string{"\x00\x00\xFF\xFF"}},
		{timestamp, values{"format": ""}, []string{W + W + W, W + W + W}, []string{W + W + W, W + W + W}},
		{undistort, values{"k1": 0}, []string{"abc", "def", "ghi"}, []string{"abc", "def", "ghi"}},
	}
	tested := map[string]bool{}
	for _, tt := range tests {
		st := configure(t, tt.kind, tt.values)
		tested[tt.kind.Name] = true
		t.Run(st.String(), func(t *testing.T) {
			needs(t, tt.kind)
			src, dst := frame(t, tt.in, inputs(tt.kind)[0]), empty(t)
			if err := open(t, st).Apply(src, &dst, metaOf(t, tt.kind, src)); err != nil {
				t.Fatal(err)
			}
			want := frame(t, tt.want, dst.Type())
			if dst.Rows() != want.Rows() || dst.Cols() != want.Cols() || !bytes.Equal(pixels(dst), pixels(want)) {
				t.Errorf("%q gives %d×%d %q, want %q", tt.in, dst.Cols(), dst.Rows(), pixels(dst), tt.want)
			}
		})
	}
	for _, k := range All() {
		if !tested[k.Name] && k.Name != "exec" && k.Name != "wasm" { // which have TestPluginEqualsBuiltIn
			t.Errorf("%s has no tiny frame here", k.Name)
		}
	}
}

func frame(t *testing.T, rows []string, typ gocv.MatType) gocv.Mat {
	t.Helper()
	channels := 1
	if typ == gocv.MatTypeCV8UC3 {
		channels = 3
	}
	m := gocv.NewMatWithSize(len(rows), len(rows[0])/channels, typ)
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

// TestCropOfSmallerFrame holds that a frame that does not have the part costs no more than itself.
func TestCropOfSmallerFrame(t *testing.T) {
	r, dst := open(t, configure(t, crop, map[string]any{"x": 10, "y": 5, "width": 20})), empty(t)
	for _, tt := range []struct {
		cols, rows int
		want       string
	}{
		{40, 30, ""},
		{29, 30, "filters: crop: x=10 y=5 width=20 height=0 does not fit a frame of 29×30: it takes one of at least " +
			"30×6, " +
			"or x + width up to 29 and y + height up to 30"},
		{40, 5, "filters: crop: x=10 y=5 width=20 height=0 does not fit a frame of 40×5: it takes one of at least " +
			"30×6, " +
			"or x + width up to 40 and y + height up to 5"},
		{30, 6, ""},
	} {
		got := ""
		if err := r.Apply(texture(t, tt.cols, tt.rows, gocv.MatTypeCV8UC3, 1), &dst, &Meta{}); err != nil {
			got = err.Error()
		}
		if got != tt.want || got == "" && (dst.Cols() != 20 || dst.Rows() != tt.rows-5) {
			t.Errorf("%d×%d: %q, want %q", tt.cols, tt.rows, got, tt.want)
		}
	}
}

// TestResizeLimit holds that a small frame of odd shape cannot become a huge one.
func TestResizeLimit(t *testing.T) {
	tests := []struct {
		values     map[string]any
		cols, rows int
		want       string
	}{
		{map[string]any{"height": 8192}, 2, 1,
			"filters: resize: width=0 height=8192 does not fit a frame of 2×1: it takes one of less than 2×1, " +
				"or sides of up to 8192 pixels where this makes 16384×8192"},
		{map[string]any{"width": 100}, 1, 1000,
			"filters: resize: width=100 height=0 does not fit a frame of 1×1000: it takes one of less than 1×1000, " +
				"or sides of up to 8192 pixels where this makes 100×100000"},
		{map[string]any{"scale": 8}, 1025, 1,
			"filters: resize: scale=8 does not fit a frame of 1025×1: it takes one of less than 1025×1, " +
				"or sides of up to 8192 pixels where this makes 8200×8"},
		{map[string]any{"scale": 1}, 9000, 1, ""}, // of a large camera: no larger than it was
		{map[string]any{"width": 8192}, 8192, 1, ""},
	}
	for _, tt := range tests {
		src, dst := texture(t, tt.cols, tt.rows, gocv.MatTypeCV8UC1, 1), empty(t)
		got := ""
		if err := open(t, configure(t, resize, tt.values)).Apply(src, &dst, &Meta{}); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%v on %d×%d: %q, want %q", tt.values, tt.cols, tt.rows, got, tt.want)
		}
	}
}

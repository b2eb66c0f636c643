package filters

import (
	"fmt"
	"image"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gocv.io/x/gocv"
)

const examples = "../docs/plugins"

// python is a Python with numpy: not every one that is first in PATH has Debian's.
func python(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import numpy").Run() == nil {
			return name
		}
	}
	t.Skip("install python3-numpy for this test")
	return ""
}

// built is an example that build.sh makes.
func built(t testing.TB, what, tool, file string) string {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		t.Skip("for this test, install ", tool)
	}
	dir := t.TempDir()
	out, err := exec.Command(filepath.Join(examples, "build.sh"), dir, what).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(dir, file)
}

// ownExamples are the negatives of the documentation.
func ownExamples() map[string]func(t testing.TB) *Stage {
	return map[string]func(t testing.TB) *Stage{
		"python": func(t testing.TB) *Stage {
			return configure(t, execFilter, map[string]any{"command": []any{python(t), examples + "/negative.py"},
				"timeout": 20})
		},
		"c": func(t testing.TB) *Stage {
			return configure(t, execFilter, map[string]any{"command": built(t, "c", "cc", "negative"), "timeout": 20})
		},
		"wasm": func(t testing.TB) *Stage {
			return configure(t, wasm, map[string]any{"module": built(t, "wasm", "go", "negative.wasm"), "timeout": 20})
		},
	}
}

// TestPluginExamples: the filters in the documentation are what it says, on frames that change in between.
func TestPluginExamples(t *testing.T) {
	for name, stage := range ownExamples() {
		t.Run(name, func(t *testing.T) {
			r, direct := open(t, stage(t)), open(t, configure(t, invert, nil))
			for seed, size := range append(againstSizes, [2]int{1280, 720}, [2]int{1, 1}) {
				isInvert(t, name, r, direct, size, uint64(seed))
			}
		})
	}
	t.Run("bright", func(t *testing.T) {
		st := configure(t, execFilter, map[string]any{"command": []any{python(t), examples + "/bright.py"},
			"timeout": 20,
			"params":  map[string]any{"level": 100}})
		src, dst := gocv.Zeros(20, 40, gocv.MatTypeCV8UC3), empty(t)
		defer src.Close()
		for y := 5; y < 9; y++ {
			for x := 10; x < 20; x++ {
				src.SetUCharAt(y, 3*x+1, 101)
			}
		}
		meta := &Meta{}
		if err := open(t, st).Apply(src, &dst, meta); err != nil || len(meta.Found) != 1 {
			t.Fatal(err, meta.Found, meta.Bypassed)
		}
		if d := meta.Found[0]; d.Label != "bright" || d.Box.String() != "(10,5)-(20,9)" || d.Score != 0.05 {
			t.Errorf("%+v", d)
		}
	})
	if _, err := os.Stat(examples + "/picam_filter.py"); err != nil {
		t.Error(err)
	}
}

// pythonStage is exec with a filter in Python that makes of a frame p, of number n, what an expression says.
func pythonStage(t *testing.T, expression string) *Stage {
	t.Helper()
	code := fmt.Sprintf("import sys; sys.path.insert(0, %q)\nimport numpy as np, picam_filter\n"+
		"def work(p, info):\n n = info['seq']\n return %s\npicam_filter.run(work)", examples, expression)
	return configure(t, execFilter, map[string]any{"command": []any{python(t), "-c", code}, "timeout": 20})
}

// TestPythonTypes: numpy's types, shapes and layouts come through as what they mean.
func TestPythonTypes(t *testing.T) {
	type pixel = [3]uint8
	type at func(y, x int) pixel // of the frame that the filter was given, of 20 × 40 pixels
	each := func(change func(v float64) float64) func(at, int, int) pixel {
		return func(p at, y, x int) (out pixel) {
			for i, v := range p(y, x) {
				out[i] = uint8(math.RoundToEven(change(float64(v))))
			}
			return out
		}
	}
	same := each(func(v float64) float64 { return v })
	gray := func(p at, y, x int) pixel { v := p(y, x)[1]; return pixel{v, v, v} }
	tests := []struct {
		answer string
		want   func(p at, y, x int) pixel
		size   image.Point // zero: that of the frame
	}{
		{"p", same, image.Point{}},
		{"p / 255", same, image.Point{}},
		{"(p / 255).astype(np.float32)", same, image.Point{}},
		{"(p / 255).astype(np.float16)", same, image.Point{}},
		{"p / 255 * 1.5 - 0.25", each(func(v float64) float64 { return max(0, min(v*1.5-63.75, 255)) }), image.Point{}},
		{"p > 127", each(func(v float64) float64 { return 255 * math.Floor(v/128) }), image.Point{}},
		{"255 - p.astype(int)", each(func(v float64) float64 { return 255 - v }), image.Point{}},
		{"p.astype(np.uint16)", same, image.Point{}},
		{"p.astype('>u2')", same, image.Point{}},
		{"p.astype(np.int32)", same, image.Point{}},
		{"p.astype(np.uint64)", same, image.Point{}},
		{"(p // 2).astype(np.int8)", each(func(v float64) float64 { return math.Floor(v / 2) }), image.Point{}},
		{"(p.fill(7), p)[1]", each(func(float64) float64 { return 7 }), image.Point{}}, // drawn in place
		{"(p, [{'label': 'x', 'box': np.arange(4), 'score': np.float32(0.5)}])", same, image.Point{}},
		{"p[:, :, 1]", gray, image.Point{}},
		{"p[:, :, 1:2]", gray, image.Point{}},
		{"p[:, :, 1] / 255", gray, image.Point{}},
		{"p[:, :, 1:2].astype(int)", gray, image.Point{}},
		{"np.dstack([p, p[:, :, 0]])", same, image.Point{}},
		{"np.dstack([p, p[:, :, 0]]) / 255", same, image.Point{}},
		{"np.asfortranarray(p)", same, image.Point{}},
		{"np.asfortranarray(p / 255)", same, image.Point{}},
		{"np.asfortranarray(p > 127)", each(func(v float64) float64 { return 255 * math.Floor(v/128) }), image.Point{}},
		{"np.ma.masked_array(p)", same, image.Point{}},
		{"p[::-1]", func(p at, y, x int) pixel { return p(19-y, x) }, image.Point{}},
		{"p[:, ::-1].astype(int)", func(p at, y, x int) pixel { return p(y, 39-x) }, image.Point{}},
		{"p[:, :, ::-1]", func(p at, y, x int) pixel { v := p(y, x); return pixel{v[2], v[1], v[0]} }, image.Point{}},
		{"p.transpose(1, 0, 2)", func(p at, y, x int) pixel { return p(x, y) }, image.Pt(20, 40)},
		{"p[2:9, 5:36]", func(p at, y, x int) pixel { return p(y+2, x+5) }, image.Pt(31, 7)},
		{"p.repeat(2, 0).repeat(2, 1) / 255", func(p at, y, x int) pixel { return p(y/2, x/2) }, image.Pt(80, 40)},
		{"p[:1, :1]", same, image.Pt(1, 1)},
		{"None", same, image.Point{}},
	}
	var answers []string
	for _, test := range tests {
		answers = append(answers, "lambda: "+test.answer)
	}
	r := open(t, pythonStage(t, "["+strings.Join(answers, ", ")+"][n]()")) // one process for all
	src, dst := texture(t, 40, 20, gocv.MatTypeCV8UC3, 1), empty(t)
	for n, test := range tests {
		t.Run(test.answer, func(t *testing.T) {
			meta := &Meta{Seq: uint64(n)}
			if err := r.Apply(src, &dst, meta); err != nil || len(meta.Bypassed) > 0 {
				t.Fatal(err, meta.Bypassed)
			}
			size := test.size
			if size == (image.Point{}) {
				size = image.Pt(40, 20)
			}
			if got := image.Pt(dst.Cols(), dst.Rows()); got != size || dst.Channels() != 3 {
				t.Fatalf("%v with %d channels, want %v with 3", got, dst.Channels(), size)
			}
			read := func(m gocv.Mat, y, x int) pixel { return pixel(m.GetVecbAt(y, x)) }
			for y := range size.Y {
				for x := range size.X {
					want := test.want(func(y, x int) pixel { return read(src, y, x) }, y, x)
					if got := read(dst, y, x); got != want {
						t.Fatalf("pixel %d, %d is %v, want %v", x, y, got, want)
					}
				}
			}
		})
	}
}

// TestPythonRefuses: what would be shown as something else than was meant costs a frame, and a sentence that says
// what it is and what to return.
func TestPythonRefuses(t *testing.T) {
	const advice = " return an array, rows x columns (gray) or rows x columns x 3 (blue, green, red), of integers " +
		"from 0 to 255 (frame.clip(0, 255), or frame // 256 of 16 bits), of floats from 0 to 1, or of bool"
	tests := []struct{ answer, want string }{ // to a p with all values from 0 to 255
		{"p * 0.5", "float64 of shape (32, 32, 3), 0 to 127.5;"},
		{"p.astype(np.float32)", "float32 of shape (32, 32, 3), 0 to 255;"},
		{"p / 255 - 2", "float64 of shape (32, 32, 3), -2 to -1;"},
		{"np.full(p.shape, np.inf)", "float64 of shape (32, 32, 3), inf to inf;"},
		{"np.where(p > 250, np.nan, p / 255)", "float64 of shape (32, 32, 3), nan to nan;"},
		{"p.astype(np.uint16) * 257", "uint16 of shape (32, 32, 3), 0 to 65535;"},
		{"p.astype(int) - 20", "int64 of shape (32, 32, 3), -20 to 235;"},
		{"p.astype(np.int16) + p", "int16 of shape (32, 32, 3), 0 to 510;"},
		{"p.view(np.int8)", "int8 of shape (32, 32, 3), -128 to 127;"},
		{"p * 1j", "complex128 of shape (32, 32, 3);"},
		{"p.astype(object)", "object of shape (32, 32, 3);"},
		{"p.astype(str)", "<U3 of shape (32, 32, 3);"},
		{"p[:, :, :2]", "uint8 of shape (32, 32, 2);"},
		{"p.transpose(2, 0, 1)", "uint8 of shape (3, 32, 32);"},
		{"p[None]", "uint8 of shape (1, 32, 32, 3);"},
		{"p[0, :, 0]", "uint8 of shape (32,);"},
		{"p[:0]", "uint8 of shape (0, 32, 3);"},
		{"p[0, 0, 0]", "uint8;"},
		{"p.mean()", "float64;"},
		{"p.tolist()", "list;"},
		{"[p, []]", "list;"},
		{"255", "int;"},
		{"'p'", "str;"},
	}
	code := fmt.Sprintf("import sys; sys.path.insert(0, %q)\nimport numpy as np, picam_filter\n"+
		"p = np.arange(32 * 32 * 3).astype(np.uint8).reshape(32, 32, 3)\nfor answer in sys.argv[1:]:\n"+
		" try: print(picam_filter.to_pixels(eval(answer)).shape)\n except SystemExit as why: print(why)", examples)
	args := []string{"-c", code}
	for _, test := range tests {
		args = append(args, test.answer)
	}
	out, err := exec.Command(python(t), args...).CombinedOutput()
	said := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err != nil || len(said) != len(tests) {
		t.Fatalf("%v\n%s", err, out)
	}
	for i, test := range tests {
		if want := "work returned " + test.want + advice; said[i] != want {
			t.Errorf("%s: %s\nwant %s", test.answer, said[i], want)
		}
	}
	t.Run("in a stage", func(t *testing.T) {
		src, dst, meta := texture(t, 1920, 1080, gocv.MatTypeCV8UC3, 1), empty(t), &Meta{}
		r := open(t, pythonStage(t, "p / 255 * 333.123456789 - 77.123456789"))
		if err := r.Apply(src, &dst, meta); err != nil || len(meta.Bypassed) != 1 || !equal(src, dst) {
			t.Fatal(err, meta.Bypassed)
		}
		want := "work returned float64 of shape (1080, 1920, 3), -77.1235 to 256;" + advice
		if got := meta.Bypassed[0].Cause.Error(); !strings.HasSuffix(got, ": it ended: exit status 1: "+want) {
			t.Errorf("%s\nwant … %s", got, want)
		}
	})
}

// BenchmarkNegative is the same filter, made in every way.
func BenchmarkNegative(b *testing.B) {
	stages := ownExamples()
	stages["built in"] = func(t testing.TB) *Stage { return configure(t, invert, nil) }
	for _, name := range []string{"built in", "c", "wasm", "python"} {
		b.Run(name, func(b *testing.B) {
			r, src, dst := open(b, stages[name](b)), texture(b, 1280, 720, gocv.MatTypeCV8UC3, 1), empty(b)
			meta := metaOf(b, execFilter, src)
			if err := r.Apply(src, &dst, meta); err != nil || len(meta.Bypassed) > 0 {
				b.Fatal(err, meta.Bypassed)
			}
			b.SetBytes(int64(src.Total() * src.Channels()))
			for b.Loop() {
				if err := r.Apply(src, &dst, meta); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

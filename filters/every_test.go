package filters

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"gocv.io/x/gocv"

	"picam/filters/plugin/plugintest"
)

// TestEveryFilter holds every filter to what users, pipeline and the generated documentation rely on. A new filter is
// tested by it without a line of test code.
func TestEveryFilter(t *testing.T) {
	names := map[string]bool{}
	last := ""
	for _, k := range All() {
		if names[k.Name] || k.Name < last {
			t.Errorf("%s stands twice in All, or not in the order of the alphabet", k.Name)
		}
		names[k.Name], last = true, k.Name
		t.Run(k.Name, func(t *testing.T) {
			t.Run("declaration", func(t *testing.T) { testDeclaration(t, k) })
			t.Run("values", func(t *testing.T) { testValues(t, k) })
			t.Run("changes", func(t *testing.T) { testChanges(t, k) })
			t.Run("frames", func(t *testing.T) { testFrames(t, k) })
			t.Run("settings", func(t *testing.T) { testSettings(t, k) })
			t.Run("allocations", func(t *testing.T) { testAllocations(t, k) })
			t.Run("in parallel", func(t *testing.T) { testInParallel(t, k) })
		})
	}
}

var snakeCase = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

func testDeclaration(t *testing.T, k Kind) {
	if !snakeCase.MatchString(k.Name) {
		t.Errorf("the name %q is not lower_snake_case", k.Name)
	}
	if found, ok := Find(k.Name); !ok || found.Doc != k.Doc {
		t.Error("Find does not find it")
	}
	if !strings.HasSuffix(k.Doc, ".") || strings.Contains(k.Doc, ". ") || !unicode.IsUpper([]rune(k.Doc)[0]) {
		t.Errorf("Doc is not one sentence: %q", k.Doc)
	}
	if k.New == nil && (k.In != k.Out || k.In == Any) {
		t.Error("a filter without New has to ask for a format")
	}
	st := configure(t, k, filled(k, nil))
	seen := map[string]bool{}
	for _, p := range st.Params() {
		if seen[p.Name] || !snakeCase.MatchString(p.Name) {
			t.Errorf("parameter %q is declared twice, or is not lower_snake_case", p.Name)
		}
		seen[p.Name] = true
		if p.Doc == "" || strings.HasSuffix(p.Doc, ".") || unicode.IsUpper([]rune(p.Doc)[0]) ||
			strings.ContainsAny(p.Doc, "|\n") {
			t.Errorf("the doc of %s does not fit after a colon: %q", p.Name, p.Doc)
		}
		if p.Value != p.Default {
			t.Errorf("%s is %v though nothing was set; its default is %v", p.Name, p.Value, p.Default)
		}
		// Set to its default it must be the same filter: the default is of the right type and within the limits.
		again, faults := Configure(k, filled(k, map[string]any{p.Name: p.Default}))
		if len(faults) > 0 || !again.Equal(st) {
			t.Errorf("the default of %s, %v, is not a value of it: %v", p.Name, p.Default, faults)
		}
		if _, faults := Configure(k, nil); p.Required && (len(faults) == 0 || faults[0].Param != p.Name) {
			t.Errorf("without %s the faults are %v", p.Name, faults)
		}
	}
}

// filled is values with the examples of those parameters that have no default.
func filled(k Kind, values map[string]any) map[string]any {
	all := map[string]any{}
	for _, p := range Declared(k) {
		if p.Required {
			all[p.Name] = p.Default
		}
	}
	maps.Copy(all, values)
	return all
}

// testValues holds that limits are limits, and that what is wrong is said in words.
func testValues(t *testing.T, k Kind) {
	for _, p := range Declared(k) {
		switch p.Type {
		case Int, Odd, Float:
			for _, v := range []float64{p.Min, p.Max} {
				_, faults := Configure(k, filled(k, map[string]any{p.Name: v}))
				for _, f := range faults {
					if f.Param == p.Name { // a Check may refuse it
						t.Errorf("%s: its limit %v is refused: %s", p.Name, v, f)
					}
				}
			}
			below, above := math.Nextafter(p.Min, math.Inf(-1)), math.Nextafter(p.Max, math.Inf(1))
			switch p.Type {
			case Int:
				below, above = p.Min-1, p.Max+1
			case Odd:
				below, above = p.Min-2, p.Max+2
			}
			refuses(t, k, p.Name, below, above, math.NaN(), math.Inf(1), math.Inf(-1), "", "five", "5", true)
			if p.Type == Odd {
				refuses(t, k, p.Name, p.Min+1)
			}
			if p.Type != Float {
				refuses(t, k, p.Name, p.Min+0.5)
			}
		case Bool:
			refuses(t, k, p.Name, "yes", "true", 1, 0.5)
		case Enum:
			refuses(t, k, p.Name, "", "no such choice", true, 0.5)
			for _, c := range p.Choices {
				if st := configure(t, k, filled(k, map[string]any{p.Name: c})); !strings.Contains(st.String(),
					p.Name+"="+c) {
					t.Errorf("set to %s it is %s", c, st)
				}
			}
		case Colour:
			refuses(t, k, p.Name, "", "redd", "#12345", "#1234567", "#12345g", "123456", 123456, true)
		case Text:
			refuses(t, k, p.Name, 5, true, "two\nlines", strings.Repeat("x", maxText+1), "\xFF")
		case Points:
			refuses(t, k, p.Name, 5, "", "1,2", "1,2,3", "1, 2", "a,b", "0,0 100,0 100,101", "0,0 -1,0 1,1",
				"nan,0", "inf,0",
				strings.Repeat("0,0 ", int(p.Max)+1), strings.Repeat("0,0 ", int(p.Min)-1))
		case Words:
			refuses(t, k, p.Name, 5, true, "", "two words", []any{}, []any{""}, []any{"program", true},
				[]any{[]any{"program"}})
		case Object:
			refuses(t, k, p.Name, 5, true, "", "a: 1", "[1]")
		}
		refuses(t, k, p.Name, nil)
		if p.Type != Words {
			refuses(t, k, p.Name, []any{1, 2})
		}
		if p.Type != Object {
			refuses(t, k, p.Name, map[string]any{"x": 1})
		}
	}
	_, faults := Configure(k, filled(k, map[string]any{"no_such_parameter": 1}))
	if len(faults) != 1 || faults[0].Param != "no_such_parameter" {
		t.Errorf("an unknown parameter gives %v", faults)
	}
}

func refuses(t *testing.T, k Kind, param string, values ...any) {
	t.Helper()
	for _, v := range values {
		st, faults := Configure(k, filled(k, map[string]any{param: v}))
		if st != nil || len(faults) != 1 || faults[0].Param != param {
			t.Errorf("%s: %v (%T) gives %v and faults %v", param, v, v, st, faults)
			continue
		}
		if text := faults[0].Text; text == "" || strings.HasSuffix(text, ".") || strings.Contains(text, "\n") {
			t.Errorf("%s: %v (%T): the fault is %q", param, v, v, text)
		}
	}
}

// testChanges holds that With makes a changed copy, by what the web page would send.
func testChanges(t *testing.T, k Kind) {
	st := configure(t, k, filled(k, nil))
	for _, p := range st.Params() {
		before := st.String()
		v := another(p)
		changed, err := st.With(p.Name, v)
		if err != nil {
			continue // a Check between parameters
		}
		if changed.Equal(st) || changed.String() == before {
			t.Errorf("%s set to %v is still %s", p.Name, v, changed)
		}
		if st.String() != before {
			t.Errorf("setting %s changed the Stage itself: %s", p.Name, st)
		}
		back, err := changed.With(p.Name, p.Default)
		if err != nil || !back.Equal(st) {
			t.Errorf("set back %s is %v: %v", p.Name, back, err)
		}
	}
	if _, err := st.With("no_such_parameter", 1); err == nil {
		t.Error("an unknown parameter can be set")
	}
}

// another is a value of p other than its default.
func another(p Param) any {
	switch p.Type {
	case Bool:
		return p.Default == false
	case Enum:
		return p.Choices[(slices.Index(p.Choices, p.Default.(string))+1)%len(p.Choices)]
	case Colour:
		return "#123456"
	case Text:
		return "another"
	case Points:
		return "10,0 100,0 90.5,90 10,100"
	case Words:
		return []any{"another", "with", 3}
	case Object:
		return map[string]any{"b": []any{1, "x"}, "a": 0.5}
	}
	if fmt.Sprint(p.Default) == fmt.Sprint(p.Max) {
		return p.Min
	}
	return p.Max
}

// sizes are frames in cols × rows: the smallest, one smaller than most kernels, and one with odd sides.
var sizes = [][2]int{{1, 1}, {3, 5}, {641, 479}}

// inputs are the formats of frames that k has to take.
func inputs(k Kind) []gocv.MatType {
	switch k.In {
	case Gray:
		return []gocv.MatType{gocv.MatTypeCV8UC1}
	case BGR:
		return []gocv.MatType{gocv.MatTypeCV8UC3}
	}
	return []gocv.MatType{gocv.MatTypeCV8UC1, gocv.MatTypeCV8UC3}
}

// testFrames puts frames of all sizes and formats through the filter at its defaults.
func testFrames(t *testing.T, k Kind) {
	st := configure(t, k, needs(t, k))
	rounds := uint64(2)
	if k.Stateful {
		rounds = 5
	}
	for _, size := range sizes {
		for _, typ := range inputs(k) {
			t.Run(fmt.Sprintf("%dx%d %s", size[0], size[1], typ), func(t *testing.T) {
				first, again := open(t, st), open(t, st)
				dst, dst2, other := empty(t), gocv.NewMatWithSize(7, 9, gocv.MatTypeCV32F), texture(t, 120, 100, typ, 2)
				defer func() { dst2.Close() }()
				for seed := range rounds {
					src := texture(t, size[0], size[1], typ, seed)
					before := pixels(src)
					err := first.Apply(src, &dst, metaOf(t, k, src))
					if !bytes.Equal(pixels(src), before) {
						t.Fatal("the filter changed its input")
					}
					err2 := again.Apply(src, &dst2, metaOf(t, k, src))
					if err != nil || err2 != nil {
						if size[0] > 100 {
							t.Fatal(err, err2)
						}
						t.Skip("refused in good order:", err)
					}
					result := pixels(dst) // its type is guarded by Apply
					src.SetTo(gocv.NewScalar(7, 7, 7, 0))
					if !bytes.Equal(pixels(dst), result) {
						t.Error("the result is memory of the input")
					}
					if !bytes.Equal(pixels(dst2), result) {
						t.Error("two instances differ after the same frames")
					}
					if !k.Stateful {
						if err := again.Apply(other, &dst2, metaOf(t, k, other)); err != nil {
							t.Fatal(err)
						}
					}
				}
			})
		}
	}
}

// testSettings puts a frame through the filter at every limit and choice.
func testSettings(t *testing.T, k Kind) {
	required := needs(t, k)
	for _, p := range Declared(k) {
		values := []any{p.Min, p.Max}
		switch p.Type {
		case Bool:
			values = []any{false, true}
		case Colour, Text, Points, Words, Object:
			values = []any{another(p)}
		case Enum:
			values = nil
			for _, c := range p.Choices {
				values = append(values, c)
			}
		}
		for _, v := range values {
			with := map[string]any{p.Name: v}
			for name, value := range required {
				if name != p.Name {
					with[name] = value
				}
			}
			st, faults := Configure(k, with)
			if len(faults) > 0 {
				continue // refused by a Check, in words
			}
			r := open(t, st)
			for _, typ := range inputs(k) {
				src, dst := texture(t, 33, 21, typ, 1), empty(t)
				err := r.Apply(src, &dst, metaOf(t, k, src))
				if err != nil && strings.Contains(err.Error(), "OpenCV") {
					t.Errorf("%s: fails in other words than its own: %v", st, err)
				}
			}
		}
	}
}

// testAllocations holds that a frame costs no memory of Go's once one has been there.
func testAllocations(t *testing.T, k Kind) {
	few := map[string]float64{ // where what is asked of OpenCV, or written, differs from frame to frame
		"qr": 40, "template": 2, "timestamp": 10, "wasm": 20,
	}
	for _, typ := range inputs(k) {
		r, src, dst := open(t, configure(t, k, needs(t, k))), texture(t, 160, 120, typ, 1), empty(t)
		meta := metaOf(t, k, src)
		n := testing.AllocsPerRun(2, func() { // and once before it counts
			meta.Found = meta.Found[:0]
			if err := r.Apply(src, &dst, meta); err != nil {
				t.Fatal(err)
			}
		})
		if n > few[k.Name] {
			t.Errorf("%s: %v allocations for each frame", typ, n)
		}
	}
}

// testInParallel holds, under the race detector, that instances of one Stage share nothing.
func testInParallel(t *testing.T, k Kind) {
	st := configure(t, k, needs(t, k))
	typ := inputs(k)[0]
	src := texture(t, 160, 120, typ, 3)
	results := make([][]byte, 4)
	var wg sync.WaitGroup
	for i := range results {
		r, dst, meta := open(t, st), empty(t), metaOf(t, k, src)
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 5 {
				if err := r.Apply(src, &dst, meta); err != nil {
					t.Error(err)
					return
				}
			}
			results[i] = pixels(dst)
			_ = st.Params()
		}()
	}
	wg.Wait()
	for _, r := range results[1:] {
		if !bytes.Equal(r, results[0]) {
			t.Error("instances differ")
		}
	}
}

// needs are values without which a filter cannot work. It skips the test where a file is missing that does not belong
// to the project.
func needs(t testing.TB, k Kind) map[string]any {
	t.Helper()
	switch k.Name {
	case "faces":
		cascade(t)
	case "exec":
		return map[string]any{"command": listOf(plugintest.Command("invert")), "timeout": 20}
	case "wasm":
		return map[string]any{"module": pluginModule(t, plugintest.Module{Filter: plugintest.Invert}), "timeout": 20}
	case "template":
		return map[string]any{"image": saveFrame(t, texture(t, 12, 9, gocv.MatTypeCV8UC3, 4))}
	}
	return nil
}

// metaOf is what a filter is told of src. Its original is src in colour.
func metaOf(t testing.TB, k Kind, src gocv.Mat) *Meta {
	t.Helper()
	m := &Meta{Camera: "door", Seq: 17, Captured: time.Date(2026, 11, 25, 9, 5, 7, 30e6, time.UTC), FPS: 24.96}
	if k.Original {
		m.Original = inColour(t, src)
	}
	return m
}

// inColour is a copy of m with three channels.
func inColour(t testing.TB, m gocv.Mat) gocv.Mat {
	t.Helper()
	colour := empty(t)
	err := m.CopyTo(&colour)
	if m.Channels() == 1 {
		err = gocv.CvtColor(m, &colour, gocv.ColorGrayToBGR)
	}
	if err != nil {
		t.Fatal(err)
	}
	return colour
}

// saveFrame writes a colour frame to a file and returns its path.
func saveFrame(t testing.TB, m gocv.Mat) string {
	t.Helper()
	frame, err := m.ToImage()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "frame.png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(f, frame), f.Close()); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// cascade is the file that faces are found with.
func cascade(t testing.TB) string {
	t.Helper()
	file := configure(t, faces, nil).Params()[0].Value.(string)
	if _, err := os.Stat(file); err != nil {
		t.Skip("install opencv-data for this test: ", err)
	}
	return file
}

func configure(t testing.TB, k Kind, values map[string]any) *Stage {
	t.Helper()
	st, faults := Configure(k, values)
	if len(faults) > 0 {
		t.Fatalf("%s %v: %v", k.Name, values, faults)
	}
	return st
}

func open(t testing.TB, st *Stage) *Running {
	t.Helper()
	r, err := st.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func empty(t testing.TB) gocv.Mat {
	m := gocv.NewMat()
	t.Cleanup(func() { m.Close() })
	return m
}

// texture is a frame of cols × rows pixels with gradients, shapes and noise.
func texture(t testing.TB, cols, rows int, typ gocv.MatType, seed uint64) gocv.Mat {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	m := gocv.NewMatWithSize(rows, cols, typ)
	t.Cleanup(func() { m.Close() })
	data, err := m.DataPtrUint8()
	if err != nil {
		t.Fatal(err)
	}
	channels := m.Channels()
	var noise uint64
	for i := range data {
		if i%16 == 0 {
			noise = rng.Uint64() // four bits for each of 16
		}
		x, y := i/channels%cols, i/channels/cols
		v := x*200/cols + int(noise>>(i%16*4)&15) + i%channels*13
		if (x/16+y/16+int(seed))%3 == 0 {
			v = 255 - v
		}
		data[i] = byte(v)
	}
	return m
}

// pixels is a copy of the bytes of m, row by row.
func pixels(m gocv.Mat) []byte { return m.ToBytes() }

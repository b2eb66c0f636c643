package filters

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"picam/filters/plugin/plugintest"
)

func listOf(words []string) []any {
	list := make([]any, len(words))
	for i, w := range words {
		list[i] = w
	}
	return list
}

// pluginModule writes m to a file and returns its path.
func pluginModule(t testing.TB, m plugintest.Module) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "filter.wasm")
	if err := os.WriteFile(file, m.Binary(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// execStage is exec with a child that does what mode says.
func execStage(t testing.TB, settings map[string]any, mode string, args ...string) *Stage {
	t.Helper()
	values := map[string]any{"command": listOf(plugintest.Command(mode, args...)), "timeout": 20}
	for name, v := range settings {
		values[name] = v
	}
	return configure(t, execFilter, values)
}

// TestPluginEqualsBuiltIn: a negative is a negative, whoever makes it.
func TestPluginEqualsBuiltIn(t *testing.T) {
	for _, st := range []*Stage{
		execStage(t, nil, "invert"),
		execStage(t, map[string]any{"workers": 2}, "stream"),
		configure(t, wasm, map[string]any{"module": pluginModule(t, plugintest.Module{Filter: plugintest.Invert})}),
	} {
		r, direct := open(t, st), open(t, configure(t, invert, nil))
		for _, size := range againstSizes {
			isInvert(t, st.String(), r, direct, size, 1)
		}
	}
}

// isInvert holds that r, a stage of the user's own, makes of textures of a size what invert, running as direct, makes
// of them.
func isInvert(t *testing.T, name string, r, direct *Running, size [2]int, seed uint64) {
	t.Helper()
	for _, typ := range inputs(invert) {
		src, got, want := texture(t, size[0], size[1], typ, seed), empty(t), empty(t)
		meta := metaOf(t, execFilter, src)
		if err := r.Apply(src, &got, meta); err != nil || len(meta.Bypassed) > 0 {
			t.Fatal(err, meta.Bypassed)
		}
		if err := direct.Apply(src, &want, meta); err != nil {
			t.Fatal(err)
		}
		if !equal(got, want) {
			t.Errorf("%s on %d×%d %s differs from invert", name, size[0], size[1], typ)
		}
	}
}

// TestPluginFormats: what a program answers comes as the stage says, and so does a frame that passes because it is
// away.
func TestPluginFormats(t *testing.T) {
	for _, test := range []struct {
		mode, in, out string
		from          gocv.MatType
		want          gocv.MatType
		size          image.Point
		away          bool
	}{
		{"half", "any", "same", gocv.MatTypeCV8UC3, gocv.MatTypeCV8UC3, image.Pt(20, 10), false},
		{"half", "any", "same", gocv.MatTypeCV8UC1, gocv.MatTypeCV8UC1, image.Pt(20, 10), false},
		{"half", "colour", "gray", gocv.MatTypeCV8UC3, gocv.MatTypeCV8UC1, image.Pt(20, 10), false},
		{"invert", "gray", "colour", gocv.MatTypeCV8UC1, gocv.MatTypeCV8UC3, image.Pt(40, 20), false},
		{"same", "any", "gray", gocv.MatTypeCV8UC3, gocv.MatTypeCV8UC1, image.Pt(40, 20), false},
		{"same", "any", "same", gocv.MatTypeCV8UC3, gocv.MatTypeCV8UC3, image.Pt(40, 20), false},
		{"hello", "any", "gray", gocv.MatTypeCV8UC3, gocv.MatTypeCV8UC1, image.Pt(40, 20), true},
		{"hello", "any", "colour", gocv.MatTypeCV8UC1, gocv.MatTypeCV8UC3, image.Pt(40, 20), true},
		{"hello", "any", "same", gocv.MatTypeCV8UC1, gocv.MatTypeCV8UC1, image.Pt(40, 20), true},
	} {
		t.Run(fmt.Sprintf("%s %s to %s", test.mode, test.from, test.out), func(t *testing.T) {
			st := execStage(t, map[string]any{"in": test.in, "out": test.out}, test.mode).Named("mine")
			r, src, dst := open(t, st), texture(t, 40, 20, test.from, 1), empty(t)
			for range 2 {
				meta := &Meta{}
				if err := r.Apply(src, &dst, meta); err != nil {
					t.Fatal(err)
				}
				if dst.Type() != test.want || dst.Cols() != test.size.X || dst.Rows() != test.size.Y {
					t.Errorf("%d×%d %s, want %v %s", dst.Cols(), dst.Rows(), dst.Type(), test.size, test.want)
				}
				if away := len(meta.Bypassed) > 0; away != test.away || away && (meta.Bypassed[0].Stage != "mine" ||
					!strings.Contains(meta.Bypassed[0].Cause.Error(), "its answer begins with")) {
					t.Errorf("bypassed: %v", meta.Bypassed)
				}
			}
			if test.away && test.from == test.want && !equal(src, dst) {
				t.Error("the frame has changed on its way past the stage")
			}
		})
	}
	st := execStage(t, map[string]any{"in": "gray", "out": "colour", "workers": 2}, "same")
	if st.In() != Gray || st.Out() != BGR || st.Stateful() {
		t.Errorf("takes %s, gives %s, stateful %v", st.In(), st.Out(), st.Stateful())
	}
	if st := execStage(t, nil, "same"); st.In() != Any || st.Out() != Any || !st.Stateful() {
		t.Errorf("takes %s, gives %s, stateful %v", st.In(), st.Out(), st.Stateful())
	}
}

func TestPluginReports(t *testing.T) {
	st := execStage(t, map[string]any{"params": map[string]any{"b": 1, "a": "x"}}, "echo").Named("mine")
	src, dst := texture(t, 40, 20, gocv.MatTypeCV8UC3, 1), empty(t)
	meta := &Meta{Camera: "door", Seq: 5, Captured: time.Unix(0, 9), Found: []Detection{{Label: "earlier"}}}
	if err := open(t, st).Apply(src, &dst, meta); err != nil || len(meta.Found) != 2 {
		t.Fatal(meta.Found, err)
	}
	want := Detection{Stage: "mine", Label: "door 5 9 40x20x3/120", Box: image.Rect(1, 2, 4, 6),
		Points: []image.Point{{X: 5, Y: 6}, {X: 7, Y: 8}}, Score: 0.5, Value: `{"a":"x","b":1}`, Size: image.Pt(40, 20)}
	if fmt.Sprint(meta.Found[1]) != fmt.Sprint(want) {
		t.Errorf("%+v, want %+v", meta.Found[1], want)
	}
}

// TestPluginDryRun: a program is looked for and not started, a module is tried.
func TestPluginDryRun(t *testing.T) {
	for _, test := range []struct {
		name       string
		stage      *Stage
		err, cause string
	}{
		{"a program", execStage(t, nil, "hello"), "", ""},
		{"no program", configure(t, execFilter, map[string]any{"command": "no-such-program"}),
			`filters: exec: there is no program "no-such-program" in PATH`, ""},
		{"a module", configure(t, wasm, map[string]any{"module": pluginModule(t, plugintest.Module{})}), "", ""},
		{"no module", configure(t, wasm, map[string]any{"module": "none.wasm"}), "", "there is no file none.wasm in "},
		{"a bad module", configure(t, wasm,
			map[string]any{"module": pluginModule(t, plugintest.Module{Filter: plugintest.Trap})}),
			"", "picam_filter: unreachable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			src, dst, meta := texture(t, 40, 20, gocv.MatTypeCV8UC3, 1), empty(t), &Meta{DryRun: true}
			err := open(t, test.stage).Apply(src, &dst, meta)
			if (err != nil) != (test.err != "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("%v, want %q", err, test.err)
			}
			if (len(meta.Bypassed) > 0) != (test.cause != "") ||
				test.cause != "" && !strings.Contains(meta.Bypassed[0].Cause.Error(), test.cause) {
				t.Errorf("bypassed %v, want %q", meta.Bypassed, test.cause)
			}
		})
	}
}

// TestPluginInstances: instances that see all frames in order have a process each; others share them.
func TestPluginInstances(t *testing.T) {
	src := texture(t, 40, 20, gocv.MatTypeCV8UC3, 1)
	pid := func(t *testing.T, r *Running) int {
		dst, meta := empty(t), &Meta{}
		if err := r.Apply(src, &dst, meta); err != nil || len(meta.Found) != 1 {
			t.Fatal(err, meta.Bypassed)
		}
		return int(meta.Found[0].Score)
	}
	for workers, same := range map[int]bool{1: false, 2: true} {
		st := execStage(t, map[string]any{"workers": workers}, "pid")
		first, second := open(t, st), open(t, st)
		a, b := pid(t, first), pid(t, second)
		if (a == b) != same {
			t.Errorf("workers=%d: processes %d and %d", workers, a, b)
		}
		first.Close()
		if pid(t, second) != b {
			t.Error("it is another process since the first instance has ended")
		}
		second.Close()
		for _, pid := range []int{a, b} {
			if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
				t.Errorf("process %d is still there: %v", pid, err)
			}
		}
	}
}

func TestPluginParameters(t *testing.T) {
	for _, test := range []struct {
		kind   Kind
		values map[string]any
		want   string // the stage, or the fault
	}{
		{execFilter, map[string]any{"command": []any{"prog", "-n", 5, 0.5}},
			`exec command=["prog","-n","5","0.5"] params={} timeout=1`},
		{execFilter, map[string]any{"command": "prog"}, `exec command=["prog"] params={}`},
		{execFilter, nil, `command: is missing; write command: ["python3", "my_filter.py"]`},
		{execFilter, map[string]any{"command": "python3 my.py"},
			`command: no shell reads "python3 my.py"; a program with arguments is a list: [python3, my.py]; write ` +
				`such as [`},
		{execFilter, map[string]any{"command": []any{"a", []any{}}},
			`command: what stands here in the list is not a text`},
		{wasm, map[string]any{"module": ""}, `module: is empty; write such as 'my_filter.wasm'`},
		{wasm, map[string]any{"module": "m", "params": map[string]any{"b": 1, "a": []any{true, "x"}}},
			`wasm module="m" params={"a":[true,"x"],"b":1} `},
		{wasm, map[string]any{"module": "m", "params": "x"},
			`params: "x" is not a mapping; write such as {strength: 3`},
	} {
		st, faults := Configure(test.kind, test.values)
		got := fmt.Sprint(st)
		if len(faults) > 0 {
			got = faults[0].Error()
		}
		if !strings.HasPrefix(got, test.want) {
			t.Errorf("%v: %s, want %s", test.values, got, test.want)
		}
	}
}

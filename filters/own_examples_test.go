package filters

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"gocv.io/x/gocv"
)

const examples = "../docs/own-filters"

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
			return configure(t, execFilter, map[string]any{"command": []any{python(t), examples + "/negative.py"}, "timeout": 20})
		},
		"c": func(t testing.TB) *Stage {
			return configure(t, execFilter, map[string]any{"command": built(t, "c", "cc", "negative"), "timeout": 20})
		},
		"wasm": func(t testing.TB) *Stage {
			return configure(t, wasm, map[string]any{"module": built(t, "wasm", "go", "negative.wasm"), "timeout": 20})
		},
	}
}

// TestOwnExamples: the filters in the documentation are what it says, on pictures that change in between.
func TestOwnExamples(t *testing.T) {
	for name, stage := range ownExamples() {
		t.Run(name, func(t *testing.T) {
			r, direct := open(t, stage(t)), open(t, configure(t, invert, nil))
			for seed, size := range append(againstSizes, [2]int{1280, 720}, [2]int{1, 1}) {
				isInvert(t, name, r, direct, size, uint64(seed))
			}
		})
	}
	t.Run("bright", func(t *testing.T) {
		st := configure(t, execFilter, map[string]any{"command": []any{python(t), examples + "/bright.py"}, "timeout": 20,
			"params": map[string]any{"level": 100}})
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

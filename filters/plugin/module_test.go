package plugin

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"picam/filters/plugin/plugintest"
)

func moduleFile(t testing.TB, m plugintest.Module) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "filter.wasm")
	if err := os.WriteFile(file, m.Binary(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestModuleAnswers(t *testing.T) {
	pool := (&Shared{}).Instance(moduleFile(t, plugintest.Module{Filter: plugintest.Invert}), 16,
		`{"a":1}`, time.Second)
	defer pool.Close()
	for _, p := range frames() {
		got, err := apply(pool, p)
		if err != nil {
			t.Fatal(err)
		}
		if got.Width != p.Width || got.Height != p.Height || got.Channels != p.Channels ||
			!bytes.Equal(got.Pixels, inverted(p)) {
			t.Errorf("%d×%d×%d became a wrong %d×%d×%d", p.Width, p.Height, p.Channels, got.Width,
				got.Height, got.Channels)
		}
	}
}

// TestModuleRefused: what can be seen before a frame comes.
func TestModuleRefused(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text.wasm")
	if err := os.WriteFile(text, []byte("(module)"), 0o600); err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.wasm")
	if err := os.WriteFile(cut, plugintest.Module{}.Binary()[:30], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, file, want string }{
		{"no file", "no-such.wasm", "there is no file no-such.wasm in "},
		{"no module", text, "is not a WebAssembly module: it does not begin with \\0asm"},
		{"half a module", cut, "cut.wasm: "},
		{"no filter", moduleFile(t, plugintest.Module{Lacks: "picam_filter"}),
			`does not export the function picam_filter; it exports ["_initialize" "picam_alloc"]`},
		{"no memory", moduleFile(t, plugintest.Module{Lacks: "memory"}), "does not export its memory"},
		{"a wish", moduleFile(t, plugintest.Module{Import: true}),
			"wants a function env.magic, which picam does not have"},
		{"4 GB", moduleFile(t, plugintest.Module{Pages: 65536}), "wants more memory than the memory=8 MB it may have"},
	} {
		t.Run(test.name, func(t *testing.T) {
			pool := (&Shared{}).Instance(test.file, 8, "{}", time.Second)
			defer pool.Close()
			var unavailable *UnavailableError
			_, err := apply(pool, frame(8, 8, 1))
			if !errors.As(err, &unavailable) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

// TestModuleFails: what a bad module costs is a frame.
func TestModuleFails(t *testing.T) {
	for _, test := range []struct {
		name   string
		module plugintest.Module
		want   string
	}{
		{"loops", plugintest.Module{Filter: plugintest.LoopForEver}, "picam_filter: not done within 0.1 s"},
		{"loops in alloc", plugintest.Module{Alloc: plugintest.LoopForEver}, "picam_alloc: not done within 0.1 s"},
		{"traps", plugintest.Module{Filter: plugintest.Trap}, "filter.wasm: picam_filter: unreachable"},
		{"traps at once", plugintest.Module{Start: plugintest.Trap}, "cannot begin: "},
		{"takes 4 GB", plugintest.Module{Filter: plugintest.Grab4GB}, "picam_filter: unreachable"},
		{"has no room", plugintest.Module{Alloc: plugintest.Nothing},
			"no room for 230462 bytes of frame; memory=8 MB is the limit"},
		{"room elsewhere", plugintest.Module{Alloc: plugintest.OutOfReach}, "no room for "},
		{"answers elsewhere", plugintest.Module{Filter: plugintest.OutOfReach}, "outside of the memory"},
		{"answers nonsense", plugintest.Module{Filter: plugintest.Misplaced},
			`its answer begins with "\x00\x00\x00\x00\x00\x00\x00\x00"`},
		{"another width", plugintest.Module{Filter: plugintest.Lie(8, 640)},
			"a stride of 960 bytes; a row of 640 pixels has 1920"},
		{"another height", plugintest.Module{Filter: plugintest.Lie(12, 480)},
			"230400 bytes of pixels; 480 rows of 960 bytes are 460800"},
		{"four channels", plugintest.Module{Filter: plugintest.Lie(16, 4)},
			"a frame of 4 channels, not of 1 (gray) or 3 (BGR)"},
		{"fewer bytes", plugintest.Module{Filter: plugintest.Lie(24, 960)},
			"960 bytes of pixels; 240 rows of 960 bytes are 230400"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			pool := (&Shared{}).Instance(moduleFile(t, test.module), 8, "{}", 100*time.Millisecond)
			defer pool.Close()
			began := time.Now()
			_, err := apply(pool, frame(320, 240, 3))
			var unavailable *UnavailableError
			if !errors.As(err, &unavailable) || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("%v, want %q", err, test.want)
			}
			if d := time.Since(began); d > time.Second {
				t.Errorf("it took %v", d)
			}
			if _, again := apply(pool, frame(320, 240, 3)); again == nil || again.Error() != err.Error() {
				t.Errorf("right after it: %v", again)
			}
			time.Sleep(350 * time.Millisecond) // sleep: past the pause after which it is begun again
			if _, again := apply(pool, frame(320, 240, 3)); again == nil || again.Error() != err.Error() {
				t.Errorf("begun again: %v", again)
			}
		})
	}
	t.Run("too large a frame", func(t *testing.T) {
		pool := (&Shared{}).Instance(moduleFile(t, plugintest.Module{}), 1, "{}", time.Second)
		defer pool.Close()
		if _, err := apply(pool, frame(1280, 720, 3)); err == nil ||
			!strings.Contains(err.Error(), "memory=1 MB is the limit") {
			t.Error(err)
		}
	})
}

func TestSharedModule(t *testing.T) {
	var s Shared
	file := moduleFile(t, plugintest.Module{})
	first, err := s.compiled(file, 8)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.compiled(file, 8); err != nil || again != first {
		t.Errorf("compiled again: %v", err)
	}
	if err := os.WriteFile(file, plugintest.Module{Filter: plugintest.Invert}.Binary(), 0o600); err != nil {
		t.Fatal(err)
	}
	if changed, err := s.compiled(file, 8); err != nil || changed == first {
		t.Errorf("the file has changed, the module has not: %v", err)
	}
}

func BenchmarkModule(b *testing.B) {
	pool := (&Shared{}).Instance(moduleFile(b, plugintest.Module{Filter: plugintest.Invert}), 16, "{}", time.Second)
	p := frame(1280, 720, 3)
	defer pool.Close()
	b.SetBytes(int64(len(p.Pixels)))
	b.ReportAllocs()
	for b.Loop() {
		if err := pool.Apply(p, func(*Answer) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

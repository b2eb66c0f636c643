package file

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestReplace: a file is made, or takes the place of one, and nothing else is left in the folder.
func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "stats.json")
	for _, text := range []string{"first", "the second one, which is longer", "", "3"} {
		if err := Replace(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Errorf("%q, %v; want %q", got, err, text)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != 0o644 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	}
	only(t, dir, "stats.json")
}

// TestReplaceFails: what cannot be replaced stays as it was, and nothing is left beside it.
func TestReplaceFails(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "folder")
	if err := os.MkdirAll(filepath.Join(folder, "in it"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"a folder of that name": folder,
		"no folder for it":      filepath.Join(dir, "missing", "file"),
	} {
		t.Run(name, func(t *testing.T) {
			if err := Replace(path, []byte("new")); err == nil {
				t.Error("no error")
			}
		})
	}
	only(t, dir, "folder")
}

// TestReplaceWhole: whoever reads the file meanwhile never sees a part of it.
func TestReplaceWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	versions := [][]byte{bytes.Repeat([]byte("a"), 1<<20), bytes.Repeat([]byte("b"), 1<<10)}
	if err := Replace(path, versions[0]); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		for i := range 100 {
			if err := Replace(path, versions[i%2]); err != nil {
				done <- err
				return
			}
		}
		close(done)
	}()
	for {
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, versions[0]) && !bytes.Equal(got, versions[1]) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			return
		default:
		}
	}
}

func only(t *testing.T, dir, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != name {
		t.Errorf("left behind: %v", entries)
	}
}

package pipeline

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestWatch(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "filters.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	changed := make(chan string, 10)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		Watch(ctx, func() []string { return []string{path} }, func() {
			text, _ := os.ReadFile(path)
			changed <- string(text)
		})
	}()
	expect := func(want string) {
		t.Helper()
		select {
		case got := <-changed:
			if got != want {
				t.Errorf("changed to %q, want %q", got, want)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%q was not noticed", want)
		}
	}
	time.Sleep(300 * time.Millisecond) // sleep: nothing tells when Watch has had its first look
	write("second")
	expect("second")
	// An editor that writes a new file and renames it over the old one.
	if err := os.WriteFile(path+"~", []byte("third one"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+"~", path); err != nil {
		t.Fatal(err)
	}
	expect("third one")
	// One that takes the file away first.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // sleep: long enough for a look at a file that is away
	write("fourth text")
	expect("fourth text")
	cancel()
	<-ended
	if len(changed) > 0 {
		t.Errorf("changed once more, to %q", <-changed)
	}
}

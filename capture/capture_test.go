package capture

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	clip := filepath.Join(dir, "clip.mjpeg")
	if err := os.WriteFile(clip, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		spec    string
		options Options
		want    []string // parts of the text
	}{
		{"patern", Options{}, []string{`no source "patern"`, "did you mean pattern?", "want auto, rpicam[:NUMBER],"}},
		{"Pattern:300,noise", Options{}, []string{"did you mean pattern:300,noise?"}},
		{"rpicm:1", Options{}, []string{"did you mean rpicam:1?"}},
		{"/dev/video0", Options{}, []string{"did you mean v4l2:/dev/video0?"}},
		{clip, Options{}, []string{"did you mean file:" + clip + "?"}},
		{"", Options{}, []string{`no source ""`, "want auto, "}},
		{"webcam", Options{}, []string{`no source "webcam": want auto, `}},
		{"auto:1", Options{}, []string{`auto: "1": want nothing after auto`}},
		{"-:x", Options{}, []string{`-: "x": want nothing after -`}},
		{"rpicam:front", Options{}, []string{`camera "front": want its number`}},
		{"pattern", Options{Width: -1}, []string{"size -1×0"}},
		{"pattern", Options{FPS: 1001}, []string{"1001 frames a second: want 0.001 to 1000"}},
		{"pattern", Options{FPS: 1e-9}, []string{"1e-09 frames a second"}},
		{"pattern", Options{FPS: math.NaN()}, []string{"NaN frames a second"}},
		{"pattern", Options{FPS: math.Inf(1)}, []string{"+Inf frames a second"}},
		{"pattern", Options{Quality: 101}, []string{"quality 101: want 1 to 100"}},
		{"pattern", Options{MaxFrame: -1}, []string{"frame limit of -1 bytes"}},
	} {
		t.Run(tt.spec, func(t *testing.T) {
			s, err := Open(t.Context(), tt.spec, tt.options)
			if err == nil {
				s.Close()
				t.Fatal("no error")
			}
			if !strings.HasPrefix(err.Error(), "capture: ") {
				t.Errorf("%q", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not contain %q", err, want)
				}
			}
		})
	}
}

func TestKinds(t *testing.T) {
	names := map[string]bool{}
	for _, k := range Kinds() {
		if k.Name == "" || names[k.Name] {
			t.Errorf("name %q is empty or twice", k.Name)
		}
		names[k.Name] = true
		if !strings.HasPrefix(k.Usage, k.Name) || !strings.HasSuffix(k.Doc, ".") || k.Open == nil {
			t.Errorf("%+v", k)
		}
	}
}

// TestEnd: a Next that waits returns at once when the source ends, and says why.
func TestEnd(t *testing.T) {
	dir := t.TempDir()
	frame := filepath.Join(dir, "a.jpg")
	writeFrames(t, frame, 1)
	reason := errors.New("the reason")

	sources := []struct {
		name    string
		prepare func(t *testing.T)
		spec    string
		options Options
		before  int // frames before Next waits
	}{
		{"pattern", nil, "pattern", Options{Width: 16, Height: 16, FPS: 0.001}, 1},
		{"file", nil, "file:" + frame, Options{Loop: true, FPS: 0.001}, 1},
		{"stdin", func(t *testing.T) { replaceStdin(t) }, "-", Options{}, 0},
		{"program that is silent", func(t *testing.T) { installFake(t, "rpicam-vid", "silent") },
			"rpicam", Options{}, 1},
		{"pause before a restart", func(t *testing.T) { installFake(t, "rpicam-vid", "nocamera") },
			"rpicam", Options{}, 0},
	}
	ends := []struct {
		name string
		end  func(cancel context.CancelCauseFunc, s Source)
		want error
	}{
		{"context", func(cancel context.CancelCauseFunc, s Source) { cancel(reason) }, reason},
		{"Close", func(cancel context.CancelCauseFunc, s Source) { s.Close() }, os.ErrClosed},
	}
	for _, src := range sources {
		for _, end := range ends {
			t.Run(src.name+"/"+end.name, func(t *testing.T) {
				if src.prepare != nil {
					src.prepare(t)
				}
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				s, err := Open(ctx, src.spec, src.options)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				for range src.before {
					if _, err := s.Next(); err != nil {
						t.Fatal(err)
					}
				}
				got := make(chan error, 1)
				go func() {
					_, err := s.Next()
					got <- err
				}()
				select {
				case err := <-got:
					t.Fatalf("Next did not wait: %v", err)
				case <-time.After(100 * time.Millisecond):
				}
				go end.end(cancel, s)
				select {
				case err := <-got:
					if !errors.Is(err, end.want) {
						t.Errorf("Next: %v, want %v", err, end.want)
					}
				case <-time.After(time.Second):
					t.Fatal("Next still waits after a second")
				}
				if _, err := s.Next(); !errors.Is(err, end.want) {
					t.Errorf("the Next after that: %v, want %v", err, end.want)
				}
				for range 2 {
					if err := s.Close(); err != nil {
						t.Errorf("Close: %v", err)
					}
				}
			})
		}
	}
}

// TestContextThatHasEnded: nothing is given out then, whatever there would be.
func TestContextThatHasEnded(t *testing.T) {
	frame := filepath.Join(t.TempDir(), "a.jpg")
	writeFrames(t, frame, 1)
	installFake(t, "rpicam-vid", "run")
	w := replaceStdin(t)
	writeTo(t, w, 1)
	for _, spec := range []string{"pattern", "file:" + frame, "-", "rpicam"} {
		t.Run(spec, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			s, err := Open(ctx, spec, Options{})
			if err == nil {
				defer s.Close()
				_, err = s.Next()
			}
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
	}
}

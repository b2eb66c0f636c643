package capture

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"picam/capture/capturetest"
	"picam/mjpeg/mjpegtest"
)

// openStream opens a source's bytes, and closes them at the end of the test.
func openStream(t *testing.T, spec string, o Options) Stream {
	t.Helper()
	s, err := OpenStream(t.Context(), spec, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); s.Close() })
	return s
}

// TestStreamBytes: the bytes come as they are, and then the end.
func TestStreamBytes(t *testing.T) {
	frames := mjpegtest.Frames(3, 64, 48, 80)
	clip := append([]byte("junk before"), bytes.Join(frames, []byte("\x00\x00"))...)
	clip = append(clip, frames[0][:100]...)
	dir := t.TempDir()
	path := filepath.Join(dir, "clip.mjpeg")
	if err := os.WriteFile(path, clip, 0o600); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for _, name := range []string{"img10.jpg", "img2.jpg"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ name, spec, want string }{
		{"file", "file:" + path, string(clip)},
		{"folder", "file:" + folder, "img2.jpgimg10.jpg"},
		{"program", "exec:cat '" + path + "'", string(clip)},
		{"program without a byte", "exec:true", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := openStream(t, tt.spec, Options{Loop: true})
			part, err := s.Part()
			if err != nil || part.Answer != nil || part.Buffer != nil {
				t.Fatalf("%+v, %v", part, err)
			}
			if got, err := io.ReadAll(part); string(got) != tt.want || err != nil {
				t.Errorf("%d bytes, want %d; %v", len(got), len(tt.want), err)
			}
			if _, err := s.Part(); err != io.EOF {
				t.Errorf("another part: %v", err)
			}
		})
	}
	t.Run("pattern", func(t *testing.T) {
		part, err := openStream(t, "pattern:3", Options{FPS: -1, Width: 64, Height: 48}).Part()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(part); err != nil || bytes.Count(got, []byte("\xFF\xD8\xFF")) != 3 {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
	t.Run("after Close", func(t *testing.T) {
		s := openStream(t, "exec:sleep 60", Options{})
		part, err := s.Part()
		if err != nil {
			t.Fatal(err)
		}
		go s.Close()
		if _, err := part.Read(make([]byte, 10)); !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	})
}

// TestStreamErrors: what fails is told without the promise to try again.
func TestStreamErrors(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for _, tt := range []struct{ spec, want string }{
		{"exec:nosuchprogram", "there is no such command"},
		{"exec:echo hello; exit 3", "exec: exit status 3"},
		{"file:nowhere", "no such file"},
		{"rtsp://cam/1", "go2rtc or mediamtx"},
		{closed.URL, "is the camera on, and is the port right?"},
	} {
		s, err := OpenStream(t.Context(), tt.spec, Options{})
		if err == nil {
			var part Part
			if part, err = s.Part(); err == nil {
				_, err = io.ReadAll(part)
			}
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "tries again") {
			t.Errorf("%s: %v, want %q", tt.spec, err, tt.want)
		}
	}
}

// TestStreamAnswers: the answers of HTTP cameras, whole, one after another where each is a frame.
func TestStreamAnswers(t *testing.T) {
	frames := mjpegtest.Frames(3, 64, 48, 80)
	for _, d := range capturetest.Dialects(frames) {
		t.Run(d.Name, func(t *testing.T) {
			addr, requests := capturetest.Serve(t, d.Answer)
			s := openStream(t, "http://"+addr+"/a", Options{FPS: 100})
			parts := 1
			if strings.HasPrefix(d.Name, "one frame") {
				parts = 3
			}
			for range parts {
				part, err := s.Part()
				if err != nil || part.Answer == nil || part.Answer.StatusCode != 200 || part.Fault != nil {
					t.Fatalf("%+v, %v", part, err)
				}
				got, err := io.ReadAll(part)
				if err != nil || !bytes.Contains(got, frames[0]) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			}
			if parts == 1 {
				if _, err := s.Part(); err != io.EOF {
					t.Errorf("another part: %v", err)
				}
			}
			if n := requests.Load(); n != int64(parts) {
				t.Errorf("%d requests for %d parts", n, parts)
			}
		})
	}
	t.Run("what is no stream", func(t *testing.T) {
		page := "<html><img src=/stream>"
		addr, _ := capturetest.Serve(t, []byte("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"+page))
		part, err := openStream(t, "http://"+addr, Options{}).Part()
		if err != nil || part.Fault == nil || !strings.Contains(part.Fault.Error(), "is a web page") {
			t.Fatalf("%+v, %v", part, err)
		}
		if got, err := io.ReadAll(part); string(got) != page || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("goes in the middle", func(t *testing.T) {
		addr, _ := capturetest.Serve(t, []byte("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello"))
		part, err := openStream(t, "http://"+addr, Options{}).Part()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(part); err == nil || !strings.HasSuffix(err.Error(), ": unexpected EOF") {
			t.Error(err)
		}
	})
}

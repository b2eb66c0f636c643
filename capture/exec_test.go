//go:build unix

package capture

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"picam/mjpeg/mjpegtest"
)

// clipFile writes frames into a file.
func clipFile(t *testing.T, frames [][]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clip.mjpeg")
	if err := os.WriteFile(path, bytes.Join(frames, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExec(t *testing.T) {
	frames := mjpegtest.Frames(5, 64, 48, 80)
	clip := clipFile(t, frames)
	marker := filepath.Join(t.TempDir(), "again")
	for _, tt := range []struct {
		name, command string
		options       Options
		want          int    // frames
		end           string // "": it goes on
	}{
		{"ends well", "cat '" + clip + "' | cat", Options{}, 5, "EOF"},
		{"ends well, with --loop", "cat " + clip, Options{Loop: true}, 12, ""},
		{"fails once", "cat " + clip + "; test -e " + marker + " || { touch " + marker + "; exit 3; }",
			Options{}, 10, "EOF"},
		{"no such command", "/nowhere/at/all", Options{}, 0, "there is no such command (exec: exit status 127: "},
		{"not a program", clip, Options{}, 0, "this command may not be run (exec: exit status 126: "},
		{"wrong syntax", "if", Options{}, 0, "exec: exit status 2: "},
		{"no frames", "echo hello", Options{}, 0, "exec: exit status 0, no frame in the 6 bytes that it wrote"},
		{"nothing", " ", Options{}, 0, "want a command that writes MJPEG"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Open(t.Context(), "exec:"+tt.command, tt.options)
			if err == nil {
				defer s.Close()
				for i := 0; err == nil && (tt.end != "" || i < tt.want); i++ {
					f, e := s.Next()
					if err = e; err != nil {
						if i != tt.want {
							t.Errorf("%d frames, want %d", i, tt.want)
						}
					} else if !bytes.Equal(f.JPEG, frames[i%5]) || f.Seq != uint64(i+1) {
						t.Fatalf("frame %d: %d bytes, number %d", i, len(f.JPEG), f.Seq)
					}
				}
			}
			if tt.end == "" && err != nil || tt.end != "" && (err == nil || !strings.Contains(err.Error(), tt.end)) ||
				(err == io.EOF) != (tt.end == "EOF") {
				t.Errorf("ends with %v, want %q", err, tt.end)
			}
		})
	}
}

func TestFFmpeg(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip(err)
	}
	frames := mjpegtest.Frames(5, 64, 48, 80)
	clip := clipFile(t, frames)
	for _, spec := range []string{"ffmpeg:" + clip, "ffmpeg:-f mjpeg -i '" + clip + "' -c:v copy"} {
		s := open(t, spec, Options{})
		for i := range frames {
			f, err := s.Next()
			if err != nil {
				t.Fatalf("%s: frame %d: %v", spec, i, err)
			}
			if strings.Contains(spec, "copy") && !bytes.Equal(f.JPEG, frames[i]) {
				t.Errorf("%s: frame %d differs", spec, i)
			}
		}
		if _, err := s.Next(); err != io.EOF {
			t.Errorf("%s: %v, want io.EOF", spec, err)
		}
	}
	for spec, want := range map[string]string{
		"ffmpeg:-nosuchoption 1 -i " + clip: "ffmpeg does not understand its arguments (ffmpeg: exit status ", // 1, and 8 of ffmpeg 7
		"ffmpeg:":                           "want its arguments up to the input",
		"ffmpeg:-i 'a":                      "the quote ' has no end",
	} {
		s, err := Open(t.Context(), spec, Options{})
		if err == nil {
			_, err = s.Next()
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", spec, err, want)
		}
	}
}

func TestFFmpegArguments(t *testing.T) {
	const head, tail = "-hide_banner -loglevel warning -nostdin ", " -an -flush_packets 1 -f mjpeg pipe:1"
	for _, tt := range []struct {
		args    string
		options Options
		want    string
	}{
		{"rtsp://cam/1", Options{}, "-i rtsp://cam/1 -c:v mjpeg -q:v 7 -pix_fmt yuvj420p"},
		{"-i x", Options{Width: 640, Height: 480, FPS: 12.5, Quality: 100},
			"-i x -s 640x480 -r 12.5 -c:v mjpeg -q:v 2 -pix_fmt yuvj420p"},
		{"-i x -c:v copy", Options{Quality: 1}, "-i x -c:v copy"},
	} {
		got := strings.Join(ffmpegArguments(strings.Fields(tt.args), tt.options), " ")
		if got != head+tt.want+tail {
			t.Errorf("%s: got %s", tt.args, got)
		}
	}
}

func TestSplitWords(t *testing.T) {
	for line, want := range map[string][]string{
		"":                          nil,
		" a  b\tc ":                 {"a", "b", "c"},
		`-i "a b" 'c "d' e\ f ""`:   {"-i", "a b", `c "d`, "e f", ""},
		`a"b c"d '\' "\""`:          {"ab cd", `\`, `"`},
		"rtsp://u:p@cam/1?a=1&b=$x": {"rtsp://u:p@cam/1?a=1&b=$x"},
	} {
		if got, err := splitWords(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %q, %v, want %q", line, got, err, want)
		}
	}
	for _, line := range []string{`'a`, `"a`, `a\`} {
		if got, err := splitWords(line); err == nil {
			t.Errorf("%q: got %q", line, got)
		}
	}
}

package sniff

import (
	"strings"
	"testing"
)

// TestRecognise: parts of multipart bodies. What stands alone is the business of the tests of capture/probe.
func TestRecognise(t *testing.T) {
	const sps = "\x00\x00\x00\x01\x67\x42\x00\x1f"
	for _, tt := range []struct{ name, bytes, found, format string }{
		{"H.264", "--b\r\nContent-Type: video/x-h264\r\nContent-Length: 9\r\n\r\n" + sps, "H.264 video in multipart (video/x-h264)", "h264"},
		{"empty lines first, line feeds alone", "\n\n--b\ncontent-type:video/h264\n\n" + sps, "H.264 video in multipart (video/h264)", "h264"},
		{"no boundary first", "Content-Type: video/x-h264\r\n\r\n" + sps, "H.264 video in multipart (video/x-h264)", "h264"},
		{"in the middle of it", "--b\r\nContent-Type: video/H264; x=y\r\n\r\n\x41\x9a\x24", "H.264 video in multipart (video/H264; x=y)", "h264"},
		{"H.265 by its type", "--b\r\nContent-Type: video/hevc\r\n\r\n", "H.265 video in multipart (video/hevc)", "hevc"},
		{"H.264 by its bytes", "--b\r\nContent-Type: image/jpeg\r\n\r\n" + sps, "H.264 video in multipart (image/jpeg)", "h264"},
		{"PNG", "--b\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n", "a PNG frame in multipart (image/png)", ""},
		{"JSON", "--b\r\nContent-Type: application/json\r\n\r\n{\"a\": 1}", `JSON: "{\"a\": 1}" in multipart (application/json)`, ""},
		{"of no kind", "--b\r\nContent-Type: x/y\r\n\r\n\x93\x01", "data in multipart (x/y)", ""},
		{"an unfinished head", "--b\r\nContent-Type: video/x-h264\r\n", `text: "--b Content-Type: video/x-h264"`, ""},
		{"no type", "--b\r\nContent-Length: 8\r\n\r\nhello", `text: "--b Content-Length: 8 hello"`, ""},
		{"no part", "hello\n\nContent-Type: a/b\n\n", `text: "hello Content-Type: a/b"`, ""},
	} {
		found, _, format := Recognise([]byte(tt.bytes))
		if found != tt.found || format != tt.format {
			t.Errorf("%s: %q, %q, want %q, %q", tt.name, found, format, tt.found, tt.format)
		}
	}
}

// FuzzRecognise: everything has a name, of a bounded length.
func FuzzRecognise(f *testing.F) {
	f.Add([]byte("--b\r\nContent-Type: video/x-h264\r\n\r\n\x00\x00\x01\x67\x42"))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		found, _, _ := Recognise(b)
		if found == "" && len(b) > 0 || len(found) > 2*len(b)+500 || strings.Count(found, "in multipart") > 1 && !strings.Contains(string(b), "in multipart") {
			t.Errorf("%q is %q", b, found)
		}
	})
}

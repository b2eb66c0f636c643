//go:build cgo

package e2e

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

// freePort returns an address on which nobody listens now.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// until waits for a condition.
func until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("in vain: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// writeFile writes a file into a test's folder and returns its path.
func writeFile(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readFileIfThere(t testing.TB, path string) []byte {
	t.Helper()
	if size(path) == 0 {
		return nil
	}
	return readFile(t, path)
}

// clip writes n frames to a file and returns its path and content.
func clip(t testing.TB, n, w, h int) (string, []byte) {
	t.Helper()
	stream := bytes.Join(mjpegtest.Frames(n, w, h, 80), nil)
	return writeFile(t, "clip.mjpeg", string(stream)), stream
}

// jpegsIn cuts a stream into its frames.
func jpegsIn(t testing.TB, stream []byte) [][]byte {
	t.Helper()
	var list [][]byte
	s := mjpeg.NewScanner(bytes.NewReader(stream))
	for s.Scan() {
		list = append(list, bytes.Clone(s.Frame()))
	}
	return list
}

// size is a file's size; 0 if there is none.
func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// need skips a test where a program of others is not installed.
func need(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed (scripts/deps.sh test)", p)
		}
	}
}

// push connects to a receiver, sends what r holds, and closes its half of the connection.
func push(t testing.TB, addr string, r io.Reader) {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(context.Background(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.Copy(conn, r); err != nil {
		t.Logf("push: %v", err) // a receiver may have had enough
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return
	}
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	_, _ = io.Copy(io.Discard, conn)
}

// recorded is how many bytes there are in the files of a recording, whose names may carry a camera's.
func recorded(path string) (bytes int64) {
	ext := filepath.Ext(path)
	files, _ := filepath.Glob(strings.TrimSuffix(path, ext) + "*" + ext)
	for _, f := range files {
		bytes += size(f)
	}
	return bytes
}

//go:build cgo

// Package e2e tests the built program from outside: its processes, sockets, files, windows, packages and cameras.
//
// PICAM_BINARY names the program, by an absolute path; make test sets it to a build with the race detector. Without it
// the program is built once. Of the project's packages the tests use only those that judge what comes out of it.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// built is the folder of what the tests build, which goes with them.
var built string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "picam-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	built = dir
	// A program with the race detector would sleep a second at its end, for races that come to light then.
	os.Setenv("GORACE", "atexit_sleep_ms=50 "+os.Getenv("GORACE"))
	return m.Run()
}

// project returns the path of a file of the project's, by its name in the module's root.
func project(name string) string {
	path, err := filepath.Abs(filepath.Join("..", name)) // go test runs a package's tests in its folder
	if err != nil {
		panic(err) // there is no working folder any more
	}
	return path
}

var buildBinary = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("PICAM_BINARY"); path != "" {
		if !filepath.IsAbs(path) {
			return "", fmt.Errorf("PICAM_BINARY=%s: takes an absolute path", path)
		}
		return path, nil
	}
	path := filepath.Join(built, "picam")
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Dir = project("")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// binary is the program, with the receiver.
func binary(t testing.TB) string {
	t.Helper()
	path, err := buildBinary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var staticBuilds sync.Map // of functions that build, by target

// static is the program that only sends, for one of the targets of scripts/static.sh. It calls itself v1.2.3.
func static(t testing.TB, target string) string {
	t.Helper()
	build, _ := staticBuilds.LoadOrStore(target, sync.OnceValues(func() (string, error) {
		return buildStatic(project(""), built, target)
	}))
	path, err := build.(func() (string, error))()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// staticHere is the same for this computer.
func staticHere(t testing.TB) string {
	t.Helper()
	if runtime.GOARCH == "arm" {
		return static(t, "linux-armv6")
	}
	return static(t, runtime.GOOS+"-"+runtime.GOARCH)
}

// buildStatic builds it from sources into a folder, and returns its path.
func buildStatic(sources, dir, target string) (string, error) {
	cmd := exec.Command(filepath.Join(sources, "scripts", "static.sh"), dir, target)
	cmd.Env = append(os.Environ(), "VERSION=v1.2.3")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("static.sh: %w\n%s", err, out)
	}
	return filepath.Join(dir, "picam-"+target), nil
}

package sink

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// placeholder stands for the camera's name in a path.
const placeholder = "{camera}"

// Expand replaces {camera} in path by the camera's name. Letters, digits, dots, hyphens and underscores stay, anything
// else becomes an underscore, so that a name from the network stays inside the folder that the user named.
func Expand(path, camera string) string {
	return strings.ReplaceAll(path, placeholder, fileName(camera))
}

// PerCamera returns path with {camera} in it, so that several cameras do not write one file: before the extension
// (out-{camera}.avi), or as a folder of numbered frames (out/{camera}/%06d.png). A path that has it stays as it is.
func PerCamera(path string) string {
	if strings.Contains(path, placeholder) {
		return path
	}
	dir, base := filepath.Split(path)
	if strings.Contains(base, "%") {
		return dir + filepath.Join(placeholder, base)
	}
	ext := filepath.Ext(base)
	return dir + strings.TrimSuffix(base, ext) + "-" + placeholder + ext
}

// fileName makes a camera's name safe as part of a file's name.
func fileName(camera string) string {
	const longest = 60 // runes: at most 240 bytes, and file systems take 255
	name := []rune(camera)
	name = name[:min(len(name), longest)]
	for i, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.", r) || r == '.' && i == 0 {
			name[i] = '_'
		}
	}
	if len(name) == 0 {
		return "camera"
	}
	return string(name)
}

// create makes a file for writing, and its folder. A recording is never lost by accident: unless overwrite is set, it
// is an error if path is not free.
func create(path string, overwrite bool) (*os.File, error) {
	if err := makeFolder(path); err != nil {
		return nil, err
	}
	if !overwrite {
		if err := checkFile(path); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("sink: %w", err)
	}
	return f, nil
}

// checkFree returns an error that says what to type if path is a file that has something in it, or if its folder has
// such a file where path numbers its files.
func checkFree(path string) error {
	if !strings.Contains(filepath.Base(path), "%") {
		return checkFile(path)
	}
	dir, pattern := filepath.Split(path)
	entries, err := os.ReadDir(filepath.Clean(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sink: %s: %w", path, err)
	}
	before, after, _ := splitNumbered(pattern)
	for _, e := range entries {
		number, isBefore := strings.CutPrefix(e.Name(), before)
		number, isAfter := strings.CutSuffix(number, after)
		if _, err := strconv.Atoi(number); isBefore && isAfter && err == nil {
			if err := checkFile(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkFile(path string) error {
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
		return fmt.Errorf("sink: %s: %w: delete it, choose another name, or add --overwrite", path, fs.ErrExist)
	}
	return nil
}

// splitNumbered returns what stands before and after the one %d, or %0Nd, of a file's name.
func splitNumbered(name string) (before, after string, ok bool) {
	before, rest, ok := strings.Cut(name, "%")
	width, after, isNumber := strings.Cut(rest, "d")
	isWidth := width == "" || len(width) == 2 && width[0] == '0' && width[1] >= '1' && width[1] <= '9'
	return before, after, ok && isNumber && isWidth && !strings.Contains(after, "%")
}

// claims are the paths that a run's recordings have, so that no two cameras write one file, whatever they call
// themselves.
type claims struct {
	mu    sync.Mutex
	taken map[string]bool
}

// claim takes a path for the caller, and says whether it was free. A nil *claims gives all.
func (c *claims) claim(path string) bool {
	if c == nil {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.taken[path] {
		return false
	}
	if c.taken == nil {
		c.taken = map[string]bool{}
	}
	c.taken[path] = true
	return true
}

// makeFolder makes the folder that path is in.
func makeFolder(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("sink: folder for %s: %w", path, err)
	}
	return nil
}

package sink

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// placeholder stands for the camera's name in a path.
const placeholder = "{camera}"

// Expand replaces {camera} in path by the camera's name, as cameraName makes it a part of a file's name.
func Expand(path, camera string) string {
	return strings.ReplaceAll(path, placeholder, cameraName(camera))
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

// cameraName is a camera's name as part of a file's name. Where that cannot have the name as it is, a few digits that
// belong to the name follow, so that each camera has its files, whichever of them comes first.
func cameraName(camera string) string {
	name := fileName(camera)
	if name == camera {
		return name
	}
	return fmt.Sprintf("%s-%06x", name, crc32.ChecksumIEEE([]byte(camera))>>8)
}

// fileName makes a text safe as part of a file's name, so that one from the network stays inside the folder that the
// user named. Letters, digits, dots, hyphens and underscores stay, anything else becomes an underscore.
func fileName(text string) string {
	const longest = 180 // bytes, of the 255 that file systems take
	var name strings.Builder
	letters := 0
	for i, r := range text {
		if !unicode.In(r, unicode.L, unicode.M, unicode.Nd) && !strings.ContainsRune("-_.", r) || r == '.' && i == 0 {
			r = '_'
		}
		if name.Len()+utf8.RuneLen(r) > longest || letters == longest/3 {
			break
		}
		name.WriteRune(r)
		letters++
	}
	if name.Len() == 0 {
		return "camera"
	}
	return name.String()
}

// checkNumbered returns an error that says what to type if the folder has frames of an earlier run.
func checkNumbered(path string) error {
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
		if _, err := strconv.Atoi(number); !isBefore || !isAfter || err != nil {
			continue
		}
		file := filepath.Join(dir, e.Name())
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
			return existsError(file)
		}
	}
	return nil
}

// isTaken says that a path is another recording's: an earlier one, or one that is being written.
func isTaken(err error) bool { return errors.Is(err, fs.ErrExist) || errors.Is(err, ErrInUse) }

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

// has says whether a path is taken.
func (c *claims) has(path string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.taken[path]
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

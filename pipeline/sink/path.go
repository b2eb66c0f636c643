package sink

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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
// (out-{camera}.avi), or as a folder of numbered pictures (out/{camera}/%06d.png). A path that has it stays as it is.
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

// create makes a file for writing, and its folder. A recording is never lost by accident: unless overwrite is set, it is an
// error if path is not free.
func create(path string, overwrite bool) (*os.File, error) {
	if err := makeFolder(path); err != nil {
		return nil, err
	}
	if !overwrite {
		if err := checkFree(path); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("sink: %w", err)
	}
	return f, nil
}

// checkFree returns an error that says what to type if path is a file that has something in it.
func checkFree(path string) error {
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
		return fmt.Errorf("sink: %s: %w: delete it, choose another name, or add --overwrite", path, fs.ErrExist)
	}
	return nil
}

// makeFolder makes the folder that path is in.
func makeFolder(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("sink: folder for %s: %w", path, err)
	}
	return nil
}

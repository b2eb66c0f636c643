// Package file replaces files whole: who reads one sees what it was or what it is, never a part, whatever ends the
// program.
package file

import (
	"errors"
	"os"
	"path/filepath"
)

// Replace makes data what is in the file at path, which anybody may read then. If that fails, the file stays as it was.
// The folder must be there, and be one in which files may be made.
func Replace(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".picam-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the error that counts is the first
	}
	return err
}

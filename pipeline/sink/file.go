package sink

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// outputFile is a file that is written by nobody else: it is locked until it is closed, and so is its name, for all
// programs of this computer that use picam's outputs.
type outputFile struct {
	*os.File
	made bool // it was not there before
}

// ErrInUse says that another output writes a file.
var ErrInUse = errors.New("it is being written already: end the other picam, or choose another name")

// create makes a file for writing, and its folder. A recording is never lost by accident: unless overwrite is set, it
// is an error if the file has something in it. ErrInUse says that it is locked.
func create(path string, overwrite bool) (*outputFile, error) {
	if err := makeFolder(path); err != nil {
		return nil, err
	}
	for {
		f, err := openOutput(path)
		if err != nil {
			return nil, fmt.Errorf("sink: %w", err)
		}
		gone, err := f.own(path, overwrite)
		if err == nil && !gone {
			return f, nil
		}
		_ = f.File.Close() // nothing has been written
		if err != nil {
			return nil, err
		}
	}
}

func openOutput(path string) (*outputFile, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	made := err == nil
	if errors.Is(err, fs.ErrExist) {
		f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	}
	if err != nil {
		return nil, err
	}
	return &outputFile{File: f, made: made}, nil
}

// own locks f and empties it. gone says that whoever had the lock before has removed the file.
func (f *outputFile) own(path string, overwrite bool) (gone bool, err error) {
	info, err := f.Stat()
	if err != nil {
		return false, fmt.Errorf("sink: %w", err)
	}
	if !info.Mode().IsRegular() {
		return false, nil // pipes and devices have many writers
	}
	if err := lock(f.File); err != nil {
		return false, fmt.Errorf("sink: %s: %w", path, err)
	}
	at, err := os.Stat(path)
	if err != nil || !os.SameFile(info, at) {
		return true, nil
	}
	if at.Size() > 0 && !overwrite {
		return false, existsError(path)
	}
	if err := f.Truncate(0); err != nil {
		return false, fmt.Errorf("sink: %w", err)
	}
	return false, nil
}

// Close removes a file that this output has made and left empty.
func (f *outputFile) Close() error {
	if info, err := f.Stat(); err == nil && f.made && info.Mode().IsRegular() && info.Size() == 0 {
		_ = os.Remove(f.Name()) // an empty file is in nobody's way
	}
	if err := f.File.Close(); err != nil {
		return fmt.Errorf("sink: %w", err)
	}
	return nil
}

func existsError(path string) error {
	return fmt.Errorf("sink: %s: %w: delete it, choose another name, or add --overwrite", path, fs.ErrExist)
}

// makeFolder makes the folder that path is in.
func makeFolder(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("sink: folder for %s: %w", path, err)
	}
	return nil
}

// checkFolder makes the folder for the files that path stands for, as far as it is the same for all cameras, and tries
// whether files can be made there.
func checkFolder(path string) error {
	if before, _, found := strings.Cut(path, placeholder); found {
		path = before + "x"
	}
	if err := makeFolder(path); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".picam-*")
	if err != nil {
		return fmt.Errorf("sink: folder for %s: %w", path, err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

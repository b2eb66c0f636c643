package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"picam/mjpeg"
)

// files is a source of recorded frames: one file, or those of a folder, read one after another like one long file. Of
// a multi-frame photo only the first one is read.
// Whatever a frame's stamp says of its first journey is taken out: for this one it is captured when it is read.
type files struct {
	lifetime
	spec     string // as typed
	paths    []string
	total    int64 // bytes in all of them
	loop     bool
	maxFrame int
	whole    bool // also the other frames of multi-frame photos are read
	log      *slog.Logger
	pace     pacer

	reader *mjpeg.Reader // of files itself, by Read
	seq    uint64
	first  mjpeg.Frame // found by open, until Next has given it
	done   atomic.Int64

	mu     sync.Mutex // Close may come during Read
	file   *os.File   // the open one of paths, or nil
	left   int64      // bytes of it that are still to be read
	looker mjpeg.Scanner
	told   bool   // that there is a multi-frame photo
	next   int    // index in paths of the one to open then
	before uint64 // seq when the round began
}

// newFiles finds the files, and opens none.
func newFiles(ctx context.Context, path string, o Options) (*files, error) {
	paths, total, err := listFrames(path)
	if err != nil {
		return nil, err
	}
	return &files{
		lifetime: newLifetime(ctx),
		spec:     "file:" + path,
		paths:    paths,
		total:    total,
		loop:     o.Loop,
		maxFrame: cmp.Or(o.MaxFrame, mjpeg.DefaultMaxFrame),
		log:      o.logger(),
		pace:     pacer{fps: o.FPS},
	}, nil
}

func streamFile(ctx context.Context, path string, o Options) (Stream, error) {
	o.Loop = false
	s, err := newFiles(ctx, path, o)
	if err != nil {
		return nil, err
	}
	s.whole = true
	return &onePart{Reader: s, end: s.Close}, nil
}

func openFile(ctx context.Context, path string, o Options) (Source, error) {
	s, err := newFiles(ctx, path, o)
	if err != nil {
		return nil, err
	}
	s.reader = mjpeg.NewReader(s, s.maxFrame)
	s.first, err = s.reader.Next() // now, so that a wrong file is found now
	if err == io.EOF {
		err = noFrame(s.spec, s.reader.ScanStats(), s.maxFrame)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func checkFile(path string, _ Options) error {
	if path == "" {
		return errors.New("capture: file: want a path, such as file:clip.mjpeg")
	}
	return nil
}

// listFrames returns what there is to read at path, in order, and its size in bytes.
func listFrames(path string) (paths []string, total int64, err error) {
	if err := checkFile(path, Options{}); err != nil {
		return nil, 0, err
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("capture: file: %w: want an .mjpeg or .jpg file, or a folder of .jpg", err)
	case info.Mode().IsRegular():
		return []string{path}, info.Size(), nil
	case !info.IsDir():
		return nil, 0, fmt.Errorf("capture: file:%s is neither a file nor a folder: "+
			"want picam send --source - < %s", path, path)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, 0, fmt.Errorf("capture: file: %w", err)
	}
	for _, e := range entries {
		ext := strings.ToLower(filepath.Ext(e.Name()))
		if ext != ".jpg" && ext != ".jpeg" || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		frame := filepath.Join(path, e.Name())
		if info, err := os.Stat(frame); err == nil && info.Mode().IsRegular() {
			paths = append(paths, frame)
			total += info.Size()
		}
	}
	if len(paths) == 0 {
		return nil, 0, fmt.Errorf("capture: file:%s: no .jpg or .jpeg file among the %d in this folder", path, len(entries))
	}
	slices.SortFunc(paths, compareNatural)
	return paths, total, nil
}

// compareNatural orders names as people do: img2 before img10.
func compareNatural(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		dx, dy := leadingDigits(x), leadingDigits(y)
		if dx == 0 || dy == 0 {
			if x[0] != y[0] {
				return cmp.Compare(x[0], y[0])
			}
			x, y = x[1:], y[1:]
			continue
		}
		m, n := strings.TrimLeft(x[:dx], "0"), strings.TrimLeft(y[:dy], "0")
		if c := cmp.Or(cmp.Compare(len(m), len(n)), cmp.Compare(m, n)); c != 0 {
			return c
		}
		x, y = x[dx:], y[dy:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(a, b))
}

func leadingDigits(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}

// Read reads the files one after another, for reader.
func (s *files) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.ctx.Err() == nil {
		if s.file == nil {
			if s.next == len(s.paths) {
				if !s.loop || s.seq == s.before { // a round without a frame would be followed by another
					return 0, io.EOF
				}
				s.next, s.before = 0, s.seq
				s.done.Store(0)
			}
			f, err := os.Open(s.paths[s.next])
			if err != nil {
				return 0, fmt.Errorf("capture: %s: %w", s.spec, err)
			}
			s.file, s.left = f, math.MaxInt64
			s.next++
			if !s.whole {
				if err := s.skipOthers(); err != nil {
					return 0, fmt.Errorf("capture: %s: %w", s.spec, err)
				}
			}
		}
		n, err := s.file.Read(p[:min(int64(len(p)), s.left)])
		if n > 0 {
			s.left -= int64(n)
			s.done.Add(int64(n))
			return n, nil
		}
		if s.left == 0 {
			err = io.EOF
		}
		if err != io.EOF {
			return 0, fmt.Errorf("capture: %s: %w", s.spec, err)
		}
		s.file.Close()
		s.file = nil
	}
	return 0, context.Cause(s.ctx)
}

// skipOthers makes the file that has been opened end behind its first frame if it is a multi-frame photo: it has the
// frames that the first one's index names, where it says, and no others. A recording of such photos has more.
func (s *files) skipOthers() error {
	s.looker.Reset(s.file)
	s.looker.MaxFrame = s.maxFrame
	if s.looker.Scan() {
		begin, end := s.looker.Stats().Skipped, int64(len(s.looker.Frame()))
		if named := mjpeg.MultiFrame(s.looker.Frame()); len(named) > 1 && s.onlyThese(named) {
			s.left = begin + end
			if info, err := s.file.Stat(); err == nil {
				s.done.Add(info.Size() - s.left)
			}
			if !s.told {
				s.told = true
				s.log.Info("a multi-frame photo (MPO): the first of its frames is taken",
					"file", s.file.Name(), "frames", len(named))
			}
		}
	}
	if err := s.looker.Err(); err != nil {
		return err
	}
	_, err := s.file.Seek(0, io.SeekStart)
	return err
}

// onlyThese reports whether looker, which has found the first of some frames, finds the others, and then no more.
func (s *files) onlyThese(frames []mjpeg.Extent) bool {
	first, before := s.looker.Stats().Skipped, int64(0) // bytes outside of frames, and in them
	for i, e := range frames {
		if i > 0 && !s.looker.Scan() {
			return false
		}
		size := int64(len(s.looker.Frame()))
		if s.looker.Stats().Skipped-first+before != e.Offset || size > e.Size {
			return false
		}
		before += size
	}
	return !s.looker.Scan()
}

func (s *files) Next() (mjpeg.Frame, error) {
	if err := s.pace.wait(s.ctx); err != nil {
		return mjpeg.Frame{}, err
	}
	f := s.first
	s.first = mjpeg.Frame{}
	if f.JPEG == nil {
		var err error
		if f, err = s.reader.Next(); err != nil {
			if err == io.EOF {
				s.reportDamage()
			}
			return mjpeg.Frame{}, s.cause(err)
		}
	}
	s.seq++
	now := time.Now()
	return mjpeg.Frame{JPEG: f.JPEG, Seq: s.seq, Captured: now, Received: now}, nil
}

func (s *files) reportDamage() {
	if damage := describeDamage(s.reader.ScanStats(), s.maxFrame); damage != "" {
		s.log.Warn("frames of a file were left out", "source", s.spec, "damage", damage)
	}
}

// ScanStats are the counters of all files so far. Any goroutine may call it at any time.
func (s *files) ScanStats() mjpeg.Stats { return s.reader.ScanStats() }

func (s *files) Progress() (done, total int64) {
	return min(s.done.Load(), s.total), s.total
}

func (s *files) Close() error {
	s.lifetime.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		s.file.Close()
		s.file = nil
	}
	return nil
}

// noFrame is the error for input that has ended without a frame.
func noFrame(what string, st mjpeg.Stats, maxFrame int) error {
	found := "no JPEG frame"
	if damage := describeDamage(st, maxFrame); damage != "" {
		found = "no whole JPEG frame (" + damage + ")"
	}
	return fmt.Errorf("capture: %s: %s in %d bytes: want MJPEG, such as ffmpeg -i FILE -c:v mjpeg -q:v 3 -f mjpeg writes; "+
		"picam probe tells what it is instead",
		what, found, st.Bytes)
}

// describeDamage returns "" if there was none.
func describeDamage(st mjpeg.Stats, maxFrame int) string {
	var causes []string
	for d, n := range st.Damaged {
		switch {
		case n > 0 && mjpeg.Damage(d) == mjpeg.TooLong:
			causes = append(causes, fmt.Sprintf("%d over the limit of %d bytes", n, maxFrame))
		case n > 0:
			causes = append(causes, fmt.Sprintf("%d %v", n, mjpeg.Damage(d)))
		}
	}
	return strings.Join(causes, ", ")
}

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
	player
	spec     string // as typed
	paths    []string
	total    int64 // bytes in all of them
	loop     bool
	maxFrame int
	whole    bool // also the other frames of multi-frame photos are read
	log      *slog.Logger
	pace     pacer
	rate     float64 // frames a second, for moving by time

	scanner *mjpeg.Scanner // of files itself, by Read
	stamp   mjpeg.Stamp
	before  [mjpeg.NumDamage]int64 // the first frame
	base    int64                  // where the scanner began, in bytes from the first file's beginning
	taken   int64                  // bytes of the frames that it has found
	starts  []int64                // where the frames begin that have been found in this round
	next    int                    // the frame that the scanner finds next, counted from 0
	seq     uint64
	done    atomic.Int64 // bytes read in this round

	mu     sync.Mutex  // Close may come during Read
	past   mjpeg.Stats // of the scanner, before it was set to another place
	file   *os.File    // the open one of paths, or nil
	left   int64       // bytes of it that are still to be read
	index  int         // in paths, of the one to open then
	skip   int64       // bytes of it to leave out
	begins []int64     // where those of paths begin that have been opened in this round
	looker mjpeg.Scanner
	told   bool         // that there is a multi-frame photo
	others atomic.Int64 // bytes of the other frames of multi-frame photos, which are not read
}

// ownRate is how many frames a second files are played at that do not tell.
const ownRate = 25

// newFiles finds the files, and opens none.
func newFiles(ctx context.Context, path string, o Options) (*files, error) {
	paths, total, err := listFrames(path)
	if err != nil {
		return nil, err
	}
	s := &files{
		lifetime: newLifetime(ctx),
		player:   newPlayer(),
		spec:     "file:" + path,
		paths:    paths,
		total:    total,
		loop:     o.Loop,
		maxFrame: cmp.Or(o.MaxFrame, mjpeg.DefaultMaxFrame),
		log:      o.logger(),
		rate:     cmp.Or(max(0, o.FPS), aviRate(paths[0]), ownRate),
	}
	s.pace.fps = o.FPS
	if o.FPS == 0 && o.OwnRate {
		s.pace.fps = s.rate
	}
	return s, nil
}

func streamFile(ctx context.Context, path string, o Options) (Stream, error) {
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
	s.scanner = mjpeg.NewScanner(s)
	s.scanner.MaxFrame = s.maxFrame
	_, err = s.scan() // now, so that a wrong file is found now
	if err == io.EOF {
		err = noFrame(s.spec, s.scanner.Stats(), s.maxFrame)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	s.before = s.scanner.Stats().Damaged
	s.goTo(0)
	s.past = mjpeg.Stats{} // it is found once more
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
		return nil, 0, fmt.Errorf("capture: file:%s: no .jpg or .jpeg file among the %d in this folder",
			path, len(entries))
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

// Read reads the files one after another, for the scanner.
func (s *files) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.ctx.Err() == nil {
		if s.file == nil {
			if s.index == len(s.paths) {
				return 0, io.EOF
			}
			if err := s.openNext(); err != nil {
				return 0, fmt.Errorf("capture: %s: %w", s.spec, err)
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
				s.others.Add(info.Size() - s.left)
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

// openNext opens the file whose turn it is. The caller holds mu.
func (s *files) openNext() error {
	f, err := os.Open(s.paths[s.index])
	if err != nil {
		return err
	}
	if s.index == len(s.begins) {
		s.begins = append(s.begins, s.done.Load())
	}
	s.file, s.left = f, math.MaxInt64
	if !s.whole {
		err = s.skipOthers()
	}
	if err == nil && s.skip > 0 {
		_, err = f.Seek(s.skip, io.SeekStart)
		s.left -= s.skip
	}
	if err != nil {
		f.Close()
		s.file = nil
		return err
	}
	s.skip = 0
	s.index++
	return nil
}

// scan returns the next frame, valid until the next call, without its stamp.
func (s *files) scan() ([]byte, error) {
	if !s.scanner.Scan() {
		if err := s.scanner.Err(); err != nil {
			return nil, err
		}
		return nil, io.EOF
	}
	frame := s.scanner.Frame()
	if s.next == len(s.starts) {
		s.starts = append(s.starts, s.base+s.taken+s.scanner.Stats().Skipped)
	}
	s.taken += int64(len(frame))
	s.next++
	return mjpeg.Unstamp(frame, s.stamp.Parse(frame)), nil
}

// goTo makes a frame that has been found before the next one.
func (s *files) goTo(frame int) {
	s.next, s.base, s.taken = frame, s.starts[frame], 0
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		s.file.Close()
		s.file = nil
	}
	at, found := slices.BinarySearch(s.begins, s.base)
	if !found {
		at--
	}
	s.index, s.skip = at, s.base-s.begins[at]
	s.done.Store(s.base)
	s.past = s.past.Plus(s.scanner.Stats())
	s.scanner.Reset(s)
}

// startOver begins another round. What was found in this one is forgotten: the files may have changed.
func (s *files) startOver() {
	s.goTo(0)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base, s.index, s.skip = 0, 0, 0
	s.starts, s.begins = s.starts[:0], s.begins[:0]
	s.done.Store(0)
	s.others.Store(0)
}

func (s *files) Next() (mjpeg.Frame, error) {
	by, err := s.wait(s.ctx, &s.pace)
	if err != nil {
		return mjpeg.Frame{}, err
	}
	var frame []byte
	if by == 1 {
		frame, err = s.following()
	} else {
		frame, err = s.at(s.next - 1 + by)
	}
	if err != nil {
		if err == io.EOF {
			s.reportDamage()
		}
		return mjpeg.Frame{}, s.cause(err)
	}
	s.seq++
	now := time.Now()
	return mjpeg.Frame{JPEG: frame, Seq: s.seq, Captured: now, Received: now}, nil
}

// following returns the next frame: after the last one the first, with loop; while paused the last one again.
func (s *files) following() ([]byte, error) {
	frame, err := s.scan()
	switch {
	case err != io.EOF || s.next == 0: // a round without a frame would be followed by another
		return frame, err
	case s.loop:
		s.startOver()
		return s.scan()
	case s.isPaused():
		s.goTo(s.next - 1)
		return s.scan()
	}
	return nil, io.EOF
}

// at returns a frame, counted from 0: the first or the last one where there is none of that number.
func (s *files) at(frame int) ([]byte, error) {
	frame = max(0, frame)
	if frame < s.next {
		s.goTo(frame)
	}
	for {
		jpeg, err := s.scan()
		switch {
		case err == io.EOF && s.next > 0:
			s.goTo(s.next - 1)
			return s.scan()
		case err != nil || s.next > frame:
			return jpeg, err
		}
	}
}

// Seek makes files a player by time, too.
func (s *files) Seek(by time.Duration) { s.Step(int(math.Round(by.Seconds() * s.rate))) }

func (s *files) reportDamage() {
	stats := s.scanner.Stats()
	for d, n := range s.before {
		stats.Damaged[d] += n
	}
	if damage := describeDamage(stats, s.maxFrame); damage != "" {
		s.log.Warn("frames of a file were left out", "source", s.spec, "damage", damage)
	}
}

// ScanStats are the counters of all files so far. Any goroutine may call it at any time.
func (s *files) ScanStats() mjpeg.Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.past.Plus(s.scanner.Stats())
}

func (s *files) Progress() (done, total int64) {
	return min(s.done.Load()+s.others.Load(), s.total), s.total
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
	return fmt.Errorf("capture: %s: %s in %d bytes: want MJPEG, such as ffmpeg -i FILE -c:v mjpeg -q:v 3 -f mjpeg "+
		"writes; "+
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

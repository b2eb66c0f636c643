package sink

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"gocv.io/x/gocv"

	"picam/pipeline"
)

// Record opens a recording of what is shown. The extension of path says how:
//
//	out.mjpeg, out.mjpg        JPEG frames one after another, as picam sends them
//	out.avi                    a video (Motion JPEG), see Options.Rate and EveryFrame
//	out/%06d.jpg, out/%06d.png numbered frames, from 1; PNG loses nothing
//
// Folders that are missing are made, and the file, or the first numbered one, at once: it is locked, so that no other
// run writes it too, and goes again if no frame comes.
//
// Frames that no stage has changed are kept as JPEG with the camera's own bytes
// (and the standard Huffman tables, where they have none), unless EXIF says that they are to be turned: players do not
// know that of videos, so they are turned and encoded anew. Turning the coded blocks instead would lose nothing, but
// needs whole ones, and 1080 rows are not. A file that cannot be written to the end, such as on a full
// disk, is an error of Show; whole frames written before it stay readable.
func Record(path string, o Options) (pipeline.Sink, error) {
	kind, err := kindOf(path)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	var out io.WriteCloser
	switch kind {
	case aviFile:
		return newAVI(path, o)
	case pngFiles:
		return newPNGRecording(path, o)
	case jpegFiles:
		out, err = newNumbered(path, o.Overwrite)
	case jpegStream:
		out, err = createFrameFile(path, o.Overwrite)
	}
	if err != nil {
		return nil, err
	}
	return &jpegRecording{out: out, encoder: jpegEncoder{quality: o.Quality}}, nil
}

// RecordRaw opens a recording of the camera's own bytes: each frame is one Write, and the file is the frames one
// after another (.mjpeg), with their EXIF. It is for [pipeline.Outputs].
func RecordRaw(path string, o Options) (io.WriteCloser, error) {
	if err := checkRaw(path); err != nil {
		return nil, err
	}
	return createFrameFile(path, o.Overwrite)
}

func checkRaw(path string) error {
	if kind, err := kindOf(path); err != nil || kind != jpegStream {
		return fmt.Errorf("sink: record raw %s: the camera's own frames make a .mjpeg file", path)
	}
	return nil
}

// recordingKind is what a recording is made of.
type recordingKind int

const (
	jpegStream recordingKind = iota // JPEG frames one after another
	aviFile
	jpegFiles
	pngFiles
)

// kindOf reads the kind of a recording off its path.
func kindOf(path string) (recordingKind, error) {
	dir, name := filepath.Split(path)
	switch ext := strings.ToLower(filepath.Ext(name)); {
	case ext == ".mjpeg" || ext == ".mjpg":
		return jpegStream, nil
	case ext == ".avi":
		return aviFile, nil
	case ext == ".jpg" || ext == ".jpeg" || ext == ".png":
		if _, _, ok := splitNumbered(name); !ok {
			return 0, fmt.Errorf("sink: record %s: numbered frames need %%06d in their name: %s",
				path, filepath.Join(dir, "%06d"+ext))
		}
		if ext == ".png" {
			return pngFiles, nil
		}
		return jpegFiles, nil
	}
	return 0, fmt.Errorf("sink: record %s: unknown kind of file: use .mjpeg, .avi, or numbered frames, %s or .jpg",
		path, filepath.Join(dir, "%06d.png"))
}

// jpegRecording hands each frame as JPEG to out, in one Write.
type jpegRecording struct {
	out     io.WriteCloser
	encoder jpegEncoder
	buf     []byte
}

func (r *jpegRecording) TakesJPEG() bool { return false }

func (r *jpegRecording) Show(f *pipeline.Frame) error {
	var err error
	if r.buf, err = r.encoder.append(r.buf[:0], f); err != nil {
		return err
	}
	_, err = r.out.Write(r.buf)
	return err
}

func (r *jpegRecording) Close() error {
	r.encoder.close()
	return r.out.Close()
}

// pngRecording keeps each frame as a PNG file. That takes many times as long as JPEG, so several are encoded at a
// time.
type pngRecording struct {
	files *numbered
	shown int
	free  chan *pngJob // those that nobody uses; Show waits for one

	lost losses
	mu   sync.Mutex
	err  error // of the first frame that could not be written
}

// pngJob is what encoding a frame needs.
type pngJob struct {
	frame   gocv.Mat
	encoder *pngEncoder
	file    []byte
}

func newPNGRecording(path string, o Options) (*pngRecording, error) {
	files, err := newNumbered(path, o.Overwrite)
	if err != nil {
		return nil, err
	}
	jobs := runtime.GOMAXPROCS(0)
	r := &pngRecording{files: files, free: make(chan *pngJob, jobs)}
	for range jobs {
		r.free <- &pngJob{frame: gocv.NewMat(), encoder: newPNGEncoder()}
	}
	return r, nil
}

// Show copies f's frame. Its error may be that of an earlier one; then it does not take this one.
func (r *pngRecording) Show(f *pipeline.Frame) error {
	if err := r.failure(); err != nil {
		return err
	}
	job := <-r.free
	m := f.Mat()
	if err := m.CopyTo(&job.frame); err != nil {
		r.free <- job
		return fmt.Errorf("sink: PNG: %w", err)
	}
	r.shown++
	number := r.shown
	go func() {
		if err := r.write(job, number); err != nil {
			r.lost.add(writeFailed, 1)
			r.fail(err)
		}
		r.free <- job
	}()
	return nil
}

// Lost counts the frames that could not be written, but for the one at which Show says so.
func (r *pngRecording) Lost() map[string]int64 { return r.lost.counts() }

func (r *pngRecording) write(job *pngJob, number int) error {
	var err error
	if job.file, err = job.encoder.append(job.file[:0], job.frame); err != nil {
		return err
	}
	return r.files.write(number, job.file)
}

func (r *pngRecording) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
}

// failure returns the error of frames so far, once.
func (r *pngRecording) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.err
	r.err = nil
	return err
}

// Close waits until the last frame is written.
func (r *pngRecording) Close() error {
	for range cap(r.free) {
		job := <-r.free
		job.frame.Close()
		job.encoder.close()
	}
	return errors.Join(r.failure(), r.files.Close())
}

// frameFile is a file of frames one after another. Each Write goes to the system at once, so that a crash of this
// program loses none, and what could not be written whole is taken off again.
type frameFile struct {
	f      *outputFile
	size   int64 // bytes of whole frames
	frames int
}

func createFrameFile(path string, overwrite bool) (*frameFile, error) {
	f, err := create(path, overwrite)
	if err != nil {
		return nil, err
	}
	return &frameFile{f: f}, nil
}

func (p *frameFile) Write(frame []byte) (int, error) {
	n, err := p.f.Write(frame)
	if err != nil {
		_ = p.f.Truncate(p.size) // a pipe has no length; the error that counts is that of Write
		return n, fmt.Errorf("sink: after %d frames: %w", p.frames, err)
	}
	p.size += int64(n)
	p.frames++
	return n, nil
}

func (p *frameFile) Close() error { return p.f.Close() }

// numbered is a folder of files, one for each Write. The first one is made and locked at once, so that no other
// recording numbers its frames in the same way there.
type numbered struct {
	dir, pattern string // pattern is for fmt.Sprintf, with the number
	overwrite    bool
	written      int
	first        *outputFile // closed with the recording
}

func newNumbered(path string, overwrite bool) (*numbered, error) {
	dir, pattern := filepath.Split(path)
	n := &numbered{dir: dir, pattern: pattern, overwrite: overwrite}
	if !overwrite {
		if err := checkNumbered(path); err != nil {
			return nil, err
		}
	}
	var err error
	if n.first, err = create(n.path(1), overwrite); err != nil {
		return nil, err
	}
	return n, nil
}

func (n *numbered) path(number int) string {
	return filepath.Join(n.dir, fmt.Sprintf(n.pattern, number))
}

func (n *numbered) Write(frame []byte) (int, error) {
	n.written++
	return len(frame), n.write(n.written, frame)
}

// write writes the file of that number.
func (n *numbered) write(number int, frame []byte) error {
	f := n.first
	if number > 1 {
		var err error
		if f, err = create(n.path(number), n.overwrite); err != nil {
			return err
		}
	}
	_, err := f.Write(frame)
	if number > 1 {
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		_ = os.Remove(f.Name()) // half a frame is none
		return fmt.Errorf("sink: frame %d: %w", number, err)
	}
	return nil
}

func (n *numbered) Close() error { return n.first.Close() }

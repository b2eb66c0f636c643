package capture

import (
	"context"
	"io"
	"net/http"
	"time"
)

// Stream is what a source sends, before anything is cut out of it or repaired: for those who want to know what it is.
// Part blocks until there is a part, and returns io.EOF after the last. It ends with the context given to OpenStream:
// Part, and Read of what it returned, fail then with the context's cause, and with os.ErrClosed after Close. One
// goroutine uses a Stream; Close may be called by any, at any time and more than once.
//
// A Stream does not try again: what fails is told in a sentence by Part or Read.
type Stream interface {
	Part() (Part, error)
	Close() error
}

// Part is a run of bytes: a file, or all those of a folder, what a program writes, an answer of an HTTP server, a
// buffer of a V4L2 driver. It may be read until the next call of Stream.Part.
type Part struct {
	io.Reader
	// Answer is the head of an HTTP answer, nil for what is none. Its Body must be left alone.
	Answer *http.Response
	Fault  error   // why the source of Open would not take this Answer, or nil
	Buffer *Buffer // what a V4L2 driver says of its buffer, nil for what is none
}

// Buffer is what a V4L2 driver says of one.
type Buffer struct {
	Camera        string // what it calls itself
	Format        string // DeviceFormat.Name
	Width, Height int    // in pixels, as the camera is set
	FPS           float64
	Flagged       bool      // as damaged
	Lost          int       // frames missing before it, by the driver's numbers
	Captured      time.Time // by the driver's clock, as wall time
}

// OpenStream is Open for the bytes as they come. A frame that is made in this program comes as its JPEG bytes.
func OpenStream(ctx context.Context, spec string, o Options) (Stream, error) {
	k, arg, err := findKind(spec, o)
	if err != nil {
		return nil, err
	}
	return k.stream(ctx, arg, o)
}

// framesOf makes a Stream of a source whose frames are its bytes.
func framesOf(open func(context.Context, string, Options) (Source, error)) func(context.Context, string,
	Options) (Stream, error) {
	return func(ctx context.Context, arg string, o Options) (Stream, error) {
		src, err := open(ctx, arg, o)
		if err != nil {
			return nil, err
		}
		return &onePart{Reader: &sourceReader{src: src}, end: src.Close}, nil
	}
}

// sourceReader reads a source's frames one after another.
type sourceReader struct {
	src  Source
	rest []byte // of the last frame
}

func (r *sourceReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		f, err := r.src.Next()
		if err != nil {
			return 0, err
		}
		r.rest = f.JPEG
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// NewStream makes a Stream of what r reads; Close closes r.
func NewStream(r io.ReadCloser) Stream { return &onePart{Reader: r, end: r.Close} }

// onePart is a Stream of one part.
type onePart struct {
	io.Reader
	end   func() error
	given bool
}

func (s *onePart) Part() (Part, error) {
	if s.given {
		return Part{}, io.EOF
	}
	s.given = true
	return Part{Reader: s.Reader}, nil
}

func (s *onePart) Close() error { return s.end() }

// untilEnd fails with the cause of a source's end.
type untilEnd struct {
	io.Reader
	lifetime
}

func (r untilEnd) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n == 0 && err != nil && err != io.EOF {
		err = r.cause(err)
	}
	return n, err
}

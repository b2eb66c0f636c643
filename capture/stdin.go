package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"picam/mjpeg"
)

// stdin is the source of what another program writes. A stamp in it is believed: then it comes from another picam, and
// its capture time and number are passed on.
type stdin struct {
	lifetime
	in       io.ReadCloser
	reader   *mjpeg.Reader
	maxFrame int
}

func openStdin(ctx context.Context, arg string, o Options) (Source, error) {
	s, err := newStdin(ctx, arg, o)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func streamStdin(ctx context.Context, arg string, o Options) (Stream, error) {
	s, err := newStdin(ctx, arg, o)
	if err != nil {
		return nil, err
	}
	return &onePart{Reader: untilEnd{s.in, s.lifetime}, end: s.Close}, nil
}

func newStdin(ctx context.Context, arg string, o Options) (*stdin, error) {
	if err := noArgument("-", arg); err != nil {
		return nil, err
	}
	info, err := os.Stdin.Stat()
	if err != nil {
		return nil, fmt.Errorf("capture: standard input: %w", err)
	}
	if info.Mode()&os.ModeCharDevice != 0 {
		return nil, errors.New("capture: standard input is a terminal or a device: want a pipe or a file, " +
			"such as ffmpeg … -f mjpeg - | picam send --source - …")
	}
	s := &stdin{lifetime: newLifetime(ctx), maxFrame: cmp.Or(o.MaxFrame, mjpeg.DefaultMaxFrame)}
	in, err := interruptible(s.ctx, os.Stdin)
	if err != nil {
		s.lifetime.Close()
		return nil, fmt.Errorf("capture: standard input: %w", err)
	}
	s.in, s.reader = in, mjpeg.NewReader(in, s.maxFrame)
	return s, nil
}

func (s *stdin) Next() (mjpeg.Frame, error) {
	if err := s.ctx.Err(); err != nil {
		return mjpeg.Frame{}, s.cause(err)
	}
	f, err := s.reader.Next()
	if err != nil {
		st := s.reader.ScanStats()
		switch {
		case err != io.EOF:
			err = fmt.Errorf("capture: standard input: %w", err)
		case st.Frames == 0:
			err = noFrame("standard input", st, s.maxFrame)
		}
		return mjpeg.Frame{}, s.cause(err)
	}
	if f.Captured.IsZero() {
		f.Captured = f.Received
	}
	return f, nil
}

func (s *stdin) Close() error {
	s.lifetime.Close()
	if err := s.in.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil // it was closed before
}

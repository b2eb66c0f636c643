// Package capture is where pictures come from: a camera program, a file, standard input, a drawn test pattern.
package capture

import (
	"context"
	"log/slog"

	"picam/mjpeg"
)

// Source yields a camera's pictures. Next blocks until there is one and returns io.EOF after the last; it is called from
// one goroutine. It ends with the context given to Open. Close frees what Open took and may be called at any time.
type Source interface {
	Next() (mjpeg.Frame, error)
	Close() error
}

// Sized is a Source of known length, such as a file.
type Sized interface {
	// Progress returns how much has been read of how much, in bytes. Any goroutine may call it.
	Progress() (done, total int64)
}

// Options say what is wanted of a source. Zero values mean the source's own choice.
type Options struct {
	Width, Height int          // in pixels
	FPS           float64      // pictures a second; for a file, 0 means as fast as they are taken
	Quality       int          // JPEG quality, 1 to 100
	Loop          bool         // a file starts again at its end
	MaxFrame      int          // longest accepted picture in bytes; 0 means mjpeg.DefaultMaxFrame
	Log           *slog.Logger // nil discards
}

// Kind is one way to obtain pictures.
type Kind struct {
	Name  string // the part of a SOURCE before the colon
	Usage string // as typed, such as "file:CLIP.mjpeg"
	Doc   string // one sentence
	Open  func(ctx context.Context, arg string, o Options) (Source, error)
}

// Kinds lists every kind of source, in the order in which help shows them.
func Kinds() []Kind { panic("todo") }

// Open opens the source that spec names: "pattern", "file:clip.mjpeg", "-", "rpicam", "auto".
func Open(ctx context.Context, spec string, o Options) (Source, error) { panic("todo") }

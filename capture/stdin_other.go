//go:build !unix

package capture

import (
	"context"
	"io"
	"os"
)

// interruptible returns a reader of f of which a blocked Read fails as soon as ctx ends or Close is called; f stays
// open. There is no way to wait for f and for ctx at once, so a goroutine reads f; it ends with the first bytes that
// arrive afterwards, with f, or with the program.
func interruptible(ctx context.Context, f *os.File) (io.ReadCloser, error) {
	r, w := io.Pipe()
	go func() {
		_, err := io.Copy(w, f)
		w.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { r.Close() })
	return r, nil
}

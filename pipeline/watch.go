package pipeline

import (
	"context"
	"os"
	"time"
)

// Watch calls changed each time the file at path has changed, until ctx ends. It looks twice a second and acts when two
// looks agree, so that a file is not read while an editor writes it; it survives editors' renames and bind mounts.
// A file that is away is no change: it is one when it comes back different.
func Watch(ctx context.Context, path string, changed func()) {
	const interval = 250 * time.Millisecond
	tick := time.NewTicker(interval)
	defer tick.Stop()
	acted := look(path)
	last := acted
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := look(path)
		if now == last && now != acted && now != (fileState{}) {
			acted = now
			changed()
		}
		last = now
	}
}

// fileState is what a look at a file tells; zero means that there is none.
type fileState struct {
	size int64
	time time.Time
}

func look(path string) fileState {
	info, err := os.Stat(path)
	if err != nil {
		return fileState{}
	}
	return fileState{info.Size(), info.ModTime()}
}

package pipeline

import (
	"context"
	"os"
	"time"
)

// Watch calls changed each time one of some files has changed, until ctx ends. files lists them, anew before each look.
// It looks twice a second and acts when two looks agree, so that a file is not read while an editor writes it; it
// survives editors' renames and bind mounts. A file that is away is no change: it is one when it comes back different.
func Watch(ctx context.Context, files func() []string, changed func()) {
	const interval = 250 * time.Millisecond
	tick := time.NewTicker(interval)
	defer tick.Stop()
	acted := map[string]fileState{}
	last := map[string]fileState{}
	for _, path := range files() {
		acted[path] = look(path)
		last[path] = acted[path]
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		act := false
		for _, path := range files() {
			now := look(path)
			if _, known := acted[path]; !known { // it has just been read for the first time
				acted[path], last[path] = now, now
			}
			if now == last[path] && now != acted[path] && now != (fileState{}) {
				acted[path], act = now, true
			}
			last[path] = now
		}
		if act {
			changed()
		}
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

package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

// clips are 12 frames in several kinds of files.
func clips(t *testing.T) (paths map[string]string, frames [][]byte) {
	dir := t.TempDir()
	frames = mjpegtest.Frames(12, 64, 48, 80)
	paths = map[string]string{"clip": filepath.Join(dir, "a.mjpeg"), "damage": filepath.Join(dir, "b.mjpeg"),
		"folder": filepath.Join(dir, "c"), "stamped": filepath.Join(dir, "d.mjpeg")}
	writeFile(t, paths["clip"], frames...)
	if err := os.Mkdir(paths["folder"], 0o700); err != nil {
		t.Fatal(err)
	}
	damaged, stamped := [][]byte{frames[3][100:]}, [][]byte{}
	for i, f := range frames {
		stamp := mjpeg.Stamp{Camera: "door", Seq: uint64(7 * i), Time: time.Unix(1, 0)}
		stamped = append(stamped, append(stamp.AppendTo(nil), f[2:]...))
		damaged = append(damaged, f, make([]byte, i), f[:len(f)/2])
		writeFile(t, filepath.Join(paths["folder"], fmt.Sprintf("%d.jpg", 2*i)), f)
		writeFile(t, filepath.Join(paths["folder"], fmt.Sprintf("%d.jpg", 2*i+1)), nil)
	}
	writeFile(t, paths["damage"], damaged...)
	writeFile(t, paths["stamped"], stamped...)
	return paths, frames
}

// TestPlayer steps and seeks in files, and finds the frames where they are.
func TestPlayer(t *testing.T) {
	paths, want := clips(t)
	for name, path := range paths {
		t.Run(name, func(t *testing.T) {
			s := open(t, "file:"+path, Options{}).(*files)
			s.Pause(true)
			at := -1
			step := func(by int, move func()) {
				t.Helper()
				move()
				at = min(max(0, at+by), len(want)-1)
				f, err := s.Next()
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(f.JPEG, want[at]) {
					i := slices.IndexFunc(want, func(w []byte) bool { return bytes.Equal(f.JPEG, w) })
					t.Fatalf("after %+d came frame %d, want %d", by, i, at)
				}
			}
			step(1, func() { s.Step(1) })
			step(1, func() { s.Step(1) })
			step(-1, func() { s.Step(-1) })
			step(-1, func() { s.Step(-1) }) // before the first: it stays
			step(8, func() { s.Step(4); s.Step(4) })
			step(-5, func() { s.Seek(-200 * time.Millisecond) }) // at 25 a second
			step(100, func() { s.Seek(4 * time.Second) })
			step(1, func() { s.Step(1) }) // behind the last: it stays, and does not end
			step(-11, func() { s.Step(-11) })
			rng := rand.New(rand.NewPCG(1, 2))
			for range 200 {
				by := rng.IntN(17) - 8
				if by != 0 {
					step(by, func() { s.Step(by) })
				}
			}
			step(-100, func() { s.Step(-100) })
			s.Pause(false)
			rest := all(t, s)
			checkFrames(t, jpegs(rest), want[1:])
		})
	}
}

// TestPlayerLoop: in a file that is looped the first frame follows the last one, and one can go back from there.
func TestPlayerLoop(t *testing.T) {
	paths, want := clips(t)
	s := open(t, "file:"+paths["folder"], Options{Loop: true}).(*files)
	for i := range 40 {
		f, err := s.Next()
		if err != nil || !bytes.Equal(f.JPEG, want[i%len(want)]) || f.Seq != uint64(i+1) {
			t.Fatalf("frame %d: Seq %d, %v", i, f.Seq, err)
		}
	}
	s.Step(-2)
	if f, err := s.Next(); err != nil || !bytes.Equal(f.JPEG, want[1]) {
		t.Errorf("two back: %v", err)
	}
}

// TestPlayerPause: Next waits while a file is paused, whatever its rate, and ends with its source.
func TestPlayerPause(t *testing.T) {
	paths, _ := clips(t)
	for name, o := range map[string]Options{"slow": {FPS: 0.01}, "own rate": {OwnRate: true}, "fast": {}} {
		t.Run(name, func(t *testing.T) {
			s := open(t, "file:"+paths["clip"], o).(*files)
			if _, err := s.Next(); err != nil {
				t.Fatal(err)
			}
			s.Pause(true)
			got := make(chan error)
			next := func() { _, err := s.Next(); got <- err }
			go next()
			select {
			case err := <-got:
				t.Fatalf("Next returned while paused: %v", err)
			case <-time.After(150 * time.Millisecond): // nothing to wait for: nothing must come
			}
			s.Step(2)
			if err := <-got; err != nil {
				t.Fatal(err)
			}
			go next()
			s.Pause(false) // a slow file goes on at once, too
			if err := <-got; err != nil {
				t.Fatal(err)
			}
			s.Pause(true)
			go next()
			s.Close()
			if err := <-got; !errors.Is(err, os.ErrClosed) {
				t.Errorf("after Close: %v", err)
			}
		})
	}
}

// aviHead is the beginning of an .avi file by the words of its headers: microseconds a frame, and a rate over a scale.
func aviHead(micros, rate, scale uint32, kind string) []byte {
	le := binary.LittleEndian
	chunk := func(name string, body []byte) []byte {
		return append(le.AppendUint32([]byte(name), uint32(len(body))), body...)
	}
	avih := le.AppendUint32(nil, micros)
	avih = append(avih, make([]byte, 52)...)
	strh := append([]byte(kind+"MJPG"), make([]byte, 12)...)
	strh = le.AppendUint32(le.AppendUint32(strh, scale), rate)
	strh = append(strh, make([]byte, 28)...)
	strl := chunk("LIST", append([]byte("strl"), chunk("strh", strh)...))
	hdrl := chunk("LIST", slices.Concat([]byte("hdrl"), chunk("avih", avih), strl))
	return slices.Concat([]byte("RIFF\x00\x00\x00\x00AVI "), hdrl)
}

// TestOwnRate holds what rate files are played at, and that they are only where that is asked for.
func TestOwnRate(t *testing.T) {
	frame := mjpegtest.Frames(1, 64, 48, 80)[0]
	for _, tt := range []struct {
		name string
		head []byte
		o    Options
		want float64 // 0: as fast as frames are taken
	}{
		{"mjpeg", nil, Options{OwnRate: true}, 25},
		{"mjpeg, as fast as taken", nil, Options{}, 0},
		{"mjpeg, rate given", nil, Options{OwnRate: true, FPS: 10}, 10},
		{"avi", aviHead(40000, 30000, 1001, "vids"), Options{OwnRate: true}, 30000. / 1001},
		{"avi, rate given", aviHead(40000, 5, 1, "vids"), Options{OwnRate: true, FPS: 10}, 10},
		{"avi, as fast as taken", aviHead(40000, 5, 1, "vids"), Options{FPS: -1, OwnRate: true}, -1},
		{"avi, sound first", aviHead(40000, 44100, 1, "auds"), Options{OwnRate: true}, 25},
		{"avi, its stream tells none", aviHead(100000, 0, 0, "vids"), Options{OwnRate: true}, 25},
		{"avi, impossible", aviHead(0, 1000000, 1, "vids"), Options{OwnRate: true}, 25},
		{"avi, cut short", aviHead(40000, 5, 1, "vids")[:40], Options{OwnRate: true}, 25},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.avi")
			writeFile(t, path, tt.head, frame)
			s := open(t, "file:"+path, tt.o).(*files)
			if s.pace.fps != tt.want {
				t.Errorf("%v frames a second, want %v", s.pace.fps, tt.want)
			}
		})
	}
}

// FuzzAVIRate: no file makes it fail, or a rate that cannot be.
func FuzzAVIRate(f *testing.F) {
	f.Add(aviHead(40000, 30000, 1001, "vids"))
	f.Add(aviHead(0, 0, 0, "auds"))
	f.Add([]byte("RIFF____AVI strhstrhvids"))
	f.Fuzz(func(t *testing.T, head []byte) {
		path := filepath.Join(t.TempDir(), "a.avi")
		writeFile(t, path, head)
		if rate := aviRate(path); rate != 0 && (Options{FPS: rate}).check() != nil {
			t.Errorf("%v frames a second", rate)
		}
	})
}

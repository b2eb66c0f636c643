//go:build cgo

package e2e

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"os"
	"os/exec"
	"testing"
	"time"

	"picam/pipeline/sink/sinktest"
)

// TestWindowPlaysAFile: in a window a file has its own rate, unless another is asked for; without one it is as fast as
// it goes.
func TestWindowPlaysAFile(t *testing.T) {
	const frames = 60 // 2.4 s at 25 a second
	path, _ := clip(t, frames, 320, 240)
	for _, tt := range []struct {
		name        string
		args        []string
		least, most time.Duration
	}{
		{"window", []string{"--display", "window"}, 2200 * time.Millisecond, patience},
		{"window, a rate", []string{"--display", "window", "--fps", "60"}, 900 * time.Millisecond, 2200 * time.Millisecond},
		{"window, as fast as it goes", []string{"--display", "window", "--fps", "0"}, 0, 2 * time.Second},
		{"no window", []string{"--display", "none"}, 0, 2 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			screen := sinktest.Start(t)
			stats := t.TempDir() + "/stats.json"
			args := append([]string{"recv", "--from", "file:" + path, "--stats-file", stats}, tt.args...)
			cmd := exec.Command(binary(t), args...)
			cmd.Env = screen.Env
			start(t, cmd).ends(0)
			s := readCameraStats(t, stats)
			if len(s) != 1 || s[0].FramesOut != frames {
				t.Fatalf("stats %+v", s)
			}
			if took := time.Duration(s[0].Seconds * float64(time.Second)); took < tt.least || took > tt.most {
				t.Errorf("%d frames took %v, want %v to %v", frames, took, tt.least, tt.most)
			}
		})
	}
}

// TestWindowKeysOfAFile: space holds the file itself, the arrow keys step in it.
func TestWindowKeysOfAFile(t *testing.T) {
	screen := sinktest.Start(t)
	path, _ := clip(t, 250, 320, 240)
	stats := t.TempDir() + "/stats.json"
	cmd := exec.Command(binary(t), "recv", "--from", "file:"+path, "--display", "window", "--stats-file", stats)
	cmd.Env = screen.Env
	recv := start(t, cmd)
	name := "picam: " + path
	screen.Wait("window", func(image.Image) error {
		if len(screen.Find("^"+name+"$")) != 1 {
			return errors.New("no window")
		}
		return nil
	})
	shown := func() int64 {
		if _, err := os.Stat(stats); err != nil {
			return 0
		}
		if s := readCameraStats(t, stats); len(s) == 1 {
			return s[0].FramesOut
		}
		return 0
	}
	screen.Key(name, "space")
	screen.Wait("paused", func(m image.Image) error { return hasOrange(screen.Window(name, m), true) })
	held, written := int64(-1), time.Time{}
	until(t, "nothing more comes", func() bool {
		info, err := os.Stat(stats)
		if err != nil || info.ModTime().Equal(written) {
			return false // the stats are written each second
		}
		before := held
		held, written = shown(), info.ModTime()
		return held > 0 && held == before
	})
	for range 3 {
		screen.Key(name, "Right")
	}
	screen.Key(name, "Left")
	until(t, "four steps", func() bool { return shown() == held+4 })
	screen.Key(name, "space")
	until(t, "it goes on", func() bool { return shown() > held+10 })
	screen.Key(name, "Right") // 5 s of 10: the end is near
	recv.ends(0)
	if n := shown(); n >= 250 {
		t.Errorf("%d frames were shown, though 5 s were left out", n)
	}
}

// TestWindowOfAnyName: a sender with a name outside ASCII has a window, and ends nothing.
func TestWindowOfAnyName(t *testing.T) {
	for _, name := range []string{"Küche", `Küche "1" 東京`} {
		t.Run(name, func(t *testing.T) {
			screen := sinktest.Start(t)
			cmd := exec.Command(binary(t), "recv", "--listen", "127.0.0.1:0", "--display", "window")
			cmd.Env = screen.Env
			recv := start(t, cmd)
			addr := recv.says(`msg=listening address=(\S+)`)
			picam(t, "send", "--to", addr, "--source", "pattern", "--size", "320x240", "--name", name)
			screen.Wait(name, func(image.Image) error {
				if got := screen.Titles("^picam: "); len(got) != 1 || got[0] != "picam: "+name {
					return fmt.Errorf("titles %q", got)
				}
				return nil
			})
			recv.interrupt()
			recv.ends(0)
		})
	}
}

// TestWindowTellsOfABadFiltersFile: what is wrong with it stands in the window until it is put right.
func TestWindowTellsOfABadFiltersFile(t *testing.T) {
	screen := sinktest.Start(t)
	filters := writeFile(t, "f.yaml", "filters:\n  - grayscale\n")
	cmd := exec.Command(binary(t), "recv", "--from", "pattern", "--display", "window", "--config", filters)
	cmd.Env = screen.Env
	recv := start(t, cmd)
	const name = "picam: pattern"
	says := func(what string, want bool) {
		t.Helper()
		screen.Wait(what, func(m image.Image) error { return hasOrange(screen.Window(name, m), want) })
	}
	says("good", false)
	if err := os.WriteFile(filters, []byte("filters:\n  - grayscle\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	says("bad", true)
	if err := os.WriteFile(filters, []byte("filters:\n  - invert\n  - grayscale\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	says("good again", false)
	recv.interrupt()
	recv.ends(0)
}

// hasOrange looks for text in a window, of the colour of what is said above frames.
func hasOrange(window image.Image, want bool) error {
	if window == nil {
		return errors.New("no window")
	}
	n := 0
	for y := window.Bounds().Min.Y; y < window.Bounds().Min.Y+80; y++ {
		for x := window.Bounds().Min.X; x < window.Bounds().Max.X; x++ {
			c := color.RGBAModel.Convert(window.At(x, y)).(color.RGBA)
			if c.R > 230 && c.G > 150 && c.G < 200 && c.B < 60 {
				n++
			}
		}
	}
	if (n > 30) != want {
		return fmt.Errorf("%d pixels of text", n)
	}
	return nil
}

//go:build cgo

package e2e

import (
	"bytes"
	"encoding/json"
	"image"
	_ "image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// found is a line of --events.
type found struct {
	Camera     string
	Seq        uint64
	Time       time.Time
	Detections []struct {
		Stage, Label string
		Box          [4]int
		Size         [2]int
	}
}

// TestEventsAndRules: what a stage finds in a sender's frames is in --events, in their order, and the rules act on it.
func TestEventsAndRules(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	config := writeFile(t, "filters.yaml", `
filters:
  - motion_boxes:
    name: yard
on:
  - {stage: yard, cooldown: 1h, snapshot: '`+at("{camera}-{stage}.png")+`', clip: '`+at("{camera}.mjpeg")+`', run: [sh, -c, 'cat >`+at("event")+`']}
  - {label: nobody, run: [touch, '`+at("never")+`']}
`)
	recv, addr := recvProcess(t, "--once", "--policy", "all", "--config", config, "--events", at("found.jsonl"))
	send := picam(t, "send", "--to", addr, "--source", "pattern:60", "--size", "320x240", "--policy", "all", "--name", "door")
	send.ends(0)
	recv.ends(0)

	lines := strings.Split(strings.TrimSpace(string(readFile(t, at("found.jsonl")))), "\n")
	if len(lines) < 10 {
		t.Errorf("something moves in %d of 60 frames", len(lines))
	}
	last := uint64(0)
	for _, line := range lines {
		var f found
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if f.Camera != "door" || f.Seq <= last || f.Seq > 60 || time.Since(f.Time) > time.Hour || len(f.Detections) == 0 {
			t.Errorf("after frame %d: %s", last, line)
		}
		last = f.Seq
		for _, d := range f.Detections {
			if d.Stage != "yard" || d.Label != "motion" || d.Size != [2]int{320, 240} || d.Box[2] <= 0 || d.Box[3] <= 0 ||
				d.Box[0]+d.Box[2] > 320 || d.Box[1]+d.Box[3] > 240 {
				t.Errorf("%+v", d)
			}
		}
	}
	if event := readFile(t, at("event")); string(event) != lines[0] {
		t.Errorf("the program got %s, not %s", event, lines[0])
	}
	file, err := os.Open(at("door-yard.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if c, format, err := image.DecodeConfig(file); err != nil || format != "png" || c.Width != 320 || c.Height != 240 {
		t.Errorf("the snapshot: %v, %s of %d×%d", err, format, c.Width, c.Height)
	}
	if n := len(jpegsIn(t, readFile(t, at("door.mjpeg")))); n < 10 || n > 60 {
		t.Errorf("%d frames are in the clip", n)
	}
	if _, err := os.Stat(at("never")); err == nil {
		t.Error("a rule acted on nothing")
	}
}

// TestEventsOnStandardOutput: --events - writes nothing else there.
func TestEventsOnStandardOutput(t *testing.T) {
	config := writeFile(t, "filters.yaml", "filters: [motion_boxes]")
	recv := exec.Command(binary(t), "recv", "--from", "pattern:30", "--fps", "0", "--policy", "all", "--once", "--display", "none",
		"--config", config, "--events", "-")
	var out bytes.Buffer
	recv.Stdout = &out
	start(t, recv).ends(0)
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	if len(lines) < 5 {
		t.Errorf("%d lines", len(lines))
	}
	for _, line := range lines {
		if !json.Valid(line) {
			t.Errorf("%s is no JSON", line)
		}
	}
}

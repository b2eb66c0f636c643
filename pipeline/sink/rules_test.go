package sink

import (
	"bytes"
	"encoding/json"
	"image"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"picam/filters"
	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
	"picam/pipeline"
)

// seen is a frame that arrived after so much time, with what was found in it.
func seen(t *testing.T, after time.Duration, rules []*pipeline.Rule, found ...filters.Detection) *pipeline.Frame {
	t.Helper()
	seq := uint64(after/(100*time.Millisecond)) + 1
	jpeg := mjpegtest.Frames(1, 64, 48, 80)[0]
	f := pipeline.NewFrame("front door", seq, jpeg, gocv.NewMatWithSize(48, 64, gocv.MatTypeCV8UC1), true)
	t.Cleanup(f.Close)
	f.SetRules(rules...)
	f.Received = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC).Add(after)
	f.Captured = f.Received
	f.Found = found
	return f
}

func face() filters.Detection {
	return filters.Detection{Stage: "faces", Label: "face", Box: image.Rect(8, 9, 28, 39), Score: 2.5, Size: image.Pt(64, 48)}
}

// TestRulesAct: a program, a web server, a frame and a clip get what the rule says, each whole.
func TestRulesAct(t *testing.T) {
	dir := t.TempDir()
	posted := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		posted <- r.URL.String() + " " + string(body)
	}))
	defer server.Close()
	rule := &pipeline.Rule{
		Run:      []string{"sh", "-c", "cat >" + filepath.Join(dir, "stdin") + "; echo $0 >" + filepath.Join(dir, "args"), "{label} at {camera}"},
		Post:     server.URL + "/seen?who={camera}",
		Snapshot: filepath.Join(dir, "{camera}", "{time}.png"),
		Clip:     filepath.Join(dir, "{camera}-{seq}.mjpeg"),
		Before:   250 * time.Millisecond, After: 200 * time.Millisecond,
	}
	s := Rules(Options{})
	for i := range 10 { // a frame each 0.1 s; the face is in the sixth
		f := seen(t, time.Duration(i)*100*time.Millisecond, []*pipeline.Rule{rule})
		if i == 5 {
			f.Found = append(f.Found, face())
		}
		if err := s.Show(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	const event = `{"camera":"front door","seq":6,"time":"2026-11-25T09:00:00.5Z","detections":[` +
		`{"stage":"faces","label":"face","box":[8,9,20,30],"score":2.5,"size":[64,48]}]}`
	for name, want := range map[string]string{"stdin": event, "args": "face at front door\n"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: %v: %s", name, err, got)
		}
	}
	if got, want := <-posted, "/seen?who=front+door "+event; got != want {
		t.Errorf("posted %s", got)
	}
	file, err := os.Open(filepath.Join(dir, "front_door-c9b799", "20261125-090000.500.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if c, _, err := image.DecodeConfig(file); err != nil || c.Width != 64 || c.Height != 48 {
		t.Errorf("the frame: %v, %d×%d", err, c.Width, c.Height)
	}
	clip, err := os.ReadFile(filepath.Join(dir, "front_door-c9b799-6.mjpeg"))
	if want := bytes.Repeat(mjpegtest.Frames(1, 64, 48, 80)[0], 5); err != nil || !bytes.Equal(clip, want) { // 0.3 to 0.7 s
		t.Errorf("the clip: %v, %d bytes, not %d", err, len(clip), len(want))
	}
}

// TestClipsAreUpright: a clip is the camera's own bytes, but for frames that EXIF says are to be turned, and tables.
func TestClipsAreUpright(t *testing.T) {
	plain := mjpegtest.Frames(1, 65, 47, 95)[0]
	frames := [][]byte{plain, mjpegtest.WithoutDHT(plain)}
	for orientation := 1; orientation <= 8; orientation++ {
		frames = append(frames, mjpegtest.WithSegment(plain, 0xE1, mjpegtest.Exif(orientation, nil, false)))
	}
	rule := &pipeline.Rule{Clip: filepath.Join(t.TempDir(), "clip.mjpeg"), Before: time.Minute}
	s := Rules(Options{})
	for i, jpeg := range frames {
		f := pipeline.NewFrame("door", uint64(i+1), jpeg, gocv.NewMatWithSize(48, 64, gocv.MatTypeCV8UC1), true)
		defer f.Close()
		f.SetRules(rule)
		if i == len(frames)-1 {
			f.Found = append(f.Found, face())
		}
		if err := s.Show(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got := jpegsIn(t, rule.Clip)
	if len(got) != len(frames) || !bytes.Equal(got[0], plain) || !bytes.Equal(got[2], frames[2]) {
		t.Fatalf("%d frames, or not the camera's bytes", len(got))
	}
	for i, jpeg := range got {
		h, err := mjpeg.ParseHeader(jpeg)
		if err != nil || !h.HasDHT || h.Orientation > 1 {
			t.Errorf("frame %d: %+v, %v", i+1, h, err)
		}
		if difference := compareDecoded(t, jpeg, frames[i]); difference > 6 {
			t.Errorf("frame %d differs by %.1f levels on average", i+1, difference)
		}
	}
}

// compareDecoded is by how many levels two frames differ on average, turned as OpenCV does.
func compareDecoded(t *testing.T, a, b []byte) float64 {
	t.Helper()
	var mats [2]gocv.Mat
	for i, jpeg := range [][]byte{a, b} {
		m, err := gocv.IMDecode(jpeg, gocv.IMReadColor)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		mats[i] = m
	}
	if mats[0].Cols() != mats[1].Cols() || mats[0].Rows() != mats[1].Rows() {
		t.Fatalf("%d×%d, want %d×%d", mats[0].Cols(), mats[0].Rows(), mats[1].Cols(), mats[1].Rows())
	}
	difference := gocv.NewMat()
	defer difference.Close()
	if err := gocv.AbsDiff(mats[0], mats[1], &difference); err != nil {
		t.Fatal(err)
	}
	mean := difference.Mean()
	return (mean.Val1 + mean.Val2 + mean.Val3) / 3
}

// TestRulesTime: a rule acts once what it waits for has been there long enough, and not again before its cooldown is
// over.
func TestRulesTime(t *testing.T) {
	for _, tt := range []struct {
		name  string
		rule  pipeline.Rule
		there string // x: the face is in this frame; ten frames a second
		acts  string // x: the rule acts
	}{
		{"at once, without cooldown", pipeline.Rule{}, "..xx.x..", "..xx.x.."},
		{"cooldown", pipeline.Rule{Cooldown: 300 * time.Millisecond}, "xxxxxxxx", "x..x..x."},
		{"for", pipeline.Rule{For: 300 * time.Millisecond}, "xxxxx...", "...xx..."},
		{"for, a frame missed", pipeline.Rule{For: 300 * time.Millisecond}, "xx.xx...", "...xx..."},
		{"for, gone for long", pipeline.Rule{For: 300 * time.Millisecond}, "xx......xxxx", "...........x"},
		{"label", pipeline.Rule{Label: "cat"}, "xxxx", "...."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "acted")
			rule := tt.rule
			rule.Run = []string{"sh", "-c", "echo {seq} >>" + file}
			s := Rules(Options{})
			want := ""
			for i, c := range tt.there {
				f := seen(t, time.Duration(i)*100*time.Millisecond, []*pipeline.Rule{&rule})
				if c == 'x' {
					f.Found = append(f.Found, face())
				}
				if err := s.Show(f); err != nil {
					t.Fatal(err)
				}
				if tt.acts[i] == 'x' {
					want += string(rune('1'+i)) + "\n"
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			want = strings.NewReplacer(":\n", "10\n", ";\n", "11\n", "<\n", "12\n").Replace(want)
			if got, _ := os.ReadFile(file); string(got) != want {
				t.Errorf("it acted at %q, not %q", got, want)
			}
		})
	}
}

// TestRulesNeverBlock: programs that hang, servers that are away and folders that cannot be made cost log lines, never
// time of the frame's.
func TestRulesNeverBlock(t *testing.T) {
	var log bytes.Buffer
	rules := []*pipeline.Rule{
		{Run: []string{"no-such-program"}},
		{Run: []string{"false"}},
		{Post: "http://127.0.0.1:1/"},
		{Snapshot: "/dev/null/x.jpg"},
		{Run: []string{"sleep", "60"}},
	}
	s := Rules(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	slowest := time.Duration(0)
	for i := range 100 {
		f := seen(t, time.Duration(i)*100*time.Millisecond, rules, face())
		begun := time.Now()
		if err := s.Show(f); err != nil {
			t.Fatal(err)
		}
		slowest = max(slowest, time.Since(begun))
	}
	if slowest > time.Second {
		t.Errorf("a frame waited %v", slowest)
	}
	begun := time.Now()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > lastWait+3*time.Second {
		t.Errorf("the end took %v", took)
	}
	for _, want := range []string{"no-such-program", "run false", "connection refused", "/dev/null", "run sleep: context canceled"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%q is not in\n%s", want, &log)
		}
	}
}

// TestEvents: a line for each frame in which something was found, and none for the others.
func TestEvents(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.jsonl")
	e, err := OpenEvents(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	code := filters.Detection{Stage: "codes", Label: "qr", Points: []image.Point{{1, 2}, {30, 2}, {30, 40}}, Value: "a \"b\"", Size: image.Pt(64, 48)}
	door, desk := e.Camera(), e.Camera()
	for i, s := range []pipeline.Sink{door, desk, door} {
		f := seen(t, time.Duration(i)*100*time.Millisecond, nil)
		if i != 1 {
			f.Found = []filters.Detection{code, face()}[:i/2+1]
		}
		if err := s.Show(f); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []io.Closer{door, desk, e} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines:\n%s", len(lines), text)
	}
	const first = `{"camera":"front door","seq":1,"time":"2026-11-25T09:00:00Z","detections":[` +
		`{"stage":"codes","label":"qr","points":[[1,2],[30,2],[30,40]],"value":"a \"b\"","size":[64,48]}]}`
	if lines[0] != first {
		t.Errorf("the first line is %s", lines[0])
	}
	var second event
	if err := json.Unmarshal([]byte(lines[1]), &second); err != nil || second.Seq != 3 || len(second.Detections) != 2 {
		t.Errorf("the second line is %s (%v)", lines[1], err)
	}
	if _, err := OpenEvents(path, Options{}); err == nil {
		t.Error("an earlier run's file was overwritten")
	}
}

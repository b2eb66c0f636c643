//go:build cgo && linux

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"picam/capture/capturetest"
	"picam/capture/probe"
	"picam/mjpeg/mjpegtest"
)

// probed runs picam probe --json and returns what it says.
func probed(t *testing.T, status int, args ...string) probe.Report {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(binary(t), append([]string{"probe", "--json"}, args...)...)
	cmd.Stdout = &out
	start(t, cmd).ends(status)
	var r probe.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("%v in %s", err, &out)
	}
	return r
}

// issues lists their names.
func issues(r probe.Report) string {
	var names []string
	for _, s := range r.Issues {
		names = append(names, s.Name)
	}
	return strings.Join(names, " ")
}

// endless is a camera like an ESP32-CAM's, which sends 50 frames a second.
func endless(t *testing.T) (server *httptest.Server, sent *atomic.Int64) {
	t.Helper()
	frames := mjpegtest.Frames(8, 320, 240, 80)
	sent = &atomic.Int64{}
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/stream" {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, `<!doctype html><title>ESP32 camera</title><img src="/stream">`)
			return
		}
		w.Header().Set("Content-Type", "multipart/x-mixed-replace;boundary=123456789000000000000987654321")
		for i := 0; r.Context().Err() == nil; i++ {
			p := frames[i%8]
			fmt.Fprintf(w, "Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n--123456789000000000000987654321\r\n", len(p), p)
			if i%2 == 0 { // half of a frame may have gone by
				_ = http.NewResponseController(w).Flush()
			}
			sent.Add(1)
			time.Sleep(20 * time.Millisecond) // sleep: the pace of a camera
		}
	}))
	t.Cleanup(server.Close)
	return server, sent
}

func TestProbeText(t *testing.T) {
	path := writeFile(t, "clip.mjpeg", strings.Repeat(string(mjpegtest.WithoutDHT(mjpegtest.Frames(1, 320, 240, 80)[0]))+"\x00\x00\x00", 5))
	const want = `file:clip.mjpeg
  5 frames in 50 kB
  frames    320×240, colour 4:2:0, baseline, no Huffman tables
  size      9908 bytes each; quality 80
  markers   SOI DQT SOF0 SOS EOI
  padding   zero bytes behind 5 frames, 3 bytes

Which programs have trouble with it, and why
  - all frames lack their Huffman tables (DHT)
      Go programs (image/jpeg): an error
      Safari: most stay black (AlexxIT/go2rtc#2439)
  - zero bytes behind all frames (3 bytes)
      the Python script picamera_server.py: glues it to the next frame
      go2rtc with tcp://: cuts only where a read ends in FF D9

What to type
  picam send --source file:clip.mjpeg --fps 30 --to HOST:8002
  picam recv --from file:clip.mjpeg
`
	for _, program := range []string{binary(t), staticHere(t)} {
		cmd := exec.Command(program, "probe", "file:clip.mjpeg")
		cmd.Dir = filepath.Dir(path)
		p := start(t, cmd)
		p.ends(0)
		if p.text() != want {
			t.Errorf("%s: got\n%s\nwant\n%s", program, p.text(), want)
		}
	}
}

// TestProbeNothing: what is no MJPEG ends with status 1 and is named; what is no source is a usage error.
func TestProbeNothing(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	camera, _ := endless(t)
	for _, tt := range []struct {
		name, spec string
		status     int
		want       string
	}{
		{"H.264", "file:" + writeFile(t, "x.h264", "\x00\x00\x00\x01\x67\x42\x00\x1f"), 1, `H.264 video(?s).*'ffmpeg:-f h264 -i .*x.h264'`},
		{"PNG", "file:" + writeFile(t, "x.png", "\x89PNG\r\n\x1a\n"), 1, "a PNG frame"},
		{"no file", "file:nowhere", 1, "no such file"},
		{"a program's words", "exec:echo hello", 1, `text: "hello"`},
		{"no program", "exec:nosuchprogram", 1, "there is no such command"},
		{"a page", camera.URL, 1, "a web page, \"ESP32 camera\"(?s).*most likely at " + camera.URL + "/stream"},
		{"nobody", closed.URL, 1, `is the camera on, and is the port right\?\n`},
		{"nobody at a socket", "tcp://" + strings.TrimPrefix(closed.URL, "http://"), 1, "refused: is the sender there, with --listen"},
		{"RTSP", "rtsp://cam/1", 2, "go2rtc or mediamtx"},
		{"a device without its kind", "/dev/video0", 2, "did you mean v4l2:/dev/video0"},
		{"no source", "", 2, "picam probe of what"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := []string{"probe", tt.spec}
			if tt.spec == "" {
				args = args[:1]
			}
			p := picam(t, args...)
			p.ends(tt.status)
			p.says(tt.want)
			if strings.Contains(p.text(), "tries again") || strings.Contains(p.text(), "waits for it") {
				t.Error("it promises to go on")
			}
		})
	}
	p := picam(t, "probe", "http://u:geheim@cam", "--json")
	p.ends(2)
	p.says("flags stand before the source: picam probe --json http://USER:PASSWORD@cam\n")
}

// TestProbeCamera looks at a camera that sends on, by HTTP. What it says to type works, and what is secret is not in
// it.
func TestProbeCamera(t *testing.T) {
	camera, _ := endless(t)
	spec := strings.Replace(camera.URL, "http://", "http://pi:geheim@", 1) + "/stream?pwd=auchgeheim"
	r := probed(t, 0, "--time", "500ms", spec)
	if r.Frames < 2 || r.Bytes.Damaged != 0 || r.Damage.Share != 0 || r.HTTP == nil || !r.HTTP.Chunked || r.HTTP.Ended {
		t.Errorf("%+v, %+v", r, r.HTTP)
	}
	if issues(r) != "no-first-boundary" || r.Parts.Maker != "an ESP32-CAM" || len(r.Kinds) != 1 || r.Kinds[0].Width != 320 {
		t.Errorf("%s, %+v, %+v", issues(r), r.Parts, r.Kinds)
	}
	if text, _ := json.Marshal(r); bytes.Contains(text, []byte("geheim")) {
		t.Errorf("the password is in %s", text)
	}

	// The line that it prints, with the secrets put back.
	out := filepath.Join(t.TempDir(), "out.mjpeg")
	line := strings.NewReplacer("USER:PASSWORD", "pi:geheim", "…", "auchgeheim").Replace(r.Commands[0])
	line = "exec " + binary(t) + strings.TrimPrefix(line, "picam") + " --display none --record-raw " + out
	recv := start(t, exec.Command("sh", "-c", line))
	until(t, "frames are recorded", func() bool { return size(out) > 20_000 })
	recv.interrupt()
}

// TestProbeInterrupted: Ctrl-C ends it early, with a report.
func TestProbeInterrupted(t *testing.T) {
	camera, sent := endless(t)
	p := picam(t, "probe", "--time", "10m", camera.URL+"/stream")
	until(t, "frames are sent", func() bool { return sent.Load() > 20 })
	p.signal(syscall.SIGINT)
	p.ends(0)
	p.says(`\d+ frames in`)
	p.says("there is no boundary before the first frame")
	if strings.Contains(p.text(), "not whole") {
		t.Error("the frame under way counts as damaged")
	}
}

// TestProbeDialects: the real program says of all ways to answer that picam takes them.
func TestProbeDialects(t *testing.T) {
	frames := mjpegtest.Frames(3, 96, 64, 80)
	for _, d := range capturetest.Dialects(frames) {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			addr, _ := capturetest.Serve(t, d.Answer)
			r := probed(t, 0, "--time", "1s", "--fps", "100", "http://"+addr+"/a")
			if r.Frames < 1 || r.Refused || r.Error != "" || len(r.Commands) != 2 {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestProbeSender looks at a picam send that listens.
func TestProbeSender(t *testing.T) {
	addr := freePort(t)
	picam(t, "send", "--listen", addr, "--source", "pattern", "--size", "160x120", "--fps", "30", "--name", "door")
	until(t, "it listens", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	r := probed(t, 0, "--time", "500ms", "tcp://"+addr)
	if r.Stamp == nil || r.Stamp.Camera != "door" || r.Stamp.Frames != r.Frames || r.Stamp.Age == nil || r.Damage.Share != 0 {
		t.Errorf("%+v, %+v", r, r.Stamp)
	}
	if want := "picam recv --from tcp://" + addr; len(r.Commands) != 1 || r.Commands[0] != want {
		t.Errorf("%q, want %q", r.Commands, want)
	}
}

// TestProbeOtherPrograms looks at what ffmpeg and GStreamer really write.
func TestProbeOtherPrograms(t *testing.T) {
	const lavfi = "ffmpeg -v error -f lavfi -i testsrc=duration=1:rate=25:size=320x240 "
	for _, tt := range []struct {
		name, program, command, issues, marker, maker, found string
		frames                                               int64
	}{
		{"ffmpeg", "ffmpeg", lavfi + "-c:v mjpeg -pix_fmt yuvj420p -f mjpeg -", "", "APP0 JFIF", "", "", 25},
		{"ffmpeg, multipart", "ffmpeg", lavfi + "-c:v mjpeg -pix_fmt yuvj422p -f mpjpeg -", "bare-multipart", "COM", "ffmpeg -f mpjpeg", "", 25},
		{"ffmpeg, H.264", "ffmpeg", lavfi + "-c:v libx264 -f h264 -", "", "", "", "H.264 video", 0},
		{"ffmpeg, MPEG-TS", "ffmpeg", lavfi + "-c:v libx264 -f mpegts -", "", "", "", "an MPEG transport stream, most likely with H.264 in it", 0},
		{"ffmpeg, MPEG-4", "ffmpeg", lavfi + "-c:v mpeg4 -f m4v -", "", "", "", "MPEG-4 video", 0},
		{"ffmpeg, MPEG-2", "ffmpeg", lavfi + "-c:v mpeg2video -f mpeg2video -", "", "", "", "MPEG-1 or MPEG-2 video", 0},
		{"ffmpeg, Matroska", "ffmpeg", lavfi + "-c:v libx264 -f matroska -", "", "", "", "a Matroska or WebM file", 0},
		{"ffmpeg, AVI of MJPEG", "ffmpeg", lavfi + "-c:v mjpeg -pix_fmt yuvj420p -f avi -", "", "", "",
			"an AVI file; picam takes the JPEG frames in it, without its times and sounds", 25},
		{"GStreamer", "gst-launch-1.0", "gst-launch-1.0 -q videotestsrc num-buffers=25 ! jpegenc ! fdsink", "", "APP0 JFIF", "", "", 25},
		{"GStreamer, multipart", "gst-launch-1.0", "gst-launch-1.0 -q videotestsrc num-buffers=25 ! jpegenc ! multipartmux ! fdsink", "bare-multipart",
			"DHT", "GStreamer's multipartmux", "", 25},
	} {
		t.Run(tt.name, func(t *testing.T) {
			need(t, tt.program)
			status := 0
			if tt.frames == 0 {
				status = 1
			}
			r := probed(t, status, "--time", "1m", "exec:"+tt.command)
			if tt.found != "" && strings.Contains(r.Error, "Unknown encoder") {
				t.Skip(r.Error)
			}
			got := strings.TrimSpace(strings.NewReplacer("padding", "", "short-data", "").Replace(issues(r)))
			if r.Frames != tt.frames || r.Damage.Share != 0 || got != tt.issues || r.Found != tt.found {
				t.Errorf("%d frames, %s, %q, %+v, %s", r.Frames, got, r.Found, r.Damage, r.Error)
			}
			if tt.marker != "" && !strings.Contains(fmt.Sprint(r.Markers), "{"+tt.marker+" 25") {
				t.Errorf("markers %+v", r.Markers)
			}
			if tt.maker != "" && (r.Parts == nil || r.Parts.Maker != tt.maker || r.Parts.Lengths["right"] != 25) {
				t.Errorf("parts %+v", r.Parts)
			}
		})
	}
	t.Run("a pipe", func(t *testing.T) {
		need(t, "ffmpeg")
		p := start(t, exec.Command("sh", "-c", lavfi+"-c:v mjpeg -f mjpeg - | "+binary(t)+" probe -"))
		p.ends(0)
		p.says(`25 frames in`)
		p.says(`… \| picam send --source - --to HOST:8002`)
	})
	t.Run("a Raspberry Pi's camera", func(t *testing.T) {
		clip := writeFile(t, "clip.mjpeg", string(bytes.Join(mjpegtest.Frames(5, 320, 240, 80), nil)))
		writeTool := filepath.Join(filepath.Dir(clip), "rpicam-vid")
		if err := os.WriteFile(writeTool, []byte("#!/bin/sh\ncat "+clip+"\nsleep 60\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(binary(t), "probe", "--time", "200ms", "--size", "320x240", "rpicam")
		cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(clip)+":"+os.Getenv("PATH"))
		p := start(t, cmd)
		p.ends(0)
		p.says(`5 frames in`)
		p.says(`picam send --source rpicam --size 320x240 --to HOST:8002\n`)
	})
}

// TestProbeV4L2 looks at what real drivers give, before picam send repairs it.
func TestProbeV4L2(t *testing.T) {
	cameras(t)
	clip := mjpegtest.Frames(60, 320, 240, 80)
	file := writeFile(t, "clip.mjpeg", string(bytes.Join(clip, nil)))
	m := startVM(t, "for camera in 0 1 2; do /picam probe --json --time 2s v4l2:$camera >$camera.json & done; wait",
		"--feed", file, "--feed-flags", broken().flags, "--uvc-clip", file, "--uvc-flags", bareAndPadded().flags)
	m.ends(0)
	report := func(name string) (r probe.Report) {
		t.Helper()
		if err := json.Unmarshal(readFile(t, filepath.Join(m.out, name)), &r); err != nil {
			t.Fatal(err)
		}
		if r.Camera == nil || r.Frames == 0 {
			t.Fatalf("%+v", r)
		}
		return r
	}
	if vivid := report("0.json"); !vivid.Camera.Encoding || vivid.Camera.Name != "vivid" || vivid.Damage.Share != 0 {
		t.Errorf("%+v", vivid.Camera)
	}
	loopback := report("1.json")
	if c := loopback.Camera; c.Empty == 0 || c.NotJPEG == 0 || c.Broken == 0 || issues(loopback) != "damaged" ||
		loopback.Frames != c.Buffers-c.Empty-c.NotJPEG-c.Broken {
		t.Errorf("%+v, %s", c, issues(loopback))
	}
	usb := report("2.json")
	if p := usb.Padding; p == nil || p.Size.Min != 64 || p.Size.Max != 64 || p.Frames != usb.Frames || issues(usb) != "no-huffman-tables" {
		t.Errorf("%+v, %s", p, issues(usb))
	}
}

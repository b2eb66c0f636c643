//go:build cgo

package e2e

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

const edges = "filters: [grayscale, blur: {size: 5}, canny: {low: 50, high: 150}]\n"

func TestClipArrivesByteForByte(t *testing.T) {
	path, stream := clip(t, 60, 320, 240)
	for _, args := range [][]string{nil, {"--no-stamp"}} {
		t.Run(fmt.Sprint(args), func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out.mjpeg")
			recv, addr := recvProcess(t, "--policy", "all", "--once", "--record-raw", out)
			send := picam(t, append([]string{"send", "--to", addr, "--source", "file:" + path, "--policy", "all", "--fps", "0"}, args...)...)
			send.ends(0)
			recv.ends(0)
			if got := readFile(t, out); !bytes.Equal(got, stream) {
				t.Errorf("%d bytes arrived, %d were sent, and they differ", len(got), len(stream))
			}
		})
	}
}

func TestChainGivesTheSamePixelsAsPlainOpenCV(t *testing.T) {
	path, stream := clip(t, 12, 320, 240)
	out := filepath.Join(t.TempDir(), "frames", "%06d.png")
	recv, addr := recvProcess(t, "--policy", "all", "--once", "--record", out, "--config", writeFile(t, "filters.yaml", edges))
	picam(t, "send", "--to", addr, "--source", "file:"+path).ends(0)
	recv.ends(0)
	for i, p := range jpegsIn(t, stream) {
		file, err := os.Open(fmt.Sprintf(out, i+1))
		if err != nil {
			t.Fatal(err)
		}
		got, err := png.Decode(file)
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		gray, ok := got.(*image.Gray)
		if !ok {
			t.Fatalf("frame %d is a %T", i+1, got)
		}
		if !bytes.Equal(gray.Pix, plainEdges(t, p)) {
			t.Errorf("frame %d differs from OpenCV's", i+1)
		}
	}
	if _, err := os.Stat(fmt.Sprintf(out, 13)); err == nil {
		t.Error("there is a frame too many")
	}
}

// plainEdges is the chain of edges by plain calls of OpenCV.
func plainEdges(t testing.TB, jpeg []byte) []byte {
	t.Helper()
	gray, err := gocv.IMDecode(jpeg, gocv.IMReadGrayScale)
	if err != nil {
		t.Fatal(err)
	}
	defer gray.Close()
	smooth, result := gocv.NewMat(), gocv.NewMat()
	defer smooth.Close()
	defer result.Close()
	if err := gocv.GaussianBlur(gray, &smooth, image.Pt(5, 5), 0, 0, gocv.BorderDefault); err != nil {
		t.Fatal(err)
	}
	if err := gocv.Canny(smooth, &result, 50, 150); err != nil {
		t.Fatal(err)
	}
	return result.ToBytes()
}

func TestHostileStreams(t *testing.T) {
	for _, s := range mjpegtest.Streams() {
		if s.Name == "text before the first frame" {
			continue // which is an HTTP request's: TestNoiseOnThePort
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(t.TempDir(), "out.mjpeg")
			recv, addr := recvProcess(t, "--policy", "all", "--once", "--record-raw", out)
			push(t, addr, s.Reader())
			if len(s.Want) == 0 { // nothing ever came from a camera, so the receiver waits on
				recv.interrupt()
			} else {
				recv.ends(0)
			}
			got := jpegsIn(t, readFileIfThere(t, out))
			if len(got) != len(s.Want) {
				t.Fatalf("%d frames, want %d", len(got), len(s.Want))
			}
			for i := range got {
				if !bytes.Equal(got[i], s.Want[i]) {
					t.Errorf("frame %d of %d differs", i, len(got))
				}
			}
		})
	}
}

// TestJunkIsShown: what OpenCV and ffmpeg show of cameras that leave junk between segments, picam shows, and never a
// thumbnail in its place; the recording has the camera's own bytes.
func TestJunkIsShown(t *testing.T) {
	plain := mjpegtest.WithSegment(mjpegtest.Frames(1, 64, 48, 75)[0], 0xE0, []byte("JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"))
	exif := mjpegtest.WithSegment(plain, 0xE1, mjpegtest.Exif(1, mjpegtest.Frames(1, 16, 16, 50)[0], true))
	for name, frame := range map[string][]byte{
		"none":                  plain,
		"a byte before DQT":     mjpegtest.WithJunk(plain, []byte{0}, mjpegtest.Segments(plain)[1]),
		"before all segments":   mjpegtest.WithJunk(exif, []byte("a\xFF\x00\xFF\xD3b"), mjpegtest.Segments(exif)[1:]...),
		"behind a thumbnail":    mjpegtest.WithJunk(exif, make([]byte, 16), mjpegtest.Segments(exif)[1]),
		"4096 bytes, no tables": mjpegtest.WithJunk(mjpegtest.WithoutDHT(exif), make([]byte, 4096), mjpegtest.Segments(exif)[1]),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, dir := writeFile(t, "in.jpg", string(frame)), t.TempDir()
			raw := filepath.Join(dir, "raw.mjpeg")
			picam(t, "recv", "--from", "file:"+path, "--display", "none", "--record", filepath.Join(dir, "%d.png"), "--record-raw", raw,
				"--stats-file", filepath.Join(dir, "stats.json")).ends(0)
			stats := readCameraStats(t, filepath.Join(dir, "stats.json"))
			if len(stats) != 1 || (stats[0].Junk == 1) != (name != "none") {
				t.Errorf("stats %+v", stats)
			}
			if got, err := png.DecodeConfig(bytes.NewReader(readFile(t, filepath.Join(dir, "1.png")))); err != nil || got.Width != 64 || got.Height != 48 {
				t.Errorf("shown is %d×%d, %v", got.Width, got.Height, err)
			}
			if !bytes.Equal(readFile(t, raw), frame) {
				t.Error("the recording has other bytes")
			}
		})
	}
}

// TestPicameraScript plays the old script: sock.makefile('wb') is a buffer of 8 KiB that holds a frame's tail back.
func TestPicameraScript(t *testing.T) {
	want := mjpegtest.Frames(30, 200, 150, 70)
	out := filepath.Join(t.TempDir(), "out.mjpeg")
	recv, addr := recvProcess(t, "--policy", "all", "--once", "--record-raw", out)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(conn, 8192)
	for i, p := range want {
		if _, err := w.Write(p); err != nil {
			t.Fatal(err)
		}
		if i == 10 {
			time.Sleep(300 * time.Millisecond) // sleep: half a frame stays in the buffer for a while
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	recv.ends(0)
	if !bytes.Equal(readFile(t, out), bytes.Join(want, nil)) {
		t.Error("the frames differ")
	}
}

func TestOtherProgramsSend(t *testing.T) {
	path, stream := clip(t, 25, 320, 240)
	tests := []struct {
		name  string
		exact bool // the frames pass unchanged
		cmd   func(host, port string) *exec.Cmd
	}{
		{"ffmpeg", true, func(host, port string) *exec.Cmd {
			return exec.Command("ffmpeg", "-loglevel", "error", "-f", "mjpeg", "-i", path, "-c", "copy", "-f", "mjpeg", "tcp://"+host+":"+port)
		}},
		{"ffmpeg", false, func(host, port string) *exec.Cmd {
			return exec.Command("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc=duration=1:rate=25:size=320x240",
				"-c:v", "mjpeg", "-f", "mjpeg", "tcp://"+host+":"+port)
		}},
		{"gst-launch-1.0", true, func(host, port string) *exec.Cmd {
			return exec.Command("gst-launch-1.0", "-q", "filesrc", "location="+path, "!", "jpegparse", "!", "tcpclientsink", "host="+host, "port="+port)
		}},
		{"gst-launch-1.0", false, func(host, port string) *exec.Cmd {
			return exec.Command("gst-launch-1.0", "-q", "videotestsrc", "num-buffers=25", "!", "jpegenc", "!", "tcpclientsink", "host="+host, "port="+port)
		}},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s exact=%v", tt.name, tt.exact), func(t *testing.T) {
			need(t, tt.name)
			out := filepath.Join(t.TempDir(), "out.mjpeg")
			stats := filepath.Join(t.TempDir(), "stats.json")
			recv, addr := recvProcess(t, "--policy", "all", "--once", "--record-raw", out, "--stats-file", stats, "--config", writeFile(t, "f.yaml", edges))
			host, port, _ := net.SplitHostPort(addr)
			start(t, tt.cmd(host, port)).ends(0)
			recv.ends(0)
			got := jpegsIn(t, readFile(t, out))
			if len(got) != 25 {
				t.Errorf("%d frames arrived, 25 were sent", len(got))
			}
			if tt.exact && !bytes.Equal(bytes.Join(got, nil), stream) {
				t.Error("the frames differ")
			}
			if s := readCameraStats(t, stats)[0]; s.FramesOut != 25 {
				t.Errorf("%d of 25 went through the chain: %v", s.FramesOut, s.Dropped)
			}
		})
	}
}

// toFFmpeg has picam send, with more flags, to ffmpeg, which must get n frames. It returns what ffmpeg said.
func toFFmpeg(t *testing.T, n int, flags ...string) (said string) {
	t.Helper()
	need(t, "ffmpeg", "ffprobe")
	addr := freePort(t)
	out := filepath.Join(t.TempDir(), "out.avi")
	ffmpeg := start(t, exec.Command("ffmpeg", "-loglevel", "error", "-f", "mjpeg", "-i", "tcp://"+addr+"?listen=1", "-c", "copy", out))
	picam(t, append([]string{"send", "--to", addr}, flags...)...).ends(0)
	ffmpeg.ends(0)
	probe, err := exec.Command("ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0",
		out).CombinedOutput()
	if err != nil || strings.TrimSpace(string(probe)) != strconv.Itoa(n) {
		t.Errorf("ffprobe counts %q frames (%v), want %d", probe, err, n)
	}
	return ffmpeg.text()
}

// toGStreamer is the same with GStreamer, which decodes them.
func toGStreamer(t *testing.T, n int, flags ...string) {
	t.Helper()
	need(t, "gst-launch-1.0")
	addr := freePort(t)
	_, port, _ := net.SplitHostPort(addr)
	dir := t.TempDir()
	gst := start(t, exec.Command("gst-launch-1.0", "-q", "tcpserversrc", "host=127.0.0.1", "port="+port, "!", "jpegparse", "!", "jpegdec", "!",
		"jpegenc", "!", "multifilesink", "location="+dir+"/%d.jpg"))
	picam(t, append([]string{"send", "--to", addr}, flags...)...).ends(0)
	gst.ends(0)
	if got, _ := filepath.Glob(dir + "/*.jpg"); len(got) != n {
		t.Errorf("%d frames came out, want %d", len(got), n)
	}
}

func TestOtherProgramsReceive(t *testing.T) {
	path, _ := clip(t, 25, 320, 240)
	t.Run("ffmpeg", func(t *testing.T) { toFFmpeg(t, 25, "--source", "file:"+path) })
	t.Run("GStreamer", func(t *testing.T) { toGStreamer(t, 25, "--source", "file:"+path) })
	t.Run("a bare socket", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		send := picam(t, "send", "--to", l.Addr().String(), "--source", "pattern:20", "--fps", "50", "--size", "160x120", "--name", "the door")
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		r := mjpeg.NewReader(conn, 0)
		for n := uint64(1); n <= 20; n++ {
			f, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if stamp, ok := r.Stamp(); !ok || stamp.Camera != "the door" || f.Seq != n || time.Since(f.Captured) > time.Minute {
				t.Errorf("frame %d has the stamp %+v", n, stamp)
			}
		}
		send.ends(0)
	})
}

func TestStatsFile(t *testing.T) {
	path, stream := clip(t, 30, 320, 240)
	dir := t.TempDir()
	recv, addr := recvProcess(t, "--policy", "all", "--once", "--stats-file", dir+"/recv.json", "--config", writeFile(t, "f.yaml", edges))
	picam(t, "send", "--to", addr, "--source", "file:"+path, "--name", "door", "--stats-file", dir+"/send.json").ends(0)
	recv.ends(0)
	s := readCameraStats(t, dir+"/recv.json")[0]
	if s.Camera != "door" || s.FramesIn != 30 || s.FramesOut != 30 || s.BytesIn != int64(len(stream)) || s.Width != 320 || s.Height != 240 || s.drops() != 0 {
		t.Errorf("%+v", s)
	}
	if s.Total.Count != 30 || s.Decode.P50 <= 0 || s.Inside.P50 < s.Decode.P50 || s.Total.Max < s.Total.P99 || s.Seconds <= 0 {
		t.Errorf("latencies %+v", s)
	}
	sent := readSenderStats(t, dir+"/send.json")
	if sent.Captured != 30 || sent.Sent != 30 || sent.Dropped != 0 {
		t.Errorf("%+v", sent)
	}
}

func TestReceiverComesBack(t *testing.T) {
	addr := freePort(t)
	// The sender starts first: nobody is there yet.
	send := picam(t, "send", "--to", addr, "--source", "pattern", "--fps", "30", "--size", "160x120")
	send.says("refused")
	for round := range 3 {
		out := filepath.Join(t.TempDir(), "out.mjpeg")
		recv := picam(t, "recv", "--listen", addr, "--display", "none", "--record-raw", out)
		recv.says("msg=listening")
		since := time.Now()
		recv.says(`msg="new camera"`)
		if d := time.Since(since); d > time.Second {
			t.Errorf("round %d: frames %v after the receiver's return, want 1s at most", round, d)
		}
		until(t, "frames are recorded", func() bool { return recorded(out) > 20_000 })
		recv.signal(syscall.SIGKILL)
		<-recv.done
	}
	send.interrupt()
}

func TestSenderComesBack(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.mjpeg")
	recv, addr := recvProcess(t, "--record-raw", out)
	for round := range 3 {
		before := recorded(out)
		send := picam(t, "send", "--to", addr, "--source", "pattern", "--fps", "30", "--size", "160x120", "--name", "door")
		until(t, fmt.Sprintf("frames in round %d", round), func() bool { return recorded(out) > before+20_000 })
		send.signal(syscall.SIGKILL)
		<-send.done
	}
	recv.interrupt()
	// All three were one camera: one file, and no half frame in it.
	if n := strings.Count(recv.text(), `msg="new camera"`); n != 1 {
		t.Errorf("the camera came as %d cameras", n)
	}
	stream := readFile(t, strings.Replace(out, "out.", "out-door.", 1))
	if whole := bytes.Join(jpegsIn(t, stream), nil); !bytes.Equal(whole, stream) {
		t.Errorf("of %d recorded bytes only %d are whole frames", len(stream), len(whole))
	}
}

func TestSendListens(t *testing.T) {
	path, stream := clip(t, 30, 160, 120)
	addr := freePort(t)
	out := filepath.Join(t.TempDir(), "out.mjpeg")
	recv := picam(t, "recv", "--from", "tcp://"+addr, "--once", "--policy", "all", "--display", "none", "--record-raw", out)
	send := picam(t, "send", "--listen", addr, "--source", "file:"+path)
	send.ends(0)
	recv.ends(0)
	if !bytes.Equal(readFile(t, out), stream) {
		t.Error("the frames differ")
	}
}

func TestManyReconnections(t *testing.T) {
	recv, addr := recvProcess(t, "--config", writeFile(t, "f.yaml", edges))
	frame := mjpegtest.Frames(1, 160, 120, 80)[0]
	resources := func() (files, threads int) {
		fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", recv.cmd.Process.Pid))
		if err != nil {
			t.Skip("no /proc")
		}
		tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", recv.cmd.Process.Pid))
		return len(fds), len(tasks)
	}
	for range 20 {
		push(t, addr, bytes.NewReader(frame))
	}
	files, threads := resources()
	for range 100 {
		push(t, addr, bytes.NewReader(frame))
	}
	until(t, "connections are closed", func() bool { now, _ := resources(); return now <= files })
	if _, now := resources(); now > threads+4 {
		t.Errorf("%d threads, %d before", now, threads)
	}
	recv.interrupt()
}

// TestFiltersEditedUnderLoad: every shown frame is made by one version of the chain, whole, and none is lost. The
// version shows in the width and in the height.
func TestFiltersEditedUnderLoad(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "filters.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(config+"~", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(config+"~", config); err != nil {
			t.Fatal(err)
		}
	}
	chain := func(v int) string {
		return fmt.Sprintf("filters:\n  - resize: {width: %d, height: 40}\n  - rotate: {degrees: 90}\n  - resize: {width: %d, height: %d}\n", 64+v, 64+v, 64+v)
	}
	bad := []string{"filters: [nonsense]\n", "filters: {", "filters:\n  - blur: {size: 4}\n", "\x00"}
	write(chain(0))
	out := filepath.Join(dir, "out", "%06d.png")
	recv, addr := recvProcess(t, "--policy", "all", "--once", "--config", config, "--record", out, "--stats-file", dir+"/stats.json")
	send := picam(t, "send", "--to", addr, "--source", "pattern", "--size", "160x120", "--fps", "120", "--policy", "all", "--stats-file", dir+"/send.json")
	recv.says("new camera")
	for v := 1; v <= 50; v++ {
		if v%5 == 0 {
			told := strings.Count(recv.text(), "the filters stay as they were")
			write(bad[v/5%len(bad)])
			recv.signal(syscall.SIGHUP)
			until(t, "the fault is told", func() bool { return strings.Count(recv.text(), "the filters stay as they were") > told })
			continue
		}
		write(chain(v))
		recv.signal(syscall.SIGHUP)
		recv.says(fmt.Sprintf(`resize width=%d height=%d`, 64+v, 64+v))
	}
	send.interrupt()
	recv.ends(0)
	stats := readCameraStats(t, dir+"/stats.json")[0]
	sent := readSenderStats(t, dir+"/send.json")
	if stats.FramesIn != int64(sent.Sent) || stats.FramesOut != stats.FramesIn {
		t.Errorf("%d sent, %d received, %d shown: %v", sent.Sent, stats.FramesIn, stats.FramesOut, stats.Dropped)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "out", "*.png"))
	if int64(len(files)) != stats.FramesOut {
		t.Errorf("%d files of %d frames shown", len(files), stats.FramesOut)
	}
	seen := map[int]bool{}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		c, err := png.DecodeConfig(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if c.Width != c.Height || c.Width < 64 || c.Width > 114 {
			t.Errorf("%s is %d×%d: of no version", file, c.Width, c.Height)
		}
		seen[c.Width] = true
	}
	if len(seen) < 10 {
		t.Errorf("only %d versions left frames", len(seen))
	}
}

func TestFileChangeIsNoticedWithoutASignal(t *testing.T) {
	config := writeFile(t, "filters.yaml", "filters: [grayscale]\n")
	recv, addr := recvProcess(t, "--config", config)
	picam(t, "send", "--to", addr, "--source", "pattern", "--size", "160x120")
	recv.says("new camera")
	if err := os.WriteFile(config, []byte("filters: [grayscale, blurr]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	recv.says(`filters.yaml:1:22: unknown filter .*blurr.*did you mean blur`)
	if err := os.WriteFile(config, []byte("filters: [grayscale, blur]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	recv.says(`decode gray > blur`)
	recv.interrupt()
}

// TestNoiseOnThePort: what does not send frames gets one warning each, and a camera is not disturbed.
func TestNoiseOnThePort(t *testing.T) {
	stats := filepath.Join(t.TempDir(), "stats.json")
	recv, addr := recvProcess(t, "--once", "--policy", "all", "--stats-file", stats, "--idle-timeout", "2s")
	send := picam(t, "send", "--to", addr, "--source", "pattern:150", "--fps", "30", "--size", "160x120", "--policy", "all")
	recv.says("new camera")
	noise := map[string]func(net.Conn){
		"an HTTP request": func(c net.Conn) { fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: pi\r\n\r\n") },
		"TLS": func(c net.Conn) {
			_ = tls.Client(c, &tls.Config{InsecureSkipVerify: true}).Handshake()
		},
		"random": func(c net.Conn) {
			rng := rand.New(rand.NewPCG(1, 2))
			b := make([]byte, 4096)
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			_, _ = c.Write(b)
		},
	}
	for _, speak := range noise {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(3 * time.Second))
		speak(c)
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = c.Read(make([]byte, 1)) // waits for the receiver to close
		c.Close()
	}
	for range 20 { // a port scan
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
		}
	}
	send.ends(0)
	recv.ends(0)
	text := recv.text()
	for _, what := range []string{"HTTP", "TLS"} {
		if n := strings.Count(text, what); n == 0 {
			t.Errorf("no word of %s", what)
		}
	}
	if n := strings.Count(text, "level=WARN"); n < 2 || n > 6 {
		t.Errorf("%d warnings", n)
	}
	if s := readCameraStats(t, stats); len(s) != 1 || s[0].FramesOut != 150 {
		t.Errorf("the camera was disturbed: %+v", s)
	}
}

func TestUsage(t *testing.T) {
	bad := writeFile(t, "bad.yaml", "filters:\n  - blurr\n  - canny: {low: -1}\n")
	good := writeFile(t, "good.yaml", edges)
	cut := writeFile(t, "cut.yaml", "filters:\n  - crop: {x: 700, y: 500, width: 300, height: 200}\n")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	tests := []struct {
		args   string
		status int
		want   string // a part of the output
		lines  int    // at most; 0: any number
	}{
		{"", 0, "picam send --to auto", 0},
		{"--help", 0, "Commands:", 0},
		{"--version", 0, "OpenCV ", 1},
		{"send --help", 0, "pattern", 0},
		{"recv --help", 0, "--record-raw", 0},
		{"version", 0, "OpenCV ", 1},
		{"sned", 2, `there is no command "sned"`, 1},
		{"send", 2, "picam send --to HOST:8002", 1},
		{"send --to", 2, "--to takes HOST:PORT", 1},
		{"send --too x", 2, "there is no flag --too (did you mean --to?); picam send --help", 1},
		{"send --to a:1 --listen :1", 2, "not both", 1},
		{"send --to auto --listen :1", 2, "not both", 1},
		{"discover --time 0s", 2, "--time 0s: takes a time from 1ms to 24h, such as 3s", 1},
		{"discover desk", 2, `picam discover takes no argument "desk"`, 1},
		{"send --to a:1 --size 12", 2, "--size 12: takes WIDTHxHEIGHT", 1},
		{"send --to a:1 --size 1280x720p", 2, "takes WIDTHxHEIGHT", 1},
		{"send --to a:1 --quality 101", 2, "--quality 101: takes a whole number from 0 to 100", 1},
		{"send --to a:1 --fps fast", 2, "fast", 1},
		{"send --to a:99999", 2, "99999", 1},
		{"send --to a:1 extra", 2, `no argument "extra"`, 1},
		{"send --to a:1 --policy none", 2, "--policy none: takes auto, latest or all", 1},
		{"send --to a:1 --source webcam", 2, "webcam", 1},
		{"send --to a:1 --source file:/nonexistent.mjpeg", 1, "/nonexistent.mjpeg", 1},
		{"send --to a:1 --log-level loud", 2, "takes debug, info, warn or error", 1},
		{"recv --display hologram", 2, "--display hologram: takes auto, window or none", 1},
		{"recv --display window", 1, "no display", 1},
		{"recv --listen " + taken.Addr().String(), 1, "taken", 3},
		{"recv --record out.mp4", 2, "out.mp4", 1},
		{"recv --config " + bad, 1, "bad.yaml:2:5: unknown filter \"blurr\" (did you mean blur?)", 2},
		{"recv --config /nonexistent.yaml", 1, "/nonexistent.yaml", 1},
		{"check " + bad, 1, "bad.yaml:3:18: canny.low: -1 is below 0", 2},
		{"check " + good, 0, "decode gray > blur size=5 sigma=0 > canny low=50 high=150", 1},
		{"check", 2, "picam check filters.yaml", 1},
		{"check " + cut, 0, "crop takes frames of at least 1000×700 only; --size tries those of your camera", 2},
		{"check --size 1280x720 " + cut, 0, "crop x=700 y=500 width=300 height=200", 1},
		{"check --size 640x480 " + cut, 1, "every camera: filters: crop: x=700 y=500 width=300 height=200 does not fit a frame of 640×480", 1},
		{"check --size 1280x " + cut, 2, "--size 1280x: takes WIDTHxHEIGHT", 1},
		{"filters", 0, "canny", 0},
		{"filters blur", 0, "size", 0},
		{"filters blurr", 2, "did you mean blur", 1},
		{"filters --yaml", 0, "filters:", 0},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			p := picam(t, strings.Fields(tt.args)...)
			p.ends(tt.status)
			if !strings.Contains(p.text(), tt.want) {
				t.Errorf("the output lacks %q:\n%s", tt.want, p.text())
			}
			if n := strings.Count(p.text(), "\n"); tt.lines > 0 && n > tt.lines {
				t.Errorf("%d lines, want %d at most:\n%s", n, tt.lines, p.text())
			}
		})
	}
}

func TestEnvironmentSetsFlags(t *testing.T) {
	cmd := exec.Command(binary(t), "send")
	cmd.Env = append(os.Environ(), "PICAM_TO=a:1", "PICAM_QUALITY=500")
	p := start(t, cmd)
	p.ends(2)
	if !strings.Contains(p.text(), "--quality 500") {
		t.Error(p.text())
	}
}

func TestRecordingsAreNotOverwritten(t *testing.T) {
	path, _ := clip(t, 3, 160, 120)
	out := writeFile(t, "out.mjpeg", "precious")
	p := picam(t, "recv", "--from", "file:"+path, "--display", "none", "--record", out)
	p.ends(1)
	if got := string(readFile(t, out)); got != "precious" {
		t.Errorf("the file is now %q", got)
	}
	if !strings.Contains(p.text(), "--overwrite") {
		t.Error("it does not say what to type")
	}
	picam(t, "recv", "--from", "file:"+path, "--display", "none", "--record", out, "--overwrite").ends(0)
	if got := jpegsIn(t, readFile(t, out)); len(got) != 3 {
		t.Errorf("%d frames recorded", len(got))
	}
}

func TestLastFrame(t *testing.T) {
	path, stream := clip(t, 8, 160, 120)
	out := filepath.Join(t.TempDir(), "last.jpg")
	picam(t, "recv", "--from", "file:"+path, "--display", "none", "--last-frame", out).ends(0)
	all := jpegsIn(t, stream)
	if !bytes.Equal(readFile(t, out), all[len(all)-1]) {
		t.Error("it is not the last frame")
	}
}

// TestStaticSender: the build for small computers needs no C library, sends, and says what it lacks.
func TestStaticSender(t *testing.T) {
	static := staticHere(t)
	out := filepath.Join(t.TempDir(), "out.mjpeg")
	recv, addr := recvProcess(t, "--once", "--policy", "all", "--record-raw", out)
	start(t, exec.Command(static, "send", "--to", addr, "--source", "pattern:10", "--fps", "100", "--policy", "all")).ends(0)
	recv.ends(0)
	if got := jpegsIn(t, readFile(t, out)); len(got) != 10 {
		t.Errorf("%d of 10 frames arrived", len(got))
	}
	p := start(t, exec.Command(static, "recv", "--listen", ":8002"))
	p.ends(1)
	if !strings.Contains(p.text(), "built without OpenCV") {
		t.Error(p.text())
	}
	start(t, exec.Command(static, "version")).ends(0)
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"picam/mjpeg"
	"picam/mjpeg/codec"
)

// recv is the command line of a picam recv that takes its frames from HOST:PORT and shows nothing.
func (b *bench) recv(args ...string) []string {
	command := append([]string{b.picam, "recv", "--from", "tcp://HOST:PORT", "--display", "none"}, args...)
	if !slices.Contains(args, "--status") {
		command = append(command, "--status", "always")
	}
	return command
}

// chain is the whole way from a socket to the end, beside the peers: decode to gray, Gaussian blur 5 × 5, Canny 50,
// 150, or what comes closest among what a peer has. All take the clip over loopback but the reference, which reads the
// file.
func (b *bench) chain() error {
	for _, c := range b.clips {
		// over is a program that gets the clip over loopback. took finds how many frames it took; "": it does not tell.
		over := func(c clip, took string, words ...string) func() (run, error) {
			return func() (run, error) {
				r, err := feed(c).run(words[0], words[1:]...)
				switch {
				case r.frames > 0: // it has told
				case took == "":
					r.frames = float64(c.frames)
				default:
					r.frames = find(r.output, took)
				}
				return r, b.all(c, r, err)
			}
		}
		gstreamer := "gst-launch-1.0 tcpclientsrc host=HOST port=PORT ! queue ! jpegparse ! queue ! jpegdec ! queue ! " +
			"videoconvert ! queue ! edgedetect mask=false threshold1=50 threshold2=150 ! fakesink sync=false"
		ffmpeg := "ffmpeg -nostdin -f mjpeg -i tcp://HOST:PORT -vf format=gray,edgedetect=low=50/255:high=150/255 " +
			"-fps_mode passthrough -f null -"
		err := b.compare("chain, "+c.String(), b.rounds, []program{
			{name: "picam recv", run: over(c, `shown (\d+)`, b.recv("--config", b.config, "--policy", "all", "--once")...)},
			{name: "picam recv, the file", differs: "no network", run: func() (run, error) {
				r, err := alone(b.picam, "recv", "--from", "file:"+c.path, "--display", "none", "--status", "always",
					"--config", b.config, "--once")
				r.frames = find(r.output, `shown (\d+)`)
				return r, b.all(c, r, err)
			}},
			{
				name: fmt.Sprintf("C++ reference, %d at once", runtime.NumCPU()), differs: "each on one core, no network",
				run: func() (run, error) {
					return alone("sh", "-c", fmt.Sprintf("for i in $(seq %d); do %s chain %s & done; wait",
						runtime.NumCPU(), b.reference, c.path))
				},
			},
			{
				name: "C++ reference", differs: "one core, no network",
				run: func() (run, error) { return alone(b.reference, "chain", c.path) },
			},
			{
				name: "Python, cv2", check: []string{b.python, "-c", "import cv2"}, install: "python3-opencv",
				run: over(c, "", b.python, "scripts/bench/peers/script.py", "chain", "HOST", "PORT"),
			},
			{
				name: "GStreamer", differs: "decode to I420, convert to RGB, to gray, Canny, back to RGB; no blur",
				check:   []string{"gst-inspect-1.0", "--exists", "edgedetect"},
				install: "gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-opencv",
				run:     over(c, "", strings.Fields(gstreamer)...),
			},
			{
				name: "ffmpeg", differs: "decode to YUV, convert to gray, its own edgedetect, which blurs; the first third of the frames",
				check: []string{"ffmpeg", "-version"}, install: "ffmpeg",
				run: over(c.head(), `frame= *(\d+)`, strings.Fields(ffmpeg)...),
			},
		}, rateColumn(), costColumn())
		if err != nil {
			return err
		}
	}
	return nil
}

// all makes an error of frames that are missing in a short run.
func (b *bench) all(c clip, r run, err error) error {
	if err == nil && b.short && r.frames != float64(c.frames) {
		return fmt.Errorf("took %g of %d frames:\n%s", r.frames, c.frames, r.output)
	}
	return err
}

// decode is decoding alone, on one core.
func (b *bench) decode() error {
	for _, c := range b.clips {
		frames, err := c.split(c.frames)
		if err != nil {
			return err
		}
		for _, format := range []string{"gray", "bgr"} {
			other := func(words ...string) func() (run, error) {
				return func() (run, error) {
					r, err := alone(words[0], words[1:]...)
					r.figure = find(r.output, `frame-cpu-us ([\d.]+)`)
					return r, b.all(c, r, err)
				}
			}
			own := func(scale int) func() (run, error) {
				return func() (r run, err error) {
					r.figure, err = decodeCost(frames, format, scale)
					return r, err
				}
			}
			err := b.compare("decode to "+format+", "+c.String(), b.rounds, []program{
				{name: "picam codec.Decoder", run: own(1)},
				{name: "libjpeg-turbo, from C++", run: other(b.reference, format, c.path)},
				{name: "OpenCV imdecode, from C++", run: other(b.reference, "imdecode-"+format, c.path)},
				{
					name: "OpenCV imdecode, from Python", check: []string{b.python, "-c", "import cv2"}, install: "python3-opencv",
					run: other(b.python, "scripts/bench/peers/script.py", format, c.path),
				},
				{name: "picam codec.Decoder, half size", run: own(2)},
			}, column{"µs of a core/frame", func(r run) float64 { return r.figure }, "%.0f", "× its cost", false})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// split returns the first n frames of a clip.
func (c clip) split(n int) ([][]byte, error) {
	f, err := os.Open(c.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all [][]byte
	s := mjpeg.NewScanner(f)
	for len(all) < n && s.Scan() {
		all = append(all, slices.Clone(s.Frame()))
	}
	return all, s.Err()
}

// decodeCost is the processor time in µs that picam's decoder takes for a frame, the median.
func decodeCost(frames [][]byte, format string, scale int) (float64, error) {
	d, err := codec.NewDecoder()
	if err != nil {
		return 0, err
	}
	defer d.Close()
	width, height, err := d.Size(frames[0])
	if err != nil {
		return 0, err
	}
	width, height = codec.ScaledSize(width, height, scale)
	f, stride := codec.Gray, width
	if format == "bgr" {
		f, stride = codec.BGR, width*3
	}
	pixels := make([]byte, stride*height)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var costs []float64
	for _, jpeg := range frames {
		var before, after unix.Timespec
		_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &before)
		if err := d.DecodeScaled(pixels, stride, jpeg, f, scale); err != nil {
			return 0, err
		}
		_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &after)
		costs = append(costs, float64(after.Nano()-before.Nano())/1000)
	}
	return median(costs), nil
}

// pace writes n frames at fps, from the first one again when they are through. The name of a camera goes into each as a
// stamp; "" leaves them as they are.
func pace(w io.Writer, frames [][]byte, fps float64, n int, camera string) error {
	var stamped []byte
	stamp := mjpeg.Stamp{Camera: camera, Sender: camera}
	begin := time.Now()
	for i := range n {
		time.Sleep(time.Until(begin.Add(time.Duration(float64(i) / fps * float64(time.Second)))))
		jpeg := frames[i%len(frames)]
		if camera != "" {
			stamp.Seq, stamp.Time = uint64(i+1), time.Now()
			stamped = append(stamp.AppendTo(stamped[:0]), jpeg[2:]...)
			jpeg = stamped
		}
		if _, err := w.Write(jpeg); err != nil {
			return err
		}
	}
	return nil
}

// live is a clip's first frames and for how many seconds to play them.
func (b *bench) live(c clip) (frames [][]byte, seconds int, err error) {
	frames, err = c.split(150)
	seconds = 10
	if b.short {
		seconds = 1
	}
	return frames, seconds, err
}

// few is the number of rounds of what takes its time.
func (b *bench) few() int { return (b.rounds + 1) / 2 }

// passing is what it costs to take in a camera's frames that nobody wants as pixels.
func (b *bench) passing() error {
	c := b.clips[len(b.clips)-1]
	frames, seconds, err := b.live(c)
	if err != nil {
		return err
	}
	live := func(words ...string) func() (run, error) {
		return func() (run, error) {
			return server{serve: func(conn net.Conn, _ int) error {
				return pace(conn, frames, 30, 30*seconds, "")
			}}.run(words[0], words[1:]...)
		}
	}
	file := filepath.Join(b.dir, "raw.mjpeg")
	return b.compare("passing on, 30 frames a second, "+c.String(), b.few(), []program{
		{name: "picam recv, nothing done", run: live(b.recv("--once", "--status", "never")...)},
		{name: "picam recv --policy all", run: live(b.recv("--once", "--status", "never", "--policy", "all")...)},
		{name: "picam recv --record-raw", run: live(b.recv("--once", "--status", "never", "--overwrite", "--record-raw", file)...)},
		{name: "nc >/dev/null", run: live("sh", "-c", "exec nc -d HOST PORT >/dev/null")},
		{name: "nc >file", run: live("sh", "-c", "exec nc -d HOST PORT >"+file)},
	}, column{"% of a core", run.share, "%.2f", "", false})
}

// sender is the processor time of the sending end.
func (b *bench) sender() error {
	for _, c := range b.clips {
		frames, seconds, err := b.live(c)
		if err != nil {
			return err
		}
		var programs []program
		for _, w := range []struct {
			name, command string
			fps           float64 // of what comes on its standard input
		}{
			{"picam send, a file", "exec " + b.picam + " send --to HOST:PORT --policy all --source file:" + c.path, 0},
			{"picam send --no-stamp, a file", "exec " + b.picam + " send --to HOST:PORT --policy all --no-stamp --source file:" + c.path, 0},
			{"cat file | nc", "cat " + c.path + " | nc -N HOST PORT", 0},
			{"picam send, live", "exec " + b.picam + " send --to HOST:PORT --policy all --source -", 30},
			{"picam send --no-stamp, live", "exec " + b.picam + " send --to HOST:PORT --policy all --no-stamp --source -", 30},
			{"nc, live", "exec nc -N HOST PORT", 30},
			{"cat | nc, live", "cat | nc -N HOST PORT", 30},
		} {
			programs = append(programs, program{name: w.name, run: func() (run, error) {
				return send(w.command, frames, w.fps, int(w.fps)*seconds)
			}})
		}
		err = b.compare("sender, a file at full speed or 30 frames a second from standard input, "+c.String(), b.few(), programs,
			column{"µs of a core/frame", func(r run) float64 { return 1000 * r.perFrame() }, "%.0f", "", false})
		if err != nil {
			return err
		}
	}
	fmt.Println("  ustreamer is missing: it takes frames from V4L2 devices only")
	return nil
}

// send runs a sending command, with n frames on its standard input where fps is not 0, and acks what comes as picam
// recv does. The run's frames are what has come.
func send(command string, frames [][]byte, fps float64, n int) (run, error) {
	stdin, feed, err := os.Pipe()
	if err != nil {
		return run{}, err
	}
	defer stdin.Close()
	came := 0
	r, err := server{stdin: stdin, serve: func(conn net.Conn, _ int) error {
		go func() {
			defer feed.Close()
			if fps > 0 {
				_ = pace(feed, frames, fps, n, "") // what is lost does not come
			}
		}()
		for in := mjpeg.NewReader(conn, 0); ; came++ {
			f, err := in.Next()
			if err == io.EOF {
				return nil
			}
			if stamp, ok := in.Stamp(); ok && err == nil {
				_, err = fmt.Fprintf(conn, "ack %d %d %d\n", stamp.Seq, f.Received.UnixNano(), time.Now().UnixNano())
			}
			if err != nil {
				return err
			}
		}
	}}.run("sh", "-c", command)
	r.frames = float64(came)
	return r, err
}

// account is what is used here of a stats file's account of a camera.
type account struct {
	FramesIn  float64 `json:"frames_in"`
	FramesOut float64 `json:"frames_out"`
	Inside    times   `json:"inside_ms"`
	Total     times   `json:"total_ms"`
}

type times struct{ P50, P99, Max float64 }

// live takes n frames at fps from each of some cameras to picam recv, and returns its account of each.
func (b *bench) receive(frames [][]byte, cameras int, fps float64, n int, args ...string) (run, []account, error) {
	file := filepath.Join(b.dir, "stats.json")
	var words []string
	for range cameras {
		words = append(words, "--from", "tcp://HOST:PORT")
	}
	words = append(words, "--display", "none", "--config", b.config, "--policy", "latest", "--stats-file", file)
	r, err := server{conns: cameras, serve: func(conn net.Conn, i int) error {
		time.Sleep(time.Duration(float64(i) / float64(cameras) / fps * float64(time.Second))) // cameras are not in step
		return pace(conn, frames, fps, n, fmt.Sprintf("camera %02d", i))
	}}.run(b.picam, append(append([]string{"recv"}, words...), args...)...)
	if err != nil {
		return r, nil, err
	}
	var stats struct{ Cameras []account }
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &stats)
	}
	if err == nil && len(stats.Cameras) != cameras {
		err = fmt.Errorf("%d cameras of %d came", len(stats.Cameras), cameras)
	}
	return r, stats.Cameras, err
}

// latency is how long a frame takes inside picam recv, beside the same calls alone.
func (b *bench) latency() error {
	c := b.clips[0]
	frames, seconds, err := b.live(c)
	if err != nil {
		return err
	}
	inside := func(workers string) func() (run, error) {
		return func() (run, error) {
			r, cameras, err := b.receive(frames, 1, 30, 30*seconds, "--workers", workers)
			if err == nil {
				r.output = fmt.Sprintf("p50 %f p99 %f", 1000*cameras[0].Inside.P50, 1000*cameras[0].Inside.P99)
			}
			return r, err
		}
	}
	quantile := func(name string) column {
		return column{"ms, " + name, func(r run) float64 { return find(r.output, name+` ([\d.]+)`) / 1000 }, "%.2f", "", false}
	}
	return b.compare("latency from the last byte to the sink, 30 frames a second, "+c.String(), b.rounds, []program{
		{name: "picam recv", differs: "with OpenCV's own threads", run: inside("0")},
		{name: "picam recv --workers 1", run: inside("1")},
		{name: "C++ reference, 30 frames a second", differs: "one core", run: func() (run, error) { return alone(b.reference, "chain", c.path, "30") }},
		{name: "C++ reference, without a pause", differs: "one core", run: func() (run, error) { return alone(b.reference, "chain", c.path) }},
	}, quantile("p50"), quantile("p99"))
}

// start is how long a program takes until it is of use.
func (b *bench) start() error {
	c := b.clips[0]
	frame, err := c.split(1)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.dir, "frame.mjpeg"), frame[0], 0o644); err != nil {
		return err
	}
	ms := func(since time.Time) float64 { return time.Since(since).Seconds() * 1000 }
	whole := func(words ...string) func() (run, error) {
		return func() (run, error) {
			r, err := alone(words[0], words[1:]...)
			r.figure = r.wall.Seconds() * 1000
			return r, err
		}
	}
	return b.compare("start", 3*b.rounds, []program{
		{name: "picam --help", run: whole(b.picam, "--help")},
		{name: "picam send, until it has connected", run: func() (run, error) {
			begun, connected := time.Now(), 0.0
			r, err := server{serve: func(conn net.Conn, _ int) error {
				connected = ms(begun)
				_, err := io.Copy(io.Discard, conn)
				return err
			}}.run(b.picam, "send", "--to", "HOST:PORT", "--source", "file:"+b.dir+"/frame.mjpeg")
			r.figure = connected
			return r, err
		}},
		{name: "picam recv, until it accepts", run: func() (run, error) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return run{}, err
			}
			addr := l.Addr().String()
			_ = l.Close() // a port that was free just now
			begun, accepted := time.Now(), 0.0
			words := []string{"recv", "--listen", addr, "--display", "none", "--once", "--config", b.config}
			r, err := finish(command(b.picam, words), func() error {
				for {
					conn, err := net.Dial("tcp", addr)
					if err == nil {
						accepted = ms(begun)
						_, err := conn.Write(frame[0])
						return errors.Join(err, conn.Close())
					}
					if time.Since(begun) > timeLimit {
						return err
					}
					time.Sleep(time.Millisecond / 4)
				}
			})
			r.figure = accepted
			return r, err
		}},
		{name: "C++, nothing", differs: "loads OpenCV's core and imgproc and libjpeg-turbo, as picam does", run: whole(b.loader)},
	}, column{"ms", func(r run) float64 { return r.figure }, "%.1f", "× of it", false})
}

// memory is what picam recv holds while it works at full speed.
func (b *bench) memory() error {
	for _, c := range b.clips {
		frames, seconds, err := b.live(c)
		if err != nil {
			return err
		}
		sent := 0
		words := b.recv("--config", b.config, "--policy", "all", "--once")
		r, err := server{serve: func(conn net.Conn, _ int) error {
			for end := time.Now().Add(2 * time.Duration(seconds) * time.Second); time.Now().Before(end); sent++ {
				if _, err := conn.Write(frames[sent%len(frames)]); err != nil {
					return err
				}
			}
			return nil
		}}.run(words[0], words[1:]...)
		if err != nil {
			return err
		}
		var resident []float64
		for i := 0; i < len(r.resident); i += 10 {
			resident = append(resident, r.resident[i])
		}
		fmt.Printf("\nmemory of picam recv in MB every second, chain, %d frames of %s\n  %.0f, at most %.0f\n",
			sent, c.size, resident, r.rss())
	}
	return nil
}

// workers is the throughput of the chain as a function of --workers.
func (b *bench) workers() error {
	c := b.clips[0]
	var programs []program
	for _, n := range []int{1, 2, 3, 4, 8} {
		words := b.recv("--config", b.config, "--policy", "all", "--once", "--workers", strconv.Itoa(n))
		programs = append(programs, program{name: fmt.Sprintf("--workers %d", n), run: func() (run, error) {
			r, err := feed(c).run(words[0], words[1:]...)
			r.frames = find(r.output, `shown (\d+)`)
			return r, err
		}})
	}
	return b.compare("workers, chain, "+c.String(), b.rounds, programs, rateColumn(), costColumn())
}

// cameras is how the cost grows with the number of cameras, and how fair it stays where there are too many.
func (b *bench) cameras() error {
	c := b.clips[0]
	frames, seconds, err := b.live(c)
	if err != nil {
		return err
	}
	var programs []program
	for _, w := range []struct {
		cameras int
		fps     float64
	}{{1, 4}, {2, 4}, {4, 4}, {8, 4}, {16, 4}, {32, 4}, {8, 120}, {32, 30}} {
		programs = append(programs, program{name: fmt.Sprintf("%d × %g frames/s", w.cameras, w.fps), run: func() (run, error) {
			r, cameras, err := b.receive(frames, w.cameras, w.fps, int(w.fps)*seconds)
			least, most, worst := 0.0, 0.0, times{}
			for i, a := range cameras {
				r.frames += a.FramesOut
				least, most = min(least, a.FramesOut), max(most, a.FramesOut)
				if i == 0 {
					least = a.FramesOut
				}
				worst = times{max(worst.P50, a.Inside.P50), max(worst.P99, a.Inside.P99), max(worst.Max, a.Inside.Max)}
			}
			r.output = fmt.Sprintf("least %f most %f p50 %f p99 %f", least, most, worst.P50, worst.P99)
			return r, err
		}})
	}
	told := func(head, name, format string) column {
		return column{head, func(r run) float64 { return find(r.output, name+` ([\d.]+)`) }, format, "", false}
	}
	return b.compare("cameras, chain, "+c.String(), b.few(), programs,
		column{"frames/s", run.rate, "%.0f", "", false}, costColumn(),
		told("shown, of the camera with fewest", "least", "%.0f"), told("with most", "most", "%.0f"),
		told("ms inside, worst p50", "p50", "%.1f"), told("worst p99", "p99", "%.1f"))
}

//go:build cgo && linux

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

// contender is a program that has a camera of the machine.
type contender struct {
	name    string
	command string                // on the machine; %d is a port of this computer, or of the machine
	look    func(*viewer, string) // sees the frames at that port's address, until the viewer's context ends
	listens bool                  // it is on the machine that the port is
	follows bool                  // it is told the camera by a link that leads to it wherever it is, as udev makes them
}

// contenders are picam and ustreamer: as it is, and with --persistent and a link. Its least times to notice an error
// and to try again are 1 s, which it takes without being told.
func contenders(camera, size string) []contender {
	format := "MJPEG"
	if camera == "vivid" {
		format = "YUYV"
	}
	ustreamer := func(device, more string) string {
		return fmt.Sprintf("ustreamer --device=%s --format=%s --resolution=%s --device-timeout=1 --device-error-delay=1 "+
			"--blank=/blank.jpg --tcp-nodelay --host=0.0.0.0 --port=%%d%s", device, format, size, more)
	}
	return []contender{
		{"picam", "/picam send --to host:%d --source v4l2: --size " + size + " --status never", (*viewer).listen, false, false},
		{"ustreamer", ustreamer("/dev/video0", ""), (*viewer).fetch, true, false},
		{"ustreamer, persistent", ustreamer("/dev/camera", " --persistent"), (*viewer).fetch, true, true},
	}
}

// sight is a frame that arrived.
type sight struct {
	at   time.Time
	what sightKind
}

type sightKind int

const (
	good   sightKind = iota // what the camera made
	padded                  // the same, and bytes behind it
	blank                   // a frame of the program's own, that says there are none
	wrong                   // half a frame, no frame, one that no browser can decode, or nothing
)

// viewer looks at a program's frames.
type viewer struct {
	clip  map[string]bool // what its frames are without Huffman tables; nil: any of the size
	size  image.Point
	blank []byte

	ctx  context.Context
	mu   sync.Mutex
	seen []sight
}

func (v *viewer) note(at time.Time, frame []byte) {
	what := v.judge(frame)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen = append(v.seen, sight{at, what})
}

// judge says what a program has passed on as a frame.
func (v *viewer) judge(b []byte) sightKind {
	if len(v.blank) > 0 && bytes.HasPrefix(b, v.blank) {
		return blank
	}
	s := mjpeg.NewScanner(bytes.NewReader(b))
	if !s.Scan() || !bytes.HasPrefix(b, s.Frame()) {
		return wrong
	}
	header, err := mjpeg.ParseHeader(s.Frame())
	switch {
	case err != nil || !header.HasDHT:
		return wrong
	case v.clip != nil && !v.clip[string(mjpegtest.WithoutDHT(s.Frame()))]:
		return wrong
	case v.clip == nil:
		if img, err := jpeg.Decode(bytes.NewReader(s.Frame())); err != nil || img.Bounds().Size() != v.size {
			return wrong
		}
	}
	if len(s.Frame()) < len(b) {
		return padded
	}
	return good
}

// listen takes the frames that picam sends, as any program would that reads MJPEG from a socket. A damaged one counts
// as wrong, and bytes before the next frame, where no note of picam's is, as behind it.
func (v *viewer) listen(addr string) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return
	}
	defer context.AfterFunc(v.ctx, func() { l.Close() })()
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		stop := context.AfterFunc(v.ctx, func() { conn.Close() })
		r := mjpeg.NewReader(conn, 0)
		broken, skipped, noted := int64(0), int64(0), false
		for {
			f, err := r.NextOrStatus()
			damaged := int64(0)
			for d, n := range r.ScanStats().Damaged {
				if mjpeg.Damage(d) != mjpeg.Cut { // the connection ended
					damaged += n
				}
			}
			for ; broken < damaged; broken++ {
				v.note(time.Now(), nil)
			}
			if err != nil {
				break
			}
			if f.JPEG == nil {
				noted = true
				continue
			}
			behind := r.ScanStats().Skipped - skipped
			if skipped += behind; behind > 0 && !noted {
				f.JPEG = append(bytes.Clone(f.JPEG), 0) // that counts as padded
			}
			noted = false
			v.note(f.Received, f.JPEG)
		}
		stop()
		conn.Close()
	}
}

// fetch takes the parts of a multipart stream, as a browser does.
func (v *viewer) fetch(addr string) {
	for v.ctx.Err() == nil {
		v.fetchOnce(addr)
		time.Sleep(20 * time.Millisecond) // sleep: the pause between tries of a viewer
	}
}

func (v *viewer) fetchOnce(addr string) {
	request, err := http.NewRequestWithContext(v.ctx, http.MethodGet, "http://"+addr+"/stream", nil)
	if err != nil {
		return
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return
	}
	defer response.Body.Close()
	_, about, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil {
		return
	}
	parts := multipart.NewReader(response.Body, about["boundary"])
	for {
		part, err := parts.NextPart()
		if err != nil {
			return
		}
		frame, err := io.ReadAll(part)
		if err != nil {
			return
		}
		v.note(time.Now(), frame)
	}
}

// since returns what was seen from a time on.
func (v *viewer) since(from time.Time) []sight {
	v.mu.Lock()
	defer v.mu.Unlock()
	i := slices.IndexFunc(v.seen, func(s sight) bool { return s.at.After(from) })
	if i < 0 {
		return nil
	}
	return slices.Clone(v.seen[i:])
}

// firstGood returns the time of the first good frame from a time on.
func (v *viewer) firstGood(from time.Time) (time.Time, bool) {
	for _, s := range v.since(from) {
		if s.what == good || s.what == padded {
			return s.at, true
		}
	}
	return time.Time{}, false
}

// contest is a contender on its machine.
type contest struct {
	t *testing.T
	contender
	m       *vm
	v       *viewer
	running bool
	port    int
	marks   int
}

const (
	tooLong    = 20 * time.Second // without frames, after which a program is started anew by hand
	outageTime = 5 * time.Second
	damageTime = 8 * time.Second
)

// linkSnippet makes /dev/camera lead to the camera, as udev does with its links. The node of one that has gone stays
// where a program has it open.
const linkSnippet = `rm -f /dev/camera; for c in /sys/class/video4linux/video*; do ` +
	`[ -e $c/index ] && read i <$c/index && [ "$i" = 0 ] && ln -s /dev/${c##*/} /dev/camera && break; done; `

// mark runs a snippet and returns when it was over, by this computer's clock: a file that the machine makes gets it.
func (c *contest) mark(snippet string) time.Time {
	c.t.Helper()
	c.marks++
	name := fmt.Sprintf("mark%d", c.marks)
	c.m.do(snippet + "; : >/out/" + name)
	info, err := os.Stat(c.m.file(name))
	if err != nil {
		c.t.Fatal(err)
	}
	return info.ModTime()
}

// begin starts the program.
func (c *contest) begin() {
	c.t.Helper()
	c.m.do(linkSnippet + fmt.Sprintf(c.command, c.port) + " >>/out/program.log 2>&1 & echo $! >/run/first.pid")
	c.running = true
}

// end ends the program, and whoever has the camera.
func (c *contest) end() {
	c.t.Helper()
	c.m.do("kill $(cat /run/first.pid); sleep 1; kill -9 $(cat /run/first.pid); kill $(cat /run/holder.pid); true")
	c.running = false
}

// result is what became of one trial.
type result struct {
	back         time.Duration // until the first good frame; -1: none came
	good         int           // frames from the end of an outage on, or in a trial with damage
	padded       int
	blank, wrong int
	restarted    bool
}

// outage lets an event happen and end, and waits for frames. One without an end is over at once.
func (c *contest) outage(begin, end string) result {
	c.t.Helper()
	from := c.mark("true")
	over := c.mark(begin + "; " + linkSnippet + "true")
	soonest := over
	time.Sleep(outageTime) // sleep: how long it lasts
	if end != "" {
		soonest = c.mark("true") // a frame may come before the snippet that ends it is over
		over = c.mark(end + "; " + linkSnippet + "true")
	}
	r := c.wait(soonest, over)
	c.count(&r, from)
	return r
}

// wait waits for a good frame.
func (c *contest) wait(soonest, over time.Time) result {
	c.t.Helper()
	for time.Since(over) < tooLong {
		if at, ok := c.v.firstGood(soonest); ok {
			time.Sleep(500 * time.Millisecond) // wrong ones may follow
			return result{back: max(0, at.Sub(over))}
		}
		time.Sleep(20 * time.Millisecond)
	}
	return result{back: -1}
}

// count counts what was seen, and starts the program anew where it does not come back.
func (c *contest) count(r *result, from time.Time) {
	c.t.Helper()
	for _, s := range c.v.since(from) {
		switch s.what {
		case good:
			r.good++
		case padded:
			r.padded++
		case blank:
			r.blank++
		case wrong:
			r.wrong++
		}
	}
	if alive := strings.TrimSpace(c.m.do("kill -0 $(cat /run/first.pid) && echo yes; true")); r.back < 0 || alive != "yes" {
		r.restarted = true
	}
}

// trial is a kind of trouble, which happens again so many times.
type trial struct {
	name    string
	again   int
	run     func(*contest) result
	damages bool // the camera's frames, and does not end them
}

// trialsOf are those that a camera can be put through.
func trialsOf(camera string) []trial {
	outage := func(name, begin, end string) trial {
		return trial{name: name, again: 3, run: func(c *contest) result { return c.outage(begin, end) }}
	}
	list := []trial{outage("unplugged", "cam unplug "+camera, "cam plug "+camera)}
	switch camera {
	case "uvc":
		list = append(list, outage("stalled", "cam stall uvc", "cam resume uvc"), outage("stalled", "cam hang uvc", "cam resume uvc"))
	case "loopback":
		list = append(list, outage("stalled", "cam stall loopback", "cam resume loopback"))
	case "vivid":
		const dropped = "v4l2-ctl -d0 -c percentage_of_dropped_buffers="
		list = append(list, outage("disconnected", "cam disconnect vivid", ""), outage("stalled", dropped+"100", dropped+"0"))
	}
	if camera != "loopback" { // which any number of programs may read
		list = append(list, trial{name: "held by another program", again: 3, run: (*contest).held})
	}
	if camera != "vivid" {
		for _, flags := range []string{"nodht", "pad=64", "trunc=10", "junk=10", "empty=10"} {
			list = append(list, trial{flags, 1, func(c *contest) result { return c.damaged(camera, flags) }, true})
		}
	}
	if camera == "uvc" { // its old node stays while a program has it open
		moved := outage("back under another node", "sleep 600 </dev/video0 & echo $! >/run/holder.pid; cam unplug uvc", "cam plug uvc")
		moved.again = 1
		list = append(list, moved)
	}
	return list
}

// held starts the program while another has the camera, which then ends.
func (c *contest) held() result {
	c.t.Helper()
	c.end()
	from := c.mark("v4l2-ctl -d /dev/video0 --stream-mmap --stream-to=/dev/null >/dev/null 2>&1 & echo $! >/run/holder.pid; sleep 2")
	c.begin()
	time.Sleep(outageTime) // sleep: how long it lasts
	soonest := c.mark("true")
	over := c.mark("kill $(cat /run/holder.pid)")
	r := c.wait(soonest, over)
	c.count(&r, from)
	return r
}

// damaged lets the camera damage its frames for a while.
func (c *contest) damaged(camera, flags string) result {
	c.t.Helper()
	name, always := "UVC_FLAGS", ""
	if camera == "loopback" {
		name, always = "FEED_FLAGS", "-r 30 "
	}
	set := func(flags string) string { // its feeder takes them when it is started
		return fmt.Sprintf("cam unplug %s; echo \"%s='%s'\" >>/job/in/settings; cam plug %[1]s", camera, name, always+flags)
	}
	soonest := c.mark("true")
	over := c.mark(set("-x "+flags) + "; " + linkSnippet + "true")
	r := c.wait(soonest, over)
	from := time.Now()
	time.Sleep(damageTime) // sleep: how long frames are counted
	c.count(&r, from)
	from = c.mark("true")
	c.wait(from, c.mark(set("")+"; "+linkSnippet+"true"))
	return r
}

// TestV4L2BesideUstreamer puts picam and ustreamer through the same trouble with the same cameras, with one viewer
// each, on this computer. It logs what becomes of it, as rows of the table in docs/cameras.md, and judges picam.
func TestV4L2BesideUstreamer(t *testing.T) {
	if !cameras(t) {
		t.Skip("it takes half an hour: make test-cameras")
	}
	clip := mjpegtest.Frames(60, 640, 480, 80)
	file := writeFile(t, "clip.mjpeg", string(bytes.Join(clip, nil)))
	blankFrame := mjpegtest.Frames(1, 160, 120, 80)[0]
	blankFile := writeFile(t, "blank.jpg", string(blankFrame))
	bare := map[string]bool{}
	for _, p := range clip {
		bare[string(mjpegtest.WithoutDHT(p))] = true
	}
	for _, camera := range []string{"uvc", "loopback", "vivid"} {
		size, v := "640x480", viewer{clip: bare, size: image.Pt(640, 480), blank: blankFrame}
		if camera == "vivid" { // to encode more would take the emulated processor all its time
			size, v.clip, v.size = "320x180", nil, image.Pt(320, 180)
		}
		rows := map[string][]string{}
		for _, who := range contenders(camera, size) {
			t.Run(camera+"/"+who.name, func(t *testing.T) {
				v := viewer{clip: v.clip, size: v.size, blank: v.blank, ctx: t.Context()}
				addr := freePort(t)
				c := &contest{t: t, contender: who, v: &v, port: portOf(t, addr)}
				options := []string{"--timeout", "900", "--devices", camera, "--feed", file, "--uvc-clip", file,
					"--file", blankFile + ":/blank.jpg"}
				if who.listens {
					c.port = 8080
					options = append(options, "--publish", addr[strings.LastIndex(addr, ":")+1:]+":8080")
				}
				var looking sync.WaitGroup
				ctx, cancel := context.WithCancel(t.Context())
				v.ctx = ctx
				looking.Go(func() { who.look(&v, addr) })
				defer looking.Wait()
				defer cancel()
				c.m = startVM(t, "until [ -e /run/over ]; do usleep 50000; done", options...)
				for _, trial := range trialsOf(camera) {
					var all []result
					for range trial.again {
						if !c.running {
							c.begin()
						}
						from := time.Now()
						until(t, "frames before the trial", func() bool {
							_, ok := v.firstGood(from)
							return ok
						})
						r := trial.run(c)
						if r.restarted {
							c.end()
							c.m.do("cam resume " + camera + "; cam unplug " + camera + "; cam plug " + camera + "; " + linkSnippet + "true")
						}
						all = append(all, r)
						t.Logf("%s: %+v", trial.name, r)
						if who.name == "picam" {
							mustBeFine(t, trial.name, r)
						}
					}
					rows[trial.name] = append(rows[trial.name], inWords(trial, all))
				}
				c.m.do("(usleep 300000; touch /run/over) >/dev/null 2>&1 &")
				c.m.ends(0)
				t.Logf("$ "+who.command+"\n%s", c.port, firstLines(string(readFile(t, c.m.file("program.log"))), 60))
			})
		}
		var table strings.Builder
		for _, trial := range trialsOf(camera) {
			fmt.Fprintf(&table, "| %s: %s | %s |\n", camera, trial.name, strings.Join(rows[trial.name], " | "))
		}
		t.Logf("picam, ustreamer, ustreamer persistent:\n%s", &table)
	}
}

// mustBeFine judges a result of picam's.
func mustBeFine(t *testing.T, name string, r result) {
	t.Helper()
	const soon = 2 * time.Second
	switch {
	case r.restarted:
		t.Errorf("%s: it does not come back", name)
	case r.wrong > 0 || r.padded > 0:
		t.Errorf("%s: %d wrong frames were passed on, %d with bytes behind them", name, r.wrong, r.padded)
	case r.back > soon:
		t.Errorf("%s: frames came after %v", name, r.back)
	}
}

// inWords is a cell of the table.
func inWords(trial trial, all []result) string {
	var times []string
	sum := result{}
	restarts := 0
	for _, r := range all {
		if r.back < 0 {
			times = append(times, "never")
		} else {
			times = append(times, fmt.Sprintf("%.2f s", r.back.Seconds()))
		}
		sum.good, sum.padded, sum.wrong, sum.blank = sum.good+r.good, sum.padded+r.padded, sum.wrong+r.wrong, sum.blank+r.blank
		if r.restarted {
			restarts++
		}
	}
	words := strings.Join(times, ", ")
	if trial.damages {
		words = fmt.Sprintf("%d good", sum.good+sum.padded)
	}
	if sum.wrong > 0 {
		words += fmt.Sprintf(", %d wrong", sum.wrong)
	}
	if sum.padded > 0 {
		words += fmt.Sprintf(", %d with bytes behind", sum.padded)
	}
	if restarts > 0 {
		words += fmt.Sprintf(", restarted by hand %d×", restarts)
	}
	return words
}

func firstLines(text string, n int) string {
	lines := strings.SplitN(text, "\n", n+1)
	return strings.Join(lines[:min(n, len(lines))], "\n")
}

func portOf(t *testing.T, addr string) int {
	t.Helper()
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return a.Port
}

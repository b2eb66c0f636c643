//go:build cgo

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
	"gocv.io/x/gocv"

	"picam/capture"
	"picam/mjpeg"
	"picam/pipeline"
	"picam/pipeline/sink"
	"picam/transport"
	"picam/transport/discovery"
)

func visionText() string { return "OpenCV " + gocv.OpenCVVersion() }

const defaultListen = ":8002"

func recvCommand() *cli.Command {
	return &cli.Command{
		Name:  "recv",
		Usage: "receive cameras' frames, take them through filters, show and record them",
		UsageText: "picam recv --listen :8002 --config filters.yaml\n" +
			"picam recv --from tcp://raspberrypi.local:8002\n" +
			"picam recv --from file:clip.mjpeg --config filters.yaml --record out/%06d.png",
		Description: "The filters file may be edited while frames are moving; 'picam filters' lists what can stand in it.\n" +
			"In a window: q or Esc ends, space pauses, 1-9 switch the stages of the chain off and on, s saves a snapshot, h hides the line.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "listen", Usage: "wait for cameras on `[HOST]:PORT`; " + defaultListen + " unless --from is given"},
			announceFlag("that this receiver is here, so that send --to auto finds it"),
			&cli.StringSliceFlag{Name: "from", Usage: "pull from `SOURCE` instead: tcp://host:port, auto, http://host/path, file:clip.mjpeg, - …; may be repeated"},
			&cli.StringFlag{Name: "config", Usage: "the chain of filters, a YAML `FILE`; none shows the frames as they are"},
			&cli.StringFlag{Name: "display", Value: "auto", Usage: "`WHERE` to show: window, none, or auto: a window where there is a screen"},
			&cli.StringFlag{Name: "record", Usage: "keep what is shown in `FILE`: out.mjpeg, out.avi, out/%06d.png or out/%06d.jpg"},
			&cli.StringFlag{Name: "record-raw", Usage: "keep the camera's own bytes in `FILE`.mjpeg"},
			&cli.StringFlag{Name: "last-frame", Usage: "write the last frame shown to `FILE`.jpg or .png at the end"},
			&cli.StringFlag{Name: "events", Usage: "write what filters find to `FILE`, a line of JSON for each frame; - is standard output"},
			&cli.BoolFlag{Name: "overwrite", Usage: "replace recordings of an earlier run"},
			&cli.StringFlag{Name: "policy", Value: "auto", Usage: "when filters are slow: latest drops frames, all makes the camera wait; auto is all for files (`WHAT`)"},
			&cli.StringFlag{Name: "damaged", Value: "drop", Usage: "frames with broken data: drop, or show what there is of them (`WHAT`)"},
			&cli.IntFlag{Name: "workers", Usage: "work on `N` frames of a camera at a time; 0: one for each processor"},
			&cli.BoolFlag{Name: "once", Usage: "end when the first camera's stream ends"},
			&cli.Float64Flag{Name: "fps", Usage: "with --from file: or pattern: frames a second (`N`); 0 is as fast as they go"},
			&cli.BoolFlag{Name: "loop", Usage: "with --from file: begin again at its end"},
			&cli.IntFlag{Name: "max-frame", Value: 16 << 20, Usage: "longest frame taken from a camera, in `BYTES`"},
			&cli.IntFlag{Name: "max-pixels", Value: pipeline.DefaultMaxPixels, Usage: "largest frame that is decoded, `N` = width × height"},
			&cli.IntFlag{Name: "max-cameras", Value: 64, Usage: "at most `N` cameras at once"},
			&cli.DurationFlag{Name: "idle-timeout", Value: 10 * time.Second, Usage: "close a camera's connection that is silent for `TIME`"},
		}, commonFlags()...),
		Action: recv,
	}
}

// receiver is one run of picam recv.
type receiver struct {
	log    *slog.Logger
	con    *console
	hub    *pipeline.Hub
	limits transport.Limits
	once   bool
	end    context.CancelCauseFunc // ends the run, for a reason

	announce bool // the listener
	version  string

	systemd   *notifier
	detectors map[string]*stallDetector // of watch: the cameras'
}

// errDone ends a run that has done what it was asked to.
var errDone = errors.New("done")

func recv(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	con, err := newConsole(c)
	if err != nil {
		return err
	}
	log, err := newLogger(c, con)
	if err != nil {
		return err
	}
	policy, err := oneOf(c, "policy", "auto", "latest", "all")
	if err != nil {
		return err
	}
	damaged, err := oneOf(c, "damaged", "drop", "show")
	if err != nil {
		return err
	}
	config := &pipeline.Config{}
	if path := c.String("config"); path != "" {
		if config, err = pipeline.LoadConfig(path); err != nil {
			return err
		}
	}
	from := c.StringSlice("from")
	listen := c.String("listen")
	if listen == "" && len(from) == 0 {
		listen = defaultListen
	}
	keepAll := policy == "all" || policy == "auto" && listen == "" && !live(from)

	ctx, end := context.WithCancelCause(c.Context)
	defer end(errDone)
	r := &receiver{log: log, con: con, once: c.Bool("once"), end: end, announce: c.Bool("announce"), version: c.App.Version, limits: transport.Limits{
		MaxFrame: c.Int("max-frame"), Idle: c.Duration("idle-timeout"), Cameras: c.Int("max-cameras"),
	}, systemd: newNotifier(log)}
	ends := &sink.Ends{
		Record: c.String("record"), RecordRaw: c.String("record-raw"), LastFrame: c.String("last-frame"),
		Options: sink.Options{EveryFrame: keepAll, Rate: max(0, c.Float64("fps")), Overwrite: c.Bool("overwrite"), Log: log},
	}
	if err := ends.Check(); err != nil {
		return err
	}
	if path := c.String("events"); path != "" {
		if ends.Events, err = sink.OpenEvents(path, ends.Options); err != nil {
			return err
		}
	}
	if ends.Desktop, err = openDesktop(c, log, listen); err != nil {
		return err
	}
	options := pipeline.Options{
		Workers: c.Int("workers"), KeepAll: keepAll, ShowDamaged: damaged == "show", MaxPixels: c.Int("max-pixels"), Log: log,
	}
	pipeline.Tune(options)
	r.hub = pipeline.NewHub(config, c.Int("max-cameras"), func(camera string, ctl *pipeline.Controller) (pipeline.Outputs, error) {
		out, err := ends.Open(camera, ctl)
		if err != nil {
			end(err) // what the user wants kept cannot be: better to end than to run for nothing
		}
		return out, err
	}, options)

	var running sync.WaitGroup
	defer running.Wait()
	defer end(errDone)
	if err := r.feed(ctx, &running, listen, from, captureOptions(c, log)); err != nil {
		end(err)
	} else {
		r.systemd.ready()
	}
	r.follow(ctx, &running, c.String("config"))
	watched := make(chan struct{})
	stopWatching := make(chan struct{})
	go func() {
		defer close(watched)
		r.watch(c.String("stats-file"), stopWatching)
	}()

	if ends.Desktop != nil {
		if err := ends.Desktop.Run(ctx); err != nil {
			end(err)
		}
	}
	<-ctx.Done()
	r.systemd.stopping()
	running.Wait()
	err = r.hub.Close()
	close(stopWatching)
	<-watched
	if ends.Desktop != nil {
		err = errors.Join(err, ends.Desktop.Close())
	}
	if ends.Events != nil {
		err = errors.Join(err, ends.Events.Close())
	}
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errDone), errors.Is(cause, pipeline.ErrQuit), errors.Is(cause, context.Canceled):
		return err
	default:
		return errors.Join(cause, err)
	}
}

// live reports whether one of the sources is a camera, whose frames should be fresh, rather than a file.
func live(sources []string) bool {
	for _, s := range sources {
		if !strings.HasPrefix(s, "file:") && s != "-" {
			return true
		}
	}
	return false
}

func captureOptions(c *cli.Context, log *slog.Logger) capture.Options {
	return capture.Options{FPS: c.Float64("fps"), Loop: c.Bool("loop"), MaxFrame: c.Int("max-frame"), Log: log}
}

// openDesktop returns nil where no window is wanted, or where there is no screen and none is insisted on.
func openDesktop(c *cli.Context, log *slog.Logger, listen string) (*sink.Desktop, error) {
	where, err := oneOf(c, "display", "auto", "window", "none")
	if err != nil || where == "none" {
		return nil, err
	}
	waiting := ""
	if listen != "" {
		waiting = "On the Pi: picam send --to " + reachable(listen)
	}
	desktop, err := sink.NewDesktop(sink.DesktopOptions{Waiting: waiting, Log: log})
	if err != nil && where == "auto" {
		log.Info("going on without a window; --record out.mjpeg keeps what it would show", "why", err)
		return nil, nil
	}
	return desktop, err
}

// reachable is the address that another computer would dial to reach a listener on this one.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if host != "" && host != "0.0.0.0" && host != "::" {
		return listen
	}
	// No packet is sent: connecting a UDP socket only chooses the address that packets would leave from.
	conn, err := net.Dial("udp4", "192.0.2.1:9")
	if err != nil {
		return net.JoinHostPort("HOST", port)
	}
	defer conn.Close()
	return net.JoinHostPort(conn.LocalAddr().(*net.UDPAddr).IP.String(), port)
}

// feed starts what brings frames in: the listener and the sources to pull from. When all sources have ended and
// nobody listens, the run ends.
func (r *receiver) feed(ctx context.Context, running *sync.WaitGroup, listen string, from []string, o capture.Options) error {
	var feeders sync.WaitGroup
	start := func(f func() error) {
		feeders.Add(1)
		running.Add(1)
		go func() {
			defer running.Done()
			defer feeders.Done()
			if err := f(); err != nil && ctx.Err() == nil {
				r.end(err)
			}
		}()
	}
	if listen != "" {
		l, err := transport.Listen(ctx, listen)
		if err != nil {
			return err
		}
		r.log.Info("listening", "address", l.Addr().String(), "send with", "picam send --to "+reachable(l.Addr().String()))
		start(func() error {
			defer l.Close()
			if r.announce {
				defer announce(ctx, discovery.Receiver, "", l.Addr(), r.version, r.log)()
			}
			return transport.Serve(ctx, l, r.limits, r.log, r.handle)
		})
	}
	for _, spec := range from {
		if addr, ok := strings.CutPrefix(spec, "tcp://"); ok {
			addr, err := transport.ParseAddr(addr)
			if err != nil {
				return usageError{err}
			}
			start(func() error { return transport.Pull(ctx, addr, r.once, r.limits, r.log, r.handle) })
			continue
		}
		if name, ok := wanted(autoCamera, spec); ok {
			find := finding(discovery.Camera, name, r.log, r.end)
			start(func() error { return transport.PullFound(ctx, spec, find, r.once, r.limits, r.log, r.handle) })
			continue
		}
		src, err := capture.Open(ctx, spec, o)
		if err != nil {
			return err
		}
		start(func() error {
			defer src.Close()
			return r.pull(ctx, spec, src)
		})
	}
	running.Add(1)
	go func() {
		defer running.Done()
		feeders.Wait()
		r.end(errDone)
	}()
	return nil
}

// handle takes in one connection.
func (r *receiver) handle(ctx context.Context, s *transport.Stream) error {
	err := r.hub.Handle(ctx, &pipeline.Stream{Source: s, Camera: s.Camera(), Sender: s.Sender(), Scan: s.ScanStats, Close: s.Close})
	if r.once {
		r.end(errDone)
	}
	return err
}

// pull takes in a source on this computer.
func (r *receiver) pull(ctx context.Context, spec string, src capture.Source) error {
	s := &pipeline.Stream{Source: src, Camera: capture.Label(spec)}
	if counted, ok := src.(interface{ ScanStats() mjpeg.Stats }); ok {
		s.Scan = counted.ScanStats
	}
	if bar := newFileProgress(src); bar != nil {
		r.con.Progress(bar.String)
	}
	err := r.hub.Handle(ctx, s)
	if r.once && err == nil {
		r.end(errDone)
	}
	return err
}

// follow puts changes of the filters file in force, when it has changed or at SIGHUP.
func (r *receiver) follow(ctx context.Context, running *sync.WaitGroup, path string) {
	if path == "" {
		if r.systemd != nil {
			signal.Ignore(syscall.SIGHUP) // a service without filters may be told to read them again
		}
		return
	}
	var turn sync.Mutex // one reload at a time
	var broken []string // files that could not be loaded, and are watched for that they are put right
	files := func() []string {
		turn.Lock()
		defer turn.Unlock()
		return append(r.hub.Files(), broken...)
	}
	reload := func() {
		turn.Lock()
		defer turn.Unlock()
		config, err := pipeline.LoadConfig(path)
		if err == nil {
			err = r.hub.Reload(config)
		}
		broken = nil
		if faults := (pipeline.Faults{}); errors.As(err, &faults) {
			for _, f := range faults {
				broken = append(broken, f.File)
			}
		}
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				r.log.Error("the filters stay as they were", "fault", strings.TrimSpace(line))
			}
			return
		}
		r.log.Info("filters loaded", "file", path)
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	running.Add(2)
	go func() {
		defer running.Done()
		pipeline.Watch(ctx, files, reload)
	}()
	go func() {
		defer running.Done()
		defer signal.Stop(hup)
		for {
			select {
			case <-hup:
				reload()
			case <-ctx.Done():
				return
			}
		}
	}()
}

// watch shows the live line and writes the stats file until stop is closed.
func (r *receiver) watch(statsFile string, stop <-chan struct{}) {
	before, then := map[string]pipeline.Stats{}, time.Now()
	each(stop, func(last bool) {
		now, d := r.hub.Stats(), time.Since(then)
		if statsFile != "" {
			if err := writeStats(statsFile, struct {
				Cameras []pipeline.Stats `json:"cameras"`
			}{now}); err != nil {
				r.log.Error("cannot write", "error", err)
				statsFile = ""
			}
		}
		if last {
			r.con.Live("")
			if r.con.show {
				summary(r.con, now)
			}
			return
		}
		var parts []string
		for _, s := range now {
			parts = append(parts, liveText(s, before[s.Camera], d))
			before[s.Camera] = s
		}
		if len(parts) == 0 {
			parts = []string{"waiting for a camera"}
		}
		line := strings.Join(parts, "  |  ")
		r.con.Live(line)
		r.systemd.tick(line, r.stalled(time.Now(), now))
		then = time.Now()
	})
}

// stalled says whose frames are taken in but do not come out: of a slow filter they do, in the end.
func (r *receiver) stalled(now time.Time, cameras []pipeline.Stats) string {
	var stalled []string
	detectors := map[string]*stallDetector{} // without those of cameras that are forgotten
	for _, s := range cameras {
		p := r.detectors[s.Camera]
		if p == nil {
			p = &stallDetector{}
		}
		detectors[s.Camera] = p
		worked := s.FramesOut + s.Drops() - s.Dropped[pipeline.Stale.String()] // a stale one has only made room
		if p.stalled(now, r.systemd.patience(), s.FramesIn > s.FramesOut+s.Drops(), worked) {
			stalled = append(stalled, s.Camera)
		}
	}
	r.detectors = detectors
	if len(stalled) == 0 {
		return ""
	}
	return "no frame comes out of the filters and outputs of " + strings.Join(stalled, ", ")
}

// liveText is a camera's part of the live line.
func liveText(now, before pipeline.Stats, d time.Duration) string {
	if why := now.Silence(); why.Reason != "" {
		return words(now.Camera, why.Title()+": "+why.Reason)
	}
	size := ""
	if now.Width > 0 {
		size = fmt.Sprintf("%d×%d", now.Width, now.Height)
	}
	return words(now.Camera, size,
		fmt.Sprintf("%.1f fps", float64(now.FramesOut-before.FramesOut)/d.Seconds()),
		fmt.Sprintf("%.1f ms", now.Recent),
		fmt.Sprintf("%.1f Mbit/s", megabits(now.BytesIn-before.BytesIn, d)),
		fmt.Sprintf("dropped %d", now.Drops()+now.Lost))
}

// summary says at the end of a run what became of each camera's frames.
func summary(w io.Writer, cameras []pipeline.Stats) {
	for _, s := range cameras {
		fmt.Fprintf(w, "%s: received %s (%.1f MB) in %.1f s, shown %d", s.Camera, plural(s.FramesIn, "frame"), float64(s.BytesIn)/1e6, s.Seconds, s.FramesOut)
		for _, cause := range slices.Sorted(maps.Keys(s.Dropped)) {
			if n := s.Dropped[cause]; n > 0 {
				fmt.Fprintf(w, ", %d %s", n, strings.ReplaceAll(cause, "_", " "))
			}
		}
		if s.Lost > 0 {
			fmt.Fprintf(w, ", %d lost on the way", s.Lost)
		}
		name, l := "latency", s.Total
		if l.Count == 0 {
			name, l = "latency inside", s.Inside
		}
		if l.Count > 0 {
			fmt.Fprintf(w, "; %s %.1f ms (median), %.1f ms (99 %%)", name, l.P50, l.P99)
		}
		fmt.Fprintln(w)
	}
	if len(cameras) == 0 {
		fmt.Fprintln(w, "no camera came")
	}
}

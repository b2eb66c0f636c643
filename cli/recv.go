//go:build cgo

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
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
	"picam/internal/wording"
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
		Usage: "receive cameras' frames, filter, show and record them",
		UsageText: "picam recv --listen :8002 --config filters.yaml\n" +
			"picam recv --from tcp://raspberrypi.local:8002\n" +
			"picam recv --from auto\n" +
			"picam recv --from file:clip.mjpeg --config filters.yaml --record out/%06d.png",
		Description: "The filters file may be edited while frames are moving; 'picam filters' lists what can stand in it.\n\n" +
			"In a window: q or Esc ends, space pauses, f fills the screen, 1-9 switch the stages of the chain off and on, " +
			"s saves a snapshot, h hides the line. A file plays at its own rate there; space holds it, left and right go 5 s, " +
			"or a frame while it is held.",
		Flags: slices.Concat(
			group("Where from",
				text("listen", "[HOST]:PORT", "wait for cameras on this port; "+defaultListen+" unless --from is given"),
				announceFlag("that this receiver is here, so that send --to auto finds it"),
				list("from", "SOURCE", "pull from SOURCE instead: see below; may stand more than once"),
				frameRate("with --from file: or pattern: frames a second; 0 is as fast as they go. Without it a file is played "+
					"at its own rate in a window, else as fast as it goes", true),
				toggle("loop", "with --from file: begin again at its end"),
				toggle("once", "end when the first camera's stream ends"),
			),
			group("What is done to the frames",
				text("config", "FILE", "the chain of filters, in YAML; none shows the frames as they are"),
				choice("policy", "when filters are slow: latest drops frames, all makes the camera wait; auto is all for files",
					"auto", "auto", "latest", "all"),
				choice("damaged", "frames with broken data: drop, or show what there is of them", "drop", "drop", "show"),
				whole("workers", "N", 0, 0, 1024, "work on N frames of a camera at a time; 0: one for each processor"),
			),
			group("What is shown and kept",
				choice("display", "where to show: window, none, or auto: a window where there is a screen",
					"auto", "auto", "window", "none"),
				text("record", "FILE", "keep what is shown: out.mjpeg, out.avi, out/%06d.png or out/%06d.jpg; of several cameras: "+
					"out-NAME.avi"),
				text("record-raw", "FILE", "keep the camera's own bytes: out.mjpeg"),
				text("last-frame", "FILE", "write the last frame shown at the end: last.jpg or last.png"),
				text("events", "FILE", "write what filters find, a line of JSON for each frame; - is standard output"),
				toggle("overwrite", "replace recordings of an earlier run"),
			),
			group("Limits",
				maxFrame("longest frame taken from a camera"),
				whole("max-pixels", "N", pipeline.DefaultMaxPixels, 1, 1<<30, "largest frame that is decoded, width × height"),
				whole("max-cameras", "N", 64, 1, 10_000, "how many cameras there may be at once"),
				span("idle-timeout", 10*time.Second, 10*time.Millisecond, "close a camera's connection that is silent for so long"),
			),
			commonFlags(),
		),
		Action: func(c *cli.Context) error {
			s, err := parseRecv(c)
			if err == nil {
				err = s.check()
			}
			if err != nil {
				return err
			}
			return s.run(c.Context)
		},
	}
}

// ownCamera is what --from calls this computer's own camera.
const ownCamera = "camera"

// recvSettings are what picam recv was told.
type recvSettings struct {
	common      *commonSettings
	listen      string // "": nobody listens
	announce    bool
	from        []string
	capture     capture.Options // of the sources in from
	paced       bool            // --fps was given
	once        bool
	configPath  string // "": there is no filters file
	policy      string // auto, latest or all
	showDamaged bool
	display     string // auto, window or none
	events      string // "": none
	workers     int    // 0: one for each processor
	maxPixels   int
	limits      transport.Limits
	ends        *sink.Ends
}

// parseRecv reads the flags of picam recv.
func parseRecv(c *cli.Context) (*recvSettings, error) {
	if err := noArguments(c); err != nil {
		return nil, err
	}
	s := &recvSettings{
		common: parseCommon(c),
		listen: c.String("listen"), announce: c.Bool("announce"), from: values(c, "from"), once: c.Bool("once"),
		paced:      c.IsSet("fps"),
		capture:    capture.Options{FPS: c.Float64("fps"), Loop: c.Bool("loop"), MaxFrame: c.Int("max-frame")},
		configPath: c.String("config"), policy: c.String("policy"), showDamaged: c.String("damaged") == "show",
		display: c.String("display"), events: c.String("events"), workers: c.Int("workers"), maxPixels: c.Int("max-pixels"),
		limits: transport.Limits{
			MaxFrame: c.Int("max-frame"), Idle: c.Duration("idle-timeout"), Cameras: c.Int("max-cameras"),
		},
		ends: &sink.Ends{
			Record: c.String("record"), RecordRaw: c.String("record-raw"), LastFrame: c.String("last-frame"),
			Options: sink.Options{Rate: max(0, c.Float64("fps")), Overwrite: c.Bool("overwrite")},
		},
	}
	if s.listen == "" && len(s.from) == 0 {
		s.listen = defaultListen
	}
	s.ends.Options.EveryFrame = s.keepAll()
	s.ends.OneCamera = s.once || s.listen == "" && len(s.from) == 1
	return s, nil
}

// keepAll says whether cameras wait for the filters, rather than that frames are dropped.
func (s *recvSettings) keepAll() bool {
	return s.policy == "all" || s.policy == "auto" && s.listen == "" && !live(s.from)
}

// check finds what cannot be, before anything is opened.
func (s *recvSettings) check() error {
	if err := s.common.check(); err != nil {
		return err
	}
	if s.listen != "" {
		if _, err := transport.ParseListen(s.listen); err != nil {
			return usageError{err}
		}
	}
	for _, spec := range s.from {
		if err := checkFrom(spec, s.capture); err != nil {
			return usageError{err}
		}
	}
	return nil
}

// checkFrom finds what is wrong with a source as it was typed.
func checkFrom(spec string, o capture.Options) error {
	if addr, ok := strings.CutPrefix(spec, "tcp://"); ok {
		_, err := transport.ParseAddr(addr)
		return err
	}
	if _, ok := wanted(autoCamera, spec); ok || spec == ownCamera {
		return nil
	}
	return capture.Check(spec, o)
}

// receiver is one run of picam recv.
type receiver struct {
	*recvSettings
	log *slog.Logger
	con *console
	hub *pipeline.Hub
	end context.CancelCauseFunc // ends the run, for a reason

	systemd   *notifier
	detectors map[string]*stallDetector // of watch: the cameras'
}

// errDone ends a run that has done what it was asked to.
var errDone = errors.New("done")

// run receives until the sources or the context end.
func (s *recvSettings) run(parent context.Context) error {
	config := &pipeline.Config{}
	if s.configPath != "" {
		var err error
		if config, err = pipeline.LoadConfig(s.configPath); err != nil {
			return err
		}
	}
	con, log := s.common.open()
	s.capture.Log = log
	warnOfPrograms(config, log)
	defer s.ends.Close()
	if err := s.openEnds(log); err != nil {
		return err
	}
	s.capture.OwnRate = s.ends.Desktop != nil && !s.paced
	ctx, end := context.WithCancelCause(parent)
	defer end(errDone)
	r := &receiver{recvSettings: s, log: log, con: con, end: end, systemd: newNotifier(log)}
	options := pipeline.Options{
		Workers: s.workers, KeepAll: s.keepAll(), ShowDamaged: s.showDamaged, MaxPixels: s.maxPixels, Log: log,
	}
	pipeline.Tune(options)
	r.hub = pipeline.NewHub(config, s.limits.Cameras, r.open, options)
	err := r.work(ctx)
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errDone), errors.Is(cause, pipeline.ErrQuit), errors.Is(cause, context.Canceled):
		return err
	default:
		return errors.Join(cause, err)
	}
}

// openEnds opens what all cameras have together.
func (s *recvSettings) openEnds(log *slog.Logger) (err error) {
	s.ends.Options.Log = log
	switch err := s.ends.Prepare(); {
	case errors.Is(err, fs.ErrExist), errors.Is(err, sink.ErrInUse):
		return err
	case err != nil:
		return usageError{err}
	}
	if s.events != "" {
		if s.ends.Events, err = sink.OpenEvents(s.events, s.ends.Options); err != nil {
			return err
		}
	}
	s.ends.Desktop, err = s.openDesktop(log)
	return err
}

// open opens a camera's outputs. One that cannot be opened is told of, and ends nothing.
func (r *receiver) open(camera string, ctl *pipeline.Controller) (pipeline.Outputs, error) {
	return r.ends.Open(camera, ctl), nil
}

// work does all that goes on until the context ends, and closes everything then. The error is of that.
func (r *receiver) work(ctx context.Context) error {
	var running sync.WaitGroup
	if err := r.feed(ctx, &running); err != nil {
		r.end(err)
	} else {
		r.systemd.ready()
	}
	r.follow(ctx, &running)
	watched := make(chan struct{})
	stopWatching := make(chan struct{})
	go func() {
		defer close(watched)
		r.watch(stopWatching)
	}()
	if r.ends.Desktop != nil {
		if err := r.ends.Desktop.Run(ctx); err != nil {
			r.end(err)
		}
	}
	<-ctx.Done()
	r.systemd.stopping()
	slow := time.AfterFunc(time.Second, func() {
		r.log.Info("ending when the frames under way are through the filters and outputs; another Ctrl-C ends at once")
	})
	defer slow.Stop()
	running.Wait()
	err := r.hub.Close()
	close(stopWatching)
	<-watched
	if r.ends.Desktop != nil {
		err = errors.Join(err, r.ends.Desktop.Close())
	}
	if r.ends.Events != nil {
		err = errors.Join(err, r.ends.Events.Close())
	}
	return err
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

// openDesktop returns nil where no window is wanted, or where there is no screen and none is insisted on.
func (s *recvSettings) openDesktop(log *slog.Logger) (*sink.Desktop, error) {
	if s.display == "none" {
		return nil, nil
	}
	waiting := ""
	if s.listen != "" {
		waiting = "On the Pi: picam send --to " + oneOf(reachable(s.listen))
	}
	desktop, err := sink.NewDesktop(sink.DesktopOptions{Waiting: waiting, Log: log})
	if err != nil && s.display == "auto" {
		log.Info("going on without a window; --record out.mjpeg keeps what it would show", "why", err)
		return nil, nil
	}
	return desktop, err
}

// warnOfPrograms tells of programs of rules that are not there. They may come before they are needed.
func warnOfPrograms(config *pipeline.Config, log *slog.Logger) {
	for _, text := range missingPrograms(config) {
		log.Warn(text)
	}
}

// feed starts what brings frames in: the listener and the sources to pull from. When all sources have ended and
// nobody listens, the run ends.
func (r *receiver) feed(ctx context.Context, running *sync.WaitGroup) error {
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
	if r.listen != "" {
		l, err := transport.Listen(ctx, r.listen)
		if err != nil {
			return err
		}
		r.log.Info("listening", "address", l.Addr().String(), "send with", "picam send --to "+oneOf(reachable(l.Addr().String())))
		start(func() error {
			defer l.Close()
			if r.announce {
				defer announce(ctx, discovery.Receiver, "", l.Addr(), r.common.version, r.log)()
			}
			return transport.Serve(ctx, l, r.limits, r.log, r.handle)
		})
	}
	for _, spec := range r.from {
		if addr, ok := strings.CutPrefix(spec, "tcp://"); ok {
			addr, err := transport.ParseAddr(addr)
			if err != nil {
				return err
			}
			start(func() error { return transport.Pull(ctx, addr, r.once, r.limits, r.log, r.handle) })
			continue
		}
		if name, ok := wanted(autoCamera, spec); ok {
			find := finding(discovery.Camera, name, r.log, r.end)
			start(func() error { return transport.PullFound(ctx, spec, find, r.once, r.limits, r.log, r.handle) })
			continue
		}
		kind := spec
		if spec == ownCamera {
			kind = "auto"
		}
		src, err := capture.Open(ctx, kind, r.capture)
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
func (r *receiver) follow(ctx context.Context, running *sync.WaitGroup) {
	path := r.configPath
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
		r.notice(err)
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				r.log.Error("the filters stay as they were", "fault", strings.TrimSpace(line))
			}
			return
		}
		r.log.Info("filters loaded", "file", path)
		warnOfPrograms(config, r.log)
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

// recvStats is the stats file of picam recv, see docs/stats.md.
type recvStats struct {
	Cameras []pipeline.Stats `json:"cameras"`
}

// notice has the windows say what is wrong with the filters file; nil: nothing is any more.
func (r *receiver) notice(fault error) {
	switch {
	case r.ends.Desktop == nil:
	case fault == nil:
		r.ends.Desktop.Notice("")
	default:
		first, _, more := strings.Cut(fault.Error(), "\n")
		if more {
			first += " …"
		}
		r.ends.Desktop.Notice("The filters stay as they were: " + first)
	}
}

// watch shows the live lines and writes the stats file until stop is closed.
func (r *receiver) watch(stop <-chan struct{}) {
	statsFile := r.common.statsFile
	before, then := map[string]pipeline.Stats{}, time.Now()
	each(stop, func(last bool) {
		now, d := r.hub.Stats(), time.Since(then)
		if statsFile != "" {
			if err := writeStats(statsFile, recvStats{now}); err != nil {
				r.log.Error("cannot write", "error", err)
				statsFile = ""
			}
		}
		if last {
			r.con.Live()
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
		if r.con.terminal && len(now) > 0 {
			parts = append(parts, r.recording())
		}
		r.con.Live(parts...)
		r.systemd.tick(strings.Join(parts, "  |  "), r.stalled(time.Now(), now))
		then = time.Now()
	})
}

// recording says what is being kept, "" if nothing is.
func (r *receiver) recording() string {
	var files []string
	for _, file := range []string{r.ends.Record, r.ends.RecordRaw, r.events} {
		if file != "" && file != "-" {
			files = append(files, file)
		}
	}
	if len(files) == 0 {
		return ""
	}
	return "recording " + strings.Join(files, ", ")
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

// liveText is a camera's live line.
func liveText(now, before pipeline.Stats, d time.Duration) string {
	if now.State != "live" {
		return words(now.Camera, strings.ToUpper(strings.ReplaceAll(now.State, "_", " "))+": "+now.Reason)
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
		fmt.Fprintf(w, "%s: received %s (%.1f MB) in %.1f s, shown %d", s.Camera, wording.Plural(s.FramesIn, "frame"), float64(s.BytesIn)/1e6, s.Seconds, s.FramesOut)
		for _, cause := range slices.Sorted(maps.Keys(s.Dropped)) {
			if n := s.Dropped[cause]; n > 0 {
				fmt.Fprintf(w, ", %d %s", n, strings.ReplaceAll(cause, "_", " "))
			}
		}
		if s.Lost > 0 {
			fmt.Fprintf(w, ", %d lost on the way", s.Lost)
		}
		for _, cause := range slices.Sorted(maps.Keys(s.NotRecorded)) {
			fmt.Fprintf(w, ", %d not recorded (%s)", s.NotRecorded[cause], strings.ReplaceAll(cause, "_", " "))
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

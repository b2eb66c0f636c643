package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"picam/capture"
	"picam/transport"
	"picam/transport/discovery"
)

func sendCommand() *cli.Command {
	var kinds strings.Builder
	for _, k := range capture.Kinds() {
		fmt.Fprintf(&kinds, "   %-18s %s\n", k.Usage, k.Doc)
	}
	return &cli.Command{
		Name:  "send",
		Usage: "send a camera's frames to picam recv (runs on the computer with the camera)",
		UsageText: "picam send --to auto\n" +
			"picam send --to desk.local:8002\n" +
			"picam send --to 192.168.1.5:8002 --source file:clip.mjpeg --loop --fps 30\n" +
			"picam send --listen :8002 --source pattern",
		Description: "Either end may start first, stop and come back: send dials until recv answers.\n\nA SOURCE is one of:\n" + kinds.String(),
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "to", Usage: "send to `HOST:PORT`, where picam recv listens; auto finds it, auto:NAME one of several"},
			&cli.StringFlag{Name: "listen", Usage: "wait for receivers on `[HOST]:PORT` instead"},
			announceFlag("that this camera is here, with --listen"),
			&cli.StringFlag{Name: "source", Value: "auto", Usage: "where the frames come from (`SOURCE`)"},
			&cli.StringFlag{Name: "size", Usage: "frame size, `WIDTHxHEIGHT` such as 1280x720; the camera's choice if left out"},
			&cli.Float64Flag{Name: "fps", Usage: "frames a second; `N` = 0 is a camera's own rate, and a file as fast as it goes; -1 is as fast as it goes"},
			&cli.IntFlag{Name: "quality", Usage: "JPEG quality `N`, 1 to 100, where the source encodes; its own choice if left out"},
			&cli.StringFlag{Name: "control", Usage: "settings of a V4L2 camera, `NAME=VALUE,…`, as picam devices and v4l2-ctl name them"},
			&cli.StringFlag{Name: "camera", Usage: "which of the Raspberry Pi's own cameras, by its `NUMBER` in picam devices"},
			&cli.BoolFlag{Name: "hflip", Usage: "mirror the frames of the Raspberry Pi's own camera"},
			&cli.BoolFlag{Name: "vflip", Usage: "turn them upside down and mirror them"},
			&cli.IntFlag{Name: "rotation", Usage: "turn them by `DEGREES`: 0 or 180"},
			&cli.StringSliceFlag{Name: "rpicam-arg", Usage: "one more `ARGUMENT` of rpicam-vid, such as --exposure=sport; may be repeated"},
			&cli.BoolFlag{Name: "loop", Usage: "begin a file again at its end, or a program"},
			&cli.StringFlag{Name: "name", Usage: "the camera's `NAME` at the receiver; the host's name if left out"},
			&cli.StringFlag{Name: "policy", Value: "auto", Usage: "when the network is slow: latest drops frames, all waits; auto is all for what comes as fast as it goes (`WHAT`)"},
			&cli.BoolFlag{Name: "no-stamp", Usage: "leave the frames as they are: no name, number and time in them"},
			&cli.IntFlag{Name: "max-frame", Value: 16 << 20, Usage: "longest frame taken from the source, in `BYTES`"},
			&cli.DurationFlag{Name: "write-timeout", Usage: "give a connection up that takes nothing for `TIME`, such as 5s"},
		}, commonFlags()...),
		Action: send,
	}
}

func send(c *cli.Context) error {
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
	width, height, err := parseSize(c.String("size"))
	if err != nil {
		return err
	}
	policy, err := oneOf(c, "policy", "auto", "latest", "all")
	if err != nil {
		return err
	}
	if q := c.Int("quality"); q < 0 || q > 100 {
		return badUsage("--quality %d: takes 1 to 100", q)
	}
	source, fps := c.String("source"), c.Float64("fps")
	if fps > 1000 {
		return badUsage("--fps %g: takes up to 1000", fps)
	}
	if source, err = rpicamSource(c, source); err != nil {
		return err
	}
	unpaced := fps < 0 || fps == 0 && strings.HasPrefix(source, "file:")
	sender := &transport.Sender{
		Camera:       c.String("name"),
		NoStamp:      c.Bool("no-stamp"),
		KeepAll:      policy == "all" || policy == "auto" && unpaced,
		WriteTimeout: c.Duration("write-timeout"),
		Log:          log,
	}
	if sender.Camera == "" {
		if sender.Camera, err = os.Hostname(); err != nil {
			sender.Camera = "camera"
		}
	}
	ctx, cancel := context.WithCancelCause(c.Context)
	defer cancel(nil)
	name, found := wanted(autoReceiver, c.String("to"))
	switch to, listen := c.String("to"), c.String("listen"); {
	case to != "" && listen != "":
		return badUsage("send takes --to or --listen, not both: --to dials a receiver, --listen waits for some")
	case found:
		sender.Addr, sender.Find = to, finding(discovery.Receiver, name, log, cancel)
	case to != "":
		if sender.Addr, err = transport.ParseAddr(to); err != nil {
			return usageError{err}
		}
	case listen != "":
		if sender.Listener, err = transport.Listen(c.Context, listen); err != nil {
			return err
		}
		defer sender.Listener.Close()
	default:
		return badUsage("where to? picam send --to HOST:8002 dials a picam recv, --to auto finds it; picam send --listen :8002 waits for one")
	}

	src, err := capture.Open(ctx, source, capture.Options{
		Width: width, Height: height, FPS: fps, Quality: c.Int("quality"), Loop: c.Bool("loop"),
		Controls: c.String("control"), MaxFrame: c.Int("max-frame"), Log: log,
		Rpicam: capture.Rpicam{
			HFlip: c.Bool("hflip"), VFlip: c.Bool("vflip"), Rotation: c.Int("rotation"), Args: c.StringSlice("rpicam-arg"),
		},
	})
	if err != nil {
		return err
	}
	defer src.Close()
	if t, ok := src.(capture.Troubled); ok {
		sender.Trouble = t.Trouble
	}

	if sender.Listener != nil && c.Bool("announce") {
		defer announce(ctx, discovery.Camera, sender.Camera, sender.Listener.Addr(), c.App.Version, log)()
	}

	systemd := newNotifier(log)
	systemd.ready()
	w := &senderWatch{
		con: con, log: log, statsFile: c.String("stats-file"), systemd: systemd,
		sender: sender, src: src, camera: alwaysGives(source), fps: fps,
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		w.run(stop)
	}()
	err = sender.Run(ctx, src)
	systemd.stopping()
	close(stop)
	<-stopped
	switch {
	case errors.Is(err, context.Canceled) && c.Context.Err() != nil:
		return nil // the user ended it
	case errors.Is(err, context.Canceled):
		return context.Cause(ctx)
	}
	return err
}

// rpicamSource is the source that is meant where flags of the Raspberry Pi's own camera are given.
func rpicamSource(c *cli.Context, source string) (string, error) {
	for _, flag := range []string{"camera", "hflip", "vflip", "rotation", "rpicam-arg"} {
		if !c.IsSet(flag) {
			continue
		}
		name, number, numbered := strings.Cut(source, ":")
		switch {
		case name != "rpicam" && name != "auto":
			return "", badUsage("--%s is for the Raspberry Pi's own camera, --source rpicam, not for %s", flag, capture.Label(source))
		case flag != "camera":
		case numbered && number != c.String(flag):
			return "", badUsage("--camera %s or --source %s: one of the two", c.String(flag), source)
		default:
			return "rpicam:" + c.String(flag), nil
		}
		if name == "auto" {
			source = "rpicam"
		}
	}
	if r := c.Int("rotation"); r != 0 && r != 180 {
		return "", badUsage("--rotation %d: the camera takes 0 and 180; picam recv has the filter rotate for the others", r)
	}
	return source, nil
}

// alwaysGives says whether a source gives a frame every few seconds or else the reason why not. Programs, files and
// standard input may pause for as long as they like.
func alwaysGives(source string) bool {
	name, _, _ := strings.Cut(source, ":")
	return slices.Contains([]string{"auto", "rpicam", "v4l2", "http", "https"}, name)
}

// senderWatch tells once a second what a sender does: the live line, the stats file, systemd.
type senderWatch struct {
	con       *console
	log       *slog.Logger
	statsFile string // "": none
	systemd   *notifier
	sender    *transport.Sender
	src       capture.Source
	camera    bool // src is one that alwaysGives
	fps       float64

	taken, sent stallDetector
}

// run does so until stop is closed.
func (w *senderWatch) run(stop <-chan struct{}) {
	before, then := w.sender.Stats(), time.Now()
	if bar := newFileProgress(w.src); bar != nil {
		w.con.Progress(bar.String)
	}
	each(stop, func(last bool) {
		now := w.sender.Stats()
		if w.statsFile != "" {
			if err := writeStats(w.statsFile, now); err != nil {
				w.log.Error("cannot write", "error", err)
				w.statsFile = ""
			}
		}
		d := time.Since(then)
		link := fmt.Sprintf("%.1f fps · %.1f Mbit/s", float64(now.Sent-before.Sent)/d.Seconds(), megabits(now.Bytes-before.Bytes, d))
		if now.Receivers == 0 {
			link = "no receiver"
		}
		rtt := ""
		if now.RTT > 0 {
			rtt = fmt.Sprintf("round trip %.1f ms", float64(now.RTT.Microseconds())/1000)
		}
		line := words(link, plural(now.Sent, "frame")+" sent", fmt.Sprintf("%d dropped", now.Dropped), rtt)
		w.con.Live(line)
		if last {
			w.con.Live("")
			if w.con.show {
				fmt.Fprintf(w.con, "sent %s, %.1f MB; dropped %d\n", plural(now.Sent, "frame"), float64(now.Bytes)/1e6, now.Dropped)
			}
			return
		}
		w.systemd.tick(words(w.trouble(), line), w.stalled(time.Now(), now))
		before, then = now, time.Now()
	})
}

// trouble is why the source gives no frames, as far as it tells.
func (w *senderWatch) trouble() string {
	if w.sender.Trouble == nil {
		return ""
	}
	return w.sender.Trouble()
}

// stalled says what stands still: the source, if it gives neither frames nor a reason, or the sending, if frames wait,
// and a receiver is there, and not a byte goes out. Where all frames are kept, either may wait for the receiver.
func (w *senderWatch) stalled(now time.Time, s transport.SenderStats) string {
	if w.sender.KeepAll {
		return ""
	}
	patience := w.systemd.patience()
	slow := patience
	if w.fps > 0 && patience > 0 {
		slow += time.Duration(5 / w.fps * float64(time.Second))
	}
	taken := s.Captured
	if c, ok := w.src.(capture.Counted); ok {
		taken = c.Counts().Captured // broken ones too
	}
	if w.taken.stalled(now, slow, w.camera && w.trouble() == "", taken) {
		return "the source gives neither frames nor a reason"
	}
	if patience > 0 {
		patience += 2 * w.sender.WriteTimeout
	}
	if w.sent.stalled(now, patience, s.Receivers > 0 && s.Captured > s.Sent+s.Dropped, s.Sent, s.Bytes, s.Connects) {
		return "frames wait and are not sent"
	}
	return ""
}

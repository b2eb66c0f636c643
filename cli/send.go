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
	"picam/internal/wording"
	"picam/transport"
	"picam/transport/discovery"
)

func sendCommand() *cli.Command {
	return &cli.Command{
		Name:  "send",
		Usage: "send a camera's frames to picam recv",
		UsageText: "picam send --to auto\n" +
			"picam send --to desk.local:8002\n" +
			"picam send --to 192.168.1.5 --source file:clip.mjpeg --loop --fps 30\n" +
			"picam send --listen :8002 --source pattern",
		Description: "Either end may start first, stop and come back: send dials until recv answers, and waits for a camera that is " +
			"not there yet.",
		Flags: slices.Concat(
			group("Where to",
				text("to", "HOST:PORT", "send to HOST:PORT, where picam recv listens; auto finds it, auto:NAME one of several"),
				text("listen", "[HOST]:PORT", "wait for receivers on this port instead"),
				announceFlag("that this camera is here, with --listen"),
				text("name", "NAME", "the camera's name at the receiver; the computer's if left out"),
			),
			group("The frames",
				source("where the frames come from: see below"),
				frameSize("frame size, such as 1280x720; the camera's choice if left out"),
				frameRate("frames a second; 0 is a camera's own rate, and a file as fast as it goes; -1 is as fast as it goes", true),
				whole("quality", "N", 0, 0, 100, "JPEG quality, 1 to 100, where the source encodes; its own choice if left out"),
				text("control", "NAME=VALUE,…", "settings of a V4L2 camera, as picam devices and v4l2-ctl name them"),
				toggle("loop", "begin a file again at its end, or a program"),
				maxFrame("longest frame taken from the source"),
			),
			group("A Raspberry Pi's own camera",
				text("camera", "NUMBER", "which one, by its number in picam devices"),
				toggle("hflip", "mirror the frames"),
				toggle("vflip", "turn them upside down and mirror them"),
				&option{
					name: "rotation", value: "DEGREES", initial: "0", usage: "turn them by 0 or 180 degrees", accept: acceptRotation,
					takes: "0 and 180, as the camera does; picam recv has the filter rotate for the others",
				},
				list("rpicam-arg", "ARGUMENT", "one more argument of rpicam-vid, such as --exposure=sport; may stand more than once"),
			),
			group("The network",
				choice("policy", "when the network is slow: latest drops frames, all waits; auto is all for what comes as fast as it "+
					"goes", "auto", "auto", "latest", "all"),
				toggle("no-stamp", "leave the frames as they are: no name, number and time in them"),
				span("write-timeout", 0, 0, "give a connection up that takes nothing for so long, such as 5s"),
			),
			commonFlags(),
		),
		Action: func(c *cli.Context) error {
			s, err := parseSend(c)
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

func source(usage string) *option {
	o := text("source", "SOURCE", usage)
	o.initial = "auto"
	return o
}

func acceptRotation(text string) (string, bool) { return text, text == "0" || text == "180" }

// sendSettings are what picam send was told.
type sendSettings struct {
	common     *commonSettings
	to, listen string // one of them is empty
	announce   bool
	name       string
	source     string
	capture    capture.Options
	policy     string // auto, latest or all
	noStamp    bool
	patience   time.Duration // of a connection that takes nothing; 0 means the sender's own

	camera     string   // "": the first one
	rpicamOnly []string // the flags that were given and are for the Raspberry Pi's own camera alone
}

// parseSend reads the flags of picam send.
func parseSend(c *cli.Context) (*sendSettings, error) {
	if err := noArguments(c); err != nil {
		return nil, err
	}
	width, height, _ := parseSize(c.String("size"))
	s := &sendSettings{
		common: parseCommon(c),
		to:     c.String("to"), listen: c.String("listen"), announce: c.Bool("announce"), name: c.String("name"),
		source: c.String("source"), policy: c.String("policy"), noStamp: c.Bool("no-stamp"), patience: c.Duration("write-timeout"),
		capture: capture.Options{
			Width: width, Height: height, FPS: c.Float64("fps"), Quality: c.Int("quality"), Loop: c.Bool("loop"),
			Controls: c.String("control"), MaxFrame: c.Int("max-frame"),
			Rpicam: capture.Rpicam{
				HFlip: c.Bool("hflip"), VFlip: c.Bool("vflip"), Rotation: c.Int("rotation"), Args: values(c, "rpicam-arg"),
			},
		},
		camera: c.String("camera"),
	}
	for _, flag := range []string{"camera", "hflip", "vflip", "rotation", "rpicam-arg"} {
		if c.IsSet(flag) {
			s.rpicamOnly = append(s.rpicamOnly, flag)
		}
	}
	if s.name == "" {
		var err error
		if s.name, err = os.Hostname(); err != nil {
			s.name = "camera"
		}
	}
	return s, nil
}

// check finds what does not fit together, and fills in what follows from it. Nothing has been opened yet.
func (s *sendSettings) check() (err error) {
	if err := s.common.check(); err != nil {
		return err
	}
	if s.source, err = s.rpicamSource(); err != nil {
		return err
	}
	if err := capture.Check(s.source, s.capture); err != nil {
		return usageError{err}
	}
	_, found := wanted(autoReceiver, s.to)
	switch {
	case s.to != "" && s.listen != "":
		return badUsage("send takes --to or --listen, not both: --to dials a receiver, --listen waits for some")
	case s.to == "" && s.listen == "":
		return badUsage("where to? picam send --to HOST:8002 dials a picam recv, --to auto finds it; " +
			"picam send --listen :8002 waits for one")
	case s.listen != "":
		_, err = transport.ParseListen(s.listen)
	case !found:
		s.to, err = transport.ParseAddr(s.to)
	}
	if err != nil {
		return usageError{err}
	}
	return nil
}

// rpicamSource is the source that is meant where flags of the Raspberry Pi's own camera are given.
func (s *sendSettings) rpicamSource() (string, error) {
	if len(s.rpicamOnly) == 0 {
		return s.source, nil
	}
	name, number, numbered := strings.Cut(s.source, ":")
	switch {
	case name != "rpicam" && name != "auto":
		return "", badUsage("--%s is for the Raspberry Pi's own camera, --source rpicam, not for %s", s.rpicamOnly[0],
			capture.Label(s.source))
	case s.camera != "" && numbered && number != s.camera:
		return "", badUsage("--camera %s or --source %s: one of the two", s.camera, s.source)
	case s.camera != "":
		return "rpicam:" + s.camera, nil
	case name == "auto":
		return "rpicam", nil
	}
	return s.source, nil
}

// keepAll says whether the source waits for the network, rather than that frames are dropped.
func (s *sendSettings) keepAll() bool {
	unpaced := s.capture.FPS < 0 || s.capture.FPS == 0 && strings.HasPrefix(s.source, "file:")
	return s.policy == "all" || s.policy == "auto" && unpaced
}

// run sends until the source or the context ends.
func (s *sendSettings) run(parent context.Context) error {
	con, log := s.common.open()
	s.capture.Log = log
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	sender := &transport.Sender{
		Camera: s.name, NoStamp: s.noStamp, KeepAll: s.keepAll(), WriteTimeout: s.patience, Addr: s.to, Log: log,
	}
	if name, found := wanted(autoReceiver, s.to); found {
		sender.Find = finding(discovery.Receiver, name, log, cancel)
	}
	if s.listen != "" {
		l, err := transport.Listen(ctx, s.listen)
		if err != nil {
			return err
		}
		defer l.Close()
		sender.Listener = l
	}
	src, err := capture.Open(ctx, s.source, s.capture)
	if err != nil {
		return err
	}
	defer src.Close()
	if t, ok := src.(capture.Troubled); ok {
		sender.Trouble = t.Trouble
	}
	if sender.Listener != nil && s.announce {
		defer announce(ctx, discovery.Camera, s.name, sender.Listener.Addr(), s.common.version, log)()
	}

	systemd := newNotifier(log)
	systemd.ready()
	w := &senderWatch{
		con: con, log: log, statsFile: s.common.statsFile, systemd: systemd,
		sender: sender, src: src, camera: alwaysGives(s.source), fps: s.capture.FPS,
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
	case errors.Is(err, context.Canceled) && parent.Err() != nil:
		return nil // the user ended it
	case errors.Is(err, context.Canceled):
		return context.Cause(ctx)
	}
	return err
}

// alwaysGives says whether a source gives a frame every few seconds or else the reason why not. Programs, files and
// standard input may pause for as long as they like.
func alwaysGives(source string) bool {
	name, _, _ := strings.Cut(source, ":")
	return slices.Contains([]string{"auto", "rpicam", "v4l2", "http", "https"}, name)
}

// sendStats is the stats file of picam send, see docs/stats.md.
type sendStats struct {
	FramesIn  int64   `json:"frames_in"`
	FramesOut int64   `json:"frames_out"`
	Dropped   int64   `json:"frames_dropped"`
	BytesOut  int64   `json:"bytes_out"`
	Receivers int     `json:"receivers"`
	Connects  int64   `json:"connections"`
	RTT       float64 `json:"rtt_ms"`
}

func sendStatsOf(s transport.SenderStats) sendStats {
	const perMillisecond = float64(time.Millisecond)
	return sendStats{s.Captured, s.Sent, s.Dropped, s.Bytes, s.Receivers, s.Connects, float64(s.RTT) / perMillisecond}
}

// senderWatch tells once a second what a sender does: the live lines, the stats file, systemd.
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
			if err := writeStats(w.statsFile, sendStatsOf(now)); err != nil {
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
		line := words(link, wording.Plural(now.Sent, "frame")+" sent", fmt.Sprintf("%d dropped", now.Dropped), rtt)
		if last {
			w.con.Live()
			if w.con.show {
				fmt.Fprintf(w.con, "sent %s, %.1f MB; dropped %d\n", wording.Plural(now.Sent, "frame"), float64(now.Bytes)/1e6, now.Dropped)
			}
			return
		}
		if w.con.terminal {
			w.con.Live(line, w.trouble())
		} else {
			w.con.Live(line)
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

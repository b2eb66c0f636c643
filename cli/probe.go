package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"picam/capture"
	"picam/capture/probe"
	"picam/mjpeg"
	"picam/transport"
)

// firstByteTime is how long a source may take to begin: cameras wake up, programs start.
const firstByteTime = 10 * time.Second

func probeCommand() *cli.Command {
	return &cli.Command{
		Name:  "probe",
		Usage: "tell what a camera, a stream or a file gives, what is wrong with it, and what to type for it",
		UsageText: "picam probe http://esp32.local:81/stream\npicam probe --time 10s v4l2:/dev/video0\n" +
			"picam probe tcp://raspberrypi.local:8002\nrpicam-vid … -o - | picam probe -",
		ArgsUsage: "SOURCE",
		Description: "It reads a few seconds of SOURCE, which is as for picam send --source, or tcp://HOST:PORT as for " +
			"picam recv --from, and repairs nothing. The status is 0 if there were frames, else 1.",
		Flags: []cli.Flag{
			&cli.DurationFlag{Name: "time", Value: 3 * time.Second, Usage: "read for `TIME`, such as 10s, from its first byte"},
			&cli.BoolFlag{Name: "json", Usage: "print all of it as JSON, for programs"},
			&cli.StringFlag{Name: "size", Usage: "ask a camera for this frame size, `WIDTHxHEIGHT`"},
			&cli.Float64Flag{Name: "fps", Usage: "ask it for `N` frames a second"},
			&cli.IntFlag{Name: "max-frame", Value: mjpeg.DefaultMaxFrame, Usage: "longest frame that is taken, in `BYTES`"},
		},
		Action: probeSource,
	}
}

func probeSource(c *cli.Context) error {
	switch {
	case c.NArg() == 0:
		return badUsage("picam probe of what? picam probe http://HOST/PATH, v4l2:/dev/video0, tcp://HOST:PORT, file:PATH " +
			"or another SOURCE")
	case c.NArg() > 1 && strings.HasPrefix(c.Args().Get(1), "-"):
		return badUsage("flags stand before the source: picam probe %s %s", strings.Join(c.Args().Tail(), " "),
			hideSecrets(c.Args().First()))
	case c.NArg() > 1:
		return badUsage("picam probe takes one source, not %q too", c.Args().Get(1))
	case c.Duration("time") <= 0:
		return badUsage("--time %v: takes more than 0, such as 3s", c.Duration("time"))
	}
	width, height, err := parseSize(c.String("size"))
	if err != nil {
		return err
	}
	spec := c.Args().First()
	ctx, end := context.WithCancelCause(c.Context)
	defer end(nil)
	stream, err := openStream(ctx, spec, capture.Options{
		Width: width, Height: height, FPS: c.Float64("fps"), MaxFrame: c.Int("max-frame"),
	})
	if err != nil {
		return err
	}
	defer stream.Close()
	limit := &timeLimit{Stream: stream, time: c.Duration("time")}
	limit.timer = time.AfterFunc(max(firstByteTime, limit.time), func() { end(probe.ErrEnough) })
	defer limit.timer.Stop()
	p := probe.New(probe.Options{
		Source: hideSecrets(spec), Input: inputOf(spec), MaxFrame: c.Int("max-frame"), Untimed: untimed(spec),
	})
	r := p.Report(p.Run(limit))
	stream.Close() // a program that still runs writes no more
	r.Commands = probeCommands(c, spec, r)
	if c.Bool("json") {
		e := json.NewEncoder(c.App.Writer)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		err = e.Encode(r)
	} else {
		err = r.WriteText(c.App.Writer)
	}
	switch {
	case err != nil || r.Frames > 0:
		return err
	case c.Bool("json"):
		return fmt.Errorf("no frame from %s: %s", r.Source, cmp.Or(r.Found, r.Error))
	}
	return fmt.Errorf("no frame from %s", r.Source) // why stands in the report
}

// openStream opens a source's bytes, those of a sender that listens too.
func openStream(ctx context.Context, spec string, o capture.Options) (capture.Stream, error) {
	addr, ok := strings.CutPrefix(spec, "tcp://")
	if !ok {
		return capture.OpenStream(ctx, spec, o)
	}
	conn, err := transport.Dial(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: is the sender there, with --listen, and is the port right? One that dials, as "+
			"rpicam-vid -o tcp://… does, is for picam recv --listen", spec, err)
	}
	return capture.NewStream(&dialed{conn, ctx, context.AfterFunc(ctx, func() { conn.Close() })}), nil
}

// dialed is a connection that ends with a context.
type dialed struct {
	net.Conn
	ctx  context.Context
	stop func() bool
}

func (d *dialed) Read(p []byte) (int, error) {
	n, err := d.Conn.Read(p)
	if err != nil && d.ctx.Err() != nil {
		err = context.Cause(d.ctx)
	}
	return n, err
}

func (d *dialed) Close() error {
	d.stop()
	return d.Conn.Close()
}

// timeLimit lets the time run from the first byte on.
type timeLimit struct {
	capture.Stream
	timer *time.Timer
	time  time.Duration
	begun sync.Once
}

func (l *timeLimit) Part() (capture.Part, error) {
	part, err := l.Stream.Part()
	if err == nil {
		part.Reader = limitedPart{part.Reader, l}
	}
	return part, err
}

type limitedPart struct {
	io.Reader
	limit *timeLimit
}

func (p limitedPart) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if n > 0 {
		p.limit.begun.Do(func() { p.limit.timer.Reset(p.limit.time) })
	}
	return n, err
}

// untimed reports whether a source's bytes come as fast as they are read.
func untimed(spec string) bool {
	if spec == "-" {
		info, err := os.Stdin.Stat()
		return err == nil && info.Mode().IsRegular()
	}
	return strings.HasPrefix(spec, "file:")
}

// inputOf is what ffmpeg takes for the same bytes; "" if there is no such thing.
func inputOf(spec string) string {
	name, arg, _ := strings.Cut(spec, ":")
	switch name {
	case "file":
		return quoteWord(arg)
	case "http", "https", "tcp":
		address, _, _ := strings.Cut(hideSecrets(spec), "#") // picam's own options
		return address
	}
	return ""
}

// hideSecrets takes user, password and what may be keys out of the addresses in a source, which users show to others.
func hideSecrets(spec string) string {
	spec = regexp.MustCompile(`://[^/\s'"]*@`).ReplaceAllString(spec, "://USER:PASSWORD@")
	if !strings.HasPrefix(spec, "http") {
		return spec
	}
	spec, options, ok := strings.Cut(spec, "#")
	if ok {
		options = "#" + options
	}
	address, query, ok := strings.Cut(spec, "?")
	if !ok {
		return spec + options
	}
	secret := regexp.MustCompile(`(?i)pass|pwd|user|usr|login|key|token|auth|secret|sid`)
	parameters := strings.Split(query, "&")
	for i, p := range parameters {
		name, _, _ := strings.Cut(p, "=")
		if plain, err := url.QueryUnescape(name); err != nil || secret.MatchString(plain) {
			parameters[i] = name + "=…"
		}
	}
	return address + "?" + strings.Join(parameters, "&") + options
}

// probeCommands are the lines of picam that take the source; none where nothing does.
func probeCommands(c *cli.Context, spec string, r probe.Report) []string {
	if r.Frames == 0 || r.Refused {
		return nil
	}
	both := ""
	if limit := c.Int("max-frame"); limit != mjpeg.DefaultMaxFrame {
		both += fmt.Sprintf(" --max-frame %d", limit)
	} else if r.Damage.TooLong > 0 {
		both += " --max-frame 100000000"
	}
	source := quoteShell(hideSecrets(spec))
	name, _, _ := strings.Cut(spec, ":")
	if name == "tcp" {
		return []string{"picam recv --from " + source + both}
	}
	pipe, send := "", both
	if c.String("size") != "" {
		send += " --size " + c.String("size")
	}
	switch fps := c.Float64("fps"); {
	case fps != 0:
		send += fmt.Sprintf(" --fps %g", fps)
	case name == "file":
		send += " --fps 30"
	}
	if spec == "-" {
		pipe = "… | "
	}
	sending := pipe + "picam send --source " + source + send + " --to HOST:8002"
	receiving := pipe + "picam recv --from " + source + both
	if name == "http" || name == "https" {
		return []string{receiving, sending}
	}
	return []string{sending, receiving}
}

// quoteShell quotes a word for a shell where that is needed.
func quoteShell(word string) string {
	if !regexp.MustCompile(`[^\w@%+=:,./-]`).MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// quoteWord quotes a word as the source ffmpeg: splits its line.
func quoteWord(word string) string {
	if !strings.ContainsAny(word, " \t'\"\\") {
		return word
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(word) + `"`
}

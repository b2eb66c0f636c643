package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"picam/capture"
	"picam/capture/probe"
	"picam/transport"
)

func probeCommand() *cli.Command {
	return &cli.Command{
		Name:  "probe",
		Usage: "tell what a source gives, what is wrong with it, what to type",
		UsageText: "picam probe http://esp32.local:81/stream\npicam probe --time 10s v4l2:/dev/video0\n" +
			"picam probe tcp://raspberrypi.local:8002\nrpicam-vid … -o - | picam probe -",
		ArgsUsage: "SOURCE",
		Description: "It reads a few seconds of SOURCE, which is as for picam send --source, or tcp://HOST:PORT as for " +
			"picam recv --from, and repairs nothing. The status is 0 if there were frames, else 1.",
		Flags: group("",
			span("time", 3*time.Second, time.Millisecond, "how long to read, from the first byte on, such as 10s"),
			toggle("json", "print all of it as JSON, for programs"),
			frameSize("ask a camera for this frame size"),
			frameRate("ask it for so many frames a second", false),
			maxFrame("longest frame that is taken"),
		),
		Action: probeSource,
	}
}

func probeSource(c *cli.Context) error {
	spec, err := probedSource(c)
	if err != nil {
		return err
	}
	width, height, _ := parseSize(c.String("size"))
	o := capture.Options{Width: width, Height: height, FPS: c.Float64("fps"), MaxFrame: c.Int("max-frame")}
	if err := checkProbed(spec, o); err != nil {
		return usageError{err}
	}
	ctx, end := context.WithCancelCause(c.Context)
	defer end(nil)
	stream, err := openStream(ctx, spec, o)
	if err != nil {
		return err
	}
	defer stream.Close()
	limited, stop := probe.Limit(stream, c.Duration("time"), func() { end(probe.ErrEnough) })
	defer stop()
	p := probe.New(probe.OptionsFor(spec, o.MaxFrame))
	r := p.Report(p.Run(limited))
	stream.Close() // a program that still runs writes no more
	r.Suggest(spec, probe.Asked{MaxFrame: o.MaxFrame, Size: c.String("size"), FPS: o.FPS})
	return writeReport(c, r)
}

// probedSource is the source that is to be probed.
func probedSource(c *cli.Context) (string, error) {
	switch {
	case c.NArg() == 0:
		return "", badUsage("picam probe of what? picam probe http://HOST/PATH, v4l2:/dev/video0, tcp://HOST:PORT, file:PATH " +
			"or another SOURCE")
	case c.NArg() > 1 && strings.HasPrefix(c.Args().Get(1), "-"):
		return "", badUsage("flags stand before the source: picam probe %s %s", strings.Join(c.Args().Tail(), " "),
			probe.HideSecrets(c.Args().First()))
	case c.NArg() > 1:
		return "", badUsage("picam probe takes one source, not %q too", c.Args().Get(1))
	}
	return c.Args().First(), nil
}

// checkProbed finds what is wrong with a source as it was typed.
func checkProbed(spec string, o capture.Options) error {
	if addr, ok := strings.CutPrefix(spec, "tcp://"); ok {
		_, err := transport.ParseAddr(addr)
		return err
	}
	return capture.Check(spec, o)
}

// writeReport prints a report. A source without a frame is an error.
func writeReport(c *cli.Context, r probe.Report) (err error) {
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

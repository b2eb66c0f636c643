// Package cli is the command line: what is typed is parsed, checked and run here. Each command has a file.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/urfave/cli/v2"
)

// Run runs the command that args ask for, args[0] being the program, and returns the exit status: 0 all is well, 1
// something failed, 2 a usage error. version is "" if the linker has set none.
func Run(ctx context.Context, version string, args []string, stdout, stderr io.Writer) int {
	err := newApp(version, stdout, stderr).RunContext(ctx, args)
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "picam: %s\n", plain(err.Error()))
	var usage usageError
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}

// plain is what an error says, without the names of picam's packages, which help only those who read its code.
func plain(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		for _, room := range []string{"capture", "transport", "discovery", "pipeline", "sink", "codec", "mjpeg"} {
			line = strings.ReplaceAll(strings.TrimPrefix(line, room+": "), ": "+room+": ", ": ")
			line = strings.ReplaceAll(line, "("+room+": ", "(")
		}
		b.WriteString(line)
	}
	return b.String()
}

// plainErrors has a log tell errors as plain does; it is a slog.HandlerOptions.ReplaceAttr.
func plainErrors(_ []string, a slog.Attr) slog.Attr {
	if err, ok := a.Value.Any().(error); ok {
		a.Value = slog.StringValue(plain(err.Error()))
	}
	return a
}

// usageError is wrong typing on the command line. The program ends with status 2.
type usageError struct{ error }

func badUsage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// newApp wires the commands.
func newApp(version string, stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:  "picam",
		Usage: "stream a camera to another computer and look at it through OpenCV",
		Description: "  On the computer with the screen:  picam recv --config filters.yaml\n" +
			"  On the computer with the camera:  picam send --to auto\n\n" +
			"Between the two flows plain MJPEG, so each also works with rpicam-vid, ffmpeg, GStreamer and old scripts.",
		Version:         versionText(version),
		HideVersion:     true, // here and in the commands, help and the version are of our own making
		HideHelp:        true,
		Writer:          stdout,
		ErrWriter:       stderr,
		ExitErrHandler:  func(*cli.Context, error) {},
		CommandNotFound: func(*cli.Context, string) {},
		OnUsageError:    explainUsage,
		Flags:           []cli.Flag{&cli.BoolFlag{Name: "version"}},
		Commands: []*cli.Command{
			sendCommand(), recvCommand(), devicesCommand(), probeCommand(), discoverCommand(), filtersCommand(), checkCommand(),
			versionCommand(), manCommand(), completionCommand(), helpCommand(),
		},
		Action: func(c *cli.Context) error {
			switch {
			case c.Args().Present():
				return noCommand(c.Args().First())
			case c.Bool("version"):
				return printVersion(c)
			}
			newHelper(c.App.Writer).app(c.App)
			return nil
		},
	}
	for _, cmd := range app.Commands {
		cmd.HideHelp = true
		cmd.OnUsageError = explainUsage
	}
	return app
}

func noCommand(name string) error {
	return badUsage("there is no command %q; picam --help lists them", name)
}

// explainUsage turns what cli says of a wrong flag into one line that says what to type. To package flag, --help is a
// flag that is not defined, so that help begins here.
func explainUsage(c *cli.Context, err error, ofCommand bool) error {
	command := "picam"
	if ofCommand {
		command += " " + c.Command.Name
	}
	if errors.Is(err, flag.ErrHelp) {
		if help := newHelper(c.App.Writer); ofCommand {
			help.command(c.Command)
		} else {
			help.app(c.App)
		}
		return nil
	}
	for _, o := range optionsOf(c.Command) {
		if o.fault != nil {
			return usageError{o.fault}
		}
	}
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		name = strings.TrimPrefix(name, "-")
		text = fmt.Sprintf("there is no flag --%s", name)
		if near := cli.SuggestFlag(c.Command.Flags, name, true); near != "" {
			text += fmt.Sprintf(" (did you mean %s?)", near)
		}
	} else if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		name = strings.TrimPrefix(name, "-")
		for _, o := range optionsOf(c.Command) {
			if o.name == name {
				text = fmt.Sprintf("--%s takes %s, and nothing stands behind it", name, o.value)
			}
		}
	}
	return badUsage("%s; %s --help lists what there is", text, command)
}

// Package cli is the command line: what is typed is parsed, checked and run here. Each command has a file.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

// Run runs the command that args ask for, args[0] being the program, and returns the exit status: 0 all is well, 1 something
// failed, 2 a usage error. version is "" if the linker has set none.
func Run(ctx context.Context, version string, args []string, stdout, stderr io.Writer) int {
	err := newApp(version, stdout, stderr).RunContext(ctx, args)
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "picam: %v\n", err)
	var usage usageError
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}

// usageError is a mistake in what the user typed. The program ends with status 2.
type usageError struct{ error }

func badUsage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// newApp wires the commands.
func newApp(version string, stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:  "picam",
		Usage: "stream a camera to another computer and look at it through OpenCV",
		Description: "On the computer with the screen:   picam recv --listen :8002 --config filters.yaml\n" +
			"On the computer with the camera:   picam send --to HOST:8002\n\n" +
			"Between the two flows plain MJPEG, so each also works with rpicam-vid, ffmpeg, GStreamer and old scripts.",
		Version:                   versionText(version),
		HideVersion:               true,
		DisableSliceFlagSeparator: true, // a SOURCE may have commas in it
		EnableBashCompletion:      true,
		Suggest:                   true,
		Writer:                    stdout,
		ErrWriter:                 stderr,
		ExitErrHandler:            func(*cli.Context, error) {},
		Commands: []*cli.Command{
			sendCommand(), recvCommand(), devicesCommand(), probeCommand(), discoverCommand(), filtersCommand(), checkCommand(), versionCommand(),
			manCommand(), completionCommand(),
		},
		OnUsageError: explainUsage,
		CommandNotFound: func(c *cli.Context, name string) {
			fmt.Fprintf(stderr, "picam: there is no command %q; picam --help lists them\n", name)
		},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return badUsage("there is no command %q; picam --help lists them", c.Args().First())
			}
			return cli.ShowAppHelp(c)
		},
	}
	for _, cmd := range app.Commands {
		cmd.OnUsageError = explainUsage
		for _, f := range cmd.Flags {
			readEnvironment(f)
		}
	}
	return app
}

// explainUsage turns what cli says of a wrong flag into one line that says what to type.
func explainUsage(c *cli.Context, err error, _ bool) error {
	command := strings.TrimSpace("picam " + c.Command.Name)
	if c.Command.Name == "picam" || c.Command.Name == "" {
		command = "picam"
	}
	text := err.Error()
	if flag, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		flag = strings.TrimPrefix(flag, "-")
		text = fmt.Sprintf("there is no flag --%s", flag)
		if near := cli.SuggestFlag(c.Command.Flags, flag, false); near != "" && c.Command != nil {
			text += fmt.Sprintf(" (did you mean %s?)", near)
		}
	}
	return badUsage("%s; %s --help lists what there is", text, command)
}

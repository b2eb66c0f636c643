// picam carries a camera's frames to another computer and shows them there through a chain of OpenCV filters.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/lmittmann/tint"
	"github.com/urfave/cli/v2"
)

// version is set by the linker (make build).
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := newApp(os.Stdout, os.Stderr).RunContext(ctx, os.Args)
	if err == nil {
		return
	}
	fmt.Fprintf(os.Stderr, "picam: %v\n", err)
	var usage usageError
	if errors.As(err, &usage) {
		os.Exit(2)
	}
	os.Exit(1)
}

// usageError is a mistake in what the user typed. The program ends with status 2.
type usageError struct{ error }

func badUsage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// newApp wires the commands. Nothing in it exits the process.
func newApp(stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:  "picam",
		Usage: "stream a camera to another computer and look at it through OpenCV",
		Description: "On the computer with the screen:   picam recv --listen :8002 --config filters.yaml\n" +
			"On the computer with the camera:   picam send --to HOST:8002\n\n" +
			"Between the two flows plain MJPEG, so each also works with rpicam-vid, ffmpeg, GStreamer and old scripts.",
		Version:                   versionText(),
		HideVersion:               true,
		DisableSliceFlagSeparator: true, // a SOURCE may have commas in it
		EnableBashCompletion:      true,
		Suggest:                   true,
		Writer:                    stdout,
		ErrWriter:                 stderr,
		ExitErrHandler:            func(*cli.Context, error) {},
		Commands: []*cli.Command{
			sendCommand(), recvCommand(), devicesCommand(), probeCommand(), listCommand(), filtersCommand(), checkCommand(), versionCommand(),
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

// readEnvironment lets a flag be set by PICAM_ and its name in capitals.
func readEnvironment(f cli.Flag) {
	env := func(name string) []string {
		return []string{"PICAM_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))}
	}
	switch f := f.(type) {
	case *cli.StringFlag:
		f.EnvVars = env(f.Name)
	case *cli.StringSliceFlag:
		f.EnvVars = env(f.Name)
	case *cli.IntFlag:
		f.EnvVars = env(f.Name)
	case *cli.Float64Flag:
		f.EnvVars = env(f.Name)
	case *cli.BoolFlag:
		f.EnvVars = env(f.Name)
	case *cli.DurationFlag:
		f.EnvVars = env(f.Name)
	}
}

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print the version of picam, and of what it is built with",
		Action: func(c *cli.Context) error {
			fmt.Fprintf(c.App.Writer, "picam %s (%s %s/%s, %s)\n", versionText(), runtime.Version(), runtime.GOOS, runtime.GOARCH, visionText())
			return nil
		},
	}
}

func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "development"
}

// commonFlags are those of every command that runs for long.
func commonFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "log-level", Value: "info", Usage: "`LEVEL`: debug, info, warn or error"},
		&cli.StringFlag{Name: "log-format", Value: "text", Usage: "`FORMAT`: text, or json for machines"},
		&cli.StringFlag{Name: "status", Value: "auto", Usage: "the live line: auto (on a terminal), always, or never (`WHEN`)"},
		&cli.StringFlag{Name: "stats-file", Usage: "write the counters to `FILE` as JSON, each second and at the end"},
	}
}

// newLogger makes the logger that the common flags ask for. It writes to con.
func newLogger(c *cli.Context, con *console) (*slog.Logger, error) {
	log, err := makeLogger(c, con)
	if err == nil {
		adoptLog(log)
	}
	return log, err
}

// adoptLog has log take in what libraries write with the package log, which would break the live line. It is of no use but
// for those who look for a fault.
func adoptLog(log *slog.Logger) {
	slog.SetLogLoggerLevel(slog.LevelDebug)
	slog.SetDefault(log)
}

func makeLogger(c *cli.Context, con *console) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.String("log-level"))); err != nil {
		return nil, badUsage("--log-level %s: takes debug, info, warn or error", c.String("log-level"))
	}
	format, err := oneOf(c, "log-format", "text", "json")
	options := &slog.HandlerOptions{Level: level}
	switch {
	case err != nil:
		return nil, err
	case format == "json":
		return slog.New(slog.NewJSONHandler(con, options)), nil
	case con.terminal: // short times and colours are for people
		return slog.New(tint.NewHandler(con, &tint.Options{Level: level, TimeFormat: time.TimeOnly})), nil
	}
	return slog.New(slog.NewTextHandler(con, options)), nil
}

// oneOf checks the value of a flag that takes one of a few words.
func oneOf(c *cli.Context, flag string, words ...string) (string, error) {
	v := c.String(flag)
	for _, w := range words {
		if v == w {
			return v, nil
		}
	}
	return "", badUsage("--%s %s: takes %s or %s", flag, v, strings.Join(words[:len(words)-1], ", "), words[len(words)-1])
}

// noArguments refuses what stands behind the flags, which a user typed in the belief that it does something.
func noArguments(c *cli.Context) error {
	if c.Args().Present() {
		return badUsage("picam %s takes no argument %q; flags begin with --, see picam %s --help", c.Command.Name, c.Args().First(), c.Command.Name)
	}
	return nil
}

package cli

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// commonFlags are those of every command that runs for long.
func commonFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "log-level", Value: "info", Usage: "`LEVEL`: debug, info, warn or error"},
		&cli.StringFlag{Name: "log-format", Value: "text", Usage: "`FORMAT`: text, or json for machines"},
		&cli.StringFlag{Name: "status", Value: "auto", Usage: "the live line: auto (on a terminal), always, or never (`WHEN`)"},
		&cli.StringFlag{Name: "stats-file", Usage: "write the counters to `FILE` as JSON, each second and at the end"},
	}
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

// parseSize reads WIDTHxHEIGHT; "" is 0, 0.
func parseSize(text string) (width, height int, err error) {
	if text == "" {
		return 0, 0, nil
	}
	var rest string
	n, _ := fmt.Sscanf(text+" ", "%dx%d%s", &width, &height, &rest)
	if n != 2 || width < 1 || height < 1 || width > 16384 || height > 16384 {
		return 0, 0, badUsage("--size %s: takes WIDTHxHEIGHT in pixels, such as 1280x720", text)
	}
	return width, height, nil
}

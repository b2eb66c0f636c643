//go:build cgo

package cli

import (
	"fmt"
	"image"
	"slices"

	"github.com/urfave/cli/v2"

	"picam/pipeline"
)

func checkCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "check a filters file: what it does, or what is wrong with it",
		UsageText: "picam check filters.yaml\npicam check --size 1280x720 filters.yaml",
		ArgsUsage: "FILE",
		Flags:     group("", frameSize("try the chains on frames of this size, that of your camera's")),
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return badUsage("picam check takes one file, and flags before it: picam check filters.yaml")
			}
			width, height, _ := parseSize(c.String("size"))
			config, err := pipeline.LoadConfig(c.Args().First())
			if err != nil {
				return err
			}
			names := config.Cameras()
			slices.Sort(names)
			for _, name := range append([]string{""}, names...) {
				whose := "every camera"
				if name != "" {
					whose = "camera " + name
				}
				plan, err := pipeline.Check(config.Chain(name), image.Pt(width, height))
				if err != nil {
					return fmt.Errorf("%s: %s: %w", c.Args().First(), whose, err)
				}
				fmt.Fprintf(c.App.Writer, "%s: %s\n", whose, plan)
				for _, need := range plan.Needs {
					fmt.Fprintf(c.App.Writer, "  %s takes frames of %s only; --size tries those of your camera\n", need.Stage, need.Takes())
				}
			}
			return nil
		},
	}
}

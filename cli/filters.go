//go:build cgo

package cli

import (
	"fmt"
	"image"
	"slices"

	"github.com/urfave/cli/v2"

	"picam/filters"
	"picam/pipeline"
)

func filtersCommand() *cli.Command {
	return &cli.Command{
		Name:      "filters",
		Usage:     "list the filters, or tell one filter's parameters",
		UsageText: "picam filters\npicam filters blur\npicam filters --yaml > filters.yaml",
		ArgsUsage: "[NAME]",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "yaml", Usage: "print a filters file with every filter and parameter, to begin with"},
			&cli.BoolFlag{Name: "json", Usage: "print the JSON Schema of a filters file, for editors"},
			&cli.BoolFlag{Name: "markdown", Usage: "print the page docs/filters.md"},
		},
		Action: func(c *cli.Context) error {
			w := c.App.Writer
			switch {
			case c.NArg() > 1:
				return badUsage("picam filters takes one name at most, and flags before it; see picam filters --help")
			case c.NArg() == 1:
				name := c.Args().First()
				kind, ok := filters.Find(name)
				if !ok {
					var known []string
					for _, k := range filters.All() {
						known = append(known, k.Name)
					}
					hint := ""
					if near := filters.Nearest(name, known); near != "" {
						hint = fmt.Sprintf(" (did you mean %s?)", near)
					}
					return badUsage("there is no filter %q%s; picam filters lists them", name, hint)
				}
				return filters.WriteHelp(w, kind)
			case c.Bool("yaml"):
				return filters.WriteYAML(w)
			case c.Bool("json"):
				return pipeline.WriteSchema(w)
			case c.Bool("markdown"):
				return filters.WriteMarkdown(w)
			}
			return filters.WriteList(w)
		},
	}
}

func checkCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "check a filters file: print what it does, or everything that is wrong with it",
		UsageText: "picam check filters.yaml\npicam check --size 1280x720 filters.yaml",
		ArgsUsage: "FILE",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "size", Usage: "try the chains on frames of `WIDTHxHEIGHT`, those of your camera"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return badUsage("picam check takes one file, and flags before it: picam check filters.yaml")
			}
			width, height, err := parseSize(c.String("size"))
			if err != nil {
				return err
			}
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

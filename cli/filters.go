//go:build cgo

package cli

import (
	"fmt"

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

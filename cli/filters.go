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
		ArgsUsage: "[FILTER]",
		Flags: group("",
			toggle("yaml", "print a filters file with every filter and parameter, to begin with"),
			toggle("json", "print the JSON Schema of a filters file, for editors"),
			toggle("markdown", "print the page docs/filters.md"),
		),
		Action: func(c *cli.Context) error {
			w := c.App.Writer
			switch {
			case c.NArg() > 1:
				return badUsage("picam filters takes one name at most, and flags before it; see picam filters --help")
			case c.NArg() == 1:
				name := c.Args().First()
				kind, ok := filters.Find(name)
				if !ok {
					hint := ""
					if near := filters.NearestName(name); near != "" {
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

// filterNames are those of all filters.
func filterNames() []string {
	var names []string
	for _, k := range filters.All() {
		names = append(names, k.Name)
	}
	return names
}

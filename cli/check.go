//go:build cgo

package cli

import (
	"cmp"
	"fmt"
	"image"
	"io"
	"os/exec"
	"slices"
	"strings"

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
			return check(c.App.Writer, c.Args().First(), image.Pt(width, height))
		},
	}
}

// check prints what a filters file does with frames of a size (cols × rows); 0 × 0: it is not known.
func check(w io.Writer, path string, size image.Point) error {
	config, err := pipeline.LoadConfig(path)
	if err != nil {
		return err
	}
	for _, name := range chainNames(config) {
		whose := "every camera"
		if name != "" {
			whose = "camera " + name
		}
		chain := config.Chain(name)
		plan, err := pipeline.Check(chain, size)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", path, whose, err)
		}
		fmt.Fprintf(w, "%s: %s\n", whose, plan)
		for _, need := range plan.Needs {
			fmt.Fprintf(w, "  %s takes frames of %s only; --size tries those of your camera\n", need.Stage, need.Takes())
		}
		for _, r := range chain.Rules {
			fmt.Fprintf(w, "  %s\n", ruleText(r))
		}
	}
	if missing := missingPrograms(config); len(missing) > 0 {
		return fmt.Errorf("%s: %s", path, strings.Join(missing, "\n"+path+": "))
	}
	return nil
}

// chainNames are the cameras that have a chain of their own, after "" for all others.
func chainNames(config *pipeline.Config) []string {
	names := config.Cameras()
	slices.Sort(names)
	return append([]string{""}, names...)
}

// ruleText says what a rule waits for, and what it does then.
func ruleText(r *pipeline.Rule) string {
	when := "on " + cmp.Or(r.Label, "anything")
	if r.Stage != "" {
		when += " found by " + r.Stage
	}
	if r.MinScore > 0 {
		when += fmt.Sprintf(", score %g or more", r.MinScore)
	}
	if r.MinArea > 0 {
		when += fmt.Sprintf(", %g %% of the frame or more", r.MinArea)
	}
	if r.For > 0 {
		when += fmt.Sprintf(", for %v", r.For)
	}
	var does []string
	add := func(what, to string) {
		if to != "" {
			does = append(does, what+" "+to)
		}
	}
	add("run", strings.Join(r.Run, " "))
	add("post to", r.Post)
	add("snapshot", r.Snapshot)
	if r.Clip != "" {
		add("clip", fmt.Sprintf("%s, from %v before to %v after", r.Clip, r.Before, r.After))
	}
	return fmt.Sprintf("%s: %s; at most once in %v", when, strings.Join(does, "; "), r.Cooldown)
}

// missingPrograms says which programs of rules are not on this computer. Each is told once.
func missingPrograms(config *pipeline.Config) []string {
	var told, missing []string
	for _, name := range chainNames(config) {
		for _, r := range config.Chain(name).Rules {
			if len(r.Run) == 0 || strings.Contains(r.Run[0], "{") || slices.Contains(told, r.Run[0]) {
				continue
			}
			told = append(told, r.Run[0])
			if _, err := exec.LookPath(r.Run[0]); err != nil {
				missing = append(missing, fmt.Sprintf("run: there is no program %s on this computer", r.Run[0]))
			}
		}
	}
	return missing
}

package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"text/tabwriter"
)

// program is something to measure.
type program struct {
	name    string
	differs string   // what it does otherwise than the first one
	check   []string // succeeds where the program can run; nil: it can
	install string   // Debian packages to install where it cannot
	run     func() (run, error)
}

// column is a figure of each run.
type column struct {
	name   string
	of     func(run) float64
	format string
	ratio  string // the name of another column, of the ratio to the first program's figure; "": none
	invert bool   // the ratio is the first program's figure to this one's
}

// The columns that several parts have.
func rateColumn() column {
	return column{"frames/s", run.rate, "%.0f", "× of it", true}
}
func costColumn() column {
	return column{"ms of a core/frame", run.perFrame, "%.2f", "× its cost", false}
}

// compare runs the programs in turn, so that what the machine does otherwise meets all of them, and prints a table of
// medians. Ratios are taken within each round.
func (b *bench) compare(title string, rounds int, programs []program, columns ...column) error {
	statuses := ""
	for _, p := range programs {
		if p.check != nil && exec.Command(p.check[0], p.check[1:]...).Run() != nil {
			statuses += fmt.Sprintf("  %s is missing: apt-get install %s\n", p.name, p.install)
		}
	}
	programs = slices.DeleteFunc(programs, func(p program) bool { return strings.Contains(statuses, "  "+p.name+" is missing") })
	runs := make([][]run, len(programs))
	for round := range rounds {
		for i := range programs {
			i = (i + round) % len(programs) // none always runs behind the same other one
			settle(b.patience)
			r, err := programs[i].run()
			if err != nil {
				return fmt.Errorf("%s: %w", programs[i].name, err)
			}
			runs[i] = append(runs[i], r)
		}
	}

	columns = append(columns, column{"MB", run.rss, "%.0f", "", false},
		column{"others", func(r run) float64 { return 100 * r.others }, "%.0f %%", "", false})
	fmt.Printf("\n%s\n", title)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	head := []string{"  "}
	for _, c := range columns {
		head = append(head, c.name)
		if c.ratio != "" {
			head = append(head, c.ratio)
		}
	}
	fmt.Fprintln(w, strings.Join(head, "\t"))
	for i, p := range programs {
		cells := []string{"  " + p.name}
		for _, c := range columns {
			if c.name == "MB" || c.name == "others" {
				cells = append(cells, fmt.Sprintf(c.format, median(figures(runs[i], c.of))))
				continue
			}
			mine, first := figures(runs[i], c.of), figures(runs[0], c.of)
			cells = append(cells, spread(mine, c.format))
			if c.ratio != "" {
				for k := range mine {
					mine[k] /= first[k]
					if c.invert {
						mine[k] = 1 / mine[k]
					}
				}
				cells = append(cells, fmt.Sprintf("%.2f", median(mine)))
			}
		}
		fmt.Fprintln(w, strings.Join(append(cells, p.differs), "\t"))
	}
	_ = w.Flush()
	fmt.Print(statuses)
	return nil
}

func figures(runs []run, of func(run) float64) []float64 {
	v := make([]float64, len(runs))
	for i, r := range runs {
		v[i] = of(r)
	}
	return v
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}

// spread is "median (least–most)".
func spread(v []float64, format string) string {
	return fmt.Sprintf(format+" ("+format+"–"+format+")", median(v), slices.Min(v), slices.Max(v))
}

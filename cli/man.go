package cli

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

func manCommand() *cli.Command {
	return &cli.Command{
		Name:  "man",
		Usage: "print the page of the manual: picam man >picam.1",
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			return writeMan(c.App.Writer, c.App)
		},
	}
}

// writeMan writes the manual's page, as man(7) describes it.
func writeMan(w io.Writer, app *cli.App) error {
	b := bufio.NewWriter(w)
	// A line that began with a dot or a quote would be a request to the formatter.
	roff := strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "^", `\(ha`, "~", `\(ti`, "\n.", "\n\\&.")
	text := func(s string) string { return roff.Replace(strings.TrimSpace(s)) }
	block := func(s string) {
		fmt.Fprintf(b, ".PP\n.nf\n%s\n.fi\n", roff.Replace(strings.Trim(s, "\n")))
	}
	fmt.Fprintf(b, ".TH PICAM 1 \"\" \"picam %s\" \"User Commands\"\n", text(app.Version))
	fmt.Fprintf(b, ".SH NAME\npicam \\- %s\n.SH SYNOPSIS\n", text(app.Usage))
	for i, c := range app.Commands {
		if i > 0 {
			fmt.Fprintln(b, ".br")
		}
		fmt.Fprintf(b, ".B picam %s\n", text(c.Name))
		if len(optionsOf(c)) > 0 {
			fmt.Fprintln(b, ".RI [ flags ]")
		}
		if c.ArgsUsage != "" {
			fmt.Fprintf(b, ".I %s\n", text(c.ArgsUsage))
		}
	}
	fmt.Fprintln(b, ".SH DESCRIPTION")
	block(app.Description)
	fmt.Fprintln(b, ".SH COMMANDS")
	for _, c := range app.Commands {
		fmt.Fprintf(b, ".SS picam %s\n%s.\n", text(c.Name), text(strings.ToUpper(c.Usage[:1])+c.Usage[1:]))
		if c.UsageText != "" {
			block(c.UsageText)
		}
		if c.Description != "" {
			for paragraph := range strings.SplitSeq(c.Description, "\n\n") {
				fmt.Fprintf(b, ".PP\n%s\n", text(paragraph))
			}
		}
		for _, o := range optionsOf(c) {
			fmt.Fprintf(b, ".TP\n\\fB\\-\\-%s\\fR", text(o.name))
			if o.value != "" {
				fmt.Fprintf(b, " \\fI%s\\fR", text(o.value))
			}
			fmt.Fprintf(b, "\n%s.", text(strings.ToUpper(o.usage[:1])+o.usage[1:]))
			if shown := o.shownInitial(); shown != "" {
				fmt.Fprintf(b, " If not given: %s.", text(shown))
			}
			fmt.Fprintln(b)
		}
		if terms := sourceTerms(c); len(terms) > 0 {
			fmt.Fprintln(b, ".PP\nSOURCE is one of:")
			for _, t := range terms {
				fmt.Fprintf(b, ".TP\n\\fB%s\\fR\n%s\n", text(t.name), text(t.text))
			}
		}
	}
	fmt.Fprintf(b, `.SH ENVIRONMENT
Every flag can be set by a variable as well: its name in capitals, with PICAM_ in front, and _ where it has a dash.
\fBPICAM_STATS_FILE\fR is \fB\-\-stats\-file\fR. A flag that is typed counts more than its variable.
.SH FILES
.TP
.I /etc/picam/NAME.env
Such variables for the service \fBpicam\-send@NAME\fR, which sends a camera from the start of the computer on.
.TP
.I /etc/picam/recv.env
The same for the service \fBpicam\-recv\fR.
.SH EXIT STATUS
0 all is well, 1 something failed, 2 a usage error.
.SH SEE ALSO
.BR rpicam\-vid (1),
.BR v4l2\-ctl (1),
.BR ffmpeg (1),
.BR systemctl (1)
`)
	return b.Flush()
}

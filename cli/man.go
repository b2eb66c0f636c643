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
		Name: "man", Hidden: true,
		Usage: "print the page of the manual: picam man >picam.1",
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			return writeMan(c.App.Writer, c.App)
		},
	}
}

// flagDoc is what a flag's declaration says of it.
type flagDoc struct {
	name    string // without its dashes
	value   string // what its value stands for, such as FILE; "" where it takes none
	usage   string
	initial string // its value if it is not given; "" is none
	env     string // the variable that sets it
}

// flagDocs returns what a command's flags are, --help left out.
func flagDocs(flags []cli.Flag) []flagDoc {
	var docs []flagDoc
	for _, f := range flags {
		d, ok := f.(cli.DocGenerationFlag)
		if !ok || d.Names()[0] == "help" {
			continue
		}
		doc := flagDoc{name: d.Names()[0], usage: strings.ReplaceAll(d.GetUsage(), "`", "")}
		if d.TakesValue() {
			doc.value, doc.initial = "VALUE", strings.Trim(d.GetDefaultText(), `"`)
			if _, named, found := strings.Cut(d.GetUsage(), "`"); found {
				doc.value, _, _ = strings.Cut(named, "`")
				doc.usage = strings.ReplaceAll(doc.usage, " ("+doc.value+")", "") // it only names the value
			}
		}
		if vars := d.GetEnvVars(); len(vars) > 0 {
			doc.env = vars[0]
		}
		if doc.initial == "0" || doc.initial == "0s" {
			doc.initial = ""
		}
		docs = append(docs, doc)
	}
	return docs
}

// shown are the commands that help lists.
func shown(app *cli.App) []*cli.Command {
	var list []*cli.Command
	for _, c := range app.Commands {
		if !c.Hidden && c.Name != "help" {
			list = append(list, c)
		}
	}
	return list
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
	for i, c := range shown(app) {
		if i > 0 {
			fmt.Fprintln(b, ".br")
		}
		fmt.Fprintf(b, ".B picam %s\n", text(c.Name))
		if flags := flagDocs(c.Flags); len(flags) > 0 {
			fmt.Fprintln(b, ".RI [ flags ]")
		}
		if c.ArgsUsage != "" {
			fmt.Fprintf(b, ".I %s\n", text(c.ArgsUsage))
		}
	}
	fmt.Fprintln(b, ".SH DESCRIPTION")
	block(app.Description)
	fmt.Fprintln(b, ".SH COMMANDS")
	for _, c := range shown(app) {
		fmt.Fprintf(b, ".SS picam %s\n%s.\n", text(c.Name), text(strings.ToUpper(c.Usage[:1])+c.Usage[1:]))
		if c.UsageText != "" {
			block(c.UsageText)
		}
		if c.Description != "" {
			block(c.Description)
		}
		for _, f := range flagDocs(c.Flags) {
			fmt.Fprintf(b, ".TP\n\\fB\\-\\-%s\\fR", text(f.name))
			if f.value != "" {
				fmt.Fprintf(b, " \\fI%s\\fR", text(f.value))
			}
			fmt.Fprintf(b, "\n%s.", text(strings.ToUpper(f.usage[:1])+f.usage[1:]))
			if f.initial != "" {
				fmt.Fprintf(b, " If not given: %s.", text(f.initial))
			}
			fmt.Fprintln(b)
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

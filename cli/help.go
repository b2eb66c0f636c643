package cli

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"picam/capture"
)

const (
	helpMargin = 2
	helpColumn = 28 // where what is said of a flag begins
	helpWidth  = 80 // where there is no terminal to ask
	widestHelp = 100
)

// helper writes help, wrapped between words.
type helper struct {
	w     io.Writer
	width int
}

func newHelper(w io.Writer) *helper {
	width := helpWidth
	if f, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			width = min(columns, widestHelp)
		}
	}
	return &helper{w, max(width, 40)}
}

// line writes first, and then the words of text from column on, on as many lines as they need.
func (h *helper) line(first string, column int, text string) {
	if utf8.RuneCountInString(first) > column-2 && first != "" && text != "" {
		fmt.Fprintln(h.w, first)
		first = ""
	}
	line := fmt.Sprintf("%-*s", column, first)
	empty := true
	for word := range strings.FieldsSeq(text) {
		switch {
		case empty:
			line += word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > h.width:
			fmt.Fprintln(h.w, line)
			line = strings.Repeat(" ", column) + word
		default:
			line += " " + word
		}
		empty = false
	}
	fmt.Fprintln(h.w, strings.TrimRight(line, " "))
}

func (h *helper) heading(text string) { fmt.Fprintf(h.w, "\n%s:\n", text) }

// lines writes a text whose lines stay as they are.
func (h *helper) lines(text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintln(h.w, strings.TrimRight(strings.Repeat(" ", helpMargin)+line, " \n"))
	}
}

// app writes what there is.
func (h *helper) app(app *cli.App) {
	h.line("", 0, "picam: "+app.Usage)
	fmt.Fprintln(h.w)
	for paragraph := range strings.SplitSeq(app.Description, "\n\n") {
		if strings.HasPrefix(paragraph, " ") {
			fmt.Fprintln(h.w, paragraph)
		} else {
			h.line("", 0, paragraph)
		}
		fmt.Fprintln(h.w)
	}
	fmt.Fprintln(h.w, "Commands:")
	for _, c := range app.Commands {
		h.line("  "+c.Name, 14, c.Usage)
	}
	fmt.Fprintln(h.w)
	h.line("", 0, "picam COMMAND --help tells more of each; picam --version prints the version.")
}

// command writes what a command does and takes.
func (h *helper) command(c *cli.Command) {
	h.line("", 0, "picam "+c.Name+": "+c.Usage)
	h.heading("Usage")
	h.lines(cmp.Or(c.UsageText, "picam "+c.Name))
	for paragraph := range strings.SplitSeq(c.Description, "\n\n") {
		if paragraph != "" {
			fmt.Fprintln(h.w)
			h.line("", 0, paragraph)
		}
	}
	options := optionsOf(c)
	before := ""
	for _, o := range options {
		if heading := cmp.Or(o.group, "Flags"); heading != before {
			h.heading(heading)
			before = heading
		}
		h.option(o)
	}
	if terms := sourceTerms(c); len(terms) > 0 {
		h.heading("SOURCE is one of")
		for _, t := range terms {
			h.line("  "+t.name, helpColumn, t.text)
		}
	}
	if len(options) > 0 {
		fmt.Fprintln(h.w)
		o := options[0]
		h.line("", 0, fmt.Sprintf("Each flag can be set by a variable too, such as --%s by %s.", o.name, o.variable()))
	}
}

func (h *helper) option(o *option) {
	text := o.usage
	if shown := o.shownInitial(); shown != "" {
		text += " (default: " + shown + ")"
	}
	h.line(strings.TrimRight("  --"+o.name+" "+o.value, " "), helpColumn, text)
}

// shownInitial is an option's value if it is not given, "" where that is none.
func (o *option) shownInitial() string {
	if o.value == "" || o.initial == "0" || o.initial == "0s" {
		return ""
	}
	return o.initial
}

// topic is something that can be typed, and what it means.
type topic struct{ name, text string }

// takesSource says whether a command, or one of its flags, takes a SOURCE.
func takesSource(c *cli.Command) bool {
	for _, o := range optionsOf(c) {
		if o.value == "SOURCE" {
			return true
		}
	}
	return c.ArgsUsage == "SOURCE"
}

// sourceTerms are the kinds of a command's SOURCE; none if it takes none.
func sourceTerms(c *cli.Command) []topic {
	if !takesSource(c) {
		return nil
	}
	var terms []topic
	listening := topic{"tcp://HOST:PORT", "A picam send --listen, or another program that sends MJPEG to whoever connects."}
	if c.Name == "recv" {
		terms = append(terms, listening,
			topic{"auto[:NAME]", "A picam send --listen on the network, which is looked for: the only one, or that of a NAME."},
			topic{ownCamera, "This computer's own camera: as auto of picam send --source."})
	}
	if c.Name == "probe" {
		terms = append(terms, listening)
	}
	for _, k := range capture.Kinds() {
		if k.Name == "auto" && c.Name == "recv" {
			continue
		}
		terms = append(terms, topic{k.Usage, k.Doc})
	}
	return terms
}

func helpCommand() *cli.Command {
	return &cli.Command{
		Name:      "help",
		Usage:     "show this, or what a command takes",
		UsageText: "picam help\npicam help send",
		ArgsUsage: "[COMMAND]",
		Action: func(c *cli.Context) error {
			if !c.Args().Present() {
				newHelper(c.App.Writer).app(c.App)
				return nil
			}
			command := c.App.Command(c.Args().First())
			if command == nil {
				return noCommand(c.Args().First())
			}
			newHelper(c.App.Writer).command(command)
			return nil
		},
	}
}

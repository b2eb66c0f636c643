package filters

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// WriteList writes a line for each filter: its name and what it does.
func WriteList(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, k := range All() {
		fmt.Fprintf(table, "%s\t%s\n", k.Name, k.Doc)
	}
	return table.Flush()
}

// WriteHelp writes all that there is to know of k, for a terminal.
func WriteHelp(w io.Writer, k Kind) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: %s\n%s\n\n", k.Name, k.Doc, formats(k))
	if params := Declared(k); len(params) > 0 {
		table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, p := range params {
			standard := "default " + yamlValue(p)
			if p.Required {
				standard = "required"
			}
			fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", p.Name, allowed(p), standard, p.Doc)
		}
		table.Flush()
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "In a filters file, with its defaults:\n\n  filters:\n    - %s\n", yamlLine(k))
	_, err := w.Write(b.Bytes())
	return err
}

// WriteMarkdown writes the page docs/filters.md.
func WriteMarkdown(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString("# Filters\n\n" +
		"<!-- Made by `make docs` from the declarations in filters/; changes here get lost. -->\n\n" +
		"A filters file says what happens to the frames, from top to bottom. A filter stands there by its name\n" +
		"alone, with every parameter at its default, or with some parameters:\n\n" +
		"```yaml\nfilters:\n  - grayscale\n  - blur: {size: 9}\n```\n\n" +
		"`picam recv --config filters.yaml` uses the file and follows every change of it, `picam check " +
		"filters.yaml`\n" +
		"tells what is wrong with it, and `picam filters --yaml` writes one that has every filter in it.\n\n" +
		"Each pair of pictures is made by the lines below it: the frame as the last of them gets it, and what it " +
		"makes\n" +
		"of it.\n\n" +
		"| filter | what it does |\n|---|---|\n")
	for _, k := range All() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s |\n", k.Name, k.Name, k.Doc)
	}
	for _, k := range All() {
		fmt.Fprintf(&b, "\n## %s\n\n%s %s\n", k.Name, k.Doc, formats(k))
		if k.Pictured() {
			fmt.Fprintf(&b, "\n![A frame before %s, and after it](filters/%s.png)\n", k.Name, k.Name)
		}
		params := Declared(k)
		if len(params) > 0 {
			b.WriteString("\n| parameter | values | default | meaning |\n|---|---|---|---|\n")
		}
		for _, p := range params {
			standard := "`" + yamlValue(p) + "`"
			if p.Required {
				standard = "required, such as " + standard
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", p.Name, allowed(p), standard, p.Doc)
		}
		fmt.Fprintf(&b, "\n```yaml\nfilters:\n  - %s\n```\n", strings.Join(k.Example(), "\n  - "))
	}
	_, err := w.Write(b.Bytes())
	return err
}

// WriteYAML writes a filters file to begin with: a chain, and every other filter as a comment, with all parameters.
func WriteYAML(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString("# yaml-language-server: $schema=docs/filters.schema.json\n" +
		"# (With that line an editor completes and checks this file. picam filters --json > FILE makes the " +
		"schema.)\n\n" +
		"# What picam does to the frames:   picam recv --config THIS-FILE\n" +
		"# picam follows every change that you save. A file with a mistake changes nothing.\n" +
		"# Every filter with every parameter stands here, set to its default, or to an example.\n\n" +
		"filters: # the chain of every camera, from top to bottom\n")
	chain := []string{"grayscale", "blur", "canny"}
	for _, name := range chain {
		k, _ := Find(name)
		writeYAMLStage(&b, k, "  ")
	}
	b.WriteString("\n  # To use one of these, take the '# ' away from its lines. Their order is the order of work.\n")
	for _, k := range All() {
		if !slices.Contains(chain, k.Name) {
			writeYAMLStage(&b, k, "  # ")
		}
	}
	b.WriteString("\n# A camera may have a chain of its own instead, by its name (picam send --name door):\n" +
		"# cameras:\n#   door:\n#     filters:\n#       - rotate: {degrees: 180}\n")
	b.WriteString("\n# What to do when a stage finds something, see docs/events.md:\n" +
		"# on:\n#   - {min_area: 2, cooldown: 30s, snapshot: 'seen/{camera}-{time}.jpg'}\n")
	_, err := w.Write(b.Bytes())
	return err
}

func writeYAMLStage(b *bytes.Buffer, k Kind, indent string) {
	params := Declared(k)
	fmt.Fprintf(b, "\n  ## %s\n", k.Doc)
	if len(params) == 0 {
		fmt.Fprintf(b, "%s- %s\n", indent, k.Name)
		return
	}
	fmt.Fprintf(b, "%s- %s:\n", indent, k.Name)
	table := tabwriter.NewWriter(b, 0, 0, 1, ' ', 0)
	for _, p := range params {
		fmt.Fprintf(table, "%s    %s: %s\t# %s: %s\n", indent, p.Name, yamlValue(p), allowed(p), p.Doc)
	}
	table.Flush()
}

// yamlLine is a stage of a chain in one line.
func yamlLine(k Kind) string {
	var pairs []string
	for _, p := range Declared(k) {
		pairs = append(pairs, p.Name+": "+yamlValue(p))
	}
	if len(pairs) == 0 {
		return k.Name
	}
	return fmt.Sprintf("%s: {%s}", k.Name, strings.Join(pairs, ", "))
}

// yamlValue is the default of p, or its example, as YAML.
func yamlValue(p Param) string {
	text := fmt.Sprint(p.Default)
	switch p.Type {
	case Colour, Text, Points:
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	case Words:
		return strings.ReplaceAll(text, `","`, `", "`)
	}
	return text
}

// allowed says in words which values p takes.
func allowed(p Param) string {
	switch p.Type {
	case Int:
		return fmt.Sprintf("%g to %g, whole", p.Min, p.Max)
	case Odd:
		return fmt.Sprintf("%g to %g, odd", p.Min, p.Max)
	case Float:
		return fmt.Sprintf("%g to %g", p.Min, p.Max)
	case Bool:
		return "true or false"
	case Enum:
		return strings.Join(p.Choices, ", ")
	case Colour:
		return "name or #rrggbb"
	case Words:
		return "a list of texts, or one"
	case Object:
		return "names with values"
	case Points:
		return countOf(p) + " places x,y in percent of width and height"
	}
	return "text, one line"
}

// formats says in words what k takes and gives.
func formats(k Kind) string {
	switch {
	case k.New == nil:
		return fmt.Sprintf("Gives %s frames.", k.Out)
	case k.In == Any && k.Out == Any:
		return "Takes gray and colour frames and leaves them so."
	case k.In == k.Out:
		return fmt.Sprintf("Takes and gives %s frames; others are converted before.", k.In)
	case k.In == Any:
		return fmt.Sprintf("Takes gray and colour frames and gives %s ones.", k.Out)
	case k.Out == Any:
		return fmt.Sprintf("Takes and gives %s frames; others are converted before.", k.In)
	}
	return fmt.Sprintf("Takes %s frames (others are converted before) and gives %s ones.", k.In, k.Out)
}

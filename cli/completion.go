package cli

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:  "completion",
		Usage: "print what completes picam's commands, flags and values in a shell",
		UsageText: "picam completion bash >/etc/bash_completion.d/picam\nsource <(picam completion zsh)\n" +
			"picam completion fish >~/.config/fish/completions/picam.fish",
		ArgsUsage: "SHELL",
		Action: func(c *cli.Context) error {
			shells := map[string]func(io.Writer, *cli.App) error{"bash": writeBash, "zsh": writeZsh, "fish": writeFish}
			write := shells[c.Args().First()]
			if write == nil || c.Args().Len() != 1 {
				return badUsage("for which shell? picam completion bash, picam completion zsh or picam completion fish")
			}
			return write(c.App.Writer, c.App)
		},
	}
}

// completed is what a shell offers for a value or an argument.
type completed struct {
	words []string
	files bool // the shell's own way with files
}

// ofValue is what is offered for an option's value; nothing where only the user knows it.
func ofValue(app *cli.App, c *cli.Command, o *option) completed {
	if o.words != nil {
		return completed{words: o.words}
	}
	return ofPlaceholder(app, c, o.value)
}

// ofPlaceholder is what is offered where a command takes what stands for it in help, such as FILE.
func ofPlaceholder(app *cli.App, c *cli.Command, placeholder string) completed {
	switch strings.Trim(placeholder, "[]") {
	case "FILE":
		return completed{files: true}
	case "SOURCE":
		var words []string
		for _, t := range sourceTerms(c) {
			name, _, _ := strings.Cut(t.name, "[")
			name, _, _ = strings.Cut(name, ":")
			words = append(words, name)
		}
		return completed{words: words}
	case "FILTER":
		return completed{words: filterNames()}
	case "SHELL":
		return completed{words: []string{"bash", "zsh", "fish"}}
	case "COMMAND":
		return completed{words: commands(app)}
	}
	return completed{}
}

func commands(app *cli.App) []string {
	var names []string
	for _, c := range app.Commands {
		names = append(names, c.Name)
	}
	return names
}

// names are the flags of a command as they are typed.
func names(c *cli.Command) []string {
	list := []string{"--help"}
	for _, o := range optionsOf(c) {
		list = append(list, "--"+o.name)
	}
	return list
}

// writeBash writes a completion for bash 3.2, which macOS has, and later ones.
func writeBash(w io.Writer, app *cli.App) error {
	b := bufio.NewWriter(w)
	offer := func(pattern string, words []string, end string) {
		fmt.Fprintf(b, "\t%s) COMPREPLY=($(compgen -W '%s' -- \"$word\"))%s ;;\n", pattern, strings.Join(words, " "), end)
	}
	fmt.Fprintf(b, `# Completes picam in bash; made by: picam completion bash
_picam() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		COMPREPLY=($(compgen -W '%s --help --version' -- "$word"))
		return
	fi
	case ${COMP_WORDS[1]}:$before in
`, strings.Join(commands(app), " "))
	for _, c := range app.Commands {
		var own, files []string // flags whose values only the user knows, and those of files
		for _, o := range optionsOf(c) {
			pattern := c.Name + ":--" + o.name
			switch v := ofValue(app, c, o); {
			case o.value == "":
			case v.files:
				files = append(files, pattern)
			case len(v.words) > 0:
				offer(pattern, v.words, "; return")
			default:
				own = append(own, pattern)
			}
		}
		if len(files) > 0 {
			fmt.Fprintf(b, "\t%s) return ;; # bash's own way with files\n", strings.Join(files, "|"))
		}
		if len(own) > 0 {
			fmt.Fprintf(b, "\t%s) compopt +o default 2>/dev/null; return ;;\n", strings.Join(own, "|"))
		}
	}
	fmt.Fprint(b, "\tesac\n\tcase ${COMP_WORDS[1]}:$word in\n")
	for _, c := range app.Commands {
		offer(c.Name+":-*", names(c), "")
		switch v := ofPlaceholder(app, c, c.ArgsUsage); {
		case len(v.words) > 0:
			offer(c.Name+":*", v.words, "")
		case !v.files:
			offer(c.Name+":", names(c), "")
		}
	}
	fmt.Fprint(b, "\tesac\n}\ncomplete -o default -F _picam picam\n")
	return b.Flush()
}

// quoted is text between single quotes, for a shell that puts escape before a quote in it.
func quoted(text, escape string) string { return "'" + strings.ReplaceAll(text, "'", escape) + "'" }

func writeZsh(w io.Writer, app *cli.App) error {
	b := bufio.NewWriter(w)
	special := strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `:`, `\:`)
	word := func(s string) string { return quoted(s, `'\''`) }
	// action is what stands behind the last colon of a specification; a space offers nothing.
	action := func(v completed) string {
		switch {
		case v.files:
			return "_files"
		case len(v.words) > 0:
			return "(" + strings.Join(v.words, " ") + ")"
		}
		return " "
	}
	fmt.Fprint(b, `#compdef picam
# Completes picam in zsh; made by: picam completion zsh
_picam() {
	local -a commands
	commands=(
`)
	for _, c := range app.Commands {
		fmt.Fprintf(b, "\t\t%s\n", word(c.Name+":"+special.Replace(c.Usage)))
	}
	fmt.Fprint(b, `	)
	if (( CURRENT == 2 )); then
		_describe command commands
		return
	fi
	shift words
	(( CURRENT-- ))
	case $words[1] in
`)
	for _, c := range app.Commands {
		fmt.Fprintf(b, "\t%s)\n\t\t_arguments '--help[%s]'", c.Name, "show what there is")
		for _, o := range optionsOf(c) {
			spec := "--" + o.name + "[" + special.Replace(o.usage) + "]"
			if o.value != "" {
				spec += ":" + special.Replace(o.value) + ":" + action(ofValue(app, c, o))
			}
			if o.many {
				spec = "*" + spec
			}
			fmt.Fprintf(b, " \\\n\t\t\t%s", word(spec))
		}
		if v := ofPlaceholder(app, c, c.ArgsUsage); v.files || len(v.words) > 0 {
			fmt.Fprintf(b, " \\\n\t\t\t%s", word("*:"+special.Replace(c.ArgsUsage)+":"+action(v)))
		}
		fmt.Fprint(b, "\n\t\t;;\n")
	}
	fmt.Fprint(b, `	esac
}
if [ "$funcstack[1]" = _picam ]; then
	_picam "$@"
else
	compdef _picam picam
fi
`)
	return b.Flush()
}

func writeFish(w io.Writer, app *cli.App) error {
	b := bufio.NewWriter(w)
	word := func(s string) string { return quoted(strings.ReplaceAll(s, `\`, `\\`), `\'`) }
	fmt.Fprint(b, "# Completes picam in fish; made by: picam completion fish\n")
	for _, c := range app.Commands {
		fmt.Fprintf(b, "complete -c picam -n __fish_use_subcommand -f -a %s -d %s\n", c.Name, word(c.Usage))
	}
	for _, c := range app.Commands {
		this := fmt.Sprintf("complete -c picam -n '__fish_seen_subcommand_from %s'", c.Name)
		switch v := ofPlaceholder(app, c, c.ArgsUsage); {
		case len(v.words) > 0:
			fmt.Fprintf(b, "%s -f -a %s\n", this, word(strings.Join(v.words, " ")))
		case !v.files:
			fmt.Fprintln(b, this, "-f")
		}
		for _, o := range optionsOf(c) {
			fmt.Fprintf(b, "%s -l %s -d %s", this, o.name, word(o.usage))
			switch v := ofValue(app, c, o); {
			case o.value == "":
			case v.files:
				fmt.Fprint(b, " -r -F")
			case len(v.words) > 0:
				fmt.Fprintf(b, " -x -a %s", word(strings.Join(v.words, " ")))
			default:
				fmt.Fprint(b, " -x")
			}
			fmt.Fprintln(b)
		}
	}
	return b.Flush()
}

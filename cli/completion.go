package cli

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"picam/capture"
)

func completionCommand() *cli.Command {
	return &cli.Command{
		Name: "completion", Hidden: true,
		Usage: "print what completes picam's commands and flags in a shell: bash, zsh or fish",
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

// sources are the words with which a SOURCE begins.
func sources() string {
	var list []string
	for _, k := range capture.Kinds() {
		list = append(list, k.Name)
	}
	return strings.Join(list, " ")
}

// names are the flags of a command as they are typed.
func names(c *cli.Command) string {
	list := []string{"--help"}
	for _, f := range flagDocs(c.Flags) {
		list = append(list, "--"+f.name)
	}
	return strings.Join(list, " ")
}

// writeBash writes a completion for bash 3.2, which macOS has, and later ones.
func writeBash(w io.Writer, app *cli.App) error {
	b := bufio.NewWriter(w)
	var commands []string
	for _, c := range shown(app) {
		commands = append(commands, c.Name)
	}
	fmt.Fprintf(b, `# Completes picam in bash; made by: picam completion bash
_picam() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		COMPREPLY=($(compgen -W '%s --help' -- "$word"))
		return
	fi
	case ${COMP_WORDS[1]}:$before in
`, strings.Join(commands, " "))
	for _, c := range shown(app) {
		var own, files []string // flags whose values only the user knows: nothing is offered; and those of files
		for _, f := range flagDocs(c.Flags) {
			switch f.value {
			case "":
			case "FILE":
				files = append(files, c.Name+":--"+f.name)
			case "SOURCE":
				fmt.Fprintf(b, "\t%s:--%s) COMPREPLY=($(compgen -W '%s' -- \"$word\")); return ;;\n", c.Name, f.name, sources())
			default:
				own = append(own, c.Name+":--"+f.name)
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
	for _, c := range shown(app) {
		fmt.Fprintf(b, "\t%s:-*) COMPREPLY=($(compgen -W '%s' -- \"$word\")) ;;\n", c.Name, names(c))
		switch {
		case c.ArgsUsage == "SOURCE":
			fmt.Fprintf(b, "\t%s:*) COMPREPLY=($(compgen -W '%s' -- \"$word\")) ;;\n", c.Name, sources())
		case !takesFiles(c):
			fmt.Fprintf(b, "\t%s:) COMPREPLY=($(compgen -W '%s')) ;;\n", c.Name, names(c))
		}
	}
	fmt.Fprint(b, "\tesac\n}\ncomplete -o default -F _picam picam\n")
	return b.Flush()
}

// takesFiles reports whether a command's arguments are files, which the shell completes.
func takesFiles(c *cli.Command) bool { return strings.Contains(strings.ToUpper(c.ArgsUsage), "FILE") }

// quoted is text between single quotes, for a shell that puts escape before a quote in it.
func quoted(text, escape string) string { return "'" + strings.ReplaceAll(text, "'", escape) + "'" }

func writeZsh(w io.Writer, app *cli.App) error {
	b := bufio.NewWriter(w)
	special := strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `:`, `\:`)
	word := func(s string) string { return quoted(s, `'\''`) }
	fmt.Fprint(b, `#compdef picam
# Completes picam in zsh; made by: picam completion zsh
_picam() {
	local -a commands
	commands=(
`)
	for _, c := range shown(app) {
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
	for _, c := range shown(app) {
		fmt.Fprintf(b, "\t%s)\n\t\t_arguments '--help[%s]'", c.Name, "show what there is")
		for _, f := range flagDocs(c.Flags) {
			spec := "--" + f.name + "[" + special.Replace(f.usage) + "]"
			switch f.value {
			case "":
			case "FILE":
				spec += ":file:_files"
			case "SOURCE":
				spec += ":source:(" + sources() + ")"
			default:
				spec += ":" + special.Replace(f.value) + ": "
			}
			fmt.Fprintf(b, " \\\n\t\t\t%s", word(spec))
		}
		switch {
		case c.ArgsUsage == "SOURCE":
			fmt.Fprintf(b, " \\\n\t\t\t'*:source:(%s)'", sources())
		case takesFiles(c):
			fmt.Fprint(b, " \\\n\t\t\t'*:file:_files'")
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
	for _, c := range shown(app) {
		fmt.Fprintf(b, "complete -c picam -n __fish_use_subcommand -f -a %s -d %s\n", c.Name, word(c.Usage))
	}
	for _, c := range shown(app) {
		this := fmt.Sprintf("complete -c picam -n '__fish_seen_subcommand_from %s'", c.Name)
		switch {
		case c.ArgsUsage == "SOURCE":
			fmt.Fprintf(b, "%s -f -a %s\n", this, word(sources()))
		case !takesFiles(c):
			fmt.Fprintln(b, this, "-f")
		}
		for _, f := range flagDocs(c.Flags) {
			fmt.Fprintf(b, "%s -l %s -d %s", this, f.name, word(f.usage))
			switch f.value {
			case "":
			case "FILE":
				fmt.Fprint(b, " -r -F")
			case "SOURCE":
				fmt.Fprintf(b, " -x -a %s", word(sources()))
			default:
				fmt.Fprint(b, " -x")
			}
			fmt.Fprintln(b)
		}
	}
	return b.Flush()
}

package cli

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// option is a flag of a command. What it declares is all that parsing, help, the manual and the completions know of it.
type option struct {
	name    string
	value   string   // what stands for its value in help, such as FILE; "" for a switch, which takes none
	usage   string   // without a full stop
	initial string   // what it is if it is not given
	words   []string // the only values that it takes; nil: not a few words
	group   string   // the heading in help under which it stands
	many    bool     // it may be given more than once

	// accept returns the value in the form in which it is looked up; nil: as it was typed. takes says which values it
	// accepts.
	accept func(text string) (string, bool)
	takes  string

	fromEnv bool
	fault   error // what is wrong with the value that was given
}

// text declares a flag that takes any text.
func text(name, value, usage string) *option { return &option{name: name, value: value, usage: usage} }

// list declares a flag that may be given more than once; see values.
func list(name, value, usage string) *option {
	return &option{name: name, value: value, usage: usage, many: true}
}

// toggle declares a flag without a value.
func toggle(name, usage string) *option { return switched(name, false, usage) }

// switched declares a flag without a value that is on or off at first.
func switched(name string, on bool, usage string) *option {
	accept := func(text string) (string, bool) {
		b, err := strconv.ParseBool(text)
		return strconv.FormatBool(b), err == nil
	}
	return &option{name: name, usage: usage, initial: strconv.FormatBool(on), accept: accept, takes: "true or false"}
}

// choice declares a flag that takes one of a few words.
func choice(name, usage, initial string, words ...string) *option {
	accept := func(text string) (string, bool) {
		i := slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w, text) })
		return words[max(i, 0)], i >= 0
	}
	return &option{
		name: name, value: "WHAT", usage: usage, initial: initial, words: words, accept: accept, takes: oneOf(words),
	}
}

// whole declares a flag that takes a whole number from low to high.
func whole(name, value string, initial, low, high int, usage string) *option {
	accept := func(text string) (string, bool) {
		n, err := strconv.Atoi(text)
		return strconv.Itoa(n), err == nil && low <= n && n <= high
	}
	return &option{
		name: name, value: value, usage: usage, initial: strconv.Itoa(initial), accept: accept,
		takes: fmt.Sprintf("a whole number from %d to %d", low, high),
	}
}

// span declares a flag that takes a time from low on.
func span(name string, initial, low time.Duration, usage string) *option {
	const longest = 24 * time.Hour
	accept := func(text string) (string, bool) {
		d, err := time.ParseDuration(text)
		return d.String(), err == nil && low <= d && d <= longest
	}
	return &option{
		name: name, value: "TIME", usage: usage, initial: initial.String(), accept: accept,
		takes: fmt.Sprintf("a time from %v to 24h, such as 3s", low),
	}
}

// frameRate declares a flag for frames a second. 0 is always one, for which help has the words.
func frameRate(usage string, unpaced bool) *option {
	const slowest, fastest = 0.001, 1000
	o := &option{name: "fps", value: "N", usage: usage, initial: "0", takes: fmt.Sprintf("%g to %d, or 0", slowest, fastest)}
	if unpaced {
		o.takes += ", or -1 for as fast as it goes"
	}
	o.accept = func(text string) (string, bool) {
		f, err := strconv.ParseFloat(text, 64)
		return text, err == nil && (f == 0 || unpaced && f == -1 || slowest <= f && f <= fastest)
	}
	return o
}

// frameSize declares a flag for a frame's size; see parseSize.
func frameSize(usage string) *option {
	accept := func(text string) (string, bool) {
		_, _, ok := parseSize(text)
		return text, ok
	}
	return &option{
		name: "size", value: "WIDTHxHEIGHT", usage: usage, accept: accept,
		takes: fmt.Sprintf("WIDTHxHEIGHT in pixels, up to %d each, such as 1280x720", longestSide),
	}
}

const longestSide = 16384 // of a frame that may be asked for, in pixels

// parseSize reads WIDTHxHEIGHT; "" is 0, 0.
func parseSize(text string) (width, height int, ok bool) {
	if text == "" {
		return 0, 0, true
	}
	w, h, _ := strings.Cut(text, "x")
	width, err := strconv.Atoi(w)
	height, err2 := strconv.Atoi(h)
	return width, height, errors.Join(err, err2) == nil && 1 <= min(width, height) && max(width, height) <= longestSide
}

const (
	defaultMaxFrame = 16 << 20
	largestMaxFrame = 1 << 30
)

func maxFrame(usage string) *option {
	return whole("max-frame", "BYTES", defaultMaxFrame, 1, largestMaxFrame, usage)
}

// group puts options under a heading in help.
func group(heading string, options ...*option) []cli.Flag {
	var flags []cli.Flag
	for _, o := range options {
		o.group = heading
		flags = append(flags, o)
	}
	return flags
}

// commonFlags are those of every command that runs for long.
func commonFlags() []cli.Flag {
	return group("Log and status",
		choice("log-level", "how much is logged: debug, info, warn or error", "info", "debug", "info", "warn", "error"),
		choice("log-format", "text for people, json for machines", "text", "text", "json"),
		choice("status", "the live lines: auto (on a terminal), always or never", "auto", "auto", "always", "never"),
		text("stats-file", "FILE", "write the counters to FILE as JSON, each second and at the end"),
	)
}

// optionsOf returns a command's flags.
func optionsOf(c *cli.Command) []*option {
	var options []*option
	for _, f := range c.Flags {
		if o, ok := f.(*option); ok {
			options = append(options, o)
		}
	}
	return options
}

// The methods that make an option a cli.Flag.

func (o *option) String() string  { return "--" + o.name }
func (o *option) Names() []string { return []string{o.name} }
func (o *option) IsSet() bool     { return o.fromEnv }

// Apply takes the value of the option's variable, and registers the flag, which counts more.
func (o *option) Apply(set *flag.FlagSet) error {
	s := &setting{option: o, text: o.initial}
	if text := os.Getenv(o.variable()); text != "" {
		if err := s.Set(text); err != nil {
			o.fault = fmt.Errorf("%w (%s says so)", err, o.variable())
			return o.fault
		}
		o.fromEnv, s.typed = true, false
	}
	set.Var(s, o.name, "")
	return nil
}

// variable is what sets the option from the environment.
func (o *option) variable() string {
	return "PICAM_" + strings.ToUpper(strings.ReplaceAll(o.name, "-", "_"))
}

// setting is an option's value; it is a flag.Value.
type setting struct {
	option *option
	text   string
	list   []string // of an option that may be given more than once
	typed  bool
}

func (s *setting) String() string   { return s.text }
func (s *setting) IsBoolFlag() bool { return s.option.value == "" }

func (s *setting) Set(text string) error {
	o := s.option
	plain, ok := text, true
	if o.accept != nil {
		plain, ok = o.accept(text)
	}
	switch {
	case !ok:
		o.fault = fmt.Errorf("--%s %s: takes %s", o.name, text, o.takes)
	case s.typed && !o.many && o.value != "":
		o.fault = fmt.Errorf("--%s stands twice, with %s and with %s: it takes one %s", o.name, s.text, text, o.value)
	case o.many && !s.typed:
		s.list = []string{plain} // and not what the environment says
	case o.many:
		s.list = append(s.list, plain)
	}
	s.text, s.typed = plain, true
	return o.fault
}

// values returns what was given for an option that may be given more than once.
func values(c *cli.Context, name string) []string {
	if s, ok := c.Generic(name).(*setting); ok {
		return s.list
	}
	return nil
}

// oneOf joins words to "a, b or c".
func oneOf(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// noArguments refuses what stands behind the flags, which a user typed in the belief that it does something.
func noArguments(c *cli.Context) error {
	if c.Args().Present() {
		return badUsage("picam %s takes no argument %q; flags begin with --, see picam %s --help",
			c.Command.Name, c.Args().First(), c.Command.Name)
	}
	return nil
}

// checkWritable finds out whether a file can be written, without changing it.
func checkWritable(name, path string) error {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return badUsage("--%s %s: this is a folder; it takes a file", name, path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".picam-*")
	if err != nil {
		return badUsage("--%s %s: cannot be written: %w", name, path, reason(err))
	}
	f.Close()
	return os.Remove(f.Name())
}

// reason is what the system says, without the file's name, which stands before it.
func reason(err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

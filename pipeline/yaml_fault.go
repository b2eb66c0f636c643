package pipeline

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// yamlLine finds the line in what yaml.v3 says of text that is not YAML.
var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// yamlFault says what is wrong with text that is not YAML: the usual faults in a sentence of ours, with their place,
// the others in yaml.v3's words.
func yamlFault(file, text string, err error) Fault {
	if f, ok := flowFault(text); ok {
		f.File, f.Text = file, "not YAML: "+f.Text
		return f
	}
	f := Fault{File: file, Text: err.Error()}
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		return f
	}
	f.Line, _ = strconv.Atoi(m[1])
	f.Text = "not YAML: " + m[2]
	if strings.HasPrefix(m[2], "mapping values are not allowed") {
		f.Text = "not YAML: a second colon: what stands behind the first goes between braces, such as 'blur: {size: 3}', or below it"
	}
	return f
}

// flowFault looks for tabs before a line's text, quotes and brackets that stay open, brackets that close nothing, and
// comments between brackets. It knows as much of YAML as that takes.
func flowFault(text string) (f Fault, found bool) {
	type opening struct {
		char      rune
		line, col int
	}
	var open []opening
	var quote opening
	last := func() rune {
		if len(open) == 0 {
			return 0
		}
		return open[len(open)-1].char
	}
	line := 0
lines:
	for content := range strings.Lines(text) {
		line++
		before := ' ' // the character before, ' ' where a token may begin
		for i, r := range []rune(strings.TrimRight(content, "\r\n")) {
			at := func(format string, args ...any) (Fault, bool) {
				return Fault{Line: line, Col: i + 1, Text: fmt.Sprintf(format, args...)}, true
			}
			begins := strings.ContainsRune(" \t[{,", before)
			switch {
			case quote.char == '"' && before == '\\':
				r = ' ' // an escaped character
			case quote.char != 0:
				if r == quote.char {
					quote = opening{}
				}
			case r == '\t' && len(open) == 0 && strings.TrimSpace(string([]rune(content)[:i])) == "":
				return at("a tab stands here; YAML is indented by spaces")
			case r == '#' && begins && len(open) > 0 && isWord(commentWord(string([]rune(content)[i:]))):
				return at("%s", commentHint(string([]rune(content)[i:])))
			case r == '#' && (i == 0 || before == ' ' || before == '\t'):
				continue lines
			case (r == '"' || r == '\'') && begins:
				quote = opening{r, line, i + 1}
			case (r == '[' || r == '{') && (begins || len(open) > 0):
				open = append(open, opening{r, line, i + 1})
			case (r == ']' || r == '}') && len(open) > 0:
				if want := map[rune]rune{'[': ']', '{': '}'}[last()]; r != want {
					o := open[len(open)-1]
					return at("this %c closes nothing: the %c of line %d is to be closed first", r, o.char, o.line)
				}
				open = open[:len(open)-1]
			case (r == ']' || r == '}') && closes(text, r):
				return at("this %c closes nothing", r)
			}
			before = r
		}
	}
	switch {
	case quote.char != 0:
		return Fault{Line: quote.line, Col: quote.col, Text: fmt.Sprintf("the %c here has no end", quote.char)}, true
	case len(open) > 0:
		o := open[len(open)-1]
		return Fault{Line: o.line, Col: o.col, Text: fmt.Sprintf("the %c here is never closed", o.char)}, true
	}
	return Fault{}, false
}

// closes says whether a text has more closing brackets of a kind than opening ones.
func closes(text string, closing rune) bool {
	opening := map[rune]string{']': "[", '}': "{"}[closing]
	return strings.Count(text, string(closing)) > strings.Count(text, opening)
}

// commentWord is the first word of a comment, with its #.
func commentWord(comment string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(comment), " ")
	return strings.TrimRight(word, ",}]")
}

// isWord says whether a # and what stands right behind it look as if they were meant, as those of a colour do.
func isWord(word string) bool { return regexp.MustCompile(`^#\w+$`).MatchString(word) }

func commentHint(comment string) string {
	return fmt.Sprintf("behind a space, # begins a comment; put it between quotes: '%s'", commentWord(comment))
}

// lostInComment says what to type where a value is missing because it begins with #; "" if that is not so.
func lostInComment(key, value *yaml.Node) string {
	if !isNull(value) || value.Value != "" {
		return ""
	}
	for _, comment := range []string{value.LineComment, key.LineComment, value.HeadComment} {
		if isWord(commentWord(comment)) {
			return commentHint(comment)
		}
	}
	return ""
}

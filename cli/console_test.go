package cli

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// screen is a terminal that understands what console writes, and nothing else. It has no edges.
type screen struct {
	t        *testing.T
	rows     [][]rune
	row, col int
}

var escape = regexp.MustCompile("^\x1b\\[([0-9]*)([AJ])")

func (s *screen) Write(p []byte) (int, error) {
	for text := string(p); text != ""; {
		if m := escape.FindStringSubmatch(text); m != nil {
			text = text[len(m[0]):]
			if m[2] == "A" {
				n, _ := strconv.Atoi(m[1])
				if s.row -= n; s.row < 0 {
					s.t.Fatal("the cursor leaves the screen")
				}
				continue
			}
			s.rows = s.rows[:s.row+1]
			s.rows[s.row] = s.rows[s.row][:s.col]
			continue
		}
		r := []rune(text)[0]
		text = text[len(string(r)):]
		if s.row == len(s.rows) {
			s.rows = append(s.rows, nil)
		}
		switch r {
		case '\r':
			s.col = 0
		case '\n':
			s.row, s.col = s.row+1, 0
		case '\x1b':
			s.t.Fatalf("the terminal does not know %q", text)
		default:
			s.rows[s.row] = append(s.rows[s.row][:s.col], r)
			s.col++
		}
	}
	return len(p), nil
}

func (s *screen) text() string {
	var lines []string
	for _, r := range s.rows {
		lines = append(lines, string(r))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

func TestLiveLines(t *testing.T) {
	s := &screen{t: t}
	columns, rows := 20, 10
	c := &console{w: s, terminal: true, show: true, size: func() (int, int) { return columns, rows }}
	want := func(text string) {
		t.Helper()
		if got := s.text(); got != text {
			t.Errorf("the screen shows\n%s\nwant\n%s", got, text)
		}
	}
	fmt.Fprintln(c, "begins")
	c.Live("waiting")
	want("begins\nwaiting")
	c.Live("door 1", "yard 1", "")
	want("begins\ndoor 1\nyard 1")
	fmt.Fprintln(c, "a log line")
	want("begins\na log line\ndoor 1\nyard 1")
	c.Live("door 2", strings.Repeat("ä", 30))
	want("begins\na log line\ndoor 2\n" + strings.Repeat("ä", 18) + "…")
	rows = 4
	c.Live("1", "2", "3", "4", "5", "6")
	want("begins\na log line\n1\n2\n… and 4 more")
	c.Progress(func() string { return "12%" })
	c.Live("clip")
	want("begins\na log line\nclip\n12%")
	c.Live()
	fmt.Fprintln(c, "ends")
	want("begins\na log line\nends")
}

// Without a terminal, each time is a line.
func TestLiveLinesInAFile(t *testing.T) {
	var b bytes.Buffer
	c := &console{w: &b, show: true}
	c.Live("door 1", "yard 1")
	fmt.Fprintln(c, "a log line")
	c.Progress(func() string { return "12%" })
	c.Live("door 2")
	c.Live()
	if want := "door 1  |  yard 1\na log line\ndoor 2 · 12%\n"; b.String() != want {
		t.Errorf("it is %q, want %q", &b, want)
	}
}

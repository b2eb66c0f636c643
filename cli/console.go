package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lmittmann/tint"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"picam/capture"
	"picam/internal/file"
)

// console is the terminal that the log and the live lines share: a log line goes above the live lines.
type console struct {
	w        io.Writer
	terminal bool // the live lines are redrawn in place; else they are one line, and each a new one
	show     bool
	size     func() (columns, rows int) // of the terminal

	mu       sync.Mutex
	lines    []string      // on the screen now
	drawn    int           // how many rows they take there
	progress func() string // behind the live lines; nil: none
}

// newConsole makes the console that --status asks for: auto, always or never.
func newConsole(w io.Writer, when string) *console {
	con := &console{w: w, show: when == "always"}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		con.terminal = true
		con.show = when != "never"
		con.size = func() (columns, rows int) {
			columns, rows, err := term.GetSize(int(f.Fd()))
			if err != nil || columns < 20 || rows < 2 {
				return 80, 24
			}
			return columns, rows
		}
	}
	return con
}

// Write writes a log line.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.erase()
	n, err := c.w.Write(p)
	c.draw()
	return n, err
}

// Progress puts what f tells behind the live lines from now on.
func (c *console) Progress(f func() string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress = f
}

// Live replaces the live lines, which stand below each other on a terminal; none takes them away.
func (c *console) Live(lines ...string) {
	if !c.show {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.erase()
	c.lines = lines
	switch last := len(lines) - 1; {
	case c.progress == nil || last < 0:
	case c.terminal:
		c.lines = append(slices.Clone(lines), c.progress())
	default:
		c.lines = append(slices.Clone(lines[:last]), words(lines[last], c.progress()))
	}
	c.draw()
	if !c.terminal {
		c.lines = nil
	}
}

// erase takes the live lines from the screen. The cursor is at the end of the last one.
func (c *console) erase() {
	if c.drawn > 1 {
		fmt.Fprintf(c.w, "\x1b[%dA", c.drawn-1)
	}
	if c.drawn > 0 {
		fmt.Fprint(c.w, "\r\x1b[J")
	}
	c.drawn = 0
}

func (c *console) draw() {
	lines := slices.DeleteFunc(slices.Clone(c.lines), func(line string) bool { return line == "" })
	switch {
	case len(lines) == 0:
		return
	case !c.terminal:
		fmt.Fprintln(c.w, strings.Join(lines, "  |  "))
		return
	}
	columns, rows := c.size()
	if len(lines) > rows-1 {
		hidden := len(lines) - (rows - 2)
		lines = append(lines[:rows-2], fmt.Sprintf("… and %d more", hidden))
	}
	for i, line := range lines {
		if text := []rune(line); len(text) >= columns {
			lines[i] = string(text[:columns-2]) + "…"
		}
	}
	fmt.Fprint(c.w, strings.Join(lines, "\n"))
	c.drawn = len(lines)
}

// commonSettings are those of every command that runs for long.
type commonSettings struct {
	logLevel, logFormat, status string
	statsFile                   string // "": none
	version                     string
	stderr                      io.Writer
}

func parseCommon(c *cli.Context) *commonSettings {
	return &commonSettings{
		logLevel: c.String("log-level"), logFormat: c.String("log-format"), status: c.String("status"),
		statsFile: c.String("stats-file"), version: c.App.Version, stderr: c.App.ErrWriter,
	}
}

func (s *commonSettings) check() error {
	if s.statsFile == "" {
		return nil
	}
	return checkWritable("stats-file", s.statsFile)
}

// open makes the console, and the logger that writes to it.
func (s *commonSettings) open() (*console, *slog.Logger) {
	con := newConsole(s.stderr, s.status)
	var level slog.Level
	_ = level.UnmarshalText([]byte(s.logLevel)) // it is one of those that choice takes
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: plainErrors}
	var h slog.Handler
	switch {
	case s.logFormat == "json":
		h = slog.NewJSONHandler(con, options)
	case con.terminal: // short times and colours are for people
		h = tint.NewHandler(con, &tint.Options{Level: level, TimeFormat: time.TimeOnly, ReplaceAttr: plainErrors})
	default:
		h = slog.NewTextHandler(con, options)
	}
	log := slog.New(h)
	adoptLog(log)
	return con, log
}

// adoptLog has log take in what libraries write with the package log, which would break the live lines. It is of no
// use but for those who look for a fault.
func adoptLog(log *slog.Logger) {
	slog.SetLogLoggerLevel(slog.LevelDebug)
	slog.SetDefault(log)
}

// each calls f once a second until stop is closed, and a last time then.
func each(stop <-chan struct{}, f func(last bool)) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			f(false)
		case <-stop:
			f(true)
			return
		}
	}
}

// writeStats replaces path by v as JSON, whole: a reader never sees half a file.
func writeStats(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	if err := file.Replace(path, append(text, '\n')); err != nil {
		return fmt.Errorf("stats file: %w", err)
	}
	return nil
}

// megabits is a rate in Mbit/s.
func megabits(bytes int64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(bytes) * 8 / 1e6 / d.Seconds()
}

// words joins the parts that are not empty.
func words(parts ...string) string {
	var there []string
	for _, p := range parts {
		if p != "" {
			there = append(there, p)
		}
	}
	return strings.Join(there, " · ")
}

// fileProgress draws how far a file has been read and the time that is left.
type fileProgress struct {
	file  capture.Sized
	begun time.Time // to read it this time
	last  int64     // bytes
}

// newFileProgress returns nil for a source without a known length.
func newFileProgress(src capture.Source) *fileProgress {
	file, ok := src.(capture.Sized)
	if !ok {
		return nil
	}
	_, total := file.Progress()
	if total <= 0 {
		return nil
	}
	return &fileProgress{file: file, begun: time.Now()}
}

func (p *fileProgress) String() string {
	done, total := p.file.Progress()
	if done < p.last { // it is looped, and has begun anew
		p.begun = time.Now()
	}
	p.last = done
	return progressLine(done, total, time.Since(p.begun))
}

// progressLine is such as " 75% ████████████░░░░ 4s left", where spent is what the part that is done took; total is not
// 0.
func progressLine(done, total int64, spent time.Duration) string {
	const width = 16
	// A file that grows is read beyond its end.
	part := float64(min(max(done, 0), total)) / float64(total)
	full := int(part * width)
	line := fmt.Sprintf("%3.0f%% %s%s", part*100, strings.Repeat("█", full), strings.Repeat("░", width-full))
	if part < 0.001 || part >= 1 { // at first it could only be guessed
		return line
	}
	left := time.Duration(float64(spent) * (1/part - 1))
	return line + " " + left.Round(time.Second).String() + " left"
}

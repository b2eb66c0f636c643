package filters

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lestrrat-go/strftime"
	"gocv.io/x/gocv"
)

// timestamp writes when a frame was captured, or, where its camera does not tell, when it arrived.
var timestamp = Kind{
	Name: "timestamp",
	Doc:  "Writes time, camera and number of the frame over it.",
	In:   BGR, Out: BGR,
	New: func(p *Params) Filter {
		format := p.Text("format", "%Y-%m-%d %H:%M:%S",
			"what to write: %Y %m %d %H %M %S and others of strftime, %L for milliseconds, {camera} {seq} {fps}")
		inUTC := p.Bool("utc", false, "writes the time of Greenwich, not that of this computer's place")
		milliseconds := strftime.WithMilliseconds('L')
		for _, verb := range regexp.MustCompile(`%(.|$)`).FindAllString(format, -1) {
			_, err := strftime.New(verb, milliseconds)
			p.Check(err == nil, "format: %s is not known; %%Y %%m %%d %%H %%M %%S %%L are, and %%%% for a percent sign",
				verb)
		}
		when, err := strftime.New(format, milliseconds)
		p.Check(err == nil, "format: %v", err)
		fields := []string{"{camera}", "{seq}", "{fps}"}
		for _, field := range regexp.MustCompile(`\{\w*\}`).FindAllString(format, -1) {
			p.Check(slices.Contains(fields, field), "format: %s is not one of %s", field, strings.Join(fields, ", "))
		}
		write := lineOf(p, "bottom_left", 0.8)
		meta := p.Meta()
		return func(src gocv.Mat, dst *gocv.Mat) error {
			if err := src.CopyTo(dst); err != nil {
				return err
			}
			t := meta.Captured
			if t.IsZero() {
				t = meta.Received
			}
			if inUTC {
				t = t.UTC()
			}
			line := strings.ReplaceAll(when.FormatString(t), "{seq}", strconv.FormatUint(meta.Seq, 10))
			line = strings.ReplaceAll(line, "{fps}", strconv.FormatFloat(meta.FPS, 'f', 1, 64))
			return write(dst, strings.ReplaceAll(line, "{camera}", meta.Camera))
		}
	},
}

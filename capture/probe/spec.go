package probe

import (
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"

	"picam/mjpeg"

	"al.essio.dev/pkg/shellescape"
)

// OptionsFor are the options for a source as it was typed.
func OptionsFor(spec string, maxFrame int) Options {
	return Options{Source: HideSecrets(spec), Input: inputOf(spec), MaxFrame: maxFrame, Untimed: untimed(spec)}
}

// untimed reports whether a source's bytes come as fast as they are read.
func untimed(spec string) bool {
	if spec == "-" {
		info, err := os.Stdin.Stat()
		return err == nil && info.Mode().IsRegular()
	}
	return strings.HasPrefix(spec, "file:")
}

// inputOf is what ffmpeg takes for the same bytes; "" if there is no such thing.
func inputOf(spec string) string {
	name, arg, _ := strings.Cut(spec, ":")
	switch name {
	case "file":
		return quoteWord(arg)
	case "http", "https", "tcp":
		address, _, _ := strings.Cut(HideSecrets(spec), "#") // picam's own options
		return address
	}
	return ""
}

// HideSecrets takes user, password and what may be keys out of the addresses in a source, which users show to others.
func HideSecrets(spec string) string {
	spec = regexp.MustCompile(`://[^/\s'"]*@`).ReplaceAllString(spec, "://USER:PASSWORD@")
	if !strings.HasPrefix(spec, "http") {
		return spec
	}
	spec, options, ok := strings.Cut(spec, "#")
	if ok {
		options = "#" + options
	}
	address, query, ok := strings.Cut(spec, "?")
	if !ok {
		return spec + options
	}
	secret := regexp.MustCompile(`(?i)pass|pwd|user|usr|login|key|token|auth|secret|sid`)
	parameters := strings.Split(query, "&")
	for i, p := range parameters {
		name, _, _ := strings.Cut(p, "=")
		if plain, err := url.QueryUnescape(name); err != nil || secret.MatchString(plain) {
			parameters[i] = name + "=…"
		}
	}
	return address + "?" + strings.Join(parameters, "&") + options
}

// Asked is what was asked for of a source beside its name. Zero values are none.
type Asked struct {
	MaxFrame int    // longest accepted frame in bytes
	Size     string // WIDTHxHEIGHT
	FPS      float64
}

// Suggest fills in the lines of picam that take the source; none where nothing does.
func (r *Report) Suggest(spec string, asked Asked) {
	r.Commands = commands(spec, asked, r)
}

func commands(spec string, asked Asked, r *Report) []string {
	if r.Frames == 0 || r.Refused {
		return nil
	}
	both := ""
	if limit := asked.MaxFrame; limit != mjpeg.DefaultMaxFrame {
		both += fmt.Sprintf(" --max-frame %d", limit)
	} else if r.Damage.TooLong > 0 {
		both += " --max-frame 100000000"
	}
	source := shellescape.Quote(HideSecrets(spec))
	name, _, _ := strings.Cut(spec, ":")
	if name == "tcp" {
		return []string{"picam recv --from " + source + both}
	}
	pipe, send := "", both
	if asked.Size != "" {
		send += " --size " + asked.Size
	}
	switch fps := asked.FPS; {
	case fps != 0:
		send += fmt.Sprintf(" --fps %g", fps)
	case name == "file":
		send += " --fps 30"
	}
	if spec == "-" {
		pipe = "… | "
	}
	sending := pipe + "picam send --source " + source + send + " --to HOST:8002"
	receiving := pipe + "picam recv --from " + source + both
	if name == "http" || name == "https" {
		return []string{receiving, sending}
	}
	return []string{sending, receiving}
}

// quoteWord quotes a word as the source ffmpeg: splits its line.
func quoteWord(word string) string {
	if !strings.ContainsAny(word, " \t'\"\\") {
		return word
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(word) + `"`
}

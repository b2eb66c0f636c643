package capture

import (
	"cmp"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// shellProgram runs a command by the shell.
func shellProgram(command string, o Options) (program, error) {
	if err := checkShell(command, o); err != nil {
		return program{}, err
	}
	shell := []string{"/bin/sh", "-c", command}
	if runtime.GOOS == "windows" {
		shell = []string{"cmd", "/C", command}
	}
	return program{name: "exec", argv: shell, once: true, explain: explainShell}, nil
}

func checkShell(command string, _ Options) error {
	if strings.TrimSpace(command) == "" {
		return errors.New("capture: exec: want a command that writes MJPEG to its standard output, such as " +
			"'exec:rpicam-vid -t 0 -n --codec mjpeg --flush -o -'")
	}
	return nil
}

// explainShell knows the statuses by which a shell says that it has not run the command.
func explainShell(_ string, status int) (sentence string, hopeless bool) {
	switch status {
	case 126:
		return "this command may not be run", true
	case 127:
		return "there is no such command", true
	case 2:
		return "", true // wrong syntax, for the shell and for most commands
	}
	return "", false
}

// ffmpegSilence is how long ffmpeg may take for a frame, beside that which is asked for by FPS: longer than its own
// patience with most inputs.
const ffmpegSilence = 30 * time.Second

// ffmpegProgram is ffmpeg with the given arguments, and output options that make it write MJPEG at once.
func ffmpegProgram(text string, o Options) (program, error) {
	args, err := ffmpegWords(text)
	if err != nil {
		return program{}, err
	}
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		return program{}, errors.New("capture: ffmpeg not found: sudo apt install ffmpeg")
	}
	silence := ffmpegSilence
	if o.FPS > 0 {
		silence += time.Duration(5 / o.FPS * float64(time.Second))
	}
	return program{
		argv: append([]string{path}, ffmpegArguments(args, o)...), silence: silence, once: true, explain: explainFFmpeg,
	}, nil
}

func checkFFmpeg(text string, _ Options) error {
	_, err := ffmpegWords(text)
	return err
}

// ffmpegWords splits what the user gave.
func ffmpegWords(text string) ([]string, error) {
	args, err := splitWords(text)
	if err != nil {
		return nil, fmt.Errorf("capture: ffmpeg: %w", err)
	}
	if len(args) == 0 {
		return nil, errors.New("capture: ffmpeg: want its arguments up to the input, such as 'ffmpeg:-i rtsp://cam/1', " +
			"or an address alone")
	}
	return args, nil
}

// ffmpegArguments completes what the user gave.
func ffmpegArguments(args []string, o Options) []string {
	all := []string{"-hide_banner", "-loglevel", "warning", "-nostdin"}
	if len(args) == 1 && !strings.HasPrefix(args[0], "-") {
		all = append(all, "-i")
	}
	all = append(all, args...)
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(args, n) })
	}
	if o.Width > 0 && o.Height > 0 && !has("-s") {
		all = append(all, "-s", fmt.Sprintf("%dx%d", o.Width, o.Height))
	}
	if o.FPS > 0 {
		all = append(all, "-r", strconv.FormatFloat(o.FPS, 'f', -1, 64))
	}
	if !has("-c:v", "-codec:v", "-vcodec", "-c", "-codec") {
		// ffmpeg's scale is from 2, the best, to 31.
		q := 2 + (100-cmp.Or(o.Quality, rawQuality))*29/100
		all = append(all, "-c:v", "mjpeg", "-q:v", strconv.Itoa(q), "-pix_fmt", "yuvj420p")
	}
	return append(all, "-an", "-flush_packets", "1", "-f", "mjpeg", "pipe:1")
}

func explainFFmpeg(said string, _ int) (sentence string, hopeless bool) {
	for _, e := range []struct {
		pattern, sentence string
		hopeless          bool
	}{
		{"Unrecognized option|Option .* not found|At least one output file|Unknown (encoder|decoder|input " +
			"format)|Error splitting the argument",
			"ffmpeg does not understand its arguments", true},
		{"401 Unauthorized|authorization failed", "the camera wants a user and a password, or does not take these",
			true},
		{"404 Not Found", "the camera has nothing at this address", false},
		{"Connection refused", "nothing listens there: is the camera on, and is the port right?", false},
	} {
		if regexp.MustCompile(e.pattern).MatchString(said) {
			return e.sentence, e.hopeless
		}
	}
	return "", false
}

// splitWords splits a line at spaces as a shell does, with quotes and backslashes, and nothing else that a shell does.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	begun := false
	var quote rune
	escaped := false
	for _, r := range line {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'' && runtime.GOOS != "windows":
			escaped, begun = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, begun = r, true
		case r == ' ' || r == '\t' || r == '\n':
			if begun {
				words = append(words, word.String())
				word.Reset()
				begun = false
			}
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	switch {
	case quote != 0:
		return nil, fmt.Errorf("the quote %c has no end in %q", quote, line)
	case escaped:
		return nil, fmt.Errorf("a backslash stands at the end of %q", line)
	case begun:
		words = append(words, word.String())
	}
	return words, nil
}

//go:build cgo

package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"picam/capture"
)

// typed runs a command, and returns its status and what it prints.
func typed(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = Run(t.Context(), "", append([]string{"picam"}, args...), &out, &errs)
	return status, out.String(), errs.String()
}

// What cannot be is a usage error: the status is 2, and one line says what was found and what to type, in the words of
// users.
func TestUsageErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	file := writeFile(t, "a file", "")
	const rate = "takes 0.001 to 1000, or 0"
	both := []string{"send --to a", "recv"}
	for _, tt := range []struct {
		commands []string
		flag     string
		values   []string
		want     string // "": a flag that is not mentioned by what is said
	}{
		{both, "fps", []string{"NaN", "Inf", "-5", "-0.5", "1001", "0.0001", "fast", ""}, rate},
		{[]string{"probe --json"}, "fps", []string{"NaN", "-1", "1001", "x"}, rate},
		{both, "max-frame", []string{"0", "-1", "16M", "99999999999999999999", "1.5"}, "takes a whole number from 1 to 1073741824"},
		{both, "log-level", []string{"loud", ""}, "takes debug, info, warn or error"},
		{both, "log-format", []string{"xml"}, "takes text or json"},
		{both, "status", []string{"sometimes"}, "takes auto, always or never"},
		{both, "stats-file", []string{"/nonexistent/stats.json"}, "cannot be written: no such file or directory"},
		{both, "stats-file", []string{file + "/stats.json"}, "cannot be written: not a directory"},
		{both, "stats-file", []string{"."}, "this is a folder"},
		{both, "policy", []string{"none", "latest,all"}, "takes auto, latest or all"},
		{both, "listen", []string{"8002"}, "did you mean :8002?"},
		{both, "listen", []string{":http", "a:b:c", ":99999", "http://x"}, "type HOST:PORT"},
		{both, "announce", []string{"=maybe"}, "takes true or false"},
		{both, "loop", []string{"=2"}, "takes true or false"},

		{[]string{"send --to a"}, "size", []string{"12", "0x0", "1280x720p", "-1x5", "1280*720", "x", "99999x1"}, "takes WIDTHxHEIGHT in pixels"},
		{[]string{"send --to a"}, "quality", []string{"-1", "101", "best", "1e2"}, "takes a whole number from 0 to 100"},
		{[]string{"send --to a"}, "write-timeout", []string{"-5s", "5", "25h"}, "takes a time from 0s to 24h"},
		{[]string{"send --to a"}, "rotation", []string{"90", "-180", "x"}, "0 and 180"},
		{[]string{"send --to a"}, "camera", []string{"first"}, "want its number"},
		{[]string{"send --to a"}, "control", []string{"brightness", "=1", "a=b"}, "want NAME=NUMBER"},
		{[]string{"send --to a --source"}, "", []string{"patern", "webcam", "pattern:0", "pattern:,noise", "pattern:-3", "v4l2:video0", "rpicam:x",
			"exec:", "ffmpeg:", "file:", "http://", "auto:x", "-:x", "/dev/video0"}, "want"},
		{[]string{"send --to a --source"}, "", []string{"ffmpeg:-i 'x"}, "has no end"},
		{[]string{"send --to a --source"}, "", []string{"rtsp://cam/1"}, "let ffmpeg do so"},
		{[]string{"send --to a --source"}, "", []string{"camera"}, "did you mean auto?"},
		{[]string{"send --to"}, "", []string{"8002", "http://a", "a:b", "two words"}, "type HOST:PORT"},
		{[]string{"send"}, "", nil, "where to?"},
		{[]string{"send --to a --listen :1"}, "", nil, "not both"},

		{[]string{"recv"}, "workers", []string{"-1", "two", "1025"}, "takes a whole number from 0 to 1024"},
		{[]string{"recv"}, "max-cameras", []string{"0", "-1"}, "takes a whole number from 1 to 10000"},
		{[]string{"recv"}, "max-pixels", []string{"0", "-1", "8MP"}, "takes a whole number from 1 to 1073741824"},
		{[]string{"recv"}, "idle-timeout", []string{"-5s", "0s", "5", "soon"}, "takes a time from 10ms to 24h"},
		{[]string{"recv"}, "display", []string{"hologram"}, "takes auto, window or none"},
		{[]string{"recv"}, "damaged", []string{"repair"}, "takes drop or show"},
		{[]string{"recv"}, "record", []string{"out.mp4", "out", "out/a.png"}, "record out"},
		{[]string{"recv"}, "record-raw", []string{"out.avi"}, ".mjpeg"},
		{[]string{"recv"}, "last-frame", []string{"out.gif"}, "use .jpg or .png"},
		{[]string{"recv --from"}, "", []string{"patern", "tcp://", "tcp://a:b", "pattern:0", "file:"}, ""},
		{[]string{"recv --record a.avi"}, "record", []string{"b.avi"}, "--record stands twice, with a.avi and with b.avi"},
		{[]string{"send --to a --to"}, "", []string{"b"}, "--to stands twice"},

		{[]string{"probe"}, "", []string{"patern", "tcp://a:b", "file:"}, ""},
		{[]string{"probe"}, "", nil, "picam probe of what?"},
		{[]string{"probe pattern"}, "json", nil, "flags stand before the source"},
		{[]string{"probe", "discover"}, "time", []string{"0s", "-1s", "3"}, "takes a time from 1ms to 24h"},
		{[]string{"check"}, "size", []string{"1280"}, "takes WIDTHxHEIGHT"},
		{[]string{"check"}, "", nil, "picam check filters.yaml"},
		{[]string{"filters"}, "", []string{"blurr"}, "did you mean blur?"},
		{[]string{"completion", "completion tcsh"}, "", nil, "picam completion bash"},
		{[]string{"man x", "version x", "devices x", "discover x", "send x", "recv x"}, "", nil, `takes no argument "x"`},
		{[]string{"sned", "help sned"}, "", nil, `there is no command "sned"`},
		{[]string{"recv --lissen :1"}, "", nil, "there is no flag --lissen (did you mean --listen?)"},
		{[]string{"recv --listen"}, "", nil, "--listen takes [HOST]:PORT, and nothing stands behind it"},
	} {
		for _, command := range tt.commands {
			if tt.values == nil {
				tt.values = []string{"\x00"}
			}
			for _, value := range tt.values {
				args := strings.Fields(command)
				switch {
				case value == "\x00" && tt.flag != "":
					args = append(args, "--"+tt.flag)
				case value == "\x00":
				case tt.flag == "":
					args = append(args, value)
				case strings.HasPrefix(value, "="):
					args = append(args, "--"+tt.flag+value)
				default:
					args = append(args, "--"+tt.flag, value)
				}
				if tt.flag == "listen" && args[0] == "send" {
					args = append(args[:1], args[3:]...)
				}
				t.Run(strings.Join(args, " "), func(t *testing.T) {
					status, out, said := typed(t, args...)
					if status != 2 || out != "" || !strings.Contains(said, tt.want) || strings.Count(said, "\n") != 1 {
						t.Errorf("status %d, %q, %s, want %q", status, out, said, tt.want)
					}
					for _, inside := range []string{"strconv", "parse error", "capture:", "transport:", "pipeline:", "sink:", "%!", "Options"} {
						if strings.Contains(said, inside) {
							t.Errorf("what it says has %q in it: %s", inside, said)
						}
					}
				})
			}
		}
	}
	left, err := os.ReadDir(".")
	if err != nil || len(left) > 0 {
		t.Errorf("there are files now: %v, %v", left, err)
	}
}

// A variable of the environment is refused as the flag is, and gives way to it.
func TestVariables(t *testing.T) {
	for _, tt := range []struct{ name, value, args, want string }{
		{"PICAM_WORKERS", "-4", "recv", "--workers -4: takes a whole number from 0 to 1024 (PICAM_WORKERS says so)"},
		{"PICAM_FPS", "NaN", "send --to a", "--fps NaN: takes"},
		{"PICAM_FROM", "patern", "recv", `no source "patern"`},
		{"PICAM_FROM", "patern", "recv --from other", `no source "other"`},
		{"PICAM_LISTEN", "8002", "recv --listen 8003", "did you mean :8003?"},
		{"PICAM_SIZE", "", "send", "where to?"}, // as if it were not there
	} {
		t.Run(tt.name+" "+tt.args, func(t *testing.T) {
			t.Setenv(tt.name, tt.value)
			status, _, said := typed(t, strings.Fields(tt.args)...)
			if status != 2 || !strings.Contains(said, tt.want) {
				t.Errorf("status %d, %s, want %q", status, said, tt.want)
			}
		})
	}
}

// An earlier recording in the way is no wrong typing.
func TestRecordingInTheWay(t *testing.T) {
	status, _, said := typed(t, "recv", "--from", "pattern:1", "--record", writeFile(t, "out.avi", "x"))
	if status != 1 || !strings.Contains(said, "--overwrite") {
		t.Errorf("status %d, %s", status, said)
	}
}

// Help names every command and flag, is at most as wide as a terminal, and breaks no word.
func TestHelp(t *testing.T) {
	app := newApp("", nil, nil)
	pages := map[string][]string{"--help": nil, "help": nil, "": nil}
	for _, c := range app.Commands {
		pages["--help"] = append(pages["--help"], "\n  "+c.Name+" ")
		for _, o := range optionsOf(c) {
			for _, page := range []string{c.Name + " --help", c.Name + " -h", "help " + c.Name} {
				pages[page] = append(pages[page], "\n  --"+o.name)
			}
		}
	}
	for page, want := range pages {
		status, text, said := typed(t, strings.Fields(page)...)
		if status != 0 || said != "" {
			t.Errorf("picam %s: status %d, %s", page, status, said)
		}
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("picam %s lacks %q", page, w)
			}
		}
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > helpWidth {
				t.Errorf("picam %s: %d columns: %s", page, n, line)
			}
			if strings.TrimRight(line, " \n") != strings.TrimSuffix(line, "\n") {
				t.Errorf("picam %s: spaces end the line %q", page, line)
			}
		}
	}
}

// What help says of the kinds of sources is taken.
func TestSourcesOfHelp(t *testing.T) {
	stands := strings.NewReplacer("COUNT", "300", "NUMBER", "0", "DEVICE", "/dev/video0", "HOST/PATH", "cam/stream", "PATH", "clip.mjpeg",
		"ARGUMENTS", "-i x", "COMMAND", "true", "[", "", "]", "")
	examples := 0
	for _, k := range capture.Kinds() {
		bare, _, _ := strings.Cut(k.Usage, "[")
		for _, spec := range append(strings.Fields(strings.NewReplacer("(", " ", ")", " ").Replace(k.Doc)), stands.Replace(k.Usage), stands.Replace(bare)) {
			spec = strings.TrimRight(spec, ".,;:")
			if spec != bare && !strings.HasPrefix(spec, k.Name+":") {
				continue
			}
			examples++
			if err := capture.Check(spec, capture.Options{}); err != nil {
				t.Errorf("%s: %v", spec, err)
			}
		}
	}
	if examples < 10 {
		t.Errorf("only %d were tried", examples)
	}
}

func TestVersion(t *testing.T) {
	for _, args := range []string{"version", "--version"} {
		var out bytes.Buffer
		status := Run(t.Context(), "v1.2.3", []string{"picam", args}, &out, &out)
		if status != 0 || !strings.HasPrefix(out.String(), "picam v1.2.3 (go") {
			t.Errorf("picam %s: status %d, %s", args, status, &out)
		}
	}
	if versionText("") == "" {
		t.Error("no version")
	}
}

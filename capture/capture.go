// Package capture is where frames come from: a camera, a camera program, a file, standard input, a drawn test
// pattern. Each kind of source has a file here and an entry in [Kinds].
package capture

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"picam/internal/wording"
	"picam/mjpeg"
)

// Source yields a camera's frames. Next blocks until there is one and returns io.EOF after the last; it is called
// from one goroutine. It ends with the context given to Open: Next then returns the context's cause, and os.ErrClosed
// after Close. Close frees what Open took, waits for what it started, and may be called at any time and more than once.
type Source interface {
	Next() (mjpeg.Frame, error)
	Close() error
}

// Sized is a Source of known length, such as a file.
type Sized interface {
	// Progress returns how much has been read of how much, in bytes; with Loop, in this round. Any goroutine may call
	// it.
	Progress() (done, total int64)
}

// Options say what is wanted of a source. Zero values mean the source's own choice.
type Options struct {
	Width, Height int // in pixels
	// FPS is frames a second. For a file, 0 means as fast as they are taken; for the pattern 0 means 30, and a
	// negative number as fast as they are taken. What is read from standard input comes as it comes.
	FPS      float64
	OwnRate  bool         // a file without FPS is played at the rate that it tells, or 25 frames a second
	Quality  int          // JPEG quality, 1 to 100
	Loop     bool         // a file starts again at its end, a program too
	MaxFrame int          // longest accepted frame in bytes; 0 means mjpeg.DefaultMaxFrame
	Log      *slog.Logger // nil discards
	// Controls are settings of a V4L2 camera, such as "brightness=128,auto_exposure=1", in the order in which they are
	// made. Names and numbers are as v4l2-ctl has them. Other sources have none.
	Controls string
	Rpicam   Rpicam // other sources have none
}

// Kind is one way to obtain frames.
type Kind struct {
	Name  string // the part of a SOURCE before the colon
	Usage string // as typed, such as "file:CLIP.mjpeg"
	Doc   string // one sentence
	Open  func(ctx context.Context, arg string, o Options) (Source, error)

	stream func(ctx context.Context, arg string, o Options) (Stream, error)
	check  func(arg string, o Options) error // what Check says of it
}

// Kinds lists every kind of source, in the order in which help shows them.
func Kinds() []Kind {
	return []Kind{
		{
			Name: "auto", Usage: "auto", Open: openAuto, stream: streamAuto,
			check: checkAuto,
			Doc:   "The first camera that is found: the Raspberry Pi's own, else a USB camera, which may be plugged in later.",
		},
		{
			Name: "rpicam", Usage: "rpicam[:NUMBER]", Open: ofProgram(rpicamProgram).source, stream: ofProgram(rpicamProgram).stream,
			check: checkRpicam,
			Doc:   "The Raspberry Pi's camera, by rpicam-vid (or libcamera-vid), which is started again whenever it ends.",
		},
		{
			Name: "v4l2", Usage: "v4l2[:DEVICE]", Open: openV4L2, stream: streamV4L2,
			check: checkV4L2,
			Doc:   "A USB camera: the first one, v4l2:/dev/video0, or a link of /dev/v4l/by-id. It may be plugged in later.",
		},
		{
			Name: "http", Usage: "http://HOST/PATH", Open: openWeb("http"), stream: streamWeb("http"),
			check: checkWeb("http"),
			Doc:   "A network camera, or a program, that has MJPEG or single JPEG frames at an address; USER:PASSWORD@ before HOST.",
		},
		{
			Name: "https", Usage: "https://HOST/PATH", Open: openWeb("https"), stream: streamWeb("https"),
			check: checkWeb("https"),
			Doc:   "The same over TLS; behind it #pin=sha256:FINGERPRINT, #insecure or #tls=legacy for cameras that need it.",
		},
		{
			Name: "ffmpeg", Usage: "ffmpeg:ARGUMENTS", Open: ofProgram(ffmpegProgram).source, stream: ofProgram(ffmpegProgram).stream,
			check: checkFFmpeg,
			Doc:   "What ffmpeg can read, such as 'ffmpeg:-i rtsp://cam/1': arguments up to its input, or an address alone; picam adds the output.",
		},
		{
			Name: "exec", Usage: "exec:COMMAND", Open: ofProgram(shellProgram).source, stream: ofProgram(shellProgram).stream,
			check: checkShell,
			Doc:   "Any command that writes MJPEG to its standard output; it is started again when it fails, and ends the source when it ends well.",
		},
		{
			Name: "file", Usage: "file:PATH", Open: openFile, stream: streamFile,
			check: checkFile,
			Doc:   "A file of JPEG frames one after another (.mjpeg), one .jpg, or a folder of them in natural order.",
		},
		{
			Name: "-", Usage: "-", Open: openStdin, stream: streamStdin,
			check: func(arg string, _ Options) error { return noArgument("-", arg) },
			Doc:   "Standard input: MJPEG that another program writes, such as ffmpeg -f mjpeg -.",
		},
		{
			Name: "pattern", Usage: "pattern[:COUNT,scene]", Open: openPattern, stream: framesOf(openPattern),
			check: checkPattern,
			Doc: "A drawn test frame with its number and the time: endless, or COUNT of them (pattern:300); with a noisy texture " +
				"(pattern:noise) or a scene to look at (pattern:scene), or both (pattern:300,scene).",
		},
	}
}

// Open opens the source that spec names: "pattern", "file:clip.mjpeg", "-", "rpicam", "auto".
func Open(ctx context.Context, spec string, o Options) (Source, error) {
	k, arg, err := findKind(spec, o)
	if err != nil {
		return nil, err
	}
	return k.Open(ctx, arg, o)
}

// Check finds what is wrong with a source as it was typed, without opening it: a camera that is not there is no fault,
// a source of no kind is one.
func Check(spec string, o Options) error {
	k, arg, err := findKind(spec, o)
	if err != nil {
		return err
	}
	return k.check(arg, o)
}

// findKind returns the kind of a source, and what stands behind its name.
func findKind(spec string, o Options) (k Kind, arg string, err error) {
	if err := o.check(); err != nil {
		return Kind{}, "", err
	}
	name, arg, _ := strings.Cut(spec, ":")
	for _, k := range Kinds() {
		if k.Name == name {
			return k, arg, nil
		}
	}
	return Kind{}, "", fmt.Errorf("capture: no source %q: %s", spec, advice(spec, name))
}

// Label is a short name for a source, without what is secret in it: "cam.local:8080/stream" for an address, a file's
// path.
func Label(spec string) string {
	name, arg, _ := strings.Cut(spec, ":")
	switch name {
	case "file":
		return arg
	case "http", "https":
		if u, _, err := parseWeb(spec); err == nil {
			return strings.TrimPrefix(webName(u), u.Scheme+"://")
		}
		return name
	case "ffmpeg", "exec": // an address in it may have a password
		return name
	}
	return spec
}

// check finds what no source can do.
func (o Options) check() error {
	const slowest, fastest = 0.001, 1000
	switch {
	case o.Width < 0 || o.Height < 0:
		return fmt.Errorf("capture: size %d×%d: want 1 or more pixels, or 0 for the source's own choice",
			o.Width, o.Height)
	case o.FPS != o.FPS || o.FPS > fastest || o.FPS > 0 && o.FPS < slowest:
		return fmt.Errorf("capture: %v frames a second: want %v to %v, or 0 for the source's own choice",
			o.FPS, slowest, fastest)
	case o.Quality < 0 || o.Quality > 100:
		return fmt.Errorf("capture: quality %d: want 1 to 100, or 0 for the source's own choice", o.Quality)
	case o.MaxFrame < 0:
		return fmt.Errorf("capture: frame limit of %d bytes: want 1 or more, or 0 for the default", o.MaxFrame)
	}
	return nil
}

// logger returns Log, or one that discards.
func (o Options) logger() *slog.Logger {
	if o.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Log
}

// advice says what could have been meant by a spec of no kind.
func advice(spec, name string) string {
	var usages, names []string
	for _, k := range Kinds() {
		usages, names = append(usages, k.Usage), append(names, k.Name)
	}
	nearest := wording.Nearest(name, names)
	list := "want " + strings.Join(usages, ", ")
	switch {
	case strings.HasPrefix(spec, "rtsp://"), strings.HasPrefix(spec, "rtsps://"):
		return fmt.Sprintf("RTSP cameras send H.264: go2rtc or mediamtx make MJPEG of it, which picam takes, such as "+
			"http://HOST:1984/api/stream.mjpeg?src=NAME from go2rtc; or let ffmpeg do so: --source "+
			"'ffmpeg:-rtsp_transport tcp -i %s'", spec)
	case strings.HasPrefix(spec, "tcp://"):
		return "tcp:// is for picam recv --from, which needs no picam send"
	case strings.HasPrefix(spec, "/dev/"):
		return fmt.Sprintf("did you mean v4l2:%s? (%s)", spec, list)
	case spec == "camera":
		return "did you mean auto? (" + list + ")"
	case exists(spec):
		return fmt.Sprintf("did you mean file:%s? (%s)", spec, list)
	case nearest != "":
		return fmt.Sprintf("did you mean %s%s? (%s)", nearest, spec[len(name):], list)
	}
	return list
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return path != "" && err == nil
}

// noArgument is for the kinds that take none.
func noArgument(kind, arg string) error {
	if arg != "" {
		return fmt.Errorf("capture: %s: %q: want nothing after %s", kind, arg, kind)
	}
	return nil
}

// lifetime is the part that all sources have in common: they end with a context or by Close.
type lifetime struct {
	ctx context.Context
	end context.CancelCauseFunc
}

func newLifetime(ctx context.Context) lifetime {
	ctx, end := context.WithCancelCause(ctx)
	return lifetime{ctx, end}
}

// Close makes Next return os.ErrClosed.
func (l lifetime) Close() error {
	l.end(os.ErrClosed)
	return nil
}

// cause returns why the source has ended if it has, because then err is only what came of that; else it returns err.
func (l lifetime) cause(err error) error {
	if l.ctx.Err() != nil {
		return context.Cause(l.ctx)
	}
	return err
}

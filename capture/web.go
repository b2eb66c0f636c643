package capture

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"

	"picam/internal/linklocal"
	"picam/internal/sniff"
	"picam/mjpeg"
)

const (
	webDialTime   = 5 * time.Second
	webHeaderTime = 10 * time.Second // some cameras wake up first
	webSilence    = 10 * time.Second // without a byte; longer for low rates
	webFirst      = 30 * time.Second // for the first frame of a connection
	webRedirects  = 5
	snapshotFPS   = 1 // where none is asked for
)

// web is the source of an HTTP camera: one endless answer of MJPEG, or an address that has one frame at a time, which
// is asked for again and again. Frames are cut by their own markers, so that nothing depends on lengths and boundaries.
type web struct {
	lifetime
	outage
	url      *url.URL // with user and password
	options  webOptions
	who      string // the same without these, for people
	maxFrame int
	silence  time.Duration
	dialer   net.Dialer
	client   *http.Client
	login    webLogin
	retry    backoff.ExponentialBackOff
	pace     pacer // of single frames

	answer *answer // nil: none under way
	seq    uint64
	known  bool // there has been a frame: whatever fails now will be all right again

	mu     sync.Mutex
	reader *mjpeg.Reader // of the answer under way, or of the last one
	past   mjpeg.Stats   // of those before it
}

// openWeb asks for the address once, and fails if that shows that there will never be frames. A camera that does not
// answer is waited for.
func openWeb(scheme string) func(ctx context.Context, arg string, o Options) (Source, error) {
	return func(ctx context.Context, arg string, o Options) (Source, error) {
		w, err := newWeb(ctx, scheme+":"+arg, o)
		if err != nil {
			return nil, err
		}
		err = w.ask()
		switch {
		case err == nil || w.ctx.Err() != nil:
		case troubleIn(err).hopeless:
			w.Close()
			return nil, fmt.Errorf("capture: %w", err)
		default:
			w.tell(troubleIn(err))
		}
		return w, nil
	}
}

// newWeb asks for nothing yet.
func newWeb(ctx context.Context, address string, o Options) (*web, error) {
	u, options, err := parseWeb(address)
	if err != nil {
		return nil, err
	}
	w := &web{
		lifetime: newLifetime(ctx), outage: outage{log: o.logger()},
		url: u, options: options, who: webName(u), maxFrame: cmp.Or(o.MaxFrame, mjpeg.DefaultMaxFrame), silence: webSilence,
		pace:   pacer{fps: cmp.Or(o.FPS, snapshotFPS)},
		dialer: net.Dialer{Timeout: webDialTime, KeepAlive: 5 * time.Second},
		retry: backoff.ExponentialBackOff{
			InitialInterval: 250 * time.Millisecond, Multiplier: 2, RandomizationFactor: 0.5,
			MaxInterval: 5 * time.Second,
		},
	}
	if o.FPS > 0 {
		w.silence += time.Duration(5 / o.FPS * float64(time.Second))
	}
	if risk := options.risk(); risk != "" {
		w.log.Warn(w.who + ": " + risk)
	}
	jar, err := cookiejar.New(nil) // some let in who brings back what a redirection has given
	if err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	behindProxy := options.config("", true)
	w.client = &http.Client{
		Jar: jar,
		Transport: &http.Transport{
			Proxy:       http.ProxyFromEnvironment,
			DialContext: w.dial, DialTLSContext: w.dialTLS,
			TLSClientConfig: behindProxy, TLSHandshakeTimeout: webDialTime, ResponseHeaderTimeout: webHeaderTime,
			DisableCompression: true, MaxResponseHeaderBytes: 2 * maxHead, MaxIdleConns: 1, IdleConnTimeout: 30 * time.Second,
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > webRedirects {
				return errRedirects
			}
			if req.URL.Scheme != via[0].URL.Scheme { // a password that TLS hides must not be seen
				req.Header.Del("Authorization")
			}
			return nil
		},
	}
	return w, nil
}

// webStream is the Stream of an HTTP camera: its answer, or one after another where each is a frame.
type webStream struct{ *web }

func streamWeb(scheme string) func(ctx context.Context, arg string, o Options) (Stream, error) {
	return func(ctx context.Context, arg string, o Options) (Stream, error) {
		w, err := newWeb(ctx, scheme+":"+arg, o)
		if err != nil {
			return nil, err
		}
		return &webStream{w}, nil
	}
}

func (s *webStream) Part() (Part, error) {
	if before := s.answer; before != nil {
		before.close()
		s.answer = nil
		if !before.single {
			return Part{}, io.EOF
		}
	}
	if err := s.pace.wait(s.ctx); err != nil {
		return Part{}, err
	}
	a, resp, err := s.begin()
	if err != nil {
		return Part{}, s.cause(fmt.Errorf("capture: %w", once(err)))
	}
	s.answer = a
	fault := s.judge(a, resp)
	if fault != nil {
		a.single = false // once is enough
		fault = once(fault)
	}
	return Part{Reader: webBody{s.web, a}, Answer: resp, Fault: fault}, nil
}

// webBody reads an answer's body, and fails with a sentence.
type webBody struct {
	*web
	answer *answer
}

func (b webBody) Read(p []byte) (int, error) {
	n, err := b.answer.Read(p)
	if n == 0 && err != nil && err != io.EOF {
		err = b.cause(once(b.broken(b.answer, err)))
	}
	return n, err
}

var errRedirects = fmt.Errorf("more than %d redirections", webRedirects)

func checkWeb(scheme string) func(arg string, _ Options) error {
	return func(arg string, _ Options) error {
		_, _, err := parseWeb(scheme + ":" + arg)
		return err
	}
}

// parseWeb reads an address. The zone of an IPv6 address may stand behind % as it is.
func parseWeb(text string) (*url.URL, webOptions, error) {
	bad := func(why string) (*url.URL, webOptions, error) {
		return nil, webOptions{}, fmt.Errorf("capture: this address is not right: %s; want %s://HOST:PORT/PATH, with USER:PASSWORD@ "+
			"before HOST if the camera asks for them, and %%40 for an @ in a password", why,
			cmp.Or(strings.SplitN(text, ":", 2)[0], "http"))
	}
	zone := regexp.MustCompile(`^([a-z]+://(?:[^/?#]*@)?\[[0-9A-Fa-f:.]+%)([^\]/?#]+\])`)
	if m := zone.FindStringSubmatch(text); m != nil && !strings.HasPrefix(m[2], "25") {
		text = m[1] + "25" + text[len(m[1]):]
	}
	u, err := url.Parse(text)
	var parsing *url.Error
	switch {
	case errors.As(err, &parsing): // without the address, which may have a password in it
		return bad(parsing.Err.Error())
	case err != nil:
		return bad("it cannot be read")
	case u.Hostname() == "":
		return bad("it has no host")
	}
	if hint, lasting := linklocal.Hint(u.Hostname()); lasting {
		return bad(hint)
	}
	options, err := parseWebOptions(u.Fragment)
	if err != nil {
		return bad(err.Error())
	}
	u.Fragment = ""
	return u, options, nil
}

// webName names an address without user, password and query.
func webName(u *url.URL) string {
	return u.Scheme + "://" + u.Host + strings.TrimSuffix(u.EscapedPath(), "/")
}

func (w *web) Next() (mjpeg.Frame, error) {
	for w.ctx.Err() == nil {
		var err error
		if w.answer == nil {
			err = w.ask()
		}
		if err == nil {
			var f mjpeg.Frame
			if f, err = w.answer.next(); err == nil {
				return w.deliver(f), nil
			}
			err = w.finish(err)
			if err == nil { // a whole answer of single frames
				if err := w.pace.wait(w.ctx); err != nil {
					return mjpeg.Frame{}, err
				}
				continue
			}
		}
		if w.ctx.Err() != nil {
			break
		}
		if troubleIn(err).hopeless && !w.known {
			return mjpeg.Frame{}, fmt.Errorf("capture: %w", err)
		}
		w.tell(troubleIn(err))
		if err := await(w.ctx, time.NewTimer(w.retry.NextBackOff())); err != nil {
			return mjpeg.Frame{}, err
		}
	}
	return mjpeg.Frame{}, context.Cause(w.ctx)
}

// deliver numbers a frame through all answers.
func (w *web) deliver(f mjpeg.Frame) mjpeg.Frame {
	w.fine()
	w.known = true
	w.seq++
	f.Seq = w.seq
	if f.Captured.IsZero() {
		f.Captured = f.Received
	}
	return f
}

// finish takes leave of the answer, of which err came. It returns nil for one that was good.
func (w *web) finish(err error) error {
	a := w.answer
	a.close()
	w.answer = nil
	st := a.reader.ScanStats()
	// One frame alone is a snapshot, whatever its type is called.
	single := a.single || st.Frames == 1 && !strings.HasPrefix(mediaType(a.kind), "multipart/")
	if st.Frames > 0 && (single || time.Since(a.begun) > steadyTime) {
		w.retry.Reset()
	}
	cause := context.Cause(a.ctx)
	switch {
	case err == io.EOF && st.Frames > 0 && single:
		return nil
	case errors.Is(cause, errWebSilent):
		return w.broken(a, err)
	case errors.Is(cause, errWebOther), errors.Is(cause, errWebNoFrame), err == io.EOF && st.Frames == 0:
		return w.other(a, st)
	case err == io.EOF:
		return &troubleError{text: w.who + " has ended its stream", does: connectsAnew}
	}
	return w.broken(a, err)
}

// other says what an answer without frames is.
func (w *web) other(a *answer, st mjpeg.Stats) error {
	found, advice, format := sniff.Recognise(a.head)
	if format != "" {
		return w.video(found, format)
	}
	what := fmt.Sprintf("%s gives no JPEG frame in %d bytes of %s that begin with %q", w.who, st.Bytes,
		cmp.Or(a.kind, "no Content-Type"), a.head[:min(len(a.head), 16)])
	if advice == "" {
		advice = "want an address of MJPEG or JPEG" + someAddresses
	}
	if damage := describeDamage(st, w.maxFrame); damage != "" {
		what += " (" + damage + ")"
	} else if len(a.head) > 0 {
		what += ", which is " + found
	}
	return &troubleError{text: what + "; " + advice + "; picam probe tells more", hopeless: st.Bytes > 0 && st.Damaged == [mjpeg.NumDamage]int64{}}
}

// video says that there is video of another kind, and how to make MJPEG of it. format is what ffmpeg calls it; "": it
// finds out by itself.
func (w *web) video(kind, format string) error {
	switch format {
	case "h264", "hevc", "m4v", "mpegvideo": // without a container
		format = "-f " + format + " "
	default:
		format = ""
	}
	address := w.who
	if w.url.User != nil {
		address = strings.Replace(address, "://", "://USER:PASSWORD@", 1)
	}
	if w.url.RawQuery != "" {
		address += "?…"
	}
	return hopeless("%s is video of another kind (%s); want MJPEG, or --source 'ffmpeg:%s-i %s' (--from with picam recv), "+
		"which lets ffmpeg make it", w.who, kind, format, address)
}

// broken makes a sentence of the error by which an answer ended.
func (w *web) broken(a *answer, err error) error {
	if errors.Is(context.Cause(a.ctx), errWebSilent) {
		return &troubleError{text: fmt.Sprintf("%s sends nothing for %v", w.who, w.silence), does: connectsAnew}
	}
	return &troubleError{text: fmt.Sprintf("%s: %v", w.who, cutURL(err)), does: connectsAnew}
}

const someAddresses = ", such as /?action=stream (mjpg-streamer), /stream (ustreamer, and port 81 of an ESP32-CAM), " +
	"/axis-cgi/mjpg/video.cgi"

// Close ends it.
func (w *web) Close() error {
	w.lifetime.Close()
	w.client.CloseIdleConnections()
	return nil
}

// ScanStats are the counters of all answers. Any goroutine may call it at any time.
func (w *web) ScanStats() mjpeg.Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.scanStats()
}

func (w *web) scanStats() mjpeg.Stats {
	if w.reader == nil {
		return w.past
	}
	return w.past.Plus(w.reader.ScanStats())
}

// answer is one response.
type answer struct {
	ctx     context.Context
	cancel  context.CancelCauseFunc
	body    io.ReadCloser
	kind    string        // Content-Type
	single  bool          // it is one frame
	reader  *mjpeg.Reader // nil: of a webStream
	begun   time.Time
	frames  bool
	silence time.Duration
	watch   *time.Timer
	head    []byte // the first bytes
}

const headKept = 1 << 10 // bytes of an answer

var (
	errWebSilent  = errors.New("silent")
	errWebNoFrame = errors.New("no frame")
	errWebOther   = errors.New("another kind of video")
)

func (a *answer) close() {
	a.watch.Stop()
	a.body.Close()
	a.cancel(nil)
}

func (a *answer) next() (mjpeg.Frame, error) {
	f, err := a.reader.Next()
	a.frames = a.frames || err == nil
	return f, err
}

// Read reads the body for reader.
func (a *answer) Read(p []byte) (int, error) {
	a.watch.Reset(a.silence) // only while it waits: who takes the frames may take its time
	n, err := a.body.Read(p)
	a.watch.Stop()
	begins := len(a.head) < headKept
	if begins {
		a.head = append(a.head, p[:min(n, headKept-len(a.head))]...)
	}
	if a.reader == nil || a.frames {
		return n, err
	}
	if _, _, format := sniff.Recognise(a.head); begins && !sniff.CanHoldJPEG(format) {
		a.cancel(errWebOther)
	}
	if time.Since(a.begun) > webFirst {
		a.cancel(errWebNoFrame)
	}
	return n, err
}

// peek is the beginning of the body, of n bytes at most, which is read again afterwards.
func (a *answer) peek(n int) []byte {
	b := make([]byte, n)
	n, _ = io.ReadFull(a, b) // what fails does so again
	a.head = nil
	a.body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(b[:n]), a.body), a.body}
	return b[:n]
}

// ask asks for the address, and makes what comes the answer under way.
func (w *web) ask() error {
	a, resp, err := w.begin()
	if err != nil {
		return err
	}
	err = w.judge(a, resp)
	if err != nil {
		a.close()
		return err
	}
	a.reader = mjpeg.NewReader(a, w.maxFrame)
	w.answer = a
	w.mu.Lock()
	w.past = w.scanStats()
	w.reader = a.reader
	w.mu.Unlock()
	return nil
}

// begin asks for the address.
func (w *web) begin() (*answer, *http.Response, error) {
	ctx, cancel := context.WithCancelCause(w.ctx)
	resp, err := w.get(ctx)
	if err != nil {
		cancel(nil)
		return nil, nil, err
	}
	kind := resp.Header.Get("Content-Type")
	a := &answer{
		ctx: ctx, cancel: cancel, body: resp.Body, kind: kind, single: strings.HasPrefix(mediaType(kind), "image/"),
		begun: time.Now(), silence: w.silence,
		watch: time.AfterFunc(w.silence, func() { cancel(errWebSilent) }),
	}
	a.watch.Stop()
	return a, resp, nil
}

func mediaType(header string) string {
	kind, _, err := mime.ParseMediaType(header)
	if err != nil { // a camera may write it wrong
		kind, _, _ = strings.Cut(header, ";")
	}
	return strings.ToLower(strings.TrimSpace(kind))
}

// get sends the request, twice if the camera asks for user and password.
func (w *web) get(ctx context.Context) (*http.Response, error) {
	target := w.url
	for try := 0; ; try++ {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
		if err != nil {
			return nil, hopeless("%s: %v", w.who, cutURL(err))
		}
		req.URL.User = nil
		req.Header.Set("User-Agent", "picam")
		w.login.apply(req, w.url.User)
		resp, err := w.client.Do(req)
		if err != nil {
			return nil, w.explain(err)
		}
		final := resp.Request.URL
		if resp.StatusCode != http.StatusUnauthorized {
			return resp, nil
		}
		resp.Body.Close()
		switch {
		case w.url.User == nil:
			return nil, hopeless("%s asks for a user and a password: want %s://USER:PASSWORD@%s%s", w.who, w.url.Scheme,
				w.url.Host, w.url.RequestURI())
		case final.Hostname() != w.url.Hostname():
			return nil, hopeless("%s leads to %s, which asks for a password; picam gives it to %s only", w.who,
				final.Host, w.url.Hostname())
		}
		switch known, stale := w.login.challenged(resp.Header); {
		case !known:
			return nil, hopeless("%s wants a kind of login that picam does not know: %q; it knows Digest and Basic", w.who,
				strings.Join(resp.Header.Values("Www-Authenticate"), ", "))
		case try > 1, try > 0 && !stale:
			return nil, &troubleError{text: w.who + " does not take this user and password", hopeless: true}
		}
		target = final
	}
}

// judge says what is wrong with a response, if there is something.
func (w *web) judge(a *answer, resp *http.Response) error {
	switch code := resp.StatusCode; {
	case code == http.StatusOK:
	case code == http.StatusNotFound, code == http.StatusGone:
		return hopeless("%s: the camera has nothing at this address (%s); want that of its stream%s",
			w.who, resp.Status,
			someAddresses)
	case code == http.StatusForbidden:
		return hopeless("%s: the camera does not allow it (%s); look at its users and their rights", w.who, resp.Status)
	case code >= 500, code == http.StatusTooManyRequests, code == http.StatusRequestTimeout:
		return &troubleError{text: fmt.Sprintf("%s: the camera cannot now (%s), perhaps it serves others", w.who,
			resp.Status), does: triesAgain}
	default:
		return hopeless("%s answers %s, not with frames", w.who, resp.Status)
	}
	kind := mediaType(a.kind)
	isPage := kind == "text/html" || kind == "application/xhtml+xml"
	isVideo := strings.Contains(kind, "mpegurl") || kind == "application/dash+xml" || strings.HasPrefix(kind, "video/")
	isOther := strings.HasPrefix(kind, "image/") || strings.HasPrefix(kind, "audio/") || kind == "application/json"
	if !isPage && !isVideo && !isOther || strings.Contains(kind, "jp") {
		return nil
	}
	head := a.peek(4 << 10)
	start := bytes.TrimSpace(head)
	switch {
	case isPage && bytes.HasPrefix(start, []byte("<")) && regexp.MustCompile(`(?i)type=["']?password`).Match(head):
		return &troubleError{text: w.who + " is a page to log in at, not a stream; picam logs in as the camera's address of the stream asks for it; " +
			"want that one" + someAddresses, hopeless: true}
	case isPage && (bytes.HasPrefix(start, []byte("<")) || len(start) == 0):
		return &troubleError{text: w.who + " is a web page, not a stream; want the address of the frame in it" + someAddresses, hopeless: true}
	case isPage, bytes.HasPrefix(start, []byte("\xFF\xD8\xFF")), bytes.HasPrefix(start, []byte("--")):
		return nil // the bytes are the truth
	case isVideo:
		_, _, format := sniff.Recognise(head)
		return w.video(kind, format)
	}
	return hopeless("%s is %s; want MJPEG or JPEG", w.who, kind)
}

// explain makes a sentence of why there is no response.
func (w *web) explain(err error) error {
	var dns *net.DNSError
	var timeout net.Error
	var other *notHTTPError
	if sentence := w.explainTLS(err); sentence != nil {
		return sentence
	}
	text := cutURL(err).Error()
	if hint, _ := linklocal.Hint(w.url.Hostname()); hint != "" {
		return &troubleError{text: fmt.Sprintf("%s: %s", w.who, hint), does: triesAgain}
	}
	switch {
	case errors.Is(err, errRedirects):
		return hopeless("%s leads elsewhere more than %d times; want the address where it ends", w.who, webRedirects)
	case errors.As(err, &dns) && dns.IsNotFound:
		return &troubleError{text: fmt.Sprintf("there is no computer %s in this network", w.url.Hostname()),
			does: triesAgain}
	case isRefused(err):
		return &troubleError{text: fmt.Sprintf("nothing listens at %s: is the camera on, and is the port right?",
			w.url.Host), does: " picam tries again"}
	case errors.As(err, &timeout) && timeout.Timeout():
		return &troubleError{text: fmt.Sprintf("%s does not answer", w.who), does: triesAgain}
	case errors.Is(err, errHeadTooLong):
		return hopeless("%s: %v: want the address of the stream%s", w.who, errHeadTooLong, someAddresses)
	case errors.As(err, &other) && bytes.HasPrefix(other.begin, []byte("RTSP/")):
		return hopeless("%s is an RTSP server, whose cameras mostly send H.264: want 'ffmpeg:-i rtsp://%s%s', or the port of its web server",
			w.url.Host, w.url.Host, w.url.RequestURI())
	case errors.As(err, &other) && bytes.HasPrefix(other.begin, []byte("\x15\x03")):
		return hopeless("%s speaks TLS: want https:// instead of http://", w.url.Host)
	case errors.As(err, &other):
		return hopeless("%s does not speak HTTP: what it says begins with %.32q; what sends plain MJPEG is tcp://%s, for picam recv --from",
			w.url.Host, other.begin, w.url.Host)
	case strings.Contains(text, "malformed HTTP"):
		return hopeless("%s does not speak HTTP; what sends plain MJPEG is tcp://%s, for picam recv --from",
			w.url.Host, w.url.Host)
	}
	return &troubleError{text: fmt.Sprintf("%s: %s", w.who, text), does: triesAgain}
}

func isRefused(err error) bool {
	const windowsRefused = syscall.Errno(10061)
	var errno syscall.Errno
	return errors.As(err, &errno) && (errno == syscall.ECONNREFUSED || errno == windowsRefused)
}

// cutURL takes off what net/url and net put around an error: the address, in which a password may stand, and ports that
// differ from try to try.
func cutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return err
}

package capture

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"picam/capture/capturetest"
	"picam/mjpeg/mjpegtest"
)

// TestWebDialects: whatever a server puts around its frames, exactly these come, and again when it has ended the
// answer.
func TestWebDialects(t *testing.T) {
	frames := mjpegtest.Frames(12, 96, 64, 80)
	for _, tt := range capturetest.Dialects(frames) {
		t.Run(tt.Name, func(t *testing.T) {
			t.Parallel()
			want := frames
			if strings.HasPrefix(tt.Name, "one") {
				want = frames[:1]
			}
			addr, requests := capturetest.Serve(t, tt.Answer)
			s := open(t, "http://"+addr+"/stream", Options{FPS: 100})
			for i := range 2 * len(want) {
				f, err := s.Next()
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(f.JPEG, want[i%len(want)]) || f.Seq != uint64(i+1) || f.Captured.IsZero() {
					t.Fatalf("frame %d: %d bytes, number %d, of %v", i+1, len(f.JPEG), f.Seq, f.Captured)
				}
			}
			if n := requests.Load(); n != 2 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// TestWebErrors: what will never work is told at once, in a sentence.
func TestWebErrors(t *testing.T) {
	page := "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 16\r\n\r\n\n<!DOCTYPE html>"
	status := func(s string) string { return "HTTP/1.1 " + s + "\r\nContent-Length: 0\r\n\r\n" }
	typed := func(kind string) string { return "HTTP/1.1 200 OK\r\nContent-Type: " + kind + "\r\n\r\n" }
	for _, tt := range []struct{ name, answer, path, want string }{
		{"page", page, "/", "HOST is a web page, not a stream; want the address of the frame in it, such as " +
			"/[?]action=stream"},
		{"not found", status("404 Not Found"), "/a",
			`HOST/a: the camera has nothing at this address \(404 Not Found\); want that of`},
		{"forbidden", status("403 Forbidden"), "/a", `does not allow it \(403 Forbidden\); look at its users`},
		{"strange", status("418 I'm a teapot"), "/a", "answers 418 I'm a teapot, not with frames"},
		{"password", status("401 Unauthorized"), "/a?b=c",
			`HOST/a asks for a user and a password: want http://USER:PASSWORD@.*:\d+/a\?b=c$`},
		{"playlist", "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.apple.mpegurl\r\n\r\n#EXTM3U", "/v.m3u8",
			`HOST/v.m3u8 is video of another kind \(application/vnd.apple.mpegurl\); want MJPEG, or --source ` +
				`'ffmpeg:-i HOST/v.m3u8'`},
		{"MP4", "HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n\r\n....ftyp", "/v.mp4", "is video of another kind"},
		{"H.264", typed("video/h264") + "\x00\x00\x00\x01\x67\x42\x00\x1f", "/a?key=1",
			`is video of another kind \(video/h264\); want MJPEG, or --source 'ffmpeg:-f h264 -i HOST/a\?…' \(--from with picam recv\)`},
		{"login page", typed("text/html") + "<html><form><input name=p type=\"password\">", "/", "HOST is a page to log in at, not a stream"},
		{"JSON", typed("application/json") + "{}", "/", "HOST is application/json; want MJPEG or JPEG"},
		{"PNG", "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n.PNG", "/v.png", "HOST/v.png is image/png; want MJPEG or JPEG"},
		{"in circles", "HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n", "/a", "leads elsewhere more than 5 times"},
		{"no HTTP", "SSH-2.0-OpenSSH_9.2p1\r\n", "/", `does not speak HTTP: what it says begins with "SSH-2.0-OpenSSH_9.2p1.*; what sends plain MJPEG is tcp://`},
		{"RTSP", "RTSP/1.0 400 Bad Request\r\n\r\n", "/1?a=b", `is an RTSP server.*: want 'ffmpeg:-i rtsp://127.0.0.1:\d+/1\?a=b'`},
		{"TLS", "\x15\x03\x01\x00\x02\x02\x16", "/", "speaks TLS: want https:// instead of http://"},
		{"no end of the head", "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 20<<10), "/", "the head of the answer has more than 65536 bytes or 1000 lines"},
		{"no end of a line", "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("b", 100<<10), "/", "the head of the answer has more than 65536 bytes or 1000 lines"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			addr, _ := capturetest.Serve(t, []byte(tt.answer))
			_, err := Open(t.Context(), "http://"+addr+tt.path, Options{})
			want := strings.ReplaceAll(tt.want, "HOST", "http://"+regexp.QuoteMeta(addr))
			if err == nil || !regexp.MustCompile(want).MatchString(err.Error()) {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
	const sps = "\x00\x00\x00\x01\x67\x42\x00\x1f"
	for _, tt := range []struct{ name, answer, want string }{ // what only the bytes tell
		{"no frames in it", typed("application/octet-stream") + "hello", `no JPEG frame in 5 bytes of application/octet-stream that begin ` +
			`with "hello", which is text: "hello"; want an address of MJPEG or JPEG, such as .*; picam probe tells more`},
		{"H.264 in multipart", typed("multipart/x-mixed-replace; boundary=b") + "--b\r\nContent-Type: video/x-h264\r\n\r\n" + sps +
			strings.Repeat("\xFF\xD8\xFF", 100), `HOST is video of another kind \(H.264 video in multipart \(video/x-h264\)\); want MJPEG, or ` +
			`--source 'ffmpeg:-f h264 -i HOST' \(--from with picam recv\), which lets ffmpeg make it`},
		{"H.264 by its bytes", typed("application/octet-stream") + sps, `\(H.264 video\); want MJPEG, or --source 'ffmpeg:-f h264 -i HOST'`},
		{"MPEG-TS", typed("application/octet-stream") + strings.Repeat("\x47"+strings.Repeat("x", 187), 4), `\(an MPEG transport stream.*'ffmpeg:-i HOST'`},
		{"playlist", typed("text/plain") + "#EXTM3U\n#EXT-X-VERSION:3\n", `\(an HLS playlist\); want MJPEG, or --source 'ffmpeg:-i HOST'`},
		{"JSON", typed("text/plain") + `{"error": "no"}`, `which is JSON: "{\\"error\\": \\"no\\"}"; want the address of the frame, not of its description`},
		{"PNG in multipart", typed("multipart/mixed") + "--b\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n", "which is a PNG frame in multipart"},
	} {
		t.Run("bytes of "+tt.name, func(t *testing.T) {
			t.Parallel()
			addr, _ := capturetest.Serve(t, []byte(tt.answer))
			_, err := open(t, "http://"+addr, Options{}).Next()
			want := strings.ReplaceAll(tt.want, "HOST", "http://"+regexp.QuoteMeta(addr))
			if err == nil || !regexp.MustCompile(want).MatchString(err.Error()) {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
	t.Run("H.264 in multipart without end", func(t *testing.T) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=b")
			fmt.Fprint(w, "--b\r\nContent-Type: video/x-h264\r\n\r\n"+sps)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}))
		defer server.Close()
		begun := time.Now()
		_, err := open(t, server.URL, Options{}).Next()
		if err == nil || !strings.Contains(err.Error(), "H.264 video in multipart") || time.Since(begun) > webSilence/2 {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
	})
	t.Run("MJPEG of another type", func(t *testing.T) {
		frame := mjpegtest.Frames(1, 64, 48, 80)[0]
		for _, kind := range []string{"video/mp4", "application/json", "text/html", "image/png", "application/octet-stream", "video/x-mjpg", ""} {
			addr, _ := capturetest.Serve(t, append([]byte(typed(kind)), frame...))
			s := open(t, "http://"+addr, Options{FPS: 100})
			for range 3 { // it is a snapshot
				if f, err := s.Next(); err != nil || !bytes.Equal(f.JPEG, frame) {
					t.Errorf("%q: %d bytes, %v", kind, len(f.JPEG), err)
				}
			}
			if trouble := s.(Troubled).Trouble(); trouble != "" {
				t.Errorf("%q: %s", kind, trouble)
			}
		}
	})
	t.Run("no TLS", func(t *testing.T) {
		server := httptest.NewServer(http.NotFoundHandler())
		defer server.Close()
		_, err := Open(t.Context(), strings.Replace(server.URL, "http:", "https:", 1), Options{})
		if err == nil || !strings.Contains(err.Error(), "has no TLS: want http:// instead of https://") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a certificate of nobody's", func(t *testing.T) {
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		server.StartTLS()
		defer server.Close()
		_, err := Open(t.Context(), server.URL, Options{})
		if err == nil || !strings.Contains(err.Error(), "cannot prove who it is") ||
			!strings.Contains(err.Error(), "SSL_CERT_FILE") {
			t.Errorf("got %v", err)
		}
	})
	for spec, want := range map[string]string{
		"http:":                     "has no host",
		"http://":                   "has no host",
		"http://user:p%zz@cam/":     `invalid URL escape "%zz"`,
		"http://u:secret@cam:port/": "invalid port",
		"rtsp://cam/1":              "go2rtc or mediamtx",
		"tcp://cam":                 "picam recv --from",
	} {
		if _, err := Open(t.Context(), spec, Options{}); err == nil || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, want %q", spec, err, want)
		}
	}
}

// TestWebLogin: user and password are given as the camera asks for them, and to nobody else.
func TestWebLogin(t *testing.T) {
	frame := mjpegtest.Frames(1, 64, 48, 80)[0]
	give := func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "image/jpeg")
		_, _ = w.Write(frame)
	}
	basic := func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user == "pi" && password == "a@b" {
			give(w)
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="cam"`)
		w.WriteHeader(http.StatusUnauthorized)
	}
	// As in RFC 7616, with MD5, which is what cameras have.
	asDigest := func(w http.ResponseWriter, r *http.Request) {
		field := func(name string) string {
			m := regexp.MustCompile(name + `="?([^",]*)`).FindStringSubmatch(r.Header.Get("Authorization"))
			if m == nil {
				return ""
			}
			return m[1]
		}
		sum := func(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) }
		want := sum(sum("pi:cam:a@b") + ":n1:" + field("nc") + ":" + field("cnonce") + ":auth:" +
			sum("GET:"+r.URL.RequestURI()))
		if field("response") == want && field("uri") == r.URL.RequestURI() {
			give(w)
			return
		}
		w.Header().Add("WWW-Authenticate", `Basic realm="other"`)
		w.Header().Add("WWW-Authenticate", `Digest realm="cam", nonce="n1", qop="auth", algorithm=MD5`)
		w.WriteHeader(http.StatusUnauthorized)
	}
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		path    string
	}{
		{"basic", basic, "/x"},
		{"digest", asDigest, "/x?a=b&c=%20d"},
		{"digest behind a redirection", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/x" {
				http.Redirect(w, r, "/elsewhere?z=1", http.StatusFound)
				return
			}
			asDigest(w, r)
		}, "/x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(tt.handler)
			defer server.Close()
			with := func(user string) string {
				return strings.Replace(server.URL, "http://", "http://"+user, 1) +
					tt.path
			}
			s := open(t, with("pi:a%40b@"), Options{FPS: 100})
			for range 3 {
				if f, err := s.Next(); err != nil || !bytes.Equal(f.JPEG, frame) {
					t.Fatal(err)
				}
			}
			s.Close()
			for _, user := range []string{"pi:wrong@", "pi@"} {
				if _, err := Open(t.Context(), with(user), Options{}); err == nil ||
					!strings.Contains(err.Error(), "does not take this user") {
					t.Errorf("%s: %v", user, err)
				}
			}
		})
	}
	t.Run("another host", func(t *testing.T) {
		var seen atomic.Bool
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen.Store(seen.Load() || r.Header.Get("Authorization") != "")
			basic(w, r)
		}))
		defer other.Close()
		elsewhere := strings.Replace(other.URL, "127.0.0.1", "localhost", 1)
		server := httptest.NewServer(http.RedirectHandler(elsewhere, http.StatusFound))
		defer server.Close()
		_, err := Open(t.Context(), strings.Replace(server.URL, "http://", "http://pi:a%40b@", 1), Options{})
		if err == nil || !strings.Contains(err.Error(), "asks for a password; picam gives it to 127.0.0.1 only") ||
			seen.Load() {
			t.Errorf("got %v; the password was given: %v", err, seen.Load())
		}
	})
}

// TestWebComesBack: a camera that is not there, has no time, stalls or goes is waited for, with a reason each time.
func TestWebComesBack(t *testing.T) {
	frame := mjpegtest.Frames(1, 64, 48, 80)[0]
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	text, log := newLog()
	s := open(t, "http://pi:secret@"+addr+"/s", Options{Log: log})
	s.(*web).silence = 300 * time.Millisecond
	troubled := s.(Troubled)
	if got := troubled.Trouble(); got != "nothing listens at "+addr+": is the camera on, and is the port right? "+
		"picam tries again" {
		t.Errorf("trouble %q", got)
	}
	frames := make(chan error)
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			_, err := s.Next()
			select {
			case frames <- err:
			case <-ctx.Done():
			}
		}
	}()
	var turn atomic.Int64
	if l, err = net.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch turn.Add(1) {
		case 1:
			http.Error(w, "busy", http.StatusServiceUnavailable)
		case 2: // stalls
			_, _ = w.Write(frame)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		case 3: // goes in the middle of a frame
			_, _ = w.Write(append(bytes.Clone(frame), frame[:100]...))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case 4: // is not found for a moment
			http.NotFound(w, r)
		default:
			for r.Context().Err() == nil {
				_, _ = w.Write(frame)
			}
		}
	})}
	go func() { _ = server.Serve(l) }()
	for range 20 {
		if err := <-frames; err != nil {
			t.Fatal(err)
		}
	}
	if got := troubled.Trouble(); got != "" {
		t.Errorf("trouble %q", got)
	}
	for _, want := range []string{"503 Service Unavailable", "sends nothing for 300ms", "connects anew",
		"404 Not Found", "gives frames"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in the log: %s", want, text)
		}
	}
	if strings.Contains(text.String(), "secret") {
		t.Errorf("the password is in the log: %s", text)
	}
	if st := s.(*web).ScanStats(); st.Frames < 20 || st.Skipped < 100 {
		t.Errorf("%+v", st)
	}
	stop()
	s.Close()
	server.Close()
	if _, err := s.Next(); !errors.Is(err, context.Canceled) && err == nil {
		t.Error("frames after the end")
	}
}

func TestLabel(t *testing.T) {
	for spec, want := range map[string]string{
		"http://u:p@cam:81/stream?x=1": "cam:81/stream", "https://cam/": "cam", "file:a/b.mjpeg": "a/b.mjpeg", "-": "-",
		"pattern:5":     "pattern:5",
		"http://u:p@ x": "http",
	} {
		if got := Label(spec); got != want {
			t.Errorf("%s: %q, want %q", spec, got, want)
		}
	}
}

// TestWebLinkLocal: an address of one network interface may be typed as it is shown, and is told what it lacks.
func TestWebLinkLocal(t *testing.T) {
	for address, want := range map[string]string{
		"http://[fe80::1%eth0]/a%20b":        "fe80::1%eth0",
		"http://[fe80::1%25eth0]:81/":        "fe80::1%eth0",
		"http://u:p%40@[fe80::1%wlan0.5]:81": "fe80::1%wlan0.5",
		"http://[fd00::1]/[x%y]":             "", // a wrong path stays wrong
	} {
		u, _, err := parseWeb(address)
		if want == "" && err == nil || want != "" && (err != nil || u.Hostname() != want) {
			t.Errorf("%s: %v, %v, want %s", address, u, err, want)
		}
	}
	_, err := Open(t.Context(), "http://u:secret@[fe80::1]:81/a", Options{})
	if err == nil || !strings.Contains(err.Error(), "fe80::1 is an address on one network interface only, and does not say which: want fe80::1%INTERFACE") ||
		strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
	s := open(t, "http://[fe80::1%nosuch0]/a", Options{})
	if got := s.(Troubled).Trouble(); !strings.Contains(got, "this computer has no network interface nosuch0") || !strings.Contains(got, "picam tries again") {
		t.Error(got)
	}

	host := linkLocal(t)
	l, err := net.Listen("tcp6", "["+host+"]:0")
	if err != nil {
		t.Skip(err)
	}
	frame := mjpegtest.Frames(1, 64, 48, 80)[0]
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Host, "%") {
			t.Errorf("the interface is sent: %s", r.Host)
		}
		_, _ = w.Write(frame)
	})}
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	address := fmt.Sprintf("http://[%s]:%d/", host, l.Addr().(*net.TCPAddr).Port)
	if f, err := open(t, address, Options{}).Next(); err != nil || !bytes.Equal(f.JPEG, frame) {
		t.Errorf("%s: %d bytes, %v", address, len(f.JPEG), err)
	}
}

// linkLocal returns a link-local address of this computer, with its interface.
func linkLocal(t *testing.T) string {
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Skip(err)
	}
	for _, i := range interfaces {
		addresses, _ := i.Addrs()
		for _, a := range addresses {
			if ip, _, _ := net.ParseCIDR(a.String()); ip.To4() == nil && ip.IsLinkLocalUnicast() {
				return ip.String() + "%" + i.Name
			}
		}
	}
	t.Skip("no interface has a link-local address")
	return ""
}

package capture

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"picam/capture/capturetest"
	"picam/mjpeg/mjpegtest"
)

// TestWebForgives: what is wrong with an answer's head and chunks keeps no frame away.
func TestWebForgives(t *testing.T) {
	frames := mjpegtest.Frames(5, 96, 64, 80)
	for _, tt := range capturetest.Faults(frames) {
		t.Run(tt.Name, func(t *testing.T) {
			t.Parallel()
			addr, _ := capturetest.Serve(t, tt.Answer)
			s := open(t, "http://"+addr+"/stream", Options{})
			for i, want := range frames {
				if f, err := s.Next(); err != nil || !bytes.Equal(f.JPEG, want) {
					t.Fatalf("frame %d: %d bytes, %v", i+1, len(f.JPEG), err)
				}
			}
		})
	}
}

// TestCurlForgives: what capturetest says of curl is so.
func TestCurlForgives(t *testing.T) {
	if out, err := exec.Command("curl", "--version").Output(); err != nil || !strings.HasPrefix(string(out), "curl 7.88.") {
		t.Skip("needs curl 7.88")
	}
	frames := mjpegtest.Frames(5, 96, 64, 80)
	for _, tt := range capturetest.Faults(frames) {
		t.Run(tt.Name, func(t *testing.T) {
			t.Parallel()
			addr, _ := capturetest.Serve(t, tt.Answer)
			out, err := exec.Command("curl", "-s", "--max-time", "10", "http://"+addr+"/stream").Output()
			got := true
			for _, p := range frames {
				got = got && bytes.Contains(out, p)
			}
			if got != tt.Curl {
				t.Errorf("all frames: %v, of %d bytes, %v", got, len(out), err)
			}
		})
	}
}

// TestWebKeepsConnection: answers one after another on one connection are each put right.
func TestWebKeepsConnection(t *testing.T) {
	frame := mjpegtest.Frames(1, 64, 48, 80)[0]
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var conns atomic.Int64
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Add(1)
			go func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				for n := 0; ; n++ {
					req, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					const head = "HTTP/1.1 200 OK\r\nnonsense\r\nContent-Type: image/jpeg\r\n"
					switch {
					case req.Header.Get("Authorization") == "":
						fmt.Fprintf(conn, "HTTP/1.1 401\nnonsense\nWWW-Authenticate: Basic realm=x\nContent-Length: 0, 0\n\n")
					case n%2 == 0:
						fmt.Fprintf(conn, head+"Transfer-Encoding: chunked\r\n\r\n%x 1\r\n%s\r\n0\r\nnonsense\r\n\r\n", len(frame), frame)
					default:
						fmt.Fprintf(conn, head+"Content-Length: %d, %[1]d\r\n\r\n%s", len(frame), frame)
					}
				}
			}()
		}
	}()
	s := open(t, "http://u:p@"+l.Addr().String()+"/shot", Options{FPS: 100})
	for range 6 {
		if f, err := s.Next(); err != nil || !bytes.Equal(f.JPEG, frame) {
			t.Fatalf("%d bytes, %v", len(f.JPEG), err)
		}
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestWebRedirects: addresses that browsers and curl follow, and a cookie that is wanted behind one.
func TestWebRedirects(t *testing.T) {
	frame := mjpegtest.Frames(1, 64, 48, 80)[0]
	for _, tt := range []struct{ name, location, want string }{
		{"relative", "new?a=b", "/old/new?a=b"},
		{"with spaces", "/my camera/a b", "/my camera/a b"},
		{"with a percent sign", "/100%/%41", "/100%/A"},
		{"8-bit", "/K\xFCche", "/K\xFCche"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := capturetest.Handle(t, func(req *http.Request) []byte {
				cookie, err := req.Cookie("session")
				switch {
				case req.URL.Path == "/old/":
					return []byte("HTTP/1.1 302 Found\r\nSet-Cookie: session=1; Path=/\r\nLocation: " + tt.location + "\r\nContent-Length: 0\r\n\r\n")
				case req.URL.Path+strings.TrimSuffix("?"+req.URL.RawQuery, "?") != tt.want || err != nil || cookie.Value != "1":
					return []byte("HTTP/1.1 404 Not Found\r\n\r\n")
				}
				return capturetest.Multipart("HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n", [][]byte{frame}, "", "")
			})
			if f, err := open(t, "http://"+addr+"/old/", Options{}).Next(); err != nil || !bytes.Equal(f.JPEG, frame) {
				t.Errorf("%d bytes, %v", len(f.JPEG), err)
			}
		})
	}
}

// readAnswer is what net/http reads of an answer, through a tolerantConn if tolerant, in reads of any size.
func readAnswer(t *testing.T, answer []byte, tolerant bool, slow bool) (*http.Response, []byte, error) {
	t.Helper()
	var in io.Reader = bytes.NewReader(answer)
	if slow {
		in = iotest.OneByteReader(in)
	}
	if tolerant {
		c := newTolerantConn(&memoryConn{Reader: in})
		_, _ = c.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
		in = c
	}
	buffered := bufio.NewReader(in)
	resp, err := http.ReadResponse(buffered, &http.Request{Method: http.MethodGet})
	if err != nil {
		return nil, nil, err
	}
	body, err := io.ReadAll(resp.Body)
	return resp, body, err
}

type memoryConn struct {
	net.Conn
	io.Reader
}

func (c *memoryConn) Read(p []byte) (int, error)  { return c.Reader.Read(p) }
func (c *memoryConn) Write(p []byte) (int, error) { return len(p), nil }

// FuzzTolerantConn: an answer that net/http takes is the same through a tolerantConn; all others end with an answer or
// an error, whose head is bounded; how the bytes are cut into reads makes no difference.
func FuzzTolerantConn(f *testing.F) {
	for _, tt := range capturetest.Faults([][]byte{[]byte("\xFF\xD8\xFF frame"), []byte("another\r\n\r\n")}) {
		if len(tt.Answer) < 10<<10 {
			f.Add(tt.Answer)
		}
	}
	f.Add([]byte("HTTP/1.1 302 Found\r\nLocation: /%\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 204 No Content\r\n\r\n"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		got, gotBody, gotErr := readAnswer(t, answer, true, false)
		slow, slowBody, slowErr := readAnswer(t, answer, true, true)
		if (gotErr == nil) != (slowErr == nil) || !bytes.Equal(gotBody, slowBody) || (got == nil) != (slow == nil) {
			t.Fatalf("in one read %q, %v; byte by byte %q, %v", gotBody, gotErr, slowBody, slowErr)
		}
		want, wantBody, err := readAnswer(t, answer, false, false)
		if h, fault := fixHead(answer, true); fault == nil {
			if len(h.head) > 2*maxHead || h.size > len(answer) {
				t.Fatalf("a head of %d bytes in place of %d", len(h.head), h.size)
			}
			_, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(h.head)), nil)
			if whole := bytes.HasSuffix(h.head, []byte("\n\r\n")) || bytes.HasSuffix(h.head, []byte("\n\n")); whole && err != nil {
				t.Fatalf("net/http does not take %q: %v", h.head, err)
			}
		}
		if err != nil || want.StatusCode/100 == 1 {
			return
		}
		if !want.ProtoAtLeast(1, 1) && bytes.Contains(bytes.ToLower(answer), []byte("chunked")) {
			return // that net/http does not know chunks there is what is put right
		}
		if _, err := want.Location(); err != nil && !errors.Is(err, http.ErrNoLocation) {
			return
		}
		if gotErr != nil || got.Status != want.Status || got.Proto != want.Proto || got.ContentLength != want.ContentLength ||
			!slices.Equal(got.TransferEncoding, want.TransferEncoding) || got.Close != want.Close || !bytes.Equal(gotBody, wantBody) ||
			!maps.EqualFunc(got.Header, want.Header, slices.Equal) {
			t.Fatalf("%v\n got %+v %q\nwant %+v %q", gotErr, got, gotBody, want, wantBody)
		}
	})
}

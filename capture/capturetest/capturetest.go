// Package capturetest is HTTP cameras for tests: what they answer, with all the faults that real ones have.
package capturetest

import (
	"bufio"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Serve answers every request with the same bytes, as they are, and closes the connection.
func Serve(t testing.TB, answer []byte) (addr string, requests *atomic.Int64) {
	t.Helper()
	requests = &atomic.Int64{}
	return Handle(t, func(*http.Request) []byte {
		requests.Add(1)
		return answer
	}), requests
}

// Handle answers every request with what answer returns, as it is, and closes the connection. Several goroutines call
// answer.
func Handle(t testing.TB, answer func(*http.Request) []byte) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l, answer)
	return l.Addr().String()
}

// serve is Handle for a listener, until the test ends.
func serve(t testing.TB, l net.Listener, answer func(*http.Request) []byte) {
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
				if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, _ = conn.Write(answer(req)) // the client may have had enough
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); conns.Wait() })
}

// Multipart puts frames together as servers do: head, then before and after each frame what stands there, with %d for
// its length.
func Multipart(head string, frames [][]byte, before, after string) []byte {
	b := []byte(head)
	for _, p := range frames {
		b = append(b, strings.ReplaceAll(before, "%d", fmt.Sprint(len(p)))...)
		b = append(b, p...)
		b = append(b, after...)
	}
	return b
}

// Chunked is an ESP32-CAM's answer with a body in chunks of a size.
func Chunked(body []byte, size int) []byte {
	b := []byte("HTTP/1.1 200 OK\r\nContent-Type: " +
		"multipart/x-mixed-replace;boundary=123456789000000000000987654321\r\n" +
		"Transfer-Encoding: chunked\r\n\r\n")
	for len(body) > 0 {
		n := min(size, len(body))
		b = fmt.Appendf(b, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	return append(b, "0\r\n\r\n"...)
}

// Dialect is a way in which cameras and programs answer.
type Dialect struct {
	Name   string
	Answer []byte
}

// Dialects lists those that there are, each with the frames in it; the one whose name begins with "one frame" has the
// first alone.
func Dialects(frames [][]byte) []Dialect {
	old := "HTTP/1.0 200 OK\r\nConnection: close\r\nContent-Type: multipart/x-mixed-replace"
	esp := "\r\n--123456789000000000000987654321\r\n"
	stale := string(frames[0][200:700])
	return []Dialect{
		{"mjpg-streamer and ustreamer",
			Multipart(old+";boundary=boundarydonotcross\r\n\r\n--boundarydonotcross\r\n", frames,
				"Content-Type: image/jpeg\r\nContent-Length: %d\r\nX-Timestamp: 1.5\r\n\r\n",
				"\r\n--boundarydonotcross\r\n")},
		{"ustreamer advance_headers", Multipart(old+";boundary=boundarydonotcross\r\n\r\n--boundarydonotcross\r\n"+
			"Content-Type: image/jpeg\r\nX-Timestamp: 1.5\r\n\r\n", frames,
			"", "\r\n--boundarydonotcross\r\nContent-Type: image/jpeg\r\nX-Timestamp: 1.5\r\n\r\n")},
		{"ustreamer zero_data", Multipart(old+";boundary=B\r\n\r\n--B\r\n", frames,
			"Content-Type: image/jpeg\r\nContent-Length: 0\r\n\r\n", "\r\n--B\r\n")},
		{"WebcamXP", Multipart(old+"; boundary=--myboundary\r\n\r\n", frames,
			"mjpeg 000%d12345"+strings.Repeat("\x00", 30), "")},
		{"Motion", Multipart(old+"; boundary=BoundaryString\r\n\r\n", frames,
			"--BoundaryString\r\nContent-type: image/jpeg\r\nContent-Length:      %d\r\n\r\n", "\r\n")},
		{"picamera2 and go2rtc", Multipart(old+"; boundary=FRAME\r\n\r\n", frames,
			"--FRAME\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n", "\r\n")},
		{"stale bytes behind each frame", Multipart(old+";boundary=MJPEGBOUNDARY\r\n\r\n", frames,
			"--MJPEGBOUNDARY\r\nContent-Type: image/jpeg\r\nContent-Length: 99999\r\n\r\n", stale)},
		{"ffmpeg, without a Content-Type", Multipart("HTTP/1.1 200 OK\r\n\r\n--ffmpeg\r\n", frames,
			"Content-type: image/jpeg\r\nContent-length: %d\r\n\r\n", "\r\n--ffmpeg\r\n")},
		{"ESP32, chunked", Chunked(Multipart("", frames, esp+"Content-Type: image/jpeg\r\nContent-Length: %d\r\n"+
			"X-Timestamp: 5.000001\r\n\r\n", ""), 700)},
		{"ESP32, boundary after the frame", Chunked(Multipart("", frames,
			"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n", esp), 97)},
		{"Axis", Multipart("HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; "+
			"boundary=\"--myboundary\"\r\n\r\n", frames,
			"--myboundary\r\nContent-Type: image/jpeg\r\nContent-Length: 7\r\n\r\n", "\r\n")},
		{"Foscam", Multipart(old+";boundary=ipcamera\r\n\r\n", frames,
			"--ipcamera\r\n--\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n", "\r\n")},
		{"line feeds alone", Multipart("HTTP/1.0 200 OK\nContent-Type: multipart/mixed; boundary=b\n\n", frames,
			"--b\nContent-Type: image/jpeg\n\n", "\n")},
		{"a web page by its type only", Multipart("HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n", frames,
			"--b\r\n\r\n", "\r\n")},
		{"nothing around them", Multipart("HTTP/1.0 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n",
			frames, "", "")},
		{"one frame at a time", Multipart("HTTP/1.0 200 OK\r\nContent-Type: image/jpeg\r\n\r\n", frames[:1], "", "")},
	}
}

// HandleTLS is Handle over TLS. Certificates of c are made if there are none: for the host 127.0.0.1, by nobody that is
// known.
func HandleTLS(t testing.TB, c *tls.Config, answer func(*http.Request) []byte) (addr string, certificate *x509.Certificate) {
	t.Helper()
	c = c.Clone()
	if len(c.Certificates) == 0 {
		c.Certificates = []tls.Certificate{Certificate(t, net.IPv4(127, 0, 0, 1))}
	}
	certificate, err := x509.ParseCertificate(c.Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", c)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l, answer)
	return l.Addr().String(), certificate
}

// Certificate makes a self-signed certificate of RSA for addresses; for none of them it has a common name alone, as
// those of old cameras.
func Certificate(t testing.TB, addresses ...net.IP) tls.Certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: addresses,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

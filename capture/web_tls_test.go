package capture

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"picam/capture/capturetest"
	"picam/mjpeg/mjpegtest"
)

// TestWebTLS: which cameras over TLS give frames, with which options, and what is said of the others.
func TestWebTLS(t *testing.T) {
	frame := mjpegtest.Frames(1, 64, 48, 80)[0]
	answer := func(*http.Request) []byte {
		return append([]byte("HTTP/1.1 200 OK\r\nnonsense\r\nContent-Type: image/jpeg\r\n\r\n"), frame...)
	}
	version := func(v uint16) *tls.Config { return &tls.Config{MinVersion: v, MaxVersion: v} }
	suite := func(s uint16) *tls.Config {
		return &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{s}}
	}
	withoutName := &tls.Config{Certificates: []tls.Certificate{capturetest.Certificate(t)}}
	elsewhere := &tls.Config{Certificates: []tls.Certificate{capturetest.Certificate(t, net.IPv4(192, 0, 2, 1))}}
	const unknown = `^capture: HOST cannot prove who it is: x509: .*; if this is the camera, #pin=PIN behind the address takes ` +
		`this certificate and no other; or the variable SSL_CERT_FILE may name a file with it$`
	old := func(spoken string) string {
		return "^capture: HOST speaks only " + spoken + ", which can be broken and is therefore not allowed: #tls=legacy behind the address " +
			"allows it for this camera; then who is in the network may be able to see and change the frames, and the password$"
	}
	for _, tt := range []struct {
		name    string
		server  *tls.Config
		options string // PIN is the certificate's fingerprint
		want    string // the error, a regular expression; "": frames
	}{
		{"unknown", &tls.Config{}, "", unknown},
		{"unknown, insecure", &tls.Config{}, "#insecure", ""},
		{"unknown, pinned", &tls.Config{}, "#pin=PIN", ""},
		{"unknown, another pinned", &tls.Config{}, "#pin=sha256:" + strings.Repeat("ab:", 31) + "ab",
			`^capture: HOST shows another certificate than the one pinned: .* if the camera has got a new one, it is #pin=PIN now$`},
		{"without a name", withoutName, "", unknown},
		{"without a name, pinned", withoutName, "#pin=PIN", ""},
		{"of another computer", elsewhere, "", unknown},
		{"of another computer, pinned", elsewhere, "#pin=PIN", ""},
		{"TLS 1.0", version(tls.VersionTLS10), "#insecure", old("TLS 1.0 with TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA")},
		{"TLS 1.0, allowed", version(tls.VersionTLS10), "#insecure,tls=legacy", ""},
		{"TLS 1.1", version(tls.VersionTLS11), "", old("TLS 1.1 with TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA")},
		{"TLS 1.1, allowed", version(tls.VersionTLS11), "#tls=legacy,pin=PIN", ""},
		{"TLS 1.1, allowed and unknown", version(tls.VersionTLS11), "#tls=legacy", unknown},
		{"RSA key exchange", suite(tls.TLS_RSA_WITH_AES_128_CBC_SHA), "#pin=PIN", old("TLS 1.2 with TLS_RSA_WITH_AES_128_CBC_SHA")},
		{"RSA key exchange, allowed", suite(tls.TLS_RSA_WITH_AES_128_CBC_SHA), "#pin=PIN,tls=legacy", ""},
		{"3DES", suite(tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA), "", old("TLS 1.2 with TLS_RSA_WITH_3DES_EDE_CBC_SHA")},
		{"3DES, allowed", suite(tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA), "#insecure,tls=legacy", ""},
		{"RC4", suite(tls.TLS_RSA_WITH_RC4_128_SHA), "", old("TLS 1.2 with TLS_RSA_WITH_RC4_128_SHA")},
		{"RC4, allowed", suite(tls.TLS_RSA_WITH_RC4_128_SHA), "#insecure,tls=legacy", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			addr, certificate := capturetest.HandleTLS(t, tt.server, answer)
			pin := fingerprint(certificate)
			s, err := Open(t.Context(), "https://"+addr+"/a"+strings.ReplaceAll(tt.options, "PIN", pin), Options{})
			if err == nil {
				defer s.Close()
			}
			if tt.want != "" {
				want := strings.NewReplacer("HOST", addr, "PIN", pin).Replace(tt.want)
				if err == nil || !regexp.MustCompile(want).MatchString(err.Error()) {
					t.Errorf("got  %v\nwant %s", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if f, err := s.Next(); err != nil || !bytes.Equal(f.JPEG, frame) {
				t.Errorf("%d bytes, %v", len(f.JPEG), err)
			}
		})
	}
	t.Run("who it leads to must prove who he is", func(t *testing.T) {
		other, _ := capturetest.HandleTLS(t, &tls.Config{}, answer)
		other = strings.Replace(other, "127.0.0.1", "localhost", 1)
		addr, _ := capturetest.HandleTLS(t, &tls.Config{}, func(*http.Request) []byte {
			return []byte("HTTP/1.1 302 Found\r\nLocation: https://" + other + "/\r\n\r\n")
		})
		_, err := Open(t.Context(), "https://"+addr+"#insecure", Options{})
		if err == nil || !strings.Contains(err.Error(), "cannot prove who it is") {
			t.Error(err)
		}
	})
	t.Run("certificates that only OpenSSL makes", func(t *testing.T) {
		openssl, err := exec.LookPath("openssl")
		if err != nil {
			t.Skip(err)
		}
		for name, arguments := range map[string]string{
			"signed with SHA-1": "-newkey rsa:2048 -sha1", "a key of 1024 bits": "-newkey rsa:1024 -sha256",
			"a negative number": "-newkey rsa:2048 -set_serial -5",
		} {
			file := filepath.Join(t.TempDir(), "both.pem")
			line := "req -x509 -nodes -days 2 -subj /CN=cam -keyout " + file + ".key -out " + file + " " + arguments
			if out, err := exec.Command(openssl, strings.Fields(line)...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			pair, err := tls.LoadX509KeyPair(file, file+".key")
			if err != nil {
				t.Fatal(err)
			}
			addr, certificate := capturetest.HandleTLS(t, &tls.Config{Certificates: []tls.Certificate{pair}}, answer)
			if f, err := open(t, "https://"+addr+"#pin="+fingerprint(certificate), Options{}).Next(); err != nil || !bytes.Equal(f.JPEG, frame) {
				t.Errorf("%s: %d bytes, %v", name, len(f.JPEG), err)
			}
		}
	})
}

// TestWebOptions: what is said of options that are none, without a password that may stand in them; none of them is
// sent.
func TestWebOptions(t *testing.T) {
	for spec, want := range map[string]string{
		"http://cam/#tls=legasy":                  "#tls=legasy is no option of picam; want #tls=legacy for a camera of old TLS, #pin=sha256:FINGERPRINT",
		"http://cam/#webcam":                      "#webcam is no option of picam",
		"http://cam/#pin=abc":                     "pin=abc is not sha256: and 64 hexadecimal digits, as openssl x509 -fingerprint -sha256 prints them",
		"http://cam/#pin=sha256:abcd":             "pin=sha256:abcd is not",
		"http://u:12#secret@cam/":                 "%23 is a # in a password",
		"http://cam/#insecure,pin=sha256:" + zero: "#pin and #insecure: one of the two",
	} {
		if _, err := Open(t.Context(), spec, Options{}); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret@") {
			t.Errorf("%s: got %v, want %q", spec, err, want)
		}
	}
	text, log := newLog()
	addr := capturetest.Handle(t, func(req *http.Request) []byte {
		if req.RequestURI != "/a?b" {
			return []byte("HTTP/1.1 404 Not Found\r\n\r\n")
		}
		return []byte("HTTP/1.1 200 OK\r\n\r\n")
	})
	s, err := Open(t.Context(), "http://"+addr+"/a?b#insecure,tls=legacy", Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if want := "nothing proves that this is the camera (#insecure)"; !strings.Contains(text.String(), want) {
		t.Errorf("%q is not in the log: %s", want, text)
	}
}

const zero = "0000000000000000000000000000000000000000000000000000000000000000"

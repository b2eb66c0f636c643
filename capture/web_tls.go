package capture

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
)

// webOptions are what an address says to picam itself, behind #, which no server is ever sent.
type webOptions struct {
	legacy   bool   // versions and ciphers of TLS that are not safe any more are allowed
	insecure bool   // the camera need not prove who it is
	pin      []byte // SHA-256 of the camera's certificate, which then needs no other proof; nil: none
}

const webOptionsUsage = "want #tls=legacy for a camera of old TLS, #pin=sha256:FINGERPRINT for one of a certificate that nobody " +
	"knows, or #insecure, with a comma between two"

// parseWebOptions reads what stands behind #.
func parseWebOptions(fragment string) (o webOptions, err error) {
	bad := func(why string) (webOptions, error) {
		return webOptions{}, fmt.Errorf("%s; %s", why, webOptionsUsage)
	}
	if strings.ContainsAny(fragment, "@/") { // most likely the rest of a password, which must not be shown
		return bad("what stands behind # in it is no option of picam; %23 is a # in a password or a path")
	}
	for option := range strings.SplitSeq(fragment, ",") {
		name, value, _ := strings.Cut(option, "=")
		switch {
		case option == "":
		case option == "tls=legacy":
			o.legacy = true
		case option == "insecure":
			o.insecure = true
		case name == "pin":
			digits, ok := strings.CutPrefix(strings.ToLower(value), "sha256:")
			o.pin, err = hex.DecodeString(strings.ReplaceAll(digits, ":", ""))
			if !ok || err != nil || len(o.pin) != sha256.Size {
				return bad(fmt.Sprintf("pin=%s is not sha256: and %d hexadecimal digits, as openssl x509 -fingerprint -sha256 prints them",
					value, 2*sha256.Size))
			}
		default:
			return bad(fmt.Sprintf("#%s is no option of picam", option))
		}
	}
	if o.pin != nil && o.insecure {
		return bad("#pin and #insecure: one of the two")
	}
	return o, nil
}

// risk says what is lost by the options; "" for nothing.
func (o webOptions) risk() string {
	switch {
	case o.insecure:
		return "nothing proves that this is the camera (#insecure): who is in the network may see and change the frames, and the password"
	case o.legacy:
		return "old TLS may be used (#tls=legacy): who is in the network may be able to see and change the frames, and the password"
	}
	return ""
}

// config is that of a connection. trusted: it is to the camera, for which alone the options pin and insecure are.
func (o webOptions) config(host string, trusted bool) *tls.Config {
	c := &tls.Config{ServerName: host}
	if o.legacy {
		c.MinVersion = tls.VersionTLS10
		for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
			c.CipherSuites = append(c.CipherSuites, suite.ID)
		}
	}
	c.InsecureSkipVerify = trusted && (o.insecure || o.pin != nil)
	if trusted && o.pin != nil {
		c.VerifyConnection = func(s tls.ConnectionState) error {
			if got := sha256.Sum256(s.PeerCertificates[0].Raw); !bytes.Equal(got[:], o.pin) {
				return &pinError{fingerprint(s.PeerCertificates[0])}
			}
			return nil
		}
	}
	return c
}

// pinError: the camera shows a certificate of this fingerprint instead of the one pinned.
type pinError struct{ fingerprint string }

func (e *pinError) Error() string { return "a certificate of the fingerprint " + e.fingerprint }

// oldTLSError: the camera speaks TLS, but none that is safe.
type oldTLSError struct{ spoken string }

func (e *oldTLSError) Error() string { return "only " + e.spoken }

// fingerprint is as the option pin has it.
func fingerprint(c *x509.Certificate) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(c.Raw)) }

// dial connects to a camera, or to a proxy.
func (w *web) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := w.dialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return newTolerantConn(conn), nil
}

func (w *web) dialTLS(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	trusted := host == w.url.Hostname()
	host, _, _ = strings.Cut(host, "%")
	conn, err := w.handshake(ctx, network, addr, w.options.config(host, trusted))
	if err == nil {
		return newTolerantConn(conn), nil
	}
	var certificate *tls.CertificateVerificationError
	var pin *pinError
	var plain tls.RecordHeaderError
	var op *net.OpError
	switch {
	case w.options.legacy, errors.As(err, &certificate), errors.As(err, &pin), errors.As(err, &plain),
		errors.As(err, &op) && op.Op == "dial", ctx.Err() != nil:
		return nil, err
	}
	// Its answers to those who ask for too much differ. That it takes old TLS is the proof.
	old, again := w.handshake(ctx, network, addr, webOptions{legacy: true, insecure: true}.config(host, true))
	if again != nil {
		return nil, err
	}
	defer old.Close()
	s := old.ConnectionState()
	return nil, &oldTLSError{tls.VersionName(s.Version) + " with " + tls.CipherSuiteName(s.CipherSuite)}
}

func (w *web) handshake(ctx context.Context, network, addr string, c *tls.Config) (*tls.Conn, error) {
	plain, err := w.dialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, webDialTime)
	defer cancel()
	conn := tls.Client(plain, c)
	if err := conn.HandshakeContext(ctx); err != nil {
		plain.Close()
		return nil, err
	}
	return conn, nil
}

// explainTLS makes a sentence of a failure of TLS; nil if err is none.
func (w *web) explainTLS(err error) error {
	var certificate *tls.CertificateVerificationError
	var pin *pinError
	var old *oldTLSError
	var plain tls.RecordHeaderError
	host := w.url.Host
	switch text := cutURL(err).Error(); {
	case errors.As(err, &old):
		return hopeless("%s speaks %v, which can be broken and is therefore not allowed: #tls=legacy behind the address "+
			"allows it for this camera; then who is in the network may be able to see and change the frames, and the password",
			host, old)
	case errors.As(err, &pin):
		return hopeless("%s shows another certificate than the one pinned: it may be another computer that wants the password; "+
			"if the camera has got a new one, it is #pin=%s now", host, pin.fingerprint)
	case errors.As(err, &certificate):
		return hopeless("%s cannot prove who it is: %v; if this is the camera, #pin=%s behind the address takes this "+
			"certificate and no other; or the variable SSL_CERT_FILE may name a file with it", host, certificate.Err,
			fingerprint(certificate.UnverifiedCertificates[0]))
	case errors.As(err, &plain), strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return hopeless("%s has no TLS: want http:// instead of https://", host)
	case strings.Contains(text, "x509:"):
		return hopeless("%s has a certificate that cannot be read: %s; want http:// if the camera has that too", host, text)
	case strings.Contains(text, "tls:"):
		return &troubleError{text: fmt.Sprintf("%s and picam find no way to speak TLS together (%s): want http:// if the camera has that too", host, text), does: triesAgain}
	}
	return nil
}

package transport

import (
	"context"
	"net"
	"strings"
	"testing"
)

func TestParseAddr(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"pi", "pi:8002"},
		{"raspberrypi.local", "raspberrypi.local:8002"},
		{" pi:9000 ", "pi:9000"},
		{"192.168.1.5", "192.168.1.5:8002"},
		{"192.168.1.5:80", "192.168.1.5:80"},
		{"::1", "[::1]:8002"},
		{"[::1]", "[::1]:8002"},
		{"[::1]:8003", "[::1]:8003"},
		{"fe80::1%eth0", "[fe80::1%eth0]:8002"},
		{":8002", ":8002"},
		{":0", ":0"},
		{"tcp://pi:8002", "pi:8002"},
		{"tcp://pi", "pi:8002"},
		{"pi:08002", "pi:8002"},
	} {
		if got, err := ParseAddr(c.text); got != c.want || err != nil {
			t.Errorf("ParseAddr(%q) = %q, %v, want %q", c.text, got, err, c.want)
		}
	}
	for _, text := range []string{
		"", " ", "8002", "pi:", "pi:http", "pi:65536", "pi:-1", "pi:8002:9", "::1:99999", "http://pi:8002", "udp://pi",
		"pi/stream", "pi:8002/stream", "user@pi", "two words", "[::1", "[::1]]:8", "tcp://",
	} {
		got, err := ParseAddr(text)
		if err == nil {
			t.Errorf("ParseAddr(%q) = %q, want an error", text, got)
		} else if !strings.Contains(err.Error(), "type HOST:PORT") {
			t.Errorf("ParseAddr(%q): %q does not say what to type", text, err)
		}
	}
}

// TestLinkLocal: an address of one interface that does not name it is refused, and one that names none that there is
// fails with a sentence.
func TestLinkLocal(t *testing.T) {
	for _, text := range []string{"fe80::1", "[fe80::1]:8002", "tcp://[fe80::1]"} {
		_, err := ParseAddr(text)
		if err == nil || !strings.Contains(err.Error(), "fe80::1 is an address on one network interface only, and does not say which") {
			t.Errorf("ParseAddr(%q): %v", text, err)
		}
	}
	_, err := Dial(t.Context(), "[fe80::1%nosuch0]:8002")
	if err == nil || !strings.Contains(err.Error(), "this computer has no network interface nosuch0") {
		t.Errorf("Dial: %v", err)
	}
}

func TestListenErrors(t *testing.T) {
	taken := listen(t)
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for _, c := range []struct{ addr, want string }{
		{taken.Addr().String(), "port " + port + " is taken, perhaps by another picam"},
		{"192.0.2.1:8002", "no address of this computer: use --listen :8002"},
		{"nonsense:port", "type HOST:PORT"},
		{"no-such-host.invalid:8002", "cannot listen on no-such-host.invalid:8002"},
	} {
		l, err := Listen(context.Background(), c.addr)
		if err == nil {
			l.Close()
			t.Errorf("Listen(%q) works", c.addr)
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("Listen(%q): %q, want one with %q", c.addr, err, c.want)
		}
	}
}

package discovery

import (
	"flag"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/libp2p/zeroconf/v2"
	"github.com/miekg/dns"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// The parallel tests wait rather than work: more of them than there are processors may run at a time.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// A name must come back from its way through DNS, and look as the library makes it look.
func TestEscape(t *testing.T) {
	for name, want := range map[string]string{
		"desk":             "desk",
		"desk-8003":        "desk-8003",
		"Anna's desk (2)":  `Anna\'s\ desk\ \(2\)`,
		"a.b":              `a\.b`,
		`back\slash "q"@;`: `back\\slash\ \"q\"\@\;`,
		"Tür":              `T\195\188r`,
		"0123":             "0123",
		`\012`:             `\\012`,
	} {
		if got := escape(name); got != want {
			t.Errorf("escape(%q) = %q, want %q", name, got, want)
		}
		if got := unescape(escape(name)); got != name {
			t.Errorf("%q became %q", name, got)
		}
		full := escape(name) + "._picam._tcp.local."
		packed := make([]byte, 256)
		n, err := dns.PackDomainName(full, packed, 0, nil, false)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		back, _, err := dns.UnpackDomainName(packed[:n], 0)
		if err != nil || back != full {
			t.Errorf("%q travels as %q, %v", full, back, err)
		}
	}
	for label, want := range map[string]string{`\`: `\`, `a\0`: "a0", `\999`: "999", `\25`: "25", "": ""} {
		if got := unescape(label); got != want {
			t.Errorf("unescape(%q) = %q, want %q", label, got, want)
		}
	}
}

func ips(list ...string) (all []net.IP) {
	for _, text := range list {
		all = append(all, net.ParseIP(text))
	}
	return all
}

func TestPeerOf(t *testing.T) {
	good := []string{"picam=1", "is=receiver", "version=v1.2.3"}
	for _, tt := range []struct {
		name, instance string
		text           []string
		port           int
		v4, v6         []net.IP
		want           string // "" is refused
	}{
		{"usual", "desk", good, 8002, ips("192.168.1.5"), ips("fe80::1"),
			"receiver desk v1.2.3: 192.168.1.5:8002 [fe80::1%eth0]:8002 [fe80::1%wlan0]:8002"},
		{"no text of a later version", "desk", []string{"picam=1"}, 8002, ips("10.0.0.1"), nil,
			"receiver desk : 10.0.0.1:8002"},
		{"camera, in capitals", "door", []string{"PICAM=1", "Is=camera", "more=x", "flag"}, 81, ips("10.0.0.1"), nil,
			"camera door : 10.0.0.1:81"},
		{"escaped", `my\ desk\ \(2\)`, good, 1, ips("10.0.0.1"), nil, "receiver my desk (2) v1.2.3: 10.0.0.1:1"},
		{"best address first", "desk", good, 1, ips("169.254.3.4", "10.0.0.1", "10.0.0.1"),
			ips("fe80::1", "2001:db8::1"),
			"receiver desk v1.2.3: 10.0.0.1:1 [2001:db8::1]:1 169.254.3.4:1 [fe80::1%eth0]:1 [fe80::1%wlan0]:1"},
		{"a terminal's commands", `d\027[2Jesk`, []string{"picam=1", "version=\x1b[31mv1\n"}, 1, ips("10.0.0.1"), nil,
			"receiver d[2Jesk [31mv1: 10.0.0.1:1"},
		{"no UTF-8", `d\255sk`, good, 1, ips("10.0.0.1"), nil, "receiver dsk v1.2.3: 10.0.0.1:1"},
		{"addresses that lead astray", "desk", good, 1, ips("127.0.0.1", "0.0.0.0", "224.0.0.1"), ips("::1", "::"), ""},
		{"another service", "printer", []string{"txtvers=1"}, 631, ips("10.0.0.1"), nil, ""},
		{"a later protocol", "desk", []string{"picam=2", "is=receiver"}, 1, ips("10.0.0.1"), nil, ""},
		{"another kind", "desk", []string{"picam=1", "is=toaster"}, 1, ips("10.0.0.1"), nil, ""},
		{"no address", "desk", good, 1, nil, nil, ""},
		{"no port", "desk", good, 0, ips("10.0.0.1"), nil, ""},
		{"no name", "", good, 1, ips("10.0.0.1"), nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := &zeroconf.ServiceEntry{Port: tt.port, Text: tt.text, AddrIPv4: tt.v4, AddrIPv6: tt.v6}
			e.Instance = tt.instance
			p, ok := peerOf(e, []string{"eth0", "wlan0"})
			got := ""
			if ok {
				got = string(p.Kind) + " " + p.Name + " " + p.Version + ": " + strings.Join(p.Dials(), " ")
			}
			if got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestMerge(t *testing.T) {
	p := Peer{Name: "desk"}
	first := Peer{Name: "desk", Kind: Receiver, Addresses: []string{"fe80::1%eth0"}, Port: 8002, Version: "v1"}
	second := Peer{Name: "desk", Kind: Receiver, Addresses: []string{"192.168.1.5"}, Port: 8002, Version: "v1"}
	for i, step := range []struct {
		o    Peer
		news bool
	}{{first, true}, {first, false}, {second, true}, {first, false}, {second, false}} {
		if got := p.merge(step.o); got != step.news {
			t.Errorf("step %d: new %v, want %v", i, got, step.news)
		}
	}
	if want := []string{"192.168.1.5", "fe80::1%eth0"}; !slices.Equal(p.Addresses, want) {
		t.Errorf("addresses %q, want %q", p.Addresses, want)
	}
	if got := p.String(); got != "desk (192.168.1.5:8002)" {
		t.Errorf("it is called %q", got)
	}
}

func TestFree(t *testing.T) {
	taken := map[string]bool{"desk": true, "desk-2": true, "tür": true}
	long := strings.Repeat("ü", 40)
	for name, want := range map[string]string{
		"attic": "attic", "desk": "desk-3", "Desk": "Desk-3", "Tür": "Tür-2", ".desk.": "desk-3", "": "picam",
		" . ":    "picam",
		"a\x1bb": "ab", long: strings.Repeat("ü", 28),
	} {
		if got := free(name, taken); got != want {
			t.Errorf("%q is announced as %q, want %q", name, got, want)
		}
	}
}

func TestHostLabel(t *testing.T) {
	for name, want := range map[string]string{
		"desk": "desk-", "My Desk.local": "my-desk-local-", "Tür": "t-r-", "": "",
	} {
		got, again := hostLabel(name), hostLabel(name)
		if !strings.HasPrefix(got, want) || len(got) < len(want)+6 || strings.ContainsAny(got, ". \\") {
			t.Errorf("%q has the host %q, want %s…", name, got, want)
		}
		if got == again {
			t.Errorf("%q has the host %q twice", name, got)
		}
	}
}

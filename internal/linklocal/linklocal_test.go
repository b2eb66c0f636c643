package linklocal

import (
	"net"
	"net/netip"
	"regexp"
	"testing"
)

func TestHint(t *testing.T) {
	one, err := net.InterfaceByIndex(1)
	if err != nil {
		t.Skip(err)
	}
	const list = `; (here are [\w, .-]+|no interface of this computer has such addresses now)$`
	for _, tt := range []struct {
		host, want string
		lasting    bool
	}{
		{"fe80::1", `^fe80::1 is an address on one network interface only, and does not say which: want fe80::1%INTERFACE` + list, true},
		{"febf::2", "^febf::2 is an address on one network interface only", true},
		{"fe80::1%nosuch0", "^this computer has no network interface nosuch0" + list, false},
		{"fe80::1%98765", "^this computer has no network interface 98765" + list, false},
		{"fe80::1%" + one.Name, "^$", false},
		{"fe80::1%1", "^$", false},
		{"fd00::1", "^$", false}, {"::1", "^$", false}, {"169.254.1.2", "^$", false}, {"cam.local", "^$", false}, {"", "^$", false},
	} {
		got, lasting := Hint(tt.host)
		if !regexp.MustCompile(tt.want).MatchString(got) || lasting != tt.lasting {
			t.Errorf("%q: %q, %v, want %s, %v", tt.host, got, lasting, tt.want, tt.lasting)
		}
	}
}

// TestInterfaces: those are named that have such addresses.
func TestInterfaces(t *testing.T) {
	all, err := net.Interfaces()
	if err != nil {
		t.Skip(err)
	}
	for _, i := range all {
		addresses, _ := i.Addrs()
		for _, a := range addresses {
			prefix, err := netip.ParsePrefix(a.String())
			if err == nil && prefix.Addr().Is6() && prefix.Addr().IsLinkLocalUnicast() &&
				!regexp.MustCompile(`\b`+regexp.QuoteMeta(i.Name)+`\b`).MatchString(interfaces()) {
				t.Errorf("%s is not in %q", i.Name, interfaces())
			}
		}
	}
}

// Package linklocal has the words for IPv6 addresses that mean something on one network interface only (fe80::/10).
package linklocal

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Hint says what keeps a host that is a link-local address from being reached: it names no network interface, or one
// that this computer lacks. It is "" for every other host. lasting: waiting does not help.
func Hint(host string) (hint string, lasting bool) {
	addr, err := netip.ParseAddr(host)
	if err != nil || !addr.Is6() || !addr.IsLinkLocalUnicast() {
		return "", false
	}
	zone := addr.Zone()
	if zone == "" {
		return fmt.Sprintf("%s is an address on one network interface only, and does not say which: want %s%%INTERFACE%s",
			host, host, interfaces()), true
	}
	_, err = net.InterfaceByName(zone)
	if index, numeric := strconv.Atoi(zone); err != nil && numeric == nil {
		_, err = net.InterfaceByIndex(index)
	}
	if err != nil {
		return fmt.Sprintf("this computer has no network interface %s%s", zone, interfaces()), false
	}
	return "", false
}

// interfaces lists those that have link-local addresses, to stand behind a sentence.
func interfaces() string {
	all, err := net.Interfaces()
	if err != nil {
		return ""
	}
	var names []string
	for _, i := range all {
		addresses, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addresses {
			if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().Is6() && prefix.Addr().IsLinkLocalUnicast() {
				names = append(names, i.Name)
				break
			}
		}
	}
	if len(names) == 0 {
		return "; no interface of this computer has such addresses now"
	}
	return "; here are " + strings.Join(names, ", ")
}

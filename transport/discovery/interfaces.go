package discovery

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

var errNoNetwork = errors.New("this computer is in no network that takes multicast")

// interfaces returns those on which others may be near: up, able of multicast, with an address; and with only among its
// addresses, if that is valid. Those with more than link-local addresses come first: a kernel lets a socket listen on a
// few of them only (Linux: 20), and containers make many. state tells whether anything has changed since, by
// comparison.
func interfaces(only netip.Addr) (list []net.Interface, state string, err error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, "", fmt.Errorf("the computer's network interfaces: %w", err)
	}
	var local []net.Interface
	var b strings.Builder
	for _, ifi := range all {
		if ifi.Flags&net.FlagUp == 0 || ifi.Flags&net.FlagMulticast == 0 || ifi.Flags&net.FlagLoopback != 0 {
			continue
		}
		addrs := addresses(ifi)
		if len(addrs) == 0 || only.IsValid() && !slices.Contains(addrs, only.WithZone("")) {
			continue
		}
		if slices.ContainsFunc(addrs, func(a netip.Addr) bool { return !a.IsLinkLocalUnicast() }) {
			list = append(list, ifi)
		} else {
			local = append(local, ifi)
		}
		fmt.Fprintln(&b, ifi.Index, ifi.Name, addrs)
	}
	return append(list, local...), b.String(), nil
}

// addresses are those of an interface.
func addresses(ifi net.Interface) []netip.Addr {
	var list []netip.Addr
	addrs, err := ifi.Addrs()
	if err != nil {
		return nil // it has just gone
	}
	for _, a := range addrs {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			list = append(list, prefix.Addr().Unmap())
		}
	}
	slices.SortFunc(list, netip.Addr.Compare)
	return list
}

// zonesOf are the names of those that have a link-local address of IPv6.
func zonesOf(list []net.Interface) []string {
	var zones []string
	for _, ifi := range list {
		if slices.ContainsFunc(addresses(ifi), func(a netip.Addr) bool { return a.Is6() && a.IsLinkLocalUnicast() }) {
			zones = append(zones, ifi.Name)
		}
	}
	return zones
}

// names lists interfaces for people. Of many, as containers make them, the first ones are those that matter.
func names(list []net.Interface) string {
	var all []string
	for i, ifi := range list {
		if i == 5 {
			all = append(all, fmt.Sprintf("%d more", len(list)-i))
			break
		}
		all = append(all, ifi.Name)
	}
	return strings.Join(all, ", ")
}

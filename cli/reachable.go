//go:build cgo

package cli

import (
	"net"
	"net/netip"
	"slices"
)

// reachable are the addresses that another computer would dial to reach a listener on this one: the one by which this
// computer reaches others, or, without a way to all of them, each that it has.
func reachable(listen string) []string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil || host != "" && host != "0.0.0.0" && host != "::" {
		return []string{listen}
	}
	// No packet is sent: connecting a UDP socket only chooses the address that packets would leave from.
	if conn, err := net.Dial("udp4", "192.0.2.1:9"); err == nil {
		defer conn.Close()
		return []string{net.JoinHostPort(conn.LocalAddr().(*net.UDPAddr).IP.String(), port)}
	}
	var all []string
	for _, a := range dialable(ownAddresses()) {
		all = append(all, net.JoinHostPort(a.String(), port))
	}
	return all
}

// ownAddresses are those of this computer's interfaces. Link-local ones have the name of this end's interface as their
// zone, which is of no use at the other end.
func ownAddresses() []netip.Addr {
	var all []netip.Addr
	addrs, _ := net.InterfaceAddrs() // none, if the system does not tell
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				all = append(all, ip.Unmap())
			}
		}
	}
	return all
}

// dialable are those of the addresses that another computer can dial, those of IPv4 first; the loopback address if
// there are none.
func dialable(addrs []netip.Addr) []netip.Addr {
	list := slices.DeleteFunc(slices.Clone(addrs), func(a netip.Addr) bool {
		return a.IsLoopback() || a.IsMulticast() || a.Is6() && a.IsLinkLocalUnicast()
	})
	slices.SortStableFunc(list, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
	if len(list) == 0 {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	}
	return list
}

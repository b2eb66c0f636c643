// Package discovery lets receivers and cameras announce themselves on the local network, and finds those that have, by
// multicast DNS (RFC 6762) and DNS service discovery (RFC 6763), as printers do. Each is an instance of the service
// _picam._tcp: Avahi, Bonjour and their tools see it too.
//
// What is announced, to everybody on the same network: a name (the computer's or the camera's), the addresses and the
// port, picam's version, and whether it is a receiver or a camera. What is found was written by anybody on that
// network: it is cleaned here, but nothing proves it.
package discovery

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/libp2p/zeroconf/v2"
)

const (
	service = "_picam._tcp"
	domain  = "local"
)

// Kind is what a peer does with frames.
type Kind string

const (
	Receiver Kind = "receiver" // takes them in at its address, as picam recv does
	Camera   Kind = "camera"   // gives them out there, as picam send --listen does
)

// command is what a user types on the other computer to have one of the kind announced.
func (k Kind) command() string {
	if k == Camera {
		return "picam send --listen"
	}
	return "picam recv"
}

// Peer is a receiver or a camera that has announced itself. A program prints it as JSON.
type Peer struct {
	Name      string   `json:"name"` // unique on its network
	Kind      Kind     `json:"kind"`
	Addresses []string `json:"addresses"` // without the port; the best first; link-local ones of IPv6 with a zone
	Port      int      `json:"port"`
	Version   string   `json:"version"` // of picam; "" is not known
}

// Dials returns what to dial: each address with the port.
func (p Peer) Dials() []string {
	var list []string
	for _, a := range p.Addresses {
		list = append(list, net.JoinHostPort(a, strconv.Itoa(p.Port)))
	}
	return list
}

// String is the peer's name and the best of its addresses.
func (p Peer) String() string {
	if len(p.Addresses) == 0 {
		return p.Name
	}
	return p.Name + " (" + p.Dials()[0] + ")"
}

// merge takes in what else was heard of the same peer, and reports whether that was new.
func (p *Peer) merge(o Peer) bool {
	changed := p.Port != o.Port || p.Kind != o.Kind || p.Version != o.Version
	p.Port, p.Kind, p.Version = o.Port, o.Kind, o.Version
	for _, a := range o.Addresses {
		if !slices.Contains(p.Addresses, a) {
			p.Addresses = append(p.Addresses, a)
			changed = true
		}
	}
	sortAddresses(p.Addresses)
	return changed
}

const (
	maxName    = 57 // bytes; a label of DNS has 63, and a number may have to follow
	maxVersion = 60
	maxAddrs   = 16 // of a peer
	maxPeers   = 256
)

// text is what the TXT record says: RFC 6763, section 6. picam=1 is how the frames travel; whoever changes that so
// that old receivers cannot follow takes another number.
func text(k Kind, version string) []string {
	return []string{"picam=1", "is=" + string(k), "version=" + clean(version, maxVersion)}
}

// peerOf reads an answer. zones are the names of this computer's interfaces that speak IPv6: a link-local address is
// good on one of them, and the answer does not say on which. ok is false for what is not picam's, or cannot be dialled.
func peerOf(e *zeroconf.ServiceEntry, zones []string) (p Peer, ok bool) {
	p = Peer{Name: clean(unescape(e.Instance), maxName+len("-999")), Port: e.Port, Kind: Receiver}
	protocol := ""
	for _, t := range e.Text {
		key, value, _ := strings.Cut(t, "=")
		switch strings.ToLower(key) {
		case "picam":
			protocol = value
		case "is":
			p.Kind = Kind(value)
		case "version":
			p.Version = clean(value, maxVersion)
		}
	}
	for _, ip := range append(slices.Clone(e.AddrIPv4), e.AddrIPv6...) {
		a, good := netip.AddrFromSlice(ip)
		a = a.Unmap()
		if !good || a.IsLoopback() || a.IsUnspecified() || a.IsMulticast() {
			continue
		}
		texts := []string{a.String()}
		if a.Is6() && a.IsLinkLocalUnicast() {
			texts = nil
			for _, z := range zones {
				texts = append(texts, a.WithZone(z).String())
			}
		}
		for _, t := range texts {
			if !slices.Contains(p.Addresses, t) && len(p.Addresses) < maxAddrs {
				p.Addresses = append(p.Addresses, t)
			}
		}
	}
	sortAddresses(p.Addresses)
	return p, protocol == "1" && (p.Kind == Receiver || p.Kind == Camera) && p.Name != "" && p.Port > 0 &&
		p.Port < 1<<16 &&
		len(p.Addresses) > 0
}

// sortAddresses puts IPv4 before IPv6, and what a router or DHCP has given before what is link-local.
func sortAddresses(list []string) {
	rank := func(text string) int {
		a, err := netip.ParseAddr(text)
		n := 0
		if err != nil || a.IsLinkLocalUnicast() {
			n += 2
		}
		if !a.Is4() {
			n++
		}
		return n
	}
	slices.SortStableFunc(list, func(a, b string) int { return rank(a) - rank(b) })
}

// clean makes text harmless on a terminal: what is not printable is left out, and what is longer than limit bytes is
// cut.
func clean(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	for len(text) > limit {
		_, n := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-n]
	}
	return strings.TrimSpace(text)
}

// special are bytes that stand behind a backslash in a name of DNS that is written as text (RFC 1035, section 5.1), as
// the library miekg/dns writes it.
const special = ". '@;()\"\\"

// escape writes a name as one label of DNS.
func escape(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		switch {
		case strings.IndexByte(special, c) >= 0:
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\%03d`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// unescape is the reverse.
func unescape(label string) string {
	var b []byte
	for i := 0; i < len(label); i++ {
		if label[i] != '\\' || i+1 == len(label) {
			b = append(b, label[i])
			continue
		}
		if i+4 <= len(label) {
			if n, err := strconv.ParseUint(label[i+1:i+4], 10, 8); err == nil {
				b = append(b, byte(n))
				i += 3
				continue
			}
		}
		i++
		b = append(b, label[i])
	}
	return string(b)
}

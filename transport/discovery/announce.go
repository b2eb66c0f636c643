package discovery

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/libp2p/zeroconf/v2"

	"picam/internal/health"
)

// Announcement is what somebody says of himself.
type Announcement struct {
	Name    string   // the computer's or the camera's; where somebody else has it, a number follows
	Kind    Kind     //
	Addr    net.Addr // of the listener; one that only this computer can reach is not announced
	Version string
	Log     *slog.Logger
}

const (
	// changePeriod is how often the computer's interfaces are looked at.
	changePeriod = time.Second
	// nameCheck is how long others have to say that a name is theirs (RFC 6762, section 8.1, has three times 250 ms).
	nameCheck = 700 * time.Millisecond
	// lifetime is for how many seconds others may believe what they have heard: so long a receiver that crashed is
	// listed.
	lifetime = 120
	// byePatience is how long the goodbye may take: a write to an interface has been seen to hang on macOS.
	byePatience = 2 * time.Second
)

// Run announces until ctx ends, and then says goodbye. It follows the computer's addresses as they change. Where it
// cannot announce, it says so once, and goes on trying.
func (a Announcement) Run(ctx context.Context) {
	addr, err := netip.ParseAddrPort(a.Addr.String())
	ip := addr.Addr().Unmap()
	switch {
	case err != nil:
		a.Log.Warn("not announced: the listener has no address of the internet", "address", a.Addr)
		return
	case ip.IsLoopback():
		a.Log.Debug("not announced: only this computer can reach it", "address", a.Addr)
		return
	case ip.IsUnspecified():
		ip = netip.Addr{}
	}
	var server *zeroconf.Server
	defer func() { bye(server) }()
	var state, name string
	var failing health.Outage
	tick := time.NewTicker(changePeriod)
	defer tick.Stop()
	for {
		ifaces, now, err := interfaces(ip)
		if err == nil && now != state {
			bye(server)
			server = nil
			before := name
			if name, server, err = a.register(ctx, ip, int(addr.Port()), ifaces); err == nil {
				level := slog.LevelInfo
				if _, ended := failing.Over(); !ended && name == before {
					level = slog.LevelDebug // computers with containers have new interfaces again and again
				}
				a.Log.Log(ctx, level, "announced on the network, for --to auto; --announce=false does not", "name",
					name, "on", names(ifaces))
				state = now
				a.Name = name // which it keeps, when all on a network begin anew at the same time
			}
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			state = ""
			if failing.Failed(err.Error()) {
				a.Log.Warn("not announced, so that others must be told the address", "why", err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// register begins to announce on ifaces, under the first name that is free there.
func (a Announcement) register(ctx context.Context, ip netip.Addr, port int, ifaces []net.Interface) (string,
	*zeroconf.Server, error) {
	if len(ifaces) == 0 {
		return "", nil, errNoNetwork
	}
	taken := map[string]bool{}
	check, cancel := context.WithTimeout(ctx, nameCheck)
	err := Look(check, func(p Peer) bool {
		taken[strings.ToLower(p.Name)] = true
		return true
	})
	cancel()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return "", nil, err
	}
	name := free(a.Name, taken)
	// The name of the computer in the records is one that nobody else has: its own belongs to the system's responder
	// (Avahi, Bonjour, systemd-resolved), which may have had to give it another, and guards it. Without addresses given
	// here the library takes those of the interface on which it answers, at that moment.
	var addrs []string
	switch {
	case ip.IsValid():
		addrs = []string{ip.WithZone("").String()}
	case runtime.GOOS == "windows": // which does not tell on which interface a question has come
		for _, ifi := range ifaces {
			for _, a := range addresses(ifi) {
				addrs = append(addrs, a.WithZone("").String())
			}
		}
	}
	server, err := zeroconf.RegisterProxy(escape(name), service, domain, port, hostLabel(a.Name), addrs,
		text(a.Kind, a.Version), ifaces, zeroconf.TTL(lifetime))
	if err != nil {
		return "", nil, explain(err, ifaces[0])
	}
	return name, server, nil
}

// free returns name, or name with the lowest number behind it that makes it one that is not taken. taken has them in
// lower case.
func free(name string, taken map[string]bool) string {
	// A name that began or ended with a dot would lose it on its way.
	name = cmp.Or(strings.Trim(clean(name, maxName), ". "), "picam")
	candidate := name
	for n := 2; taken[strings.ToLower(candidate)]; n++ {
		candidate = fmt.Sprintf("%s-%d", name, n)
	}
	return candidate
}

// hostLabel returns a name of a computer that resembles name and that nobody else has.
func hostLabel(name string) string {
	label := strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return unicode.ToLower(r)
		}
		return '-'
	}, clean(name, 40))
	return strings.Trim(label+"-"+strings.ToLower(rand.Text()[:6]), "-")
}

// bye takes an announcement back.
func bye(s *zeroconf.Server) {
	if s == nil {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Shutdown()
	}()
	select {
	case <-done:
	case <-time.After(byePatience):
	}
}

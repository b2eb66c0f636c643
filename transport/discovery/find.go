package discovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/libp2p/zeroconf/v2"
)

// Look asks who is there and calls seen with each peer when it answers, and again when more is known of it, until seen
// returns false or ctx ends: then it returns nil. It returns an error at once where it cannot ask.
func Look(ctx context.Context, seen func(Peer) bool) error {
	ifaces, _, err := interfaces(netip.Addr{})
	if err == nil && len(ifaces) == 0 {
		err = errNoNetwork
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	zones := zonesOf(ifaces)
	found := make(chan *zeroconf.ServiceEntry)
	ended := make(chan error)
	// Each by itself, so that a computer without one of them still has the other.
	families := []zeroconf.IPType{zeroconf.IPv4, zeroconf.IPv6}
	for _, family := range families {
		go func() {
			entries, browsed := make(chan *zeroconf.ServiceEntry), make(chan error, 1)
			go func() {
				browsed <- zeroconf.Browse(ctx, service, domain, entries,
					zeroconf.SelectIPTraffic(family), zeroconf.SelectIfaces(ifaces))
			}()
			for {
				select {
				case e := <-entries:
					if e == nil { // closed, before Browse returns
						entries = nil
						continue
					}
					select {
					case found <- e:
					case <-ctx.Done():
					}
				case err := <-browsed:
					ended <- err
					return
				}
			}
		}()
	}
	peers := map[string]*Peer{}
	var failure error
	running := len(families)
	defer func() {
		cancel()
		for ; running > 0; running-- {
			<-ended
		}
	}()
	for {
		select {
		case e := <-found:
			p, ok := peerOf(e, zones)
			if !ok {
				continue
			}
			key := strings.ToLower(p.Name)
			known := peers[key]
			if known == nil {
				if len(peers) == maxPeers {
					continue
				}
				known = &Peer{Name: p.Name}
				peers[key] = known
			}
			if known.merge(p) && !seen(known.clone()) {
				return nil
			}
		case err := <-ended:
			running--
			if failure == nil {
				failure = err
			}
			if running == 0 && failure != nil && ctx.Err() == nil {
				return explain(failure, ifaces[0])
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (p *Peer) clone() Peer {
	c := *p
	c.Addresses = slices.Clone(p.Addresses)
	return c
}

// List gathers all that answer until ctx ends, by their names.
func List(ctx context.Context) ([]Peer, error) {
	peers := map[string]Peer{}
	err := Look(ctx, func(p Peer) bool {
		peers[p.Name] = p
		return true
	})
	list := []Peer{}
	for _, p := range peers {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b Peer) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind),
			cmp.Compare(a.Name, b.Name))
	})
	return list, err
}

// explain adds to an error of multicast what its cause is, which the library does not tell.
func explain(err error, on net.Interface) error {
	for _, group := range []*net.UDPAddr{{IP: net.IPv4(224, 0, 0, 251), Port: 5353},
		{IP: net.ParseIP("ff02::fb"), Port: 5353}} {
		conn, failure := net.ListenMulticastUDP("udp", &on, group)
		if failure == nil {
			_ = conn.Close()
			continue
		}
		if errors.Is(failure, syscall.EADDRINUSE) {
			return errors.New("UDP port 5353 is taken by a program that does not share it, as programs for mDNS should")
		}
		return fmt.Errorf("mDNS: %w", failure)
	}
	return fmt.Errorf("mDNS: %w", err)
}

// Finder finds one peer again and again, wherever it moves. It is for one goroutine.
type Finder struct {
	Kind Kind
	Name string // "" is the only one there is; once found, it is that one's name that counts
	Log  *slog.Logger

	known Peer      // found last
	asked time.Time // when Find returned last
	empty int       // how often in a row nobody was found
}

// SeveralError is that there is more than one, and no name to choose by.
type SeveralError struct{ Peers []Peer }

func (e *SeveralError) Error() string {
	return fmt.Sprintf("there are %d %ss: %s", len(e.Peers), e.Peers[0].Kind, listed(e.Peers))
}

func listed(peers []Peer) string {
	var list []string
	for _, p := range peers {
		list = append(list, p.String())
	}
	return strings.Join(list, ", ")
}

const (
	// gather is how long the others have to answer when one has, so that it is known whether there are several.
	gather = time.Second
	// A look lasts from minLook to maxLook, or to knownLook for one that was found before and is dialled where it was
	// if it does not answer. All that time it is heard when somebody announces himself. Then it begins anew: interfaces
	// come and go.
	minLook   = time.Second
	knownLook = 4 * time.Second
	maxLook   = 10 * time.Second
	// lasted is how long after it was found a peer is asked for again if it was connected meanwhile: longer than a try
	// takes.
	lasted = 10 * time.Second
)

// Find returns where the peer is, as transport.Find wants it. It waits at most maxLook for it to turn up. The error
// says what to look at; it is a SeveralError if there are several to choose from.
//
// The first one that is found is the one that counts from then on: another one that comes later changes nothing. If it
// does not answer, it is said to be where it was last; also at first when a connection has ended, which need not mean
// that it has moved.
func (f *Finder) Find(ctx context.Context) ([]string, error) {
	known := f.known.Name != ""
	if since := time.Since(f.asked); known && since > lasted {
		f.asked, f.empty = time.Now(), 0
		return f.known.Dials(), nil
	}
	defer func() { f.asked = time.Now() }()
	wait := min(minLook<<f.empty, maxLook)
	if known {
		wait = min(wait, knownLook)
	} else {
		wait = max(wait, 2*gather)
	}
	looking, stop := context.WithCancel(ctx)
	defer stop()
	end := time.AfterFunc(wait, stop)
	defer end.Stop()
	var found, others []Peer
	err := Look(looking, func(p Peer) bool {
		same := func(q Peer) bool { return q.Name == p.Name }
		switch {
		case p.Kind != f.Kind:
			return true
		case f.Name != "" && strings.EqualFold(p.Name, f.Name):
			found = []Peer{p}
			return false
		case f.Name != "":
			others = append(slices.DeleteFunc(others, same), p)
			return true
		}
		if len(found) == 0 {
			end.Reset(gather)
		}
		found = append(slices.DeleteFunc(found, same), p)
		return true
	})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case len(found) > 1:
		slices.SortFunc(found, func(a, b Peer) int { return cmp.Compare(a.Name, b.Name) })
		return nil, &SeveralError{found}
	case len(found) == 1:
		if p := found[0]; !slices.Equal(p.Dials(), f.known.Dials()) {
			f.Log.Info(fmt.Sprintf("found %s, picam %s", p, cmp.Or(p.Version, "of an unknown version")))
			f.known = p
		}
		f.Name, f.empty = f.known.Name, 0
		return f.known.Dials(), nil
	case known:
		f.empty = min(f.empty+1, 10)
		return f.known.Dials(), nil
	case err != nil:
		return nil, fmt.Errorf("cannot look for a %s: %w", f.Kind, err)
	}
	f.empty = min(f.empty+1, 10)
	who := string(f.Kind)
	if f.Name != "" {
		who += " called " + f.Name
	}
	if len(others) > 0 {
		return nil, fmt.Errorf("no %s has announced itself here, but %s: is the name right?", who, listed(others))
	}
	return nil, errors.New("no " + who + " has announced itself here: is " + f.Kind.command() +
		" running in the same network, without --announce=false, and does no firewall stop UDP port 5353?")
}

package discovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"picam/transport/networktest"
)

// inNetwork runs the test again in a network of its own, which has the interface eth0 with the address 10.0.0.1.
func inNetwork(t *testing.T, f func(t *testing.T)) {
	networktest.Run(t, []string{"ip"}, func() {
		// The far end of the cable has no address, and so does not count.
		networktest.Command(t, `ip link set lo up; ip link add eth0 type veth peer name cable
			echo 1 > /proc/sys/net/ipv6/conf/cable/disable_ipv6; ip link set cable up
			ip addr add 10.0.0.1/24 dev eth0; ip link set eth0 up`)
		f(t)
	})
}

// journal is a log that can be read.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

// count tells how many lines have text in them.
func (j *journal) count(text string) (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for line := range strings.Lines(j.text.String()) {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

func (j *journal) log() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (j *journal) waitFor(t *testing.T, text string) {
	t.Helper()
	eventually(t, "the log says: "+text, func() bool { return j.count(text) > 0 })
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

// announced runs an announcement until the test ends or stop is called.
func announced(t *testing.T, name string, k Kind, addr string) (log *journal, stop func()) {
	t.Helper()
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	log = &journal{}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		Announcement{Name: name, Kind: k, Addr: a, Version: "v1.2.3", Log: log.log()}.Run(ctx)
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return log, stop
}

// peers lists who is there until that is what is wanted.
func peers(t *testing.T, want string) {
	t.Helper()
	got := ""
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		list, err := List(ctx)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		got = ""
		for _, p := range list {
			got += fmt.Sprintln(p.Name, p.Kind, p.Dials()[0], p.Version)
		}
		if got == want {
			return
		}
	}
	t.Fatalf("found:\n%swant:\n%s", got, want)
}

func find(t *testing.T, f *Finder) string {
	t.Helper()
	addrs, err := f.Find(t.Context())
	if err != nil {
		return err.Error()
	}
	return addrs[0]
}

func TestAnnounceAndFind(t *testing.T) {
	inNetwork(t, func(t *testing.T) {
		// The answers to what is asked, and what is said unasked.
		var heard sync.Map // "ttl name" of each PTR record
		eth0, err := net.InterfaceByName("eth0")
		if err != nil {
			t.Fatal(err)
		}
		listener, err := net.ListenMulticastUDP("udp4", eth0, &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353})
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for packet := make([]byte, 9000); ; {
				n, err := listener.Read(packet)
				if err != nil {
					return
				}
				var m dns.Msg
				if m.Unpack(packet[:n]) != nil {
					continue
				}
				for _, rr := range m.Answer {
					if ptr, ok := rr.(*dns.PTR); ok {
						heard.Store(fmt.Sprint(ptr.Hdr.Ttl, " ", ptr.Ptr), true)
					}
				}
			}
		}()
		defer func() {
			listener.Close()
			<-ended
		}()

		desk, stopDesk := announced(t, "desk", Receiver, "0.0.0.0:8002")
		desk.waitFor(t, "announced")
		peers(t, "desk receiver 10.0.0.1:8002 v1.2.3\n")
		only, onlyLog := &Finder{Kind: Receiver}, &journal{}
		only.Log = onlyLog.log()
		if got := find(t, only); got != "10.0.0.1:8002" {
			t.Errorf("the only one is at %s", got)
		}

		// A name that is taken, and a camera.
		other, _ := announced(t, "Desk", Receiver, "[::]:8003")
		door, _ := announced(t, "the door", Camera, "10.0.0.1:8004")
		other.waitFor(t, "name=Desk-2")
		door.waitFor(t, "announced")
		peers(t, "the door camera 10.0.0.1:8004 v1.2.3\nDesk-2 receiver 10.0.0.1:8003 v1.2.3\ndesk receiver "+
			"10.0.0.1:8002 v1.2.3\n")

		// One that was found stays the one.
		if got := find(t, only); got != "10.0.0.1:8002" {
			t.Errorf("with a second one there, the first one is at %s", got)
		}
		discard := slog.New(slog.DiscardHandler)
		_, err = (&Finder{Kind: Receiver, Log: discard}).Find(t.Context())
		var several *SeveralError
		if !errors.As(err, &several) ||
			err.Error() != "there are 2 receivers: Desk-2 (10.0.0.1:8003), desk (10.0.0.1:8002)" {
			t.Errorf("with two, the only one is %v", err)
		}
		if got := find(t, &Finder{Kind: Receiver, Name: "DESK-2", Log: discard}); got != "10.0.0.1:8003" {
			t.Errorf("DESK-2 is at %s", got)
		}
		if got := find(t, &Finder{Kind: Camera, Log: discard}); got != "10.0.0.1:8004" {
			t.Errorf("the camera is at %s", got)
		}

		// The computer moves.
		networktest.Command(t, "ip addr add 10.0.0.9/24 dev eth0; ip addr del 10.0.0.1/24 dev eth0; ip addr add "+
			"10.0.0.9/24 dev eth0 2>/dev/null || true")
		eventually(t, "it is announced anew", func() bool { return desk.count("announced") > 1 })
		eventually(t, "it is found at its new address", func() bool { return find(t, only) == "10.0.0.9:8002" })
		// It says goodbye, and is looked for where it was last.
		stopDesk()
		eventually(t, "the goodbye is heard", func() bool {
			_, ok := heard.Load("0 desk._picam._tcp.local.")
			return ok
		})
		if got := find(t, only); got != "10.0.0.9:8002" {
			t.Errorf("the one that is gone is looked for at %s", got)
		}
		if n := onlyLog.count("found desk"); n != 2 {
			t.Errorf("it was told %d times where the receiver is, want 2: once for each address", n)
		}
	})
}

// What is in the way is said once, and when it is gone, all is well.
func TestInTheWay(t *testing.T) {
	inNetwork(t, func(t *testing.T) {
		quiet, _ := announced(t, "desk", Receiver, "127.0.0.1:8002")
		quiet.waitFor(t, "only this computer can reach it")

		alone, err := net.ListenPacket("udp", ":5353") // without SO_REUSEADDR
		if err != nil {
			t.Fatal(err)
		}
		log, _ := announced(t, "desk", Receiver, "[::]:8002")
		const taken = "UDP port 5353 is taken by a program that does not share it"
		log.waitFor(t, taken)
		f := &Finder{Kind: Receiver, Log: log.log()}
		if got := find(t, f); !strings.Contains(got, taken) {
			t.Errorf("the sender says %q", got)
		}
		time.Sleep(changePeriod + changePeriod/2) // sleep: long enough for another try, of which nothing is told
		alone.Close()
		log.waitFor(t, "announced on the network")
		if n := log.count("not announced"); n != 1 {
			t.Errorf("it was told %d times that nothing is announced, want once", n)
		}

		networktest.Command(t, "ip link set eth0 down")
		log.waitFor(t, "this computer is in no network that takes multicast")
		if got := find(t, f); !strings.Contains(got, "this computer is in no network") {
			t.Errorf("the sender says %q", got)
		}
		networktest.Command(t, "ip link set eth0 up")
		eventually(t, "it is announced anew", func() bool { return log.count("announced on the network") == 2 })
		peers(t, "desk receiver 10.0.0.1:8002 v1.2.3\n")
	})
}

// An empty network is waited in, and who comes is found.
func TestNobodyThere(t *testing.T) {
	inNetwork(t, func(t *testing.T) {
		f := &Finder{Kind: Receiver, Log: slog.New(slog.DiscardHandler)}
		if got := find(t, f); !strings.Contains(got, "is picam recv running in the same network") ||
			!strings.Contains(got, "5353") {
			t.Errorf("it says %q", got)
		}
		found := make(chan string)
		go func() { found <- find(t, f) }()
		announced(t, "desk", Receiver, "[::]:8002")
		if got := <-found; got != "10.0.0.1:8002" {
			t.Errorf("it is found at %s", got)
		}
		if got := find(t, &Finder{Kind: Receiver, Name: "attic"}); !strings.Contains(got,
			"no receiver called attic has announced itself here, but desk (10.0.0.1:8002)") {
			t.Errorf("another one: %s", got)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := f.Find(ctx); err != context.Canceled {
			t.Errorf("a look that is ended says %v", err)
		}
	})
}

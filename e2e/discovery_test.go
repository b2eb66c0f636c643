//go:build cgo && linux

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"picam/transport/networktest"
)

// host is a computer of a made-up network: a network namespace, and a thread in it.
type host struct {
	t      testing.TB
	name   string
	thread int
	on     func(f func()) // runs f on the host: programs that f starts are in its network
}

func newHost(t testing.TB, name string) *host {
	t.Helper()
	thread, on, err := networktest.Namespace(t)
	if err != nil {
		t.Skipf("no network namespaces here: %v", err)
	}
	return &host{t: t, name: name, thread: thread, on: on}
}

// sh runs a command line on the host.
func (h *host) sh(format string, args ...any) {
	h.t.Helper()
	h.on(func() {
		line := fmt.Sprintf(format, args...)
		if out, err := exec.Command("sh", "-e", "-c", line).CombinedOutput(); err != nil {
			h.t.Errorf("%s: %s: %v: %s", h.name, line, err, out)
		}
	})
	if h.t.Failed() {
		h.t.FailNow()
	}
}

// picam starts the program on the host, which has its name.
func (h *host) picam(args ...string) (p *process) {
	cmd := exec.Command("unshare", append([]string{"--uts", "sh", "-c", `hostname "$0"; exec "$@"`, h.name, binary(h.t)}, args...)...)
	cmd.Env = append(os.Environ(), "DISPLAY=", "WAYLAND_DISPLAY=")
	h.on(func() { p = start(h.t, cmd) })
	return p
}

// homeNetwork makes computers of these names, with the addresses 10.0.0.1 and so on, on one switch.
func homeNetwork(t *testing.T, names ...string) []*host {
	t.Helper()
	need(t, "unshare", "ip")
	if os.Getuid() != 0 {
		t.Skip("needs root, for network namespaces")
	}
	tap := newHost(t, "switch")
	tap.sh("ip link add br0 type bridge mcast_snooping 0; ip link set br0 up")
	var hosts []*host
	for i, name := range names {
		h := newHost(t, name)
		tap.sh("ip link add port%d type veth peer name eth0 netns %d; ip link set port%[1]d master br0 up", i, h.thread)
		h.sh("ip link set lo up; ip addr add 10.0.0.%d/24 dev eth0; ip link set eth0 up", i+1)
		hosts = append(hosts, h)
	}
	return hosts
}

// peer is what picam discover --json tells of a camera or a receiver.
type peer struct {
	Name, Kind, Version string
	Addresses           []string
	Port                int
}

// list is what picam discover --json finds there.
func (h *host) list() (peers []peer) {
	h.t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(binary(h.t), "discover", "--json", "--time", "300ms")
	cmd.Stdout = &out
	cmd.Env = os.Environ()
	var p *process
	h.on(func() { p = start(h.t, cmd) })
	p.ends(0)
	if err := json.Unmarshal(out.Bytes(), &peers); err != nil {
		h.t.Fatalf("%v: %s", err, &out)
	}
	return peers
}

// sees waits until picam discover finds these, as "name kind address".
func (h *host) sees(want ...string) {
	h.t.Helper()
	until(h.t, h.name+" sees "+strings.Join(want, ", "), func() bool {
		var got []string
		for _, p := range h.list() {
			got = append(got, fmt.Sprintf("%s %s %s:%d", p.Name, p.Kind, p.Addresses[0], p.Port))
			if p.Version == "" {
				h.t.Errorf("%s has no version", p.Name)
			}
		}
		return strings.Join(got, ", ") == strings.Join(want, ", ")
	})
}

func TestFindEachOther(t *testing.T) {
	t.Parallel()
	hosts := homeNetwork(t, "pi", "desk", "attic")
	pi, desk, attic := hosts[0], hosts[1], hosts[2]
	recv := func(h *host, args ...string) (*process, string) {
		out := filepath.Join(t.TempDir(), "out.mjpeg")
		return h.picam(append([]string{"recv", "--display", "none", "--record-raw", out}, args...)...), out
	}
	pattern := []string{"--source", "pattern", "--size", "160x120", "--fps", "30"}
	arrive := func(out string) {
		t.Helper()
		until(t, "frames arrive", func() bool { return recorded(out) > 20_000 })
	}

	// The camera is first.
	send := pi.picam(append([]string{"send", "--to", "auto"}, pattern...)...)
	first, out := recv(desk)
	first.says(`msg="announced on the network.*name=desk on=eth0`)
	send.says(`found desk \(10.0.0.2:8002\)`)
	arrive(out)
	pi.sees("desk receiver 10.0.0.2:8002")
	desk.sees("desk receiver 10.0.0.2:8002") // who asks on the same computer finds it too

	// It crashes, and comes back under another address.
	first.signal(syscall.SIGKILL)
	<-first.done
	desk.sh("ip addr flush dev eth0; ip addr add 10.0.0.22/24 dev eth0")
	second, out := recv(desk)
	send.says("sending to 10.0.0.22:8002")
	arrive(out)

	// Another one comes, and two cameras: nothing changes for who has found his.
	third, out := recv(attic, "--listen", ":8003")
	camera := attic.picam(append([]string{"send", "--listen", ":8004", "--name", "door"}, pattern...)...)
	camera.says(`msg="announced on the network.*name=door`)
	pi.sees("door camera 10.0.0.3:8004", "attic-8003 receiver 10.0.0.3:8003", "desk receiver 10.0.0.22:8002")
	undecided := pi.picam(append([]string{"send", "--to", "auto"}, pattern...)...)
	decided := pi.picam(append([]string{"send", "--to", "auto:Attic-8003", "--name", "garden"}, pattern...)...)
	puller, pulled := recv(pi, "--from", "auto")
	undecided.ends(1)
	undecided.says(`there are 2 receivers: attic-8003 \(10.0.0.3:8003\), desk \(10.0.0.22:8002\); type one of --to auto:attic-8003, --to auto:desk`)
	arrive(out)
	puller.says(`found door \(10.0.0.3:8004\)`)
	arrive(pulled)
	if n := strings.Count(send.text(), "found"); n != 2 {
		t.Errorf("the first camera has found a receiver %d times, want 2", n)
	}
	decided.interrupt()
	puller.interrupt()

	// Who ends says goodbye.
	third.interrupt()
	camera.interrupt()
	pi.sees("desk receiver 10.0.0.22:8002")
	send.interrupt()
	second.interrupt()
	pi.sees()
}

// With nothing but link-local addresses, as on a cable between two computers, the right zone is dialled.
func TestFindOverCable(t *testing.T) {
	t.Parallel()
	hosts := homeNetwork(t, "pi", "desk")
	pi, desk := hosts[0], hosts[1]
	for i, h := range hosts {
		h.sh("ip addr flush dev eth0; ip addr add fe80::%d/64 dev eth0 nodad", i+1)
		// And there is another network, in which nobody is.
		h.sh("ip link add alone type veth peer name end; ip link set alone up; ip addr add fe80::1%d/64 dev alone nodad", i+1)
	}
	out := filepath.Join(t.TempDir(), "out.mjpeg")
	desk.picam("recv", "--display", "none", "--record-raw", out)
	send := pi.picam("send", "--to", "auto", "--source", "pattern", "--size", "160x120", "--fps", "30")
	send.says(`sending to \[fe80::2%eth0\]:8002`)
	until(t, "frames arrive", func() bool { return recorded(out) > 20_000 })
}

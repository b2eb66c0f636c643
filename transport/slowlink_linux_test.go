package transport

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"picam/mjpeg"
)

// namespace makes a network of its own, on a thread of its own, and returns what runs a function in it.
func namespace(t *testing.T) (thread int, run func(f func())) {
	t.Helper()
	calls := make(chan func())
	id := make(chan int)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Error(err)
		}
		id <- unix.Gettid()
		for f := range calls {
			f()
		}
	}()
	t.Cleanup(func() { close(calls) })
	return <-id, func(f func()) {
		done := make(chan struct{})
		calls <- func() { defer close(done); f() }
		<-done
	}
}

// command runs a command line.
func command(t *testing.T, format string, args ...any) {
	t.Helper()
	line := fmt.Sprintf(format, args...)
	out, err := exec.Command("sh", "-c", line).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", line, err, out)
	}
}

// TestSlowLink measures how old pictures are when they arrive over a link that is too slow for all of them, behind a
// router with a short queue and with an overlong one. It runs itself again in a network of its own.
func TestSlowLink(t *testing.T) {
	const inside = "PICAM_TEST_SLOW_LINK"
	if os.Getenv(inside) == "" {
		for _, tool := range []string{"unshare", "ip", "tc"} {
			if _, err := exec.LookPath(tool); err != nil {
				t.Skipf("needs %s: %v", tool, err)
			}
		}
		if os.Getuid() != 0 {
			t.Skip("needs root, for network namespaces")
		}
		cmd := exec.Command("unshare", "--net", os.Args[0], "-test.run=^TestSlowLink$", "-test.v")
		cmd.Env = append(os.Environ(), inside+"=1")
		out, err := cmd.CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Fatal(err)
		}
		return
	}

	const rate = 5e6 // bit/s
	router, inRouter := namespace(t)
	far, inFar := namespace(t)
	command(t, `ip link set lo up
		ip link add near0 type veth peer name near1 netns %d
		ip addr add 10.0.1.1/24 dev near0; ip link set near0 up; ip route add default via 10.0.1.2`, router)
	inRouter(func() {
		command(t, `ip link add far0 type veth peer name far1 netns %d
			ip addr add 10.0.1.2/24 dev near1; ip link set near1 up
			ip addr add 10.0.2.1/24 dev far0; ip link set far0 up
			echo 1 > /proc/sys/net/ipv4/ip_forward`, far)
	})
	inFar(func() {
		command(t, `ip link set lo up; ip addr add 10.0.2.2/24 dev far1; ip link set far1 up; ip route add default via 10.0.2.1`)
	})
	jpeg := jpegOf(100e3)
	alone := time.Duration(float64(len(jpeg)) * 8 / rate * float64(time.Second)) // on the link

	for _, congestion := range []string{"reno", "bbr"} {
		if err := os.WriteFile("/proc/sys/net/ipv4/tcp_congestion_control", []byte(congestion), 0); err != nil {
			t.Logf("no %s here: %v", congestion, err)
			continue
		}
		for _, queue := range []time.Duration{50 * time.Millisecond, 2 * time.Second} {
			inRouter(func() {
				command(t, "tc qdisc replace dev far0 root tbf rate %.0fbit burst 16kb latency %dms", rate, queue.Milliseconds())
			})
			for _, acks := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/queue %v/acks %v", congestion, queue, acks), func(t *testing.T) {
					var l net.Listener
					inFar(func() {
						var err error
						if l, err = net.Listen("tcp", "10.0.2.2:8002"); err != nil {
							t.Error(err)
						}
					})
					defer l.Close()
					ages := make(chan []time.Duration, 1)
					collect := func(next func() (mjpeg.Frame, error)) error {
						var list []time.Duration
						for {
							f, err := next()
							if err != nil {
								ages <- list
								return err
							}
							list = append(list, time.Since(f.Captured))
						}
					}
					var last mjpeg.Stamp
					stop := start(t, func(ctx context.Context) error {
						if acks {
							return Serve(ctx, l, Limits{}, nil, func(_ context.Context, s *Stream) error {
								return collect(func() (mjpeg.Frame, error) {
									f, err := s.Next()
									if st, ok := s.reader.Stamp(); ok {
										last = st
										f.Captured = st.Time
									}
									return f, err
								})
							})
						}
						conn, err := l.Accept()
						if err != nil {
							return err
						}
						defer conn.Close()
						return collect(mjpeg.NewReader(conn, 0).Next)
					})
					ctx, cancel := context.WithTimeout(context.Background(), 6*time.Second)
					defer cancel()
					s := &Sender{Addr: "10.0.2.2:8002", Camera: "slow"}
					_ = s.Run(ctx, &camera{ctx: context.Background(), picture: jpeg, interval: time.Second / 30, limit: 150})
					list := <-ages
					stop()
					st := s.Stats()
					checkAccount(t, st)
					var text []string
					for _, a := range list {
						text = append(text, fmt.Sprint(a.Milliseconds()))
					}
					t.Logf("ages in ms: %s", strings.Join(text, " "))
					slices.Sort(list)
					t.Logf("%d pictures sent, %d dropped, %d arrived; one takes %v; age median %v, max %v; clock %v, RTT %v", st.Sent, st.Dropped,
						len(list), alone, list[len(list)/2], list[len(list)-1], last.Offset, st.RTT)
				})
			}
		}
	}
}

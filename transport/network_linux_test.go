package transport

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"picam/mjpeg"
	"picam/transport/networktest"
)

// inNetworks runs the test again in a network of its own, and calls f there: with what runs a function in the network
// of a router, and in that of the far end, which is behind it. The far end is 10.0.2.2; its side of the router is far0.
func inNetworks(t *testing.T, f func(inRouter, inFar func(func()))) {
	networktest.Run(t, []string{"ip", "tc"}, func() { throughRouter(t, f) })
}

func throughRouter(t *testing.T, f func(inRouter, inFar func(func()))) {
	router, inRouter, err := networktest.Namespace(t)
	if err != nil {
		t.Fatal(err)
	}
	far, inFar, err := networktest.Namespace(t)
	if err != nil {
		t.Fatal(err)
	}
	networktest.Command(t, `ip link set lo up
		ip link add near0 type veth peer name near1 netns %d
		ip addr add 10.0.1.1/24 dev near0; ip link set near0 up; ip route add default via 10.0.1.2`, router)
	inRouter(func() {
		networktest.Command(t, `ip link add far0 type veth peer name far1 netns %d
			ip addr add 10.0.1.2/24 dev near1; ip link set near1 up
			ip addr add 10.0.2.1/24 dev far0; ip link set far0 up
			echo 1 > /proc/sys/net/ipv4/ip_forward`, far)
	})
	inFar(func() {
		networktest.Command(t, `ip link set lo up; ip addr add 10.0.2.2/24 dev far1; ip link set far1 up; ip route `+
			`add default via 10.0.2.1`)
	})
	f(inRouter, inFar)
}

const farAddr = "10.0.2.2:8002"

func listenFar(t *testing.T, inFar func(func())) (l net.Listener) {
	t.Helper()
	inFar(func() {
		var err error
		if l, err = net.Listen("tcp", farAddr); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { l.Close() })
	return l
}

// TestSlowLink measures how old frames are when they arrive over a link that is too slow for all of them, behind a
// router with a short queue and behind one with an overlong queue. There only acks help.
func TestSlowLink(t *testing.T) {
	inNetworks(t, func(inRouter, inFar func(func())) {
		const rate = 5e6 // bit/s
		jpeg := jpegOf(100e3)
		alone := time.Duration(float64(len(jpeg)) * 8 / rate * float64(time.Second)) // of one frame on the link
		// Any system has reno, and like the common cubic it fills whatever queue there is.
		if err := os.WriteFile("/proc/sys/net/ipv4/tcp_congestion_control", []byte("reno"), 0); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			queue  time.Duration
			acks   bool
			maxAge time.Duration // when the first frames have gone
		}{
			{50 * time.Millisecond, true, 5 * alone / 2},
			{2 * time.Second, true, 5 * alone / 2},
			{50 * time.Millisecond, false, 5 * alone},
		} {
			t.Run(fmt.Sprintf("queue %v, acks %v", c.queue, c.acks), func(t *testing.T) {
				inRouter(func() {
					networktest.Command(t, "tc qdisc replace dev far0 root tbf rate %.0fbit burst 16kb latency %dms",
						rate, c.queue.Milliseconds())
				})
				l := listenFar(t, inFar)
				var ages []time.Duration
				var last mjpeg.Stamp
				done := make(chan struct{})
				stop := start(t, func(ctx context.Context) error {
					defer close(done)
					conn, err := l.Accept()
					if err != nil {
						return err
					}
					defer conn.Close()
					r := mjpeg.NewReader(conn, 0)
					for {
						f, err := r.Next()
						if err != nil {
							return err
						}
						last, _ = r.Stamp()
						ages = append(ages, f.Received.Sub(last.Time))
						if c.acks {
							conn.Write(appendAck(nil, f.Seq, f.Received, time.Now()))
						}
					}
				})
				s := &Sender{Addr: farAddr, Camera: "slow"}
				err := s.Run(context.Background(), &camera{ctx: context.Background(), frame: jpeg,
					interval: time.Second / 30, limit: 60})
				if err != nil {
					t.Error(err)
				}
				<-done
				stop()
				st := s.Stats()
				checkAccount(t, st)
				if len(ages) < 10 {
					t.Fatalf("%d frames arrived", len(ages))
				}
				ages = ages[5:]
				slices.Sort(ages)
				median, most := ages[len(ages)/2], ages[len(ages)-1]
				t.Logf("of %d frames at 30 a second %d were sent; one takes %v; age on arrival: median %v, most %v; "+
					"clocks off by %v; round trip %v",
					st.Captured, st.Sent, alone.Round(time.Millisecond), median.Round(time.Millisecond),
					most.Round(time.Millisecond),
					last.Offset.Round(time.Microsecond), st.RTT.Round(time.Millisecond))
				if most > c.maxAge {
					t.Errorf("a frame was %v old, want at most %v", most, c.maxAge)
				}
				if c.acks && last.Offset.Abs() > 5*time.Millisecond {
					t.Errorf("the clocks, which are one, are said to be %v apart", last.Offset)
				}
				if usable := int64(2 / alone.Seconds()); st.Sent < usable*3/4 {
					t.Errorf("%d frames were sent; the link has room for %d", st.Sent, usable)
				}
			})
		}
	})
}

// TestCablePulled cuts the way to the receiver without a word, and mends it.
func TestCablePulled(t *testing.T) {
	inNetworks(t, func(inRouter, inFar func(func())) {
		for _, keepAll := range []bool{false, true} {
			t.Run(fmt.Sprintf("all kept %v", keepAll), func(t *testing.T) {
				l := listenFar(t, inFar)
				var g gathered
				stop := start(t, func(ctx context.Context) error {
					return Serve(ctx, l, Limits{Idle: time.Second}, nil, g.handle)
				})
				var log journal
				s := &Sender{Addr: farAddr, Camera: "cam", WriteTimeout: 500 * time.Millisecond, KeepAll: keepAll,
					Log: log.log()}
				stopSender := start(t, func(ctx context.Context) error {
					return s.Run(ctx, &camera{ctx: ctx, frame: jpegOf(100e3), interval: 10 * time.Millisecond})
				})
				eventually(t, "frames", func() bool { return g.frames() > 10 })
				inRouter(func() { networktest.Command(t, "ip link set far0 down") })
				eventually(t, "the receiver notices", func() bool { return g.all()[0].ended })
				eventually(t, "the sender notices", func() bool { return s.Stats().Receivers == 0 })
				inRouter(func() { networktest.Command(t, "ip link set far0 up") })
				before, mended := g.frames(), time.Now()
				eventually(t, "frames again", func() bool { return g.frames() > before })
				t.Logf("frames again after %v; the log: %q", time.Since(mended).Round(time.Millisecond), log.with(""))
				if reason := g.all()[0].err; reason.Error() != "no data for 1s" {
					t.Errorf("the receiver says %q", reason)
				}
				stopSender()
				stop()
			})
		}
	})
}

package transport

import (
	"bytes"
	"net"
	"testing"
	"time"
)

func TestParseAck(t *testing.T) {
	for _, c := range []struct {
		line           string
		seq            uint64
		received, sent int64
		ok             bool
	}{
		{"ack 7 1000 2000\n", 7, 1000, 2000, true},
		{"ack 7 1000 2000\r\n", 7, 1000, 2000, true},
		{"ack 18446744073709551615 -1 9223372036854775807", 1<<64 - 1, -1, 1<<63 - 1, true},
		{"ack 7 1000 2000 what a later version adds\n", 7, 1000, 2000, true},
		{"ack 7 1000\n", 0, 0, 0, false},
		{"ack 7 1000 \n", 0, 0, 0, false},
		{"ack -7 1000 2000\n", 0, 0, 0, false},
		{"ack  7 1000 2000\n", 0, 0, 0, false},
		{"ack 7 1000 9223372036854775808\n", 0, 0, 0, false},
		{"nak 7 1000 2000\n", 0, 0, 0, false},
		{"\n", 0, 0, 0, false},
		{"", 0, 0, 0, false},
	} {
		seq, received, sent, ok := parseAck([]byte(c.line))
		if ok != c.ok || ok && (seq != c.seq || received.UnixNano() != c.received || sent.UnixNano() != c.sent) {
			t.Errorf("parseAck(%q) = %d, %d, %d, %v", c.line, seq, received.UnixNano(), sent.UnixNano(), ok)
		}
	}
}

// FuzzParseAck checks that what is read as an ack means the same when it is written again, and that a peer that gets
// any line stays sane.
func FuzzParseAck(f *testing.F) {
	f.Add([]byte("ack 7 1000 2000\n"))
	f.Add([]byte("ack 1 -9223372036854775808 9223372036854775807\n"))
	f.Add([]byte("ack 3 1700000000000000000 1700000000000000001 x"))
	f.Fuzz(func(t *testing.T, line []byte) {
		seq, received, sent, ok := parseAck(line)
		if ok {
			again := appendAck(nil, seq, received, sent)
			seq2, received2, sent2, ok2 := parseAck(again)
			if !ok2 || seq2 != seq || !received2.Equal(received) || !sent2.Equal(sent) {
				t.Errorf("%q written again is %q", line, again)
			}
		}
		p := newPeer(noConn{})
		now := time.Now()
		for i := range uint64(5) {
			p.sending(i, now.Add(time.Duration(i)*time.Millisecond))
		}
		p.ack(line, now.Add(10*time.Millisecond))
		p.hasRoom()
		if p.sent != 5 || p.confirmed < 0 || p.confirmed > 5 || p.rtt < 0 || p.minRTT < 0 || p.window() < 1 {
			t.Errorf("after %q: %d of %d confirmed, rtt %v, least %v, window %d", line, p.confirmed, p.sent, p.rtt,
				p.minRTT, p.window())
		}
	})
}

// noConn is a connection without a socket.
type noConn struct{ net.Conn }

// TestClock lets acks travel through a simulated network between two clocks.
func TestClock(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name      string
		skew      time.Duration
		wayBack   func(i int) time.Duration
		roundTrip time.Duration
		want      time.Duration // largest error
	}{
		{"equal ways", time.Hour, func(int) time.Duration { return 5 * ms }, 10 * ms, 0},
		{"jitter", -42 * time.Second, func(i int) time.Duration { return time.Duration(5+i*7%20) * ms }, 10 * ms, 0},
		{"clock of 1970", -55 * 365 * 24 * time.Hour, func(int) time.Duration { return 5 * ms }, 10 * ms, 0},
		{"shorter way back", time.Minute, func(int) time.Duration { return 2 * ms }, 10 * ms, 3 * ms},
	} {
		t.Run(c.name, func(t *testing.T) {
			var k clock
			if _, ok := k.offset(0); ok {
				t.Error("knows the offset without an ack")
			}
			now := time.Now()
			for i := range 1000 {
				now = now.Add(33 * ms)
				k.add(now.Add(c.skew-c.wayBack(i)), now)
			}
			got, ok := k.offset(c.roundTrip)
			if off := (got - c.skew).Abs(); !ok || off > c.want {
				t.Errorf("offset %v, %v, want %v within %v", got, ok, c.skew, c.want)
			}
		})
	}
	t.Run("a clock that is set", func(t *testing.T) {
		var k clock
		now := time.Now()
		for _, skew := range []time.Duration{0, time.Hour, -time.Hour, 3 * time.Second} {
			for range 10 {
				now = now.Add(33 * ms)
				k.add(now.Add(skew-5*ms), now)
			}
			if got, _ := k.offset(10 * ms); got != skew {
				t.Errorf("set to %v: offset %v", skew, got)
			}
		}
	})
	t.Run("drift", func(t *testing.T) {
		var k clock
		now := time.Now()
		var skew time.Duration
		for range 10000 { // 330 s
			now = now.Add(33 * ms)
			skew -= 33 * time.Microsecond / 10 // 100 ppm slow
			k.add(now.Add(skew-5*ms), now)
		}
		if got, _ := k.offset(10 * ms); (got - skew).Abs() > 3*ms {
			t.Errorf("offset %v, want %v", got, skew)
		}
	})
}

// TestWindow checks how many frames may be on their way over links of several kinds.
func TestWindow(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name                         string
		interval, rtt, least, kernel time.Duration
		want                         int64
	}{
		{"nothing known", 0, 0, 0, 0, 2},
		{"local network, 30 fps", 33 * ms, 3 * ms, 2 * ms, 1 * ms, 2},
		{"slow link, busy", 160 * ms, 165 * ms, 160 * ms, 1 * ms, 1},
		{"slow link, busy, kernel does not tell", 160 * ms, 320 * ms, 160 * ms, 0, 2},
		{"far away, 30 fps", 33 * ms, 105 * ms, 101 * ms, 100 * ms, 5},
		{"far away, busy", 40 * ms, 200 * ms, 140 * ms, 100 * ms, 4},
	} {
		p := newPeer(noConn{})
		p.interval, p.rtt, p.minRTT, p.kernelRTT = c.interval, c.rtt, c.least, c.kernel
		if got := p.window(); got != c.want {
			t.Errorf("%s: window %d, want %d", c.name, got, c.want)
		}
	}
}

// TestPauses checks how long a dialing end waits between tries.
func TestPauses(t *testing.T) {
	r := newDialer("pi:8002", nil, nil)
	var sum time.Duration
	for i := range 100 {
		d := r.pause.NextBackOff()
		if sum += d; d < 50*time.Millisecond || d > 600*time.Millisecond {
			t.Errorf("pause %d is %v", i, d)
		}
	}
	if sum < 20*time.Second {
		t.Errorf("the pauses do not grow: %v for 100", sum)
	}
	r.worked()
	if d := r.pause.NextBackOff(); d > 150*time.Millisecond {
		t.Errorf("after a success the first pause is %v", d)
	}
}

// TestPeerIgnoresNonsense feeds acks that no receiver of these frames sends.
func TestPeerIgnoresNonsense(t *testing.T) {
	p := newPeer(noConn{})
	begun := time.Now()
	for seq := uint64(1); seq <= 200; seq++ {
		p.sending(seq, begun)
	}
	ack := func(seq uint64) []byte { return appendAck(nil, seq, begun, begun) }
	for _, line := range [][]byte{ack(0), ack(201), ack(1 << 63), ack(10), bytes.ToUpper(ack(200)), ack(200)[:5]} {
		p.ack(line, begun.Add(time.Second))
		if p.confirmed != 0 {
			t.Fatalf("%q is taken for an ack", line)
		}
	}
	p.ack(ack(100), begun.Add(time.Second))
	if p.confirmed != 100 {
		t.Errorf("%d confirmed, want 100", p.confirmed)
	}
	p.ack(ack(200), begun.Add(time.Second))
	p.ack(ack(150), begun.Add(time.Minute)) // late, and 200 holds for it too
	if p.confirmed != 200 || p.rtt != time.Second {
		t.Errorf("%d confirmed, rtt %v", p.confirmed, p.rtt)
	}
	if !p.hasRoom() {
		t.Error("no room though all has arrived")
	}
}

package transport

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
)

// place is where the other end is. It moves.
type place struct {
	mu    sync.Mutex
	addrs []string
	err   error
	asked int
}

func (p *place) find(context.Context) ([]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	return p.addrs, p.err
}

func (p *place) move(err error, addrs ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.addrs, p.err = addrs, err
}

// nowhere is an address at which nobody is.
func nowhere(t *testing.T) string {
	l := listen(t)
	l.Close()
	return l.Addr().String()
}

func TestSenderFinds(t *testing.T) {
	t.Parallel()
	p := &place{err: errors.New("nobody is here")}
	var log journal
	s := &Sender{Addr: "auto", Find: p.find, Camera: "cam", Log: log.log()}
	stop := start(t, func(ctx context.Context) error {
		return s.Run(ctx, &camera{ctx: ctx, frame: jpegOf(1e4), interval: 5 * time.Millisecond})
	})
	eventually(t, "it asks again", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.asked > 2
	})
	if told := log.with("auto: nobody is here"); len(told) != 1 {
		t.Errorf("it was told that nobody is there %d times, want once: %q", len(told), told)
	}
	for round := range 2 {
		var g gathered
		l := listen(t)
		end := start(t, func(ctx context.Context) error { return Serve(ctx, l, Limits{}, nil, g.handle) })
		// It has several addresses, and is not at the best one.
		p.move(nil, nowhere(t), l.Addr().String(), nowhere(t))
		eventually(t, "frames", func() bool { return g.frames() > 5 })
		eventually(t, "it says where to", func() bool { return len(log.with("sending to "+l.Addr().String())) == 1 })
		if n := len(g.all()); n != 1 {
			t.Errorf("round %d: %d connections, want 1", round, n)
		}
		end()
	}
	if err := stop(); err != context.Canceled {
		t.Error(err)
	}
	checkAccount(t, s.Stats())
}

// What ends while nobody is found ends in an error, not in waiting for ever.
func TestSenderFindsNobody(t *testing.T) {
	t.Parallel()
	p := &place{err: errors.New("nobody is here")}
	s := &Sender{Addr: "auto", Find: p.find}
	err := s.Run(t.Context(), &clip{frames: [][]byte{jpegOf(1000)}})
	if err == nil || !errors.Is(err, p.err) {
		t.Errorf("got %v, want that the last frame was not sent", err)
	}
}

func TestPullFound(t *testing.T) {
	t.Parallel()
	p := &place{err: errors.New("no camera is here")}
	var log journal
	var g gathered
	start(t, func(ctx context.Context) error {
		return PullFound(ctx, "auto", p.find, false, Limits{}, log.log(), g.handle)
	})
	eventually(t, "it says so", func() bool { return len(log.with("auto: no camera is here")) == 1 })
	for round := range 2 {
		l := listen(t)
		s := &Sender{Listener: l, Camera: "cam"}
		end := start(t, func(ctx context.Context) error {
			return s.Run(ctx, &camera{ctx: ctx, frame: jpegOf(1e4), interval: 5 * time.Millisecond})
		})
		p.move(nil, l.Addr().String())
		eventually(t, "frames", func() bool {
			all := g.all()
			return len(all) == round+1 &&
				len(all[round].frames) > 5
		})
		end()
	}
}

func TestConnectFirst(t *testing.T) {
	t.Parallel()
	l := listen(t)
	there, gone, gone2 := l.Addr().String(), nowhere(t), nowhere(t)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name  string
		ctx   context.Context
		addrs []string
		at    string
		want  string // the error
	}{
		{"one", t.Context(), []string{there}, there, ""},
		{"the best one", t.Context(), []string{there, gone}, there, ""},
		{"the last one", t.Context(), []string{gone, gone2, there}, there, ""},
		{"none of them", t.Context(), []string{gone, gone2}, "", gone + ": connect: connection refused"},
		{"no address", t.Context(), nil, "", "it has no address"},
		{"too late", canceled, []string{there, gone}, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn, at, err := connectFirst(tt.ctx, slices.Clone(tt.addrs))
			if conn != nil {
				conn.Close()
			}
			if at != tt.at || (conn == nil) != (err != nil) || tt.want != "" &&
				(err == nil || err.Error() != tt.want) ||
				tt.at == "" && err == nil {
				t.Errorf("connected to %q, %v; want %q, %s", at, err, tt.at, tt.want)
			}
		})
	}
}

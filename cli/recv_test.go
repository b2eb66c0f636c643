//go:build cgo

package cli

import (
	"image"
	"net/netip"
	"strings"
	"testing"

	"picam/pipeline"
)

func TestDialable(t *testing.T) {
	for _, tt := range []struct{ addrs, want string }{
		{"127.0.0.1 192.168.7.1 ::1 fe80::1 10.0.0.2", "192.168.7.1 10.0.0.2"},
		{"::1 2001:db8::1 127.0.0.1 192.168.7.1", "192.168.7.1 2001:db8::1"},
		{"169.254.3.4 fe80::1", "169.254.3.4"}, // a cable between two computers
		{"127.0.0.1 ::1 fe80::1", "127.0.0.1"},
		{"", "127.0.0.1"},
	} {
		var addrs []netip.Addr
		for a := range strings.FieldsSeq(tt.addrs) {
			addrs = append(addrs, netip.MustParseAddr(a))
		}
		var got []string
		for _, a := range dialable(addrs) {
			got = append(got, a.String())
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("of %s: %v, want %s", tt.addrs, got, tt.want)
		}
	}
	for listen, want := range map[string]string{"192.168.7.1:8002": "192.168.7.1:8002", "[::1]:1": "[::1]:1", "desk:8002": "desk:8002"} {
		if got := oneOf(reachable(listen)); got != want {
			t.Errorf("%s is reached at %s", listen, got)
		}
	}
	for _, listen := range []string{":8002", "[::]:8002", "0.0.0.0:8002"} {
		for _, a := range reachable(listen) {
			if ap, err := netip.ParseAddrPort(a); err != nil || ap.Addr().IsUnspecified() || ap.Port() != 8002 {
				t.Errorf("%s is reached at %s", listen, a)
			}
		}
	}
}

// What check prints of rules is all that they say; a program that is not there is an error.
func TestCheckRules(t *testing.T) {
	path := writeFile(t, "filters.yaml", `filters:
  - faces: {}
    name: f
on:
  - {label: face, stage: f, min_score: 0.5, min_area: 2, for: 2s, cooldown: 1m, run: [sh, -c, "true"], post: "http://host/x"}
  - {snapshot: "out/{time}.jpg", run: [no-such-program, x]}
cameras:
  door:
    on:
      - {clip: door.mjpeg, before: 1s, after: 2s, run: [no-such-program]}
`)
	var b strings.Builder
	err := check(&b, path, image.Point{})
	if err == nil || err.Error() != path+": run: there is no program no-such-program on this computer" {
		t.Errorf("error %v", err)
	}
	for _, want := range []string{
		"  on face found by f, score 0.5 or more, 2 % of the frame or more, for 2s: run sh -c true; post to http://host/x; at most once in 1m0s\n",
		"  on anything: run no-such-program x; snapshot out/{time}.jpg; at most once in 10s\n",
		"  on anything: run no-such-program; clip door.mjpeg, from 1s before to 2s after; at most once in 10s\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("it lacks %q:\n%s", want, &b)
		}
	}
	if missing := missingPrograms(&pipeline.Config{}); missing != nil {
		t.Error(missing)
	}
}

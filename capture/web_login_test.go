package capture

import (
	"bytes"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"picam/capture/capturetest"
	"picam/mjpeg/mjpegtest"
)

// TestWebLogins: user and password are given however a camera asks for them, and a wrong password is told.
func TestWebLogins(t *testing.T) {
	frame := mjpegtest.Frames(1, 64, 48, 80)[0]
	answer := append([]byte("HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n"), frame...)
	for _, tt := range capturetest.Logins() {
		t.Run(tt.Name, func(t *testing.T) {
			t.Parallel()
			addr := tt.Serve(t, answer)
			s := open(t, "http://u:p@"+addr+"/shot?a=b&c", Options{FPS: 100})
			if f, err := s.Next(); err != nil || !bytes.Equal(f.JPEG, frame) {
				t.Fatalf("%d bytes, %v", len(f.JPEG), err)
			}
			if _, err := Open(t.Context(), "http://u:q@"+addr, Options{}); err == nil || !strings.Contains(err.Error(), "does not take this user") {
				t.Errorf("a wrong password: %v", err)
			}
		})
	}
	t.Run("of no kind that is known", func(t *testing.T) {
		l := capturetest.Login{Challenges: []string{"Negotiate", `Digest realm="r", nonce="n", algorithm=SHA-3`}, Answered: "never"}
		_, err := Open(t.Context(), "http://u:p@"+l.Serve(t, nil), Options{})
		if err == nil || !strings.Contains(err.Error(), `wants a kind of login that picam does not know: "Negotiate, Digest realm=`) {
			t.Error(err)
		}
	})
}

// TestCurlLogins: what capturetest says of curl is so.
func TestCurlLogins(t *testing.T) {
	if out, err := exec.Command("curl", "--version").Output(); err != nil || !strings.HasPrefix(string(out), "curl 7.88.") {
		t.Skip("needs curl 7.88")
	}
	for _, tt := range capturetest.Logins() {
		t.Run(tt.Name, func(t *testing.T) {
			t.Parallel()
			addr := tt.Serve(t, []byte("HTTP/1.1 200 OK\r\n\r\nwelcome"))
			out, err := exec.Command("curl", "-s", "--anyauth", "-u", "u:p", "--max-time", "10", "http://"+addr+"/shot?a=b&c").Output()
			if got := string(out) == "welcome"; got != tt.Curl {
				t.Errorf("logs in: %v, %v", got, err)
			}
		})
	}
}

// TestDigestAnswer: the examples of RFC 7616, 3.9.1 and 3.9.2, the latter as its erratum 4897 has it, and of RFC 2617,
// 3.5.
func TestDigestAnswer(t *testing.T) {
	const challenges = `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=%s, ` +
		`nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`
	for _, tt := range []struct{ name, challenge, user, password, uri, cnonce, want string }{
		{"MD5", fmt.Sprintf(challenges, "MD5"), "Mufasa", "Circle of Life", "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
			`Digest username="Mufasa", realm="http-auth@example.org", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", ` +
				`uri="/dir/index.html", algorithm=MD5, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, nc=00000001, ` +
				`opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", response="8ca523f5e9506fed4657c9700eebdbec"`},
		{"SHA-256", fmt.Sprintf(challenges, "SHA-256"), "Mufasa", "Circle of Life", "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
			`response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"`},
		{"SHA-512-256, userhash", `Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", ` +
			`opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true`,
			"J\u00e4s\u00f8n Doe", "Secret, or not?", "/doe.json", "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
			`Digest username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b", realm="api@example.org", ` +
				`nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", uri="/doe.json", algorithm=SHA-512-256, ` +
				`cnonce="NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", qop=auth, nc=00000001, ` +
				`opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", userhash=true, ` +
				`response="3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"`},
		{"RFC 2617", `Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", ` +
			`opaque="5ccc069c403ebaf9f0171e9517f40e41"`, "Mufasa", "Circle Of Life", "/dir/index.html", "0a4f113b",
			`response="6629fae49393a05397450978507c4ef1"`},
		{"a name beyond ASCII", `Digest realm="r", nonce="n", charset=UTF-8`, "J\u00e4s\u00f8n Doe", "p", "/", "c", `username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, realm`},
		{"the same without charset", `Digest realm="r", nonce="n"`, "J\u00e4s\u00f8n", "p", "/", "c", "username=\"J\u00e4s\u00f8n\", realm"},
		{"quotes in the name", `Digest realm="r", nonce="n"`, `a"b\c`, "p", "/", "c", `username="a\"b\\c"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all := parseChallenges([]string{tt.challenge})
			if len(all) != 1 || all[0].strength() == 0 {
				t.Fatalf("%+v", all)
			}
			if got := all[0].answer(tt.user, tt.password, http.MethodGet, tt.uri, tt.cnonce, 1); !strings.Contains(got, tt.want) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestParseChallenges: the grammar of RFC 9110, 11.6.1, and what cameras make of it.
func TestParseChallenges(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", "[]"},
		{",, ,", "[]"},
		{"Basic", "[{basic map[]}]"},
		{"Negotiate abc/+==, Basic", "[{negotiate map[abc/+:=]} {basic map[]}]"},
		{`Basic realm="a", Digest realm="b", nonce=c`, "[{basic map[realm:a]} {digest map[nonce:c realm:b]}]"},
		{`Newauth realm="apps", type=1, title="Login to \"apps\"", Basic realm="simple"`,
			`[{newauth map[realm:apps title:Login to "apps" type:1]} {basic map[realm:simple]}]`},
		{`Digest realm="a, b=\\", nonce="`, `[{digest map[nonce: realm:a, b=\]}]`},
		{`Digest realm="unfinished, nonce=x`, `[{digest map[realm:unfinished, nonce=x]}]`},
		{`Digest realm="a", realm="b"`, `[{digest map[realm:a]}]`},
		{`realm="a", nonce=b`, "[]"},
	} {
		got := fmt.Sprint(parseChallenges([]string{tt.text}))
		if got != tt.want {
			t.Errorf("%s\ngot  %s\nwant %s", tt.text, got, tt.want)
		}
	}
}

// FuzzParseChallenges: whatever stands in front and behind it, a challenge in a header of its own is found, and what is
// answered has no line end in it.
func FuzzParseChallenges(f *testing.F) {
	for _, l := range capturetest.Logins() {
		f.Add(strings.Join(l.Challenges, ", "))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsAny(text, "\r\n") {
			t.Skip()
		}
		all := parseChallenges([]string{text, `Digest realm="the last", nonce=n`})
		last := all[len(all)-1]
		if last.scheme != "digest" || last.parameters["realm"] != "the last" || len(last.parameters) != 2 || last.strength() != 2 {
			t.Fatalf("%+v", all)
		}
		for _, c := range all {
			if c.scheme != "digest" || c.strength() == 0 {
				continue
			}
			answer := c.answer("u", "p", "GET", "/", "c", 1)
			if again := parseChallenges([]string{answer}); strings.ContainsAny(answer, "\r\n") || len(again) != 1 ||
				again[0].parameters["realm"] != c.parameters["realm"] || again[0].parameters["opaque"] != c.parameters["opaque"] {
				t.Fatalf("%q is not answered well by %q", text, answer)
			}
		}
	})
}

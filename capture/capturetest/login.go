package capturetest

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// Login is a way in which a camera asks for user and password.
type Login struct {
	Name       string
	Challenges []string // values of WWW-Authenticate
	Stale      bool     // the first answer's nonce, n1, is too old: the next challenge has n2
	// Answered is what an answer must have in it, a regular expression.
	Answered string
	// Curl: curl 7.88 logs in, with --anyauth.
	Curl bool
}

// Logins lists those that there are, with which picam logs in.
func Logins() []Login {
	one := func(name, challenge, answered string, curl bool) Login {
		return Login{name, []string{challenge}, false, answered, curl}
	}
	const params = `realm="r", nonce="n1", qop="auth"`
	return []Login{
		one("digest", `Digest `+params, `^Digest .*qop=auth`, true),
		one("digest in lower case", `digest `+params, `qop=auth`, true),
		one("digest in upper case, with more spaces", `DIGEST   `+params, `qop=auth`, true),
		one("parameters in other case", `Digest Realm="r", NONCE="n1", Qop="auth", Algorithm="md5"`, `algorithm=md5`, true),
		one("no quotes", `Digest realm=r, nonce=n1, qop=auth, algorithm=MD5`, `qop=auth`, true),
		one("quotes everywhere", `Digest realm="r",nonce="n1",qop="auth",algorithm="MD5",stale="false"`, `algorithm=MD5`, true),
		one("spaces around =", `Digest realm = "r" , nonce= "n1", qop ="auth"`, `qop=auth`, false),
		one("no commas", `Digest realm="r" nonce="n1" qop="auth"`, `qop=auth`, true),
		one("empty elements", `, ,Digest realm="r",, nonce="n1", ,qop="auth",`, `qop=auth`, false),
		one("commas and = in the realm", `Digest realm="a, Basic realm=b", nonce="n1", qop="auth"`, `realm="a, Basic realm=b"`, true),
		one("a space in a bare realm", `Digest realm=my camera, nonce=n1, qop=auth`, `realm="my camera"`, true),
		one("a quote in the realm", `Digest realm="my \"camera\"", nonce="n1", qop="auth"`, `realm="my \\"camera\\""`, true),
		one("no realm in it", `Digest realm="", nonce="n1", qop="auth"`, `realm=""`, true),
		one("as before RFC 2617, without qop", `Digest realm="r", nonce="n1"`, `uri="[^"]*", response=`, true),
		one("an empty qop", `Digest realm="r", nonce="n1", qop=""`, `uri="[^"]*", response=`, true),
		one("a choice of qop", `Digest realm="r", nonce="n1", qop="auth-int, auth"`, `qop=auth,`, true),
		one("a choice of qop without a space", `Digest realm="r", nonce="n1", qop="auth,auth-int"`, `qop=auth,`, true),
		one("qop auth-int alone", `Digest realm="r", nonce="n1", qop="auth-int"`, `qop=auth-int`, true),
		one("opaque", `Digest `+params+`, opaque="a=b, c"`, `opaque="a=b, c"`, true),
		one("an empty opaque", `Digest `+params+`, opaque=""`, `opaque=""`, true),
		one("MD5-sess", `Digest `+params+`, algorithm=MD5-sess`, `algorithm=MD5-sess`, true),
		one("MD5-sess without qop", `Digest realm="r", nonce="n1", algorithm=MD5-sess`, `cnonce="[^"]+"`, false),
		one("SHA-256", `Digest `+params+`, algorithm=SHA-256`, `algorithm=SHA-256`, true),
		one("SHA-256-sess", `Digest `+params+`, algorithm=SHA-256-sess`, `algorithm=SHA-256-sess`, true),
		one("SHA-512-256", `Digest `+params+`, algorithm=SHA-512-256`, `algorithm=SHA-512-256`, false),
		one("userhash", `Digest `+params+`, algorithm=SHA-256, userhash=true, charset=UTF-8`, `username="[0-9a-f]{64}".*userhash=true`, true),
		one("the strongest of several in one", `Basic realm="b", Digest `+params+`, Digest `+params+`, algorithm=SHA-256, Digest `+params+`, algorithm=MD5`,
			`algorithm=SHA-256`, false),
		{"the strongest of several headers", []string{`Basic realm="b"`, `Digest ` + params + `, algorithm=MD5`, `Digest ` + params + `, algorithm=SHA-256`,
			`Digest ` + params + `, algorithm=SHA-3`}, false, `algorithm=SHA-256`, false},
		{"one of nobody's first", []string{`Digest ` + params + `, algorithm=SHA-3`, `Digest ` + params}, false, `qop=auth`, false},
		{"behind others", []string{`Negotiate`, `NTLM TlRMTVNTUAAB==`, `Bearer realm="x", scope="a b"`, `Digest ` + params}, false, `^Digest`, false},
		one("behind others in one", `Negotiate, NTLM TlRMTVNTUAAB==, Digest `+params, `^Digest`, false),
		{"a nonce that is too old", []string{`Digest ` + params}, true, `nonce="n2".* nc=00000001`, true},
		one("basic", `Basic realm="r"`, `^Basic `, true),
		one("basic in lower case, without a realm", `basic`, `^Basic `, true),
		{"basic, and digest of nobody's", []string{`Digest ` + params + `, algorithm=SHA-3`, `Basic realm="r"`}, false, `^Basic `, false},
	}
}

// Serve answers with answer those who log in as the user u with the password p.
func (l Login) Serve(t testing.TB, answer []byte) (addr string) {
	return Handle(t, func(req *http.Request) []byte {
		credentials := req.Header.Get("Authorization")
		nonce := "n1"
		if l.Stale {
			nonce = "n2"
		}
		if regexp.MustCompile(l.Answered).MatchString(credentials) && isRight(credentials, nonce, "u", "p", req) {
			return answer
		}
		head := "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n"
		for _, c := range l.Challenges {
			if l.Stale && credentials != "" {
				c = strings.Replace(c, "n1", "n2", 1) + ", stale=TRUE"
			}
			head += "WWW-Authenticate: " + c + "\r\n"
		}
		return []byte(head + "\r\n")
	})
}

// isRight checks credentials as a server does.
func isRight(credentials, nonce, user, password string, req *http.Request) bool {
	if text, ok := strings.CutPrefix(credentials, "Basic "); ok {
		return text == base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	p := map[string]string{}
	for _, m := range regexp.MustCompile(`([\w*]+)=("(?:[^"\\]|\\.)*"|[^",\s]*)`).FindAllStringSubmatch(credentials, -1) {
		p[m[1]] = m[2]
		if strings.HasPrefix(m[2], `"`) {
			p[m[1]] = regexp.MustCompile(`\\(.)`).ReplaceAllString(m[2][1:len(m[2])-1], "$1")
		}
	}
	var h hash.Hash
	algorithm := strings.ToUpper(p["algorithm"])
	switch strings.TrimSuffix(algorithm, "-SESS") {
	case "", "MD5":
		h = md5.New()
	case "SHA-256":
		h = sha256.New()
	case "SHA-512-256":
		h = sha512.New512_256()
	default:
		return false
	}
	sum := func(text string) string {
		h.Reset()
		fmt.Fprint(h, text)
		return fmt.Sprintf("%x", h.Sum(nil))
	}
	named := p["username"]
	if extended, ok := strings.CutPrefix(p["username*"], "UTF-8''"); ok {
		named, _ = url.PathUnescape(extended)
	}
	if p["userhash"] == "true" && named == sum(user+":"+p["realm"]) {
		named = user
	}
	a1 := sum(user + ":" + p["realm"] + ":" + password)
	if strings.HasSuffix(algorithm, "-SESS") {
		a1 = sum(a1 + ":" + p["nonce"] + ":" + p["cnonce"])
	}
	a2 := req.Method + ":" + p["uri"]
	if p["qop"] == "auth-int" {
		a2 += ":" + sum("")
	}
	middle := p["nonce"]
	if p["qop"] != "" {
		middle += ":" + p["nc"] + ":" + p["cnonce"] + ":" + p["qop"]
	}
	return named == user && p["nonce"] == nonce && p["uri"] == req.RequestURI && p["response"] == sum(a1+":"+middle+":"+sum(a2))
}

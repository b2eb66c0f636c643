package capture

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// webLogin answers a camera's question for user and password as the strongest of its challenges wants: by Digest (RFC
// 7616), else by Basic.
type webLogin struct {
	chosen *challenge // nil: nothing has been asked for
	count  int        // of the answers to it
}

// apply puts what the camera asked for last into a request.
func (l *webLogin) apply(req *http.Request, user *url.Userinfo) {
	password, _ := user.Password()
	switch {
	case l.chosen == nil:
	case l.chosen.scheme == "basic":
		req.SetBasicAuth(user.Username(), password)
	default:
		l.count++
		req.Header.Set("Authorization",
			l.chosen.answer(user.Username(), password, req.Method, req.URL.RequestURI(), rand.Text(), l.count))
	}
}

// challenged takes in what a camera asks for. known: that can be answered. stale: only the answer's nonce was too old.
func (l *webLogin) challenged(h http.Header) (known, stale bool) {
	*l = webLogin{}
	best := 0
	for _, c := range parseChallenges(h.Values("Www-Authenticate")) {
		if s := c.strength(); s > best {
			best = s
			l.chosen = &c
		}
	}
	return l.chosen != nil, l.chosen != nil && strings.EqualFold(l.chosen.parameters["stale"], "true")
}

// challenge is one way to log in that a server offers.
type challenge struct {
	scheme     string            // in lower case
	parameters map[string]string // names in lower case, values without quotes; none of the form token68
}

// parseChallenges reads the values of WWW-Authenticate (RFC 9110, 11.6.1), each of which may have several challenges.
// It takes what cameras write wrong: commas left out, spaces in bare values, a quote that does not end.
func parseChallenges(values []string) []challenge {
	var all []challenge
	for _, text := range values {
		begun := len(all)
		for {
			text = strings.TrimLeft(text, ", \t")
			if text == "" {
				break
			}
			n := strings.IndexAny(text, ", \t=\"")
			if n < 0 {
				n = len(text)
			}
			name, rest := strings.ToLower(text[:n]), strings.TrimLeft(text[n:], " \t")
			value, isParameter := strings.CutPrefix(rest, "=")
			switch {
			case !isParameter && name == "": // a stray quote
				text = text[1:]
			case !isParameter:
				all = append(all, challenge{name, map[string]string{}})
				text = rest
			default:
				value, text = cutValue(strings.TrimLeft(value, " \t"))
				if len(all) == begun {
					continue // it belongs to nothing
				}
				p := all[len(all)-1].parameters
				if _, twice := p[name]; !twice && name != "" {
					p[name] = value
				}
			}
		}
	}
	return all
}

// cutValue cuts a parameter's value off.
func cutValue(text string) (value, rest string) {
	if !strings.HasPrefix(text, `"`) {
		value, rest, _ = strings.Cut(text, ",")
		return strings.TrimSpace(value), rest
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), text[i+1:]
		case c == '\\' && i+1 < len(text):
			i++
			fallthrough
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String(), ""
}

// strength orders challenges. It is 0 for those that cannot be answered.
func (c challenge) strength() int {
	_, algorithm := c.hash()
	switch {
	case c.scheme == "basic":
		return 1
	case c.scheme != "digest" || algorithm == 0:
		return 0
	}
	if _, ok := c.qop(); !ok {
		return 0
	}
	return 1 + algorithm
}

// hash returns the algorithm that a Digest challenge asks for, and its rank; 0 for one that is not known.
func (c challenge) hash() (hash.Hash, int) {
	name, _ := strings.CutSuffix(strings.ToLower(c.parameters["algorithm"]), "-sess")
	switch name {
	case "", "md5":
		return md5.New(), 1
	case "sha-256":
		return sha256.New(), 2
	case "sha-512-256":
		return sha512.New512_256(), 3
	}
	return nil, 0
}

// qop returns the quality of protection that an answer has, "" where the challenge offers none, as before RFC 2617.
func (c challenge) qop() (qop string, ok bool) {
	offered := strings.FieldsFunc(strings.ToLower(c.parameters["qop"]), func(r rune) bool { return r == ',' || r == ' ' })
	switch {
	case len(offered) == 0:
		return "", true
	case slices.Contains(offered, "auth"):
		return "auth", true
	case slices.Contains(offered, "auth-int"):
		return "auth-int", true
	}
	return "", false
}

// answer is the value of Authorization for a request without a body. The challenge must be one of Digest with a
// strength. count is 1 for its first answer.
func (c challenge) answer(user, password, method, uri, cnonce string, count int) string {
	h, _ := c.hash()
	sum := func(parts ...string) string {
		h.Reset()
		h.Write([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(h.Sum(nil))
	}
	realm, nonce, algorithm := c.parameters["realm"], c.parameters["nonce"], c.parameters["algorithm"]
	isSession := strings.HasSuffix(strings.ToLower(algorithm), "-sess")
	secret := sum(user, realm, password)
	if isSession {
		secret = sum(secret, nonce, cnonce)
	}
	request := sum(method, uri)
	qop, _ := c.qop()
	if qop == "auth-int" {
		request = sum(method, uri, sum())
	}
	nc := fmt.Sprintf("%08x", count)
	response := sum(secret, nonce, nc, cnonce, qop, request)
	if qop == "" {
		response = sum(secret, nonce, request)
	}

	name := "username=" + quoted(user)
	hashed := strings.EqualFold(c.parameters["userhash"], "true")
	switch {
	case hashed:
		name = "username=" + quoted(sum(user, realm))
	case strings.EqualFold(c.parameters["charset"], "UTF-8") && strings.ContainsFunc(user, func(r rune) bool { return r > '~' }):
		name = "username*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(user), "+", "%20")
	}
	fields := []string{name, "realm=" + quoted(realm), "nonce=" + quoted(nonce), "uri=" + quoted(uri)}
	add := func(wanted bool, field string) {
		if wanted {
			fields = append(fields, field)
		}
	}
	add(algorithm != "", "algorithm="+algorithm)
	add(qop != "" || isSession, "cnonce="+quoted(cnonce))
	add(qop != "", "qop="+qop)
	add(qop != "", "nc="+nc)
	opaque, isOpaque := c.parameters["opaque"]
	add(isOpaque, "opaque="+quoted(opaque))
	add(hashed, "userhash=true")
	add(true, "response="+quoted(response)) // last, where some servers want it
	return "Digest " + strings.Join(fields, ", ")
}

func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

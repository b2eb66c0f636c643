package pipeline

import (
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"picam/internal/wording"
)

// ruleKeys are the keys of a rule.
func ruleKeys() []string {
	return []string{"stage", "label", "min_score", "min_area", "for", "cooldown", "run", "post", "snapshot", "clip",
		"before", "after"}
}

// rules reads what is to be done when something is found.
func (p *parser) rules(node *yaml.Node, where string) []*Rule {
	if isNull(node) {
		return nil
	}
	if node.Kind != yaml.SequenceNode {
		p.fault(node, "%s: takes a list of rules, such as '- {label: face, snapshot: face.jpg}'; here stands %s",
			where, describe(node))
		return nil
	}
	var rules []*Rule
	for _, item := range node.Content {
		if r := p.rule(resolve(item), where); r != nil {
			rules = append(rules, r)
		}
	}
	return rules
}

func (p *parser) rule(node *yaml.Node, where string) *Rule {
	if node.Kind != yaml.MappingNode {
		p.fault(node, "%s: a rule is such as '{label: face, snapshot: face.jpg}'; here stands %s", where, describe(node))
		return nil
	}
	r := &Rule{Cooldown: DefaultCooldown, Before: DefaultBefore, After: DefaultAfter}
	for key, value := range p.pairs(node, where+".") {
		what := where + "." + key.Value
		switch key.Value {
		case "stage":
			r.Stage = p.text(value, what)
			p.spokenOf = append(p.spokenOf, value)
		case "label":
			r.Label = p.text(value, what)
		case "min_score":
			r.MinScore = p.number(value, what, 0, 1e9)
		case "min_area":
			r.MinArea = p.number(value, what, 0, 100)
		case "for":
			r.For = p.duration(value, what, time.Hour)
		case "cooldown":
			r.Cooldown = p.duration(value, what, 24*time.Hour)
		case "run":
			r.Run = p.command(value, what)
		case "post":
			r.Post = p.text(value, what)
			u, err := url.Parse(r.Post)
			if r.Post != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
				p.fault(value, "%s: %q is no address; write it as http://host/path", what, r.Post)
			}
		case "snapshot":
			r.Snapshot = p.path(value, what, ".jpg", ".jpeg", ".png")
		case "clip":
			r.Clip = p.path(value, what, ".mjpeg")
		case "before":
			r.Before = p.duration(value, what, MaxClip)
		case "after":
			r.After = p.duration(value, what, MaxClip)
		default:
			p.fault(key, "%s: no such key%s; a rule may have %s",
				what, wording.DidYouMean(key.Value, ruleKeys()), strings.Join(ruleKeys(), ", "))
		}
	}
	if r.Run == nil && r.Post == "" && r.Snapshot == "" && r.Clip == "" {
		p.fault(node, "%s: this rule does nothing: it needs run, post, snapshot or clip", where)
	}
	return r
}

// checkRules finds rules that wait for a stage that is in no chain.
func (p *parser) checkRules(c *Config) {
	names := map[string]bool{}
	for _, chain := range append(slices.Collect(maps.Values(c.cameras)), camera{Chain: c.common}) {
		for _, st := range chain.Stages {
			names[st.Name()] = true
		}
	}
	for _, node := range p.spokenOf {
		if !names[node.Value] {
			known := slices.Sorted(maps.Keys(names))
			p.fault(node, "on: no stage is called %q%s; there is %s",
				node.Value, wording.DidYouMean(node.Value, known), strings.Join(known, ", "))
		}
	}
}

// number reads a number from lowest to highest; else it reports a fault and returns lowest.
func (p *parser) number(node *yaml.Node, what string, lowest, highest float64) float64 {
	n := lowest
	if node.Kind != yaml.ScalarNode || node.Tag != "!!int" && node.Tag != "!!float" || node.Decode(&n) != nil {
		p.fault(node, "%s: takes a number; here stands %s", what, describe(node))
		return lowest
	}
	if !(n >= lowest && n <= highest) {
		p.fault(node, "%s: %s is not from %g to %g", what, node.Value, lowest, highest)
		return lowest
	}
	return n
}

// duration reads a time with its unit, up to longest; else it reports a fault and returns 0.
func (p *parser) duration(node *yaml.Node, what string, longest time.Duration) time.Duration {
	d, err := time.ParseDuration(node.Value)
	switch {
	case node.Kind != yaml.ScalarNode || err != nil:
		p.fault(node, "%s: takes a time with its unit, such as 500ms, 2s or 1m; here stands %s", what, describe(node))
		return 0
	case d < 0 || d > longest:
		p.fault(node, "%s: %s is not from 0s to %s", what, node.Value, short(longest))
		return 0
	}
	return d
}

// short writes a time of whole minutes or hours as users do.
func short(d time.Duration) string {
	if d >= time.Hour {
		return fmt.Sprintf("%gh", d.Hours())
	}
	return fmt.Sprintf("%gm", d.Minutes())
}

// command reads a program and its arguments, a list or one word.
func (p *parser) command(node *yaml.Node, what string) []string {
	words := []string{node.Value}
	if node.Kind == yaml.SequenceNode {
		words = nil
		for _, item := range node.Content {
			words = append(words, resolve(item).Value)
			if resolve(item).Kind != yaml.ScalarNode {
				p.fault(item, "%s: takes a program and its arguments, each a text; here stands %s", what, describe(resolve(item)))
			}
		}
	} else if strings.ContainsAny(node.Value, " \t") {
		p.fault(node, "%s: no shell reads this; write each word by itself: [%s]",
			what, strings.Join(strings.Fields(node.Value), ", "))
	}
	if len(words) == 0 || words[0] == "" {
		p.fault(node, "%s: takes a program and its arguments, such as [notify-send, 'a face']; here stands %s",
			what, describe(node))
		return []string{"false"} // the rule does something, for further checks
	}
	return words
}

// path reads the name of a file of one of these kinds.
func (p *parser) path(node *yaml.Node, what string, kinds ...string) string {
	path := p.text(node, what)
	if path != "" && !slices.Contains(kinds, strings.ToLower(filepath.Ext(path))) {
		p.fault(node, "%s: %q does not end in %s", what, path, strings.Join(kinds, " or "))
	}
	return path
}

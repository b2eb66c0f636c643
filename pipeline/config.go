package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"picam/filters"
	"picam/internal/wording"
)

// Config is what a filters.yaml says. It never changes once loaded. The zero Config has no filters.
type Config struct {
	common  Chain
	cameras map[string]camera
	files   []string // that it was read from, the main one first
}

// camera is what a file says of one camera. What it is silent on is as for all cameras.
type camera struct {
	Chain
	hasStages, hasRules bool
}

// Chain returns the chain of the named camera: its own where the file has one, else the common one.
func (c *Config) Chain(name string) Chain {
	own, chain := c.cameras[name], c.common
	if own.hasStages {
		chain.Stages = own.Stages
	}
	if own.hasRules {
		chain.Rules = own.Rules
	}
	return chain
}

// Files lists the files that the Config was read from: the one that was loaded, then those that it uses.
func (c *Config) Files() []string { return slices.Clone(c.files) }

// Cameras lists the cameras that have a chain of their own, in no order.
func (c *Config) Cameras() []string {
	var names []string
	for name := range c.cameras {
		names = append(names, name)
	}
	return names
}

// Faults are all that is wrong with a file, in the order of its lines, and then with those that it uses.
type Faults []Fault

// Fault is one thing that is wrong, and where. Line and Col count from 1; 0 means that the place is not known.
type Fault struct {
	File      string
	Line, Col int
	Text      string
}

func (f Fault) Error() string {
	switch {
	case f.Line == 0:
		return f.File + ": " + f.Text
	case f.Col == 0:
		return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Col, f.Text)
}

func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// LoadConfig reads a filters.yaml and the files that it uses. What is wrong with their content comes as Faults.
func LoadConfig(path string) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("pipeline: filters file: %w", err)
	}
	return ParseConfig(path, text)
}

// ParseConfig is LoadConfig for a text already read; file is its name in Faults, and its folder is where the files are
// that it uses.
func ParseConfig(file string, text []byte) (*Config, error) {
	p := &parser{file: file, shared: &shared{files: []string{file}}}
	c := p.config(text)
	if len(p.faults) > 0 {
		slices.SortStableFunc(p.faults, func(a, b Fault) int {
			return cmp.Or(cmp.Compare(slices.Index(p.files, a.File), slices.Index(p.files, b.File)), cmp.Compare(a.Line, b.Line))
		})
		return nil, p.faults
	}
	c.files = p.files
	return c, nil
}

// parser turns the YAML nodes of a file, which know their lines, into stages and collects what is wrong on the way.
type parser struct {
	file     string
	by       *parser      // of the file that uses this one; nil: none does
	spokenOf []*yaml.Node // stages' names in rules
	*shared
}

// shared is what the parsers of all files of a Config have together.
type shared struct {
	faults Faults
	files  []string
}

func (p *parser) fault(at *yaml.Node, format string, args ...any) {
	p.faults = append(p.faults, Fault{p.file, at.Line, at.Column, fmt.Sprintf(format, args...)})
}

func (p *parser) config(text []byte) *Config {
	var doc yaml.Node
	dec := yaml.NewDecoder(strings.NewReader(string(text)))
	if err := dec.Decode(&doc); err != nil {
		if len(strings.TrimSpace(string(text))) == 0 || err.Error() == "EOF" {
			return &Config{}
		}
		p.faults = append(p.faults, yamlFault(p.file, string(text), err))
		return nil
	}
	c := &Config{cameras: map[string]camera{}}
	root := resolve(doc.Content[0])
	if isNull(root) {
		return c
	}
	if root.Kind != yaml.MappingNode {
		p.fault(root, "the file must begin with a key such as 'filters:'; here stands %s", describe(root))
		return nil
	}
	for key, value := range p.pairs(root, "") {
		switch key.Value {
		case "filters":
			c.common.Stages = p.stages(value, "filters")
		case "on":
			c.common.Rules = p.rules(value, "on")
		case "cameras":
			p.camerasOf(c, value)
		default:
			p.fault(key, "unknown key %q%s; the file may have filters, on and cameras",
				key.Value, wording.DidYouMean(key.Value, []string{"filters", "on", "cameras"}))
		}
	}
	p.checkRules(c)
	return c
}

func (p *parser) camerasOf(c *Config, node *yaml.Node) {
	if isNull(node) {
		return
	}
	if node.Kind != yaml.MappingNode {
		p.fault(node, "cameras: takes the cameras' names with a chain each ('door: {filters: [grayscale]}'); here stands %s", describe(node))
		return
	}
	for name, body := range p.pairs(node, "cameras.") {
		if body.Kind != yaml.MappingNode {
			p.fault(body, "cameras.%s: takes 'filters:' with a chain; here stands %s", name.Value, describe(body))
			continue
		}
		var own camera
		where := "cameras." + name.Value + "."
		for key, value := range p.pairs(body, where) {
			switch key.Value {
			case "filters":
				own.Stages, own.hasStages = p.stages(value, where+"filters"), true
			case "on":
				own.Rules, own.hasRules = p.rules(value, where+"on"), true
			default:
				p.fault(key, "unknown key %q%s; a camera may have filters and on",
					key.Value, wording.DidYouMean(key.Value, []string{"filters", "on"}))
			}
		}
		c.cameras[name.Value] = own
	}
}

func (p *parser) stages(node *yaml.Node, where string) []PlannedStage {
	if isNull(node) {
		return nil
	}
	if node.Kind != yaml.SequenceNode {
		p.fault(node, "%s: takes a list of stages, each on a line with '- ' before it; here stands %s", where, describe(node))
		return nil
	}
	var stages []PlannedStage
	for _, item := range node.Content {
		stages = append(stages, p.item(resolve(item))...)
	}
	return stages
}

// item reads one item of a chain: a filter's name, or its name with parameters, and beside it what the stage is called
// and whether it is on; or the name of a file whose chain comes in here.
func (p *parser) item(node *yaml.Node) []PlannedStage {
	if isNull(node) {
		p.fault(node, "an empty stage: a filter's name is missing after the '-'")
		return nil
	}
	if node.Kind == yaml.ScalarNode {
		return p.planned(p.stage(node, nil), "", true)
	}
	if node.Kind != yaml.MappingNode {
		p.fault(node, "a stage is a filter's name, or 'name: {parameter: value}'; here stands %s", describe(node))
		return nil
	}
	var kind, params *yaml.Node
	name, on := "", true
	for key, value := range p.pairs(node, "") {
		switch {
		case key.Value == "name":
			name = p.text(value, "name")
		case key.Value == "enabled":
			if value.Decode(&on) != nil || value.Tag != "!!bool" {
				p.fault(value, "enabled: %s is not true or false", describe(value))
			}
		case kind == nil:
			kind, params = key, value
		default:
			p.fault(node, "a stage has one filter; here stand %s: indent the parameters under its name, or write '%s: {%s: …}'",
				keysOf(node), kind.Value, key.Value)
			return nil
		}
	}
	switch {
	case kind == nil:
		p.fault(node, "a stage needs a filter; here stands only %s", keysOf(node))
		return nil
	case kind.Value == "use" && len(node.Content) > 2:
		p.fault(node, "use stands alone; give the stages in that file a name or 'enabled: false' there")
		return nil
	case kind.Value == "use":
		return p.use(params)
	}
	return p.planned(p.stage(kind, params), name, on)
}

// planned is a stage as it stands in a chain; none, where there is no stage.
func (p *parser) planned(st *filters.Stage, name string, on bool) []PlannedStage {
	if st == nil {
		return nil
	}
	if name != "" {
		st = st.Named(name)
	}
	return []PlannedStage{{Stage: st, Off: !on, FileOff: !on}}
}

// use reads the chain of another file, whose path is relative to this file's folder.
func (p *parser) use(node *yaml.Node) []PlannedStage {
	path := p.text(node, "use")
	if path == "" {
		return nil
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(p.file), path)
	}
	for q := p; q != nil; q = q.by {
		if filepath.Clean(q.file) == path {
			p.fault(node, "use: %s is in use already: a file cannot use itself", path)
			return nil
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		p.fault(node, "use: %v", err)
		return nil
	}
	if !slices.Contains(p.files, path) {
		p.files = append(p.files, path)
	}
	used := &parser{file: path, by: p, shared: p.shared}
	c := used.config(text)
	if c == nil {
		return nil
	}
	if len(c.cameras) > 0 || len(c.common.Rules) > 0 {
		p.fault(node, "use: %s has more than filters; only these can be used", path)
	}
	return c.common.Stages
}

// text reads a value that is a text and not empty; else it reports a fault and returns "".
func (p *parser) text(node *yaml.Node, what string) string {
	if node.Kind != yaml.ScalarNode || node.Value == "" || isNull(node) {
		p.fault(node, "%s: takes a text; here stands %s", what, describe(node))
		return ""
	}
	return node.Value
}

// stage reads a filter with its parameters; nil: it has none.
func (p *parser) stage(name, params *yaml.Node) *filters.Stage {
	kind, ok := filters.Find(name.Value)
	if !ok {
		hint := ""
		if near := filters.NearestName(name.Value); near != "" {
			hint = fmt.Sprintf(" (did you mean %s?)", near)
		}
		p.fault(name, "unknown filter %q%s; 'picam filters' lists them", name.Value, hint)
		return nil
	}
	values := map[string]any{}
	at := map[string]*yaml.Node{}
	switch {
	case params == nil || isNull(params):
	case params.Kind != yaml.MappingNode:
		p.fault(params, "%s: takes parameters by name (%s); here stands %s", kind.Name, usage(kind), describe(params))
		return nil
	default:
		for key, value := range p.pairs(params, kind.Name+".") {
			if hint := lostInComment(key, value); hint != "" {
				p.fault(value, "%s.%s: %s", kind.Name, key.Value, hint)
				continue
			}
			var v any
			if err := value.Decode(&v); err != nil {
				p.fault(value, "%s.%s: %v", kind.Name, key.Value, err)
				continue
			}
			values[key.Value] = v
			at[key.Value] = value
		}
	}
	st, faults := filters.Configure(kind, values)
	for _, f := range faults {
		place := at[f.Param]
		if place == nil {
			place = name
		}
		p.fault(place, "%s: %s", strings.TrimSuffix(kind.Name+"."+f.Param, "."), f.Text)
	}
	if len(faults) > 0 {
		return nil
	}
	return st
}

// pairs ranges over the keys and values of a mapping and reports keys that stand twice. Merge keys (<<) bring in the
// pairs of the mapping they name, behind the mapping's own.
func (p *parser) pairs(node *yaml.Node, prefix string) func(yield func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		seen := map[string]*yaml.Node{}
		var merged []*yaml.Node
		for i := 0; i+1 < len(node.Content); i += 2 {
			key, value := resolve(node.Content[i]), resolve(node.Content[i+1])
			if key.Tag == "!!merge" {
				merged = append(merged, value)
				continue
			}
			if first, ok := seen[key.Value]; ok {
				p.fault(key, "%s%s stands twice, first in line %d", prefix, key.Value, first.Line)
				continue
			}
			seen[key.Value] = key
			if !yield(key, value) {
				return
			}
		}
		for _, m := range merged {
			for i := 0; m.Kind == yaml.MappingNode && i+1 < len(m.Content); i += 2 {
				key := resolve(m.Content[i])
				if _, ok := seen[key.Value]; ok || key.Tag == "!!merge" {
					continue
				}
				seen[key.Value] = key
				if !yield(key, resolve(m.Content[i+1])) {
					return
				}
			}
		}
	}
}

// resolve follows an alias (*name) to what its anchor (&name) stands on.
func resolve(node *yaml.Node) *yaml.Node {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return node
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.Tag == "!!null" }

func describe(node *yaml.Node) string {
	switch {
	case isNull(node):
		return "nothing"
	case node.Kind == yaml.SequenceNode:
		return "a list"
	case node.Kind == yaml.MappingNode:
		return "a mapping (" + keysOf(node) + ")"
	}
	return strconv.Quote(node.Value)
}

func keysOf(node *yaml.Node) string {
	var keys []string
	for i := 0; i+1 < len(node.Content) && i < 8; i += 2 {
		keys = append(keys, node.Content[i].Value)
	}
	return strings.Join(keys, ", ")
}

// usage names a filter's parameters, as one would type them.
func usage(kind filters.Kind) string {
	params := filters.Declared(kind)
	if len(params) == 0 {
		return "it has none"
	}
	first := params[0]
	return fmt.Sprintf("'%s: {%s: %v}'", kind.Name, first.Name, first.Default)
}

// IsFaults reports whether err is about the content of a file, which its author can put right.
func IsFaults(err error) bool {
	var fs Faults
	return errors.As(err, &fs)
}

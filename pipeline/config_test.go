package pipeline

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"picam/filters"
)

func TestConfigFaults(t *testing.T) {
	tests := []struct {
		name string
		yaml string
		want []string // a fault each, in this order; a prefix is enough
	}{
		{"unknown filter", "filters:\n  - blurr\n", []string{`f.yaml:2:5: unknown filter "blurr" (did you mean blur?)`}},
		{"even kernel", "filters:\n  - blur: {size: 4}\n", []string{"f.yaml:2:18: blur.size: 4 is even"}},
		{"all at once", "filters:\n  - blur:\n      size: 4\n      sigmma: 1\n  - cany\n  - canny: {low: 200, high: 100}\n", []string{
			"f.yaml:3:13: blur.size: 4 is even",
			"f.yaml:4:15: blur.sigmma: ",
			`f.yaml:5:5: unknown filter "cany" (did you mean canny?)`,
			"f.yaml:6:5: canny: ",
		}},
		{"unknown key", "fitlers:\n  - blur\n", []string{`f.yaml:1:1: unknown key "fitlers" (did you mean filters?)`}},
		{"key twice", "filters: [blur]\nfilters: [canny]\n", []string{"f.yaml:2:1: filters stands twice, first in line 1"}},
		{"parameter twice", "filters:\n  - blur: {size: 3, size: 5}\n", []string{"f.yaml:2:21: blur.size stands twice, first in line 2"}},
		{"parameters not indented", "filters:\n  - blur:\n    size: 5\n", []string{"f.yaml:2:5: a stage has one filter; here stand blur, size: indent"}},
		{"no list", "filters: blur\n", []string{"f.yaml:1:10: filters: takes a list of stages"}},
		{"mapping for a list", "filters:\n  blur: {size: 5}\n", []string{"f.yaml:2:3: filters: takes a list of stages"}},
		{"list for a parameter", "filters:\n  - blur: {size: [1, 2]}\n", []string{"f.yaml:2:18: blur.size: "}},
		{"word for parameters", "filters:\n  - blur: 5\n", []string{"f.yaml:2:11: blur: takes parameters by name"}},
		{"empty stage", "filters:\n  - blur\n  -\n", []string{"f.yaml:3:4: an empty stage"}},
		{"nested list", "filters:\n  - [blur]\n", []string{"f.yaml:2:5: a stage is a filter's name"}},
		{"camera without a chain", "cameras:\n  door: grayscale\n", []string{"f.yaml:2:9: cameras.door: takes 'filters:'"}},
		{"unknown camera key", "cameras:\n  door:\n    filter: [blur]\n", []string{`f.yaml:3:5: unknown key "filter" (did you mean filters?)`}},
		{"only a name", "filters:\n  - name: soft\n", []string{"f.yaml:2:5: a stage needs a filter; here stands only name"}},
		{"enabled by a word", "filters:\n  - blur:\n    enabled: off-ish\n", []string{`f.yaml:3:14: enabled: "off-ish" is not true or false`}},
		{"use of nothing", "filters:\n  - use: no-such.yaml\n", []string{"f.yaml:2:10: use: open no-such.yaml: no such file"}},
		{"use of itself", "filters:\n  - use: f.yaml\n", []string{"f.yaml:2:10: use: f.yaml is in use already"}},
		{"use with a name", "filters:\n  - use: g.yaml\n    name: g\n", []string{"f.yaml:2:5: use stands alone"}},
		{"rules in a mapping", "on: {label: face}\n", []string{"f.yaml:1:5: on: takes a list of rules"}},
		{"rule that does nothing", "on:\n  - {label: face}\n", []string{"f.yaml:2:5: on: this rule does nothing"}},
		{"rule with everything wrong", "on:\n  - labl: face\n    min_area: 200\n    for: 2\n    cooldown: 100h\n    run: notify-send hello\n" +
			"    post: example\n    snapshot: out.gif\n    clip: out.avi\n    stage: facez\n    before: soon\n", []string{
			"f.yaml:2:5: on.labl: no such key (did you mean label?)",
			"f.yaml:3:15: on.min_area: 200 is not from 0 to 100",
			`f.yaml:4:10: on.for: takes a time with its unit, such as 500ms, 2s or 1m; here stands "2"`,
			"f.yaml:5:15: on.cooldown: 100h is not from 0s to 24h",
			"f.yaml:6:10: on.run: no shell reads this; write each word by itself: [notify-send, hello]",
			`f.yaml:7:11: on.post: "example" is no address; write it as http://host/path`,
			`f.yaml:8:15: on.snapshot: "out.gif" does not end in .jpg or .jpeg or .png`,
			`f.yaml:9:11: on.clip: "out.avi" does not end in .mjpeg`,
			`f.yaml:10:12: on: no stage is called "facez"`,
			"f.yaml:11:13: on.before: takes a time",
		}},
		{"no mapping", "- blur\n", []string{"f.yaml:1:1: the file must begin with a key"}},
		{"synonym", "filters: [grey]\n", []string{`f.yaml:1:11: unknown filter "grey" (did you mean grayscale?)`}},
		{"open brace", "filters:\n  - blur: {size: 3\n  - canny\n", []string{"f.yaml:2:11: not YAML: the { here is never closed"}},
		{"open bracket", "filters: [blur, canny\n", []string{"f.yaml:1:10: not YAML: the [ here is never closed"}},
		{"wrong bracket", "filters:\n  - blur: {size: 3]\n", []string{"f.yaml:2:19: not YAML: this ] closes nothing: the { of line 2"}},
		{"bracket too many", "filters:\n  - blur: {size: 3}}\n", []string{"f.yaml:2:20: not YAML: this } closes nothing"}},
		{"open quote", "filters:\n  - text: \"hi\n  - blur\n", []string{`f.yaml:2:11: not YAML: the " here has no end`}},
		{"brackets in quotes", "filters:\n  - text: {text: 'a } b # c ]'}\n  - text: {text: it's {fine}}\n  - blur: [\n",
			[]string{"f.yaml:4:11: not YAML: the [ here is never closed"}},
		{"second colon", "filters:\n  - blur: size: 3\n", []string{"f.yaml:2: not YAML: a second colon: what stands behind the first"}},
		{"tab", "filters:\n\t- blur\n", []string{"f.yaml:2:1: not YAML: a tab stands here; YAML is indented by spaces"}},
		{"tab behind spaces", "filters:\n  - text:\n  \t  text: hi\n", []string{"f.yaml:3:3: not YAML: a tab stands here"}},
		{"comment for a colour", "filters:\n  - text:\n      text: hi\n      colour: #ff0000\n  - blur\n",
			[]string{"f.yaml:4:14: text.colour: behind a space, # begins a comment; put it between quotes: '#ff0000'"}},
		{"comment between braces", "filters:\n  - text: {text: hi, colour: #ff0000}\n  - blur\n",
			[]string{"f.yaml:2:30: not YAML: behind a space, # begins a comment; put it between quotes: '#ff0000'"}},
		{"other faults", "filters:\n  - &a *a\n", []string{"f.yaml:1: not YAML: did not find"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseConfig("f.yaml", []byte(tt.yaml))
			if err == nil {
				t.Fatal("no fault")
			}
			if !IsFaults(err) {
				t.Errorf("%v is not Faults", err)
			}
			got := strings.Split(err.Error(), "\n")
			if len(got) != len(tt.want) {
				t.Fatalf("%d faults, want %d:\n%s", len(got), len(tt.want), err)
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(got[i], want) {
					t.Errorf("fault %d:\n got %s\nwant %s…", i, got[i], want)
				}
			}
		})
	}
}

func TestConfigChains(t *testing.T) {
	tests := []struct {
		name, yaml, camera, want string
	}{
		{"empty file", "", "x", ""},
		{"only comments", "# nothing yet\n", "x", ""},
		{"no filters", "filters:\n", "x", ""},
		{"order and repeats", "filters: [blur, grayscale, blur]", "x", "blur size=5 sigma=0, grayscale, blur size=5 sigma=0"},
		{"parameters", "filters:\n- blur: {size: 7}\n", "x", "blur size=7 sigma=0"},
		{"null parameters", "filters:\n- blur:\n", "x", "blur size=5 sigma=0"},
		{"own chain", "filters: [blur]\ncameras: {door: {filters: [grayscale]}}", "door", "grayscale"},
		{"own empty chain", "filters: [blur]\ncameras: {door: {filters: []}}", "door", ""},
		{"another camera", "filters: [blur]\ncameras: {door: {filters: [grayscale]}}", "yard", "blur size=5 sigma=0"},
		{"anchor", "filters: &c [grayscale]\ncameras: {door: {filters: *c}}", "door", "grayscale"},
		{"merged parameters", "filters:\n- blur: &b {size: 7}\n- blur: {<<: *b, sigma: 2}\n", "x", "blur size=7 sigma=0, blur size=7 sigma=2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := ParseConfig("f.yaml", []byte(tt.yaml))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, st := range c.Chain(tt.camera).Stages {
				got = append(got, st.String())
			}
			if s := strings.Join(got, ", "); s != tt.want {
				t.Errorf("got %q, want %q", s, tt.want)
			}
		})
	}
}

// FuzzParseConfig: any text gives a Config or Faults that name the file, and never a panic.
func FuzzParseConfig(f *testing.F) {
	for _, seed := range []string{"filters: [blur]", "filters:\n- blur: {size: 4}", "cameras: {a: {filters: *x}}", "a: &a [*a]", "<<: {filters: [blur]}", "? [a]\n: b"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseConfig("f.yaml", text)
		if (c == nil) == (err == nil) {
			t.Fatalf("config %v, error %v", c, err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "f.yaml") {
			t.Errorf("fault without its place: %v", err)
		}
	})
}

// TestConfigUse: the chain of another file comes in where it is used, with faults of its own.
func TestConfigUse(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	main := write("main.yaml", "filters:\n  - grayscale\n  - use: parts/edges.yaml\n  - invert:\n    name: negative\n    enabled: false\n")
	if err := os.Mkdir(filepath.Join(dir, "parts"), 0o755); err != nil {
		t.Fatal(err)
	}
	edges := write("parts/edges.yaml", "filters:\n  - blur:\n    name: soft\n  - canny: {low: 10}\n")
	c, err := LoadConfig(main)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, st := range c.Chain("door").Stages {
		got = append(got, fmt.Sprint(st.Name(), " ", st.Off))
	}
	if want := "grayscale false, soft false, canny false, negative true"; strings.Join(got, ", ") != want {
		t.Errorf("the chain is %s, not %s", strings.Join(got, ", "), want)
	}
	if want := []string{main, edges}; !slices.Equal(c.Files(), want) {
		t.Errorf("read from %s, not %s", c.Files(), want)
	}

	write("parts/edges.yaml", "filters:\n  - cany\n  - use: ../main.yaml\n")
	_, err = LoadConfig(main)
	for _, want := range []string{edges + `:2:5: unknown filter "cany"`, edges + ":3:10: use: " + main + " is in use already"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestConfigRules: what a rule says, what it has where it says nothing, and whose rules a camera has.
func TestConfigRules(t *testing.T) {
	c, err := ParseConfig("f.yaml", []byte(`
filters: [blur, {canny: {}, name: edges}]
on:
  - {stage: edges, label: face, min_area: 1.5, min_score: 2, for: 500ms, run: [say, hello]}
  - {clip: out.mjpeg, after: 1m}
cameras:
  door: {on: [{post: 'https://example.org/x', cooldown: 0s}]}
  desk: {filters: [grayscale]}
`))
	if err != nil {
		t.Fatal(err)
	}
	common := []*Rule{
		{Stage: "edges", Label: "face", MinArea: 1.5, MinScore: 2, For: 500 * time.Millisecond, Run: []string{"say", "hello"},
			Cooldown: DefaultCooldown, Before: DefaultBefore, After: DefaultAfter},
		{Clip: "out.mjpeg", Cooldown: DefaultCooldown, Before: DefaultBefore, After: time.Minute},
	}
	door := []*Rule{{Post: "https://example.org/x", Before: DefaultBefore, After: DefaultAfter}}
	for camera, want := range map[string][]*Rule{"any": common, "desk": common, "door": door} {
		if got := c.Chain(camera).Rules; !slices.EqualFunc(got, want, (*Rule).equal) {
			t.Errorf("%s has the rules %+v", camera, got)
		}
	}
	if got := len(c.Chain("door").Stages); got != 2 {
		t.Errorf("door has %d stages", got)
	}
}

func TestRuleMatch(t *testing.T) {
	frame := image.Pt(100, 100)
	face := filters.Detection{Stage: "faces", Label: "face", Score: 5, Box: image.Rect(10, 10, 30, 30), Size: frame} // 4 %
	code := filters.Detection{Stage: "qr", Label: "qr", Value: "hello", Size: frame}
	for _, tt := range []struct {
		rule Rule
		want string // the label of what matches; "": nothing
	}{
		{Rule{}, "face"},
		{Rule{Label: "qr"}, "qr"},
		{Rule{Stage: "qr"}, "qr"},
		{Rule{Stage: "qr", Label: "face"}, ""},
		{Rule{MinArea: 4}, "face"},
		{Rule{MinArea: 4.1}, ""},
		{Rule{MinScore: 5}, "face"},
		{Rule{MinScore: 5.1}, ""},
	} {
		if d, ok := tt.rule.Match([]filters.Detection{face, code}); d.Label != tt.want || ok != (tt.want != "") {
			t.Errorf("%+v finds %q", tt.rule, d.Label)
		}
	}
}

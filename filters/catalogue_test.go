package filters_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"picam/filters"
	"picam/pipeline"
)

// TestYAML holds that the example file loads, as it is and with the commented filters taken in, each at its defaults.
func TestYAML(t *testing.T) {
	var text bytes.Buffer
	if err := filters.WriteYAML(&text); err != nil {
		t.Fatal(err)
	}
	config, err := pipeline.ParseConfig("example", text.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if got := chain(config, ""); got != "grayscale, blur size=5 sigma=0, canny low=50 high=150 aperture=3 l2=false" {
		t.Errorf("the chain is %q", got)
	}

	all := regexp.MustCompile(`(?m)^  # ( *[a-z0-9_]+:|- )`).ReplaceAllString(text.String(), "  $1")
	all = regexp.MustCompile(`(?m)^# (( *(door|filters)|cameras|on):| *- )`).ReplaceAllString(all, "$1")
	config, err = pipeline.ParseConfig("example", []byte(all))
	if err != nil {
		t.Fatalf("%v\n%s", err, all)
	}
	stages := chain(config, "")
	for _, k := range filters.All() {
		st := atDefaults(k)
		if !strings.Contains(", "+stages+", ", ", "+st.String()+", ") {
			t.Errorf("%s is not in it with its defaults", st)
		}
	}
	if got := chain(config, "door"); got != "rotate degrees=180" {
		t.Errorf("the camera's chain is %q", got)
	}
}

// TestMarkdown holds that the page has everything and that what its code blocks say loads.
func TestMarkdown(t *testing.T) {
	var page bytes.Buffer
	if err := filters.WriteMarkdown(&page); err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(page.String(), -1)
	for _, b := range blocks {
		if _, err := pipeline.ParseConfig("block", []byte(b[1])); err != nil {
			t.Errorf("%v\n%s", err, b[1])
		}
	}
	if len(blocks) != 1+len(filters.All()) {
		t.Errorf("%d blocks, want one of each filter and a first one", len(blocks))
	}
	for _, k := range filters.All() {
		for _, p := range atDefaults(k).Params() {
			if !strings.Contains(page.String(), "\n| `"+p.Name+"` | ") || !strings.Contains(page.String(), p.Doc) {
				t.Errorf("%s.%s is not in it", k.Name, p.Name)
			}
		}
	}
}

// atDefaults is k with every parameter at its default, or at its example.
func atDefaults(k filters.Kind) *filters.Stage {
	values := map[string]any{}
	for _, p := range filters.Declared(k) {
		values[p.Name] = p.Default
	}
	st, _ := filters.Configure(k, values)
	return st
}

func TestHelpAndList(t *testing.T) {
	var list bytes.Buffer
	if err := filters.WriteList(&list); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(list.String(), "\n"); lines != len(filters.All()) {
		t.Errorf("%d lines for %d filters", lines, len(filters.All()))
	}
	canny, _ := filters.Find("canny")
	var help bytes.Buffer
	if err := filters.WriteHelp(&help, canny); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"canny: Draws edges", "gray frames", "\n  low       0 to 10000     default 50 ",
		"    - canny: {low: 50, high: 150, aperture: 3, l2: false}\n",
	} {
		if !strings.Contains(help.String(), want) {
			t.Errorf("%q is not in\n%s", want, &help)
		}
	}
}

func chain(c *pipeline.Config, camera string) string {
	var names []string
	for _, st := range c.Chain(camera).Stages {
		names = append(names, st.String())
	}
	return strings.Join(names, ", ")
}

package filters_test

import (
	"os"
	"strings"
	"testing"

	"picam/filters"
	"picam/pipeline"
)

// TestExamples: the documentation shows each filter's example below its picture; it is good, and ends with the filter.
func TestExamples(t *testing.T) {
	page, err := os.ReadFile("../docs/filters.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range filters.All() {
		text := "filters:\n  - " + strings.Join(k.Example(), "\n  - ") + "\n"
		_, section, _ := strings.Cut(string(page), "\n## "+k.Name+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		if !strings.Contains(section, "```yaml\n"+text+"```\n") {
			t.Errorf("docs/filters.md shows another chain for %s than\n%s; type: make docs", k.Name, text)
		}
		if !k.Pictured() {
			continue
		}
		config, err := pipeline.ParseConfig(k.Name+".yaml", []byte(text))
		if err != nil {
			t.Error(err)
			continue
		}
		stages := config.Chain("").Stages
		if last := stages[len(stages)-1].Kind().Name; last != k.Name {
			t.Errorf("the example of %s ends with %s", k.Name, last)
		}
	}
}

//go:build cgo

package cli

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"picam/pipeline"
)

// TestStatsAreDocumented: docs/stats.md has the keys that the stats files have, and no others.
func TestStatsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/stats.md")
	if err != nil {
		t.Fatal(err)
	}
	recvPart, sendPart, ok := strings.Cut(string(page), "## picam send")
	if !ok {
		t.Fatal("docs/stats.md has no part for picam send")
	}
	for _, tt := range []struct {
		name string
		v    any
		part string
	}{
		{"recv", pipeline.Stats{Reason: "left out if empty"}, recvPart},
		{"send", sendStats{}, sendPart},
	} {
		text, err := json.Marshal(tt.v)
		if err != nil {
			t.Fatal(err)
		}
		keys := map[string]any{}
		if err := json.Unmarshal(text, &keys); err != nil {
			t.Fatal(err)
		}
		for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*)\\|").FindAllStringSubmatch(tt.part, -1) {
			for _, key := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(row[1], -1) {
				if _, ok := keys[key[1]]; !ok {
					t.Errorf("%s has no key %s", tt.name, key[1])
				}
				delete(keys, key[1])
			}
		}
		for key := range keys {
			t.Errorf("docs/stats.md does not have the key %s of %s", key, tt.name)
		}
	}
}

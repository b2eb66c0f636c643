package pipeline

import (
	"strings"
	"testing"
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
		{"parameters not indented", "filters:\n  - blur:\n    size: 5\n", []string{"f.yaml:2:5: a stage has one name; here stand blur, size: indent"}},
		{"no list", "filters: blur\n", []string{"f.yaml:1:10: filters: takes a list of stages"}},
		{"mapping for a list", "filters:\n  blur: {size: 5}\n", []string{"f.yaml:2:3: filters: takes a list of stages"}},
		{"list for a parameter", "filters:\n  - blur: {size: [1, 2]}\n", []string{"f.yaml:2:18: blur.size: "}},
		{"word for parameters", "filters:\n  - blur: 5\n", []string{"f.yaml:2:11: blur: takes parameters by name"}},
		{"empty stage", "filters:\n  - blur\n  -\n", []string{"f.yaml:3:4: an empty stage"}},
		{"nested list", "filters:\n  - [blur]\n", []string{"f.yaml:2:5: a stage is a filter's name"}},
		{"camera without a chain", "cameras:\n  door: grayscale\n", []string{"f.yaml:2:9: cameras.door: takes 'filters:'"}},
		{"unknown camera key", "cameras:\n  door:\n    filter: [blur]\n", []string{`f.yaml:3:5: unknown key "filter" (did you mean filters?)`}},
		{"no mapping", "- blur\n", []string{"f.yaml:1:1: the file must begin with a key"}},
		{"not YAML", "filters:\n  - blur: {size: 3\n", []string{"f.yaml:"}},
		{"tab", "filters:\n\t- blur\n", []string{"f.yaml:2: not YAML: found character that cannot start any token"}},
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
			for _, st := range c.Stages(tt.camera) {
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

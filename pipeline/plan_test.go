package pipeline

import (
	"image"
	"strings"
	"testing"

	"picam/filters"
)

// stages parses a chain as it stands in a YAML list, such as "grayscale, blur: {size: 3}".
func stages(t testing.TB, chain string) []*filters.Stage {
	t.Helper()
	c, err := ParseConfig("test", []byte("filters: ["+chain+"]"))
	if err != nil {
		t.Fatal(err)
	}
	var stages []*filters.Stage
	for _, st := range c.Chain("").Stages {
		stages = append(stages, st.Stage)
	}
	return stages
}

func controller(t testing.TB, chain string) *Controller {
	t.Helper()
	c, err := NewController(ChainOf(stages(t, chain)...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPlanNegotiatesFormats(t *testing.T) {
	tests := []struct{ chain, want string }{
		{"", "pass on as it is, decode colour where pixels are shown"},
		{"grayscale", "decode gray"},
		{"grayscale, blur, canny", "decode gray > blur size=5 sigma=0 > canny"},
		{"blur, grayscale, canny", "decode colour > blur size=5 sigma=0 > to gray > canny"},
		{"canny", "decode gray > canny"},
		{"flip, grayscale", "decode colour > flip axis=horizontal > to gray"},
		{"grayscale, grayscale", "decode gray"},
	}
	for _, tt := range tests {
		t.Run(tt.chain, func(t *testing.T) {
			if got := controller(t, tt.chain).Plan().String(); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestControllerKeepsEqualStages(t *testing.T) {
	c := controller(t, "grayscale, blur, canny")
	first := c.Plan()
	if first.Version != 1 {
		t.Errorf("first version is %d", first.Version)
	}
	if err := c.Replace(ChainOf(stages(t, "grayscale, blur, canny")...)); err != nil {
		t.Fatal(err)
	}
	if c.Plan() != first {
		t.Error("the same chain made a new plan")
	}
	if err := c.Replace(ChainOf(stages(t, "grayscale, blur: {size: 7}, canny")...)); err != nil {
		t.Fatal(err)
	}
	second := c.Plan()
	if second.Version != 2 {
		t.Errorf("second version is %d", second.Version)
	}
	if second.Stages[0].Stage != first.Stages[0].Stage || second.Stages[2].Stage != first.Stages[2].Stage {
		t.Error("an unchanged stage is another Stage, so its state would be lost")
	}
	if second.Stages[1].Stage == first.Stages[1].Stage {
		t.Error("a changed stage is still the old Stage")
	}
}

func TestControllerToggle(t *testing.T) {
	c := controller(t, "grayscale, blur, canny")
	if err := c.Toggle(1); err != nil {
		t.Fatal(err)
	}
	if got := c.Plan().String(); strings.Contains(got, "blur") || !c.Plan().Stages[1].Off {
		t.Errorf("blur is still on: %s", got)
	}
	// A reload that does not touch the stage leaves it off.
	if err := c.Replace(ChainOf(stages(t, "grayscale, blur, canny: {low: 10}")...)); err != nil {
		t.Fatal(err)
	}
	if !c.Plan().Stages[1].Off {
		t.Error("the reload switched blur on")
	}
	if err := c.Toggle(1); err != nil {
		t.Fatal(err)
	}
	if got := c.Plan().String(); !strings.Contains(got, "blur") {
		t.Errorf("blur is still off: %s", got)
	}
	if err := c.Toggle(3); err == nil || !strings.Contains(err.Error(), "there is no stage 4: the chain has 3") {
		t.Errorf("toggling a stage that is not there: %v", err)
	}
}

func TestLeadingResizeIsLeftToTheDecoder(t *testing.T) {
	tests := []struct {
		chain string
		want  int
	}{
		{"resize: {width: 640}", 2},
		{"resize: {width: 639}", 2},
		{"resize: {width: 641}", 1},
		{"resize: {width: 320}", 4},
		{"resize: {width: 160}", 8},
		{"resize: {width: 16}", 8},
		{"resize: {width: 160, height: 300}", 2},
		{"resize: {scale: 0.5}", 2},
		{"grayscale, resize: {scale: 0.25}", 4},
		{"resize: {scale: 2}", 1},
		{"resize: {width: 320, interpolation: area}", 1}, // the user says how
		{"flip, resize: {width: 320}", 1},
		{"grayscale", 1},
		{"", 1},
	}
	for _, tt := range tests {
		t.Run(tt.chain, func(t *testing.T) {
			if got := controller(t, tt.chain).Plan().scale(image.Pt(1280, 720)); got != tt.want {
				t.Errorf("1/%d, want 1/%d", got, tt.want)
			}
		})
	}
}

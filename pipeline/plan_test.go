package pipeline

import (
	"errors"
	"image"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"picam/filters"
	"picam/mjpeg/mjpegtest"
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

// TestCheckWithoutASize: where the size of the camera's frames is not known, what depends on it is no fault, and what
// does not is one.
func TestCheckWithoutASize(t *testing.T) {
	small, large := savedTemplate(t, 12, 9), savedTemplate(t, 900, 600)
	for _, tt := range []struct {
		chain string
		needs string // the stages that depend on the size
		fault string // "": none
		fits  image.Point
		not   image.Point // 0 × 0: every size fits
	}{
		{chain: "crop: {x: 700, y: 500, width: 300, height: 200}", needs: "crop", fits: image.Pt(1000, 700), not: image.Pt(999, 700)},
		{chain: "crop: {x: 700}", needs: "crop", fits: image.Pt(701, 1), not: image.Pt(700, 720)},
		{chain: "crop: {x: 8000, width: 192}", needs: "crop", fits: image.Pt(8192, 10), not: image.Pt(1280, 720)}, // too large to be tried
		{chain: "rotate: {degrees: 90}, crop: {x: 700, width: 300}", needs: "crop", fits: image.Pt(50, 1000), not: image.Pt(1280, 720)},
		{chain: "resize: {scale: 0.33}, crop: {x: 300, width: 301}", needs: "crop", fits: image.Pt(1920, 1080), not: image.Pt(1280, 720)},
		{chain: "crop: {x: 700, width: 300}, crop: {x: 250, width: 50}", needs: "crop", fits: image.Pt(1000, 1), not: image.Pt(720, 720)},
		{chain: "crop: {x: 700, width: 300}, crop: {x: 250, width: 51}",
			fault: "filters: crop: x=250 y=0 width=51 height=0 does not fit a frame of 300×"},
		{chain: "resize: {width: 320, height: 200}, crop: {x: 700, width: 300}",
			fault: "filters: crop: x=700 y=0 width=300 height=0 does not fit a frame of 320×200: it takes one of at least 1000×1, or x + width up to 320"},
		{chain: "resize: {width: 5000}, resize: {scale: 2}", fault: "filters: resize: scale=2 does not fit a frame of 5000×3750: it takes one of less than 5000×3750, or sides of up to 8192"},
		{chain: "resize: {scale: 8}, resize: {scale: 8}", needs: "resize", fits: image.Pt(64, 64), not: image.Pt(640, 480)},
		{chain: "template: {image: '" + large + "'}", needs: "template", fits: image.Pt(900, 600), not: image.Pt(899, 600)},
		{chain: "template: {image: '" + small + "'}", fits: image.Pt(12, 9), not: image.Pt(11, 9)},
		{chain: "grabcut: {margin: 300}", needs: "grabcut", fits: image.Pt(640, 640), not: image.Pt(640, 480)},
		{chain: "blur, canny", fits: image.Pt(1, 1)},
	} {
		t.Run(tt.chain, func(t *testing.T) {
			chain := ChainOf(stages(t, tt.chain)...)
			p, err := Check(chain, image.Point{})
			if tt.fault != "" {
				if err == nil || !strings.HasPrefix(err.Error(), tt.fault) {
					t.Errorf("%v, not the fault %s", err, tt.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var needs []string
			for _, n := range p.Needs {
				needs = append(needs, n.Stage)
			}
			if got := strings.Join(needs, " "); got != tt.needs {
				t.Errorf("%q depend on the size, not %q", got, tt.needs)
			}
			if _, err := Check(chain, tt.fits); err != nil {
				t.Errorf("on %v: %v", tt.fits, err)
			}
			if tt.not == (image.Point{}) {
				return
			}
			_, err = Check(chain, tt.not)
			if misfit := (&filters.SizeError{}); !errors.As(err, &misfit) || !strings.Contains(err.Error(), "does not fit a frame of") {
				t.Errorf("on %v: %v", tt.not, err)
			}
		})
	}
}

// savedTemplate is a file of a frame of noise.
func savedTemplate(t *testing.T, cols, rows int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "template.jpg")
	if err := os.WriteFile(path, mjpegtest.Frames(1, cols, rows, 90)[0], 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestChainThatDoesNotFitTheCamera: a chain for larger frames than the camera's begins, each frame is dropped and the
// reason told, until the camera or the chain changes. A reload that does not fit the camera is refused.
func TestChainThatDoesNotFitTheCamera(t *testing.T) {
	const fault = "filters: crop: x=100 y=0 width=10 height=0 does not fit a frame of 64×48: it takes one of at least 110×1, or x + width up to 64 and y + height up to 48"
	ctl := controller(t, "crop: {x: 100, width: 10}")
	said := make(chan Silence, 100)
	sink := &signaled{sinkFunc(func(*Frame) error { return nil }), func(why Silence) { said <- why }}
	cam := NewCamera("door", ctl, Outputs{Sinks: []Sink{sink}}, Options{KeepAll: true})
	var done atomic.Bool
	src := &carousel{frames: mjpegtest.Frames(2, 64, 48, 80), end: &done}
	fed := make(chan error)
	go func() { fed <- cam.Feed(t.Context(), src, "", nil) }()
	expect := func(want Silence) {
		t.Helper()
		if got := <-said; got != want {
			t.Errorf("said %q, %v, want %q, %v", got.Reason, got.Kind, want.Reason, want.Kind)
		}
	}
	expect(Silence{})
	expect(Silence{fault, FramesDropped})
	if s := cam.Stats(); s.State != "frames_dropped" || s.Reason != fault || s.FramesOut != 0 {
		t.Errorf("stats say %+v, %d shown", s, s.FramesOut)
	}
	if err := ctl.Replace(ChainOf(stages(t, "crop: {x: 50, width: 15}")...)); err == nil || !strings.Contains(err.Error(), "a frame of 64×48") {
		t.Errorf("a chain that does not fit either is put in force: %v", err)
	}
	if err := ctl.Replace(ChainOf(stages(t, "crop: {x: 50, width: 14}")...)); err != nil {
		t.Error(err)
	}
	expect(Silence{})
	done.Store(true)
	if err := <-fed; err != nil {
		t.Error(err)
	}
	expect(Silence{Reason: "the camera ended its stream"})
	if err := cam.Close(); err != nil {
		t.Error(err)
	}
}

package filters_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"math"
	"path/filepath"
	"runtime"
	"testing"

	"gocv.io/x/gocv"

	"picam/filters"
	"picam/filters/cv"
	"picam/pipeline"
)

// TestRecipes holds that the recipes do what the Python script does with the same frames.
func TestRecipes(t *testing.T) {
	runtime.LockOSThread() // random numbers belong to a thread
	defer runtime.UnlockOSThread()
	mog2, err := cv.NewMOG2(100, 16, false)
	if err != nil {
		t.Fatal(err)
	}
	defer mog2.Close()
	green, zero := color.RGBA{G: 255}, gocv.BorderReflect101
	mats := make([]gocv.Mat, 5)
	for i := range mats {
		mats[i] = gocv.NewMat()
		defer mats[i].Close()
	}
	gray, blurred, edges, found, models := &mats[0], &mats[1], &mats[2], &mats[3], &mats[4]
	script := map[string]func(src gocv.Mat, dst *gocv.Mat) error{
		"b-motion": mog2.Apply,
		"c-corners": func(src gocv.Mat, dst *gocv.Mat) error {
			err := gocv.GoodFeaturesToTrack(*gray, found, 256, 0.01, 10)
			for i := range found.Rows() {
				at := found.GetVecfAt(i, 0)
				err = errors.Join(err, gocv.Circle(dst, image.Pt(int(at[0]), int(at[1])), 1, green, 1))
			}
			return err
		},
		"t-threshold": func(src gocv.Mat, dst *gocv.Mat) error {
			gocv.Threshold(*blurred, dst, 66, 255, gocv.ThresholdBinary)
			return nil
		},
		"s-shapes": func(src gocv.Mat, dst *gocv.Mat) error {
			contours := gocv.FindContours(*edges, gocv.RetrievalTree, gocv.ChainApproxSimple)
			defer contours.Close()
			return gocv.DrawContours(dst, contours, -1, green, 1)
		},
		"g-gray": func(src gocv.Mat, dst *gocv.Mat) error { return gray.CopyTo(dst) },
		"h-blur": func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.GaussianBlur(src, dst, image.Pt(5, 5), 0, 0, zero)
		},
		"l-laplacian": func(src gocv.Mat, dst *gocv.Mat) error {
			return errors.Join(gocv.Laplacian(*gray, found, gocv.MatTypeCV64F, 1, 1, 0, zero),
				gocv.ConvertScaleAbs(*found, dst, 1, 0))
		},
		"j-lines": func(src gocv.Mat, dst *gocv.Mat) error {
			err := gocv.HoughLinesPWithParams(*edges, found, 1, math.Pi/180, 100, 100, 10)
			for i := range found.Rows() {
				l := found.GetVeciAt(i, 0)
				from, to := image.Pt(int(l[0]), int(l[1])), image.Pt(int(l[2]), int(l[3]))
				err = errors.Join(err, gocv.Line(dst, from, to, green, 1))
			}
			return err
		},
		"k-foreground": func(src gocv.Mat, dst *gocv.Mat) error {
			inner := image.Rect(100, 100, src.Cols()-100, src.Rows()-100)
			more := models.Clone()
			defer more.Close()
			gocv.SetRNGSeed(0)
			if err := gocv.GrabCut(src, found, inner, models, &more, 5, gocv.GCInitWithRect); err != nil {
				return err
			}
			for y := range src.Rows() {
				for x := range src.Cols() {
					if found.GetUCharAt(y, x)%2 == 0 { // GC_BGD or GC_PR_BGD
						for c := range 3 {
							dst.SetUCharAt(y, x*3+c, 0)
						}
					}
				}
			}
			return gocv.Rectangle(dst, inner, green, 1)
		},
	}
	files, err := filepath.Glob("../docs/recipes/*.yaml")
	if err != nil || len(files) != len(script) {
		t.Fatalf("%d recipes for %d effects (%v)", len(files), len(script), err)
	}
	for _, file := range files {
		name := filepath.Base(file[:len(file)-len(".yaml")])
		t.Run(name, func(t *testing.T) {
			effect, ok := script[name]
			if !ok {
				t.Fatal("is no effect of the script")
			}
			config, err := pipeline.LoadConfig(file)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := pipeline.NewController(config.Chain("")); err != nil {
				t.Fatal(err)
			}
			apply := opened(t, config.Chain("").Stages)
			want := gocv.NewMat()
			defer want.Close()
			for i := range 3 {
				src := scene(t, i)
				err := errors.Join(gocv.CvtColor(src, gray, gocv.ColorBGRToGray),
					gocv.GaussianBlur(*gray, blurred, image.Pt(5, 5), 0, 0, zero), gocv.Canny(*blurred, edges, 50, 150),
					src.CopyTo(&want), effect(src, &want))
				if err != nil {
					t.Fatal(err)
				}
				got := apply(src)
				if got.Type() != want.Type() || !bytes.Equal(got.ToBytes(), want.ToBytes()) {
					t.Errorf("frame %d is not what the script shows", i)
				}
				if bytes.Equal(got.ToBytes(), src.ToBytes()) {
					t.Errorf("frame %d stays as it is", i)
				}
			}
		})
	}
}

// opened returns a function that puts a colour frame through the stages, with conversions where they are needed.
func opened(t *testing.T, stages []pipeline.PlannedStage) func(gocv.Mat) gocv.Mat {
	results := make([]gocv.Mat, 2*len(stages))
	running := make([]*filters.Running, len(stages))
	for i, st := range stages {
		r, err := st.Open()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(r.Close)
		running[i] = r
	}
	for i := range results {
		results[i] = gocv.NewMat()
		t.Cleanup(func() { results[i].Close() })
	}
	return func(m gocv.Mat) gocv.Mat {
		for i, st := range stages {
			var err error
			switch in := st.Kind().In; {
			case in == filters.Gray && m.Channels() == 3:
				err = gocv.CvtColor(m, &results[2*i], gocv.ColorBGRToGray)
				m = results[2*i]
			case in == filters.BGR && m.Channels() == 1:
				err = gocv.CvtColor(m, &results[2*i], gocv.ColorGrayToBGR)
				m = results[2*i]
			}
			if err := errors.Join(err, running[i].Apply(m, &results[2*i+1], &filters.Meta{})); err != nil {
				t.Fatal(err)
			}
			m = results[2*i+1]
		}
		return m
	}
}

// scene is frame i of a few shapes of which one moves.
func scene(t *testing.T, i int) gocv.Mat {
	m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(90, 60, 30, 0), 240, 320, gocv.MatTypeCV8UC3)
	t.Cleanup(func() { m.Close() })
	if err := errors.Join(
		gocv.Rectangle(&m, image.Rect(20, 20, 200, 90), color.RGBA{200, 180, 40, 0}, -1),
		gocv.Circle(&m, image.Pt(150, 125), 30, color.RGBA{20, 100, 220, 0}, -1),
		gocv.Rectangle(&m, image.Rect(220+10*i, 150, 280+10*i, 200), color.RGBA{250, 250, 250, 0}, -1),
		gocv.Line(&m, image.Pt(0, 239), image.Pt(319, 140), color.RGBA{0, 255, 255, 0}, 3),
	); err != nil {
		t.Fatal(err)
	}
	return m
}

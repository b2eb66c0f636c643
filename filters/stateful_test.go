package filters

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"runtime"
	"testing"

	"gocv.io/x/gocv"

	"picam/filters/cv"
)

// TestSequenceAgainstOpenCV is TestAgainstOpenCV for filters that remember earlier frames.
func TestSequenceAgainstOpenCV(t *testing.T) {
	type values = map[string]any
	tests := []struct {
		kind   Kind
		values values
		direct func(t *testing.T) Filter // makes one for a sequence
	}{
		{difference, nil, func(t *testing.T) Filter { return plainDifference(t, 1) }},
		{difference, values{"learn": 0.5}, func(t *testing.T) Filter { return plainDifference(t, 0.5) }},
		{difference, values{"learn": 0.05}, func(t *testing.T) Filter { return plainDifference(t, 0.05) }},
		{motion, nil, func(t *testing.T) Filter { return plainMOG2(t, 500, 16, false) }},
		{motion, values{"history": 3, "shadows": true}, func(t *testing.T) Filter { return plainMOG2(t, 3, 16, true) }},
		{motion, values{"var_threshold": 100}, func(t *testing.T) Filter { return plainMOG2(t, 500, 100, false) }},
		{motionBoxes, nil, func(t *testing.T) Filter { return plainBoxes(t, 0.5, 5, 500, 16, lime, 2) }},
		{motionBoxes, values{"min_area": 0, "join": 0, "colour": "#010203", "thickness": 1}, func(t *testing.T) Filter {
			return plainBoxes(t, 0, 0, 500, 16, color.RGBA{1, 2, 3, 0}, 1)
		}},
		{motionBoxes, values{"min_area": 5, "join": 3, "history": 4, "var_threshold": 40}, func(t *testing.T) Filter {
			return plainBoxes(t, 5, 2, 4, 40, lime, 2)
		}},
		{opticalFlow, nil, func(t *testing.T) Filter { return plainFlow(t, 16, 1, 1, 3, 15, 3) }},
		{opticalFlow, values{"step": 9, "length": 2.5, "least": 0}, func(t *testing.T) Filter {
			return plainFlow(t, 9, 2.5, 0, 3, 15, 3)
		}},
		{opticalFlow, values{"levels": 1, "window": 30, "iterations": 1}, func(t *testing.T) Filter {
			return plainFlow(t, 16, 1, 1, 1, 30, 1)
		}},
	}
	tested, changed := map[string]int{}, map[string]bool{}
	for _, tt := range tests {
		st := configure(t, tt.kind, tt.values)
		tested[tt.kind.Name]++
		for _, size := range againstSizes {
			for _, typ := range inputs(tt.kind) {
				t.Run(fmt.Sprintf("%s on %d×%d %s", st, size[0], size[1], typ), func(t *testing.T) {
					r, direct, got, want := open(t, st), tt.direct(t), empty(t), empty(t)
					for seed := range uint64(5) {
						src := texture(t, size[0], size[1], typ, seed)
						if err := errors.Join(r.Apply(src, &got, &Meta{}), direct(src, &want)); err != nil {
							t.Fatal(err)
						}
						changed[tt.kind.Name] = changed[tt.kind.Name] || !equal(src, want)
						if !equal(got, want) {
							t.Fatalf("frame %d differs from OpenCV's own", seed)
						}
					}
				})
			}
		}
	}
	for _, k := range All() {
		if k.Stateful && (tested[k.Name] < 3 || !changed[k.Name]) {
			t.Errorf("%s is tested with %d settings, want 3, and some change: %v", k.Name, tested[k.Name],
				changed[k.Name])
		}
	}
}

func plainDifference(t *testing.T, learn float64) Filter {
	average, before := empty(t), empty(t)
	return func(src gocv.Mat, dst *gocv.Mat) error {
		if average.Empty() {
			src.ConvertTo(&average, gocv.MatTypeCV32F)
		}
		return errors.Join(average.ConvertTo(&before, gocv.MatTypeCV8U), gocv.AbsDiff(before, src, dst),
			gocv.AccumulatedWeighted(src, &average, learn))
	}
}

func plainMOG2(t *testing.T, history int, threshold float64, shadows bool) Filter {
	m, err := cv.NewMOG2(history, threshold, shadows)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m.Apply
}

func plainBoxes(t *testing.T, least float64, grow, history int, threshold float64, c color.RGBA, thick int) Filter {
	mog2, mask := plainMOG2(t, history, threshold, false), empty(t)
	begun := false
	return func(src gocv.Mat, dst *gocv.Mat) error {
		if err := errors.Join(mog2(src, &mask), src.CopyTo(dst)); err != nil || !begun {
			begun = true
			return err
		}
		specks := gocv.GetStructuringElement(gocv.MorphRect, image.Pt(3, 3))
		defer specks.Close()
		around := gocv.GetStructuringElement(gocv.MorphRect, image.Pt(2*grow+1, 2*grow+1))
		defer around.Close()
		err := errors.Join(gocv.MorphologyEx(mask, &mask, gocv.MorphOpen, specks),
			gocv.CopyMakeBorder(mask, &mask, grow, grow, grow, grow, gocv.BorderConstant, color.RGBA{}),
			gocv.Dilate(mask, &mask, around))
		outlines := gocv.FindContours(mask, gocv.RetrievalExternal, gocv.ChainApproxSimple)
		defer outlines.Close()
		for i := range outlines.Size() {
			r := gocv.BoundingRect(outlines.At(i))
			w, h := r.Dx()-2*grow, r.Dy()-2*grow
			if float64(100*w*h) >= least*float64(src.Cols()*src.Rows()) {
				r = image.Rect(r.Min.X, r.Min.Y, r.Min.X+w-1, r.Min.Y+h-1)
				err = errors.Join(err, gocv.Rectangle(dst, r, c, thick))
			}
		}
		return err
	}
}

func plainFlow(t *testing.T, step int, length, least float64, levels, window, iterations int) Filter {
	before, now, flow := empty(t), empty(t), empty(t)
	return func(src gocv.Mat, dst *gocv.Mat) error {
		if err := errors.Join(src.CopyTo(dst), gocv.CvtColor(src, &now, gocv.ColorBGRToGray)); err != nil {
			return err
		}
		if !before.Empty() {
			if err := cv.Farneback(before, now, &flow, levels, window, iterations); err != nil {
				return err
			}
			for y := step / 2; y < src.Rows(); y += step {
				for x := step / 2; x < src.Cols(); x += step {
					v := flow.GetVecfAt(y, x)
					dx, dy := float64(v[0]), float64(v[1])
					if math.Hypot(dx, dy) >= least {
						to := image.Pt(x+int(math.Round(dx*length)), y+int(math.Round(dy*length)))
						if err := gocv.ArrowedLine(dst, image.Pt(x, y), to, lime, 1); err != nil {
							return err
						}
					}
				}
			}
		}
		return now.CopyTo(&before)
	}
}

// TestDifference can be followed by hand.
func TestDifference(t *testing.T) {
	for _, tt := range []struct {
		learn     float64
		in, wants []string
	}{
		{1, []string{"\x10\x20", "\x10\x30", "\x11\x00"}, []string{"\x00\x00", "\x00\x10", "\x01\x30"}},
		{0.5, []string{"\x10\x20", "\x10\x40", "\x10\x30"}, []string{"\x00\x00", "\x00\x20", "\x00\x00"}},
		{1, []string{"\x10\x20", "\x10\x30\x40", "\x11\x30\x40"}, []string{"\x00\x00", "\x00\x00\x00", "\x01\x00\x00"}},
	} {
		r, dst := open(t, configure(t, difference, map[string]any{"learn": tt.learn})), empty(t)
		for i, row := range tt.in {
			if err := r.Apply(frame(t, []string{row}, gocv.MatTypeCV8UC1), &dst, &Meta{}); err != nil {
				t.Fatal(err)
			}
			if got := string(pixels(dst)); got != tt.wants[i] {
				t.Errorf("learn %g, frame %d: %q, want %q", tt.learn, i, got, tt.wants[i])
			}
		}
	}
}

// square is a gray frame of 80 × 60 pixels with a bright square of 20 pixels there.
func square(t *testing.T, typ gocv.MatType, at image.Point) gocv.Mat {
	m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(60, 60, 60, 0), 60, 80, typ)
	t.Cleanup(func() { m.Close() })
	r := image.Rectangle{Max: image.Pt(20, 20)}.Add(at)
	if err := gocv.Rectangle(&m, r, color.RGBA{200, 200, 200, 0}, -1); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestMotion holds that what comes new is white, what was there is black, and that another size begins anew.
func TestMotion(t *testing.T) {
	for _, typ := range inputs(motion) {
		r, dst := open(t, configure(t, motion, nil)), empty(t)
		apply := func(src gocv.Mat) {
			t.Helper()
			if err := r.Apply(src, &dst, &Meta{}); err != nil {
				t.Fatal(err)
			}
		}
		for range 30 {
			apply(square(t, typ, image.Pt(0, 0)))
		}
		if n := gocv.CountNonZero(dst); n != 0 {
			t.Errorf("%s: %d pixels move though none does", typ, n)
		}
		apply(square(t, typ, image.Pt(50, 30)))
		if a, b, c := dst.GetUCharAt(10, 10), dst.GetUCharAt(40, 60), dst.GetUCharAt(50, 20); a != 255 ||
			b != 255 || c != 0 {
			t.Errorf("%s: the square left %d and came to %d, want 255; it was never at %d, want 0", typ, a, b, c)
		}
		apply(texture(t, 33, 21, typ, 1))
		if dst.Cols() != 33 || dst.Rows() != 21 {
			t.Errorf("%s: the mask has %d×%d pixels", typ, dst.Cols(), dst.Rows())
		}
	}
}

// TestMotionBoxes holds that boxes are where something moves, as many as are to be told apart, and that the first frame
// of a size is no motion.
func TestMotionBoxes(t *testing.T) {
	still, two := square(t, gocv.MatTypeCV8UC3, image.Pt(0, 0)), square(t, gocv.MatTypeCV8UC3, image.Pt(0, 0))
	for _, r := range []image.Rectangle{image.Rect(50, 30, 60, 40), image.Rect(66, 30, 80, 40)} { // one at the edge
		part := two.Region(r)
		part.SetTo(gocv.NewScalar(255, 255, 255, 0))
		part.Close()
	}
	for _, tt := range []struct {
		values map[string]any
		wants  []Detection
	}{
		{nil, []Detection{{Box: image.Rect(50, 30, 80, 40), Score: 0.8}}},
		{map[string]any{"join": 6}, []Detection{{Box: image.Rect(50, 30, 80, 40), Score: 0.8}}},
		{map[string]any{"join": 4}, []Detection{{Box: image.Rect(66, 30, 80, 40), Score: 1},
			{Box: image.Rect(50, 30, 60, 40), Score: 1}}},
		{map[string]any{"join": 0, "min_area": 2.5}, []Detection{{Box: image.Rect(66, 30, 80, 40), Score: 1}}},
		{map[string]any{"min_area": 10, "thickness": 0}, nil},
		{map[string]any{"thickness": 0}, []Detection{{Box: image.Rect(50, 30, 80, 40), Score: 0.8}}},
	} {
		st := configure(t, motionBoxes, tt.values).Named("yard")
		r, dst := open(t, st), empty(t)
		for i, src := range []gocv.Mat{still, still, still, two, texture(t, 33, 21, gocv.MatTypeCV8UC3, 1)} {
			var meta Meta
			if err := r.Apply(src, &dst, &meta); err != nil {
				t.Fatal(err)
			}
			var wants []Detection
			if i == 3 {
				for _, d := range tt.wants {
					d.Stage, d.Label, d.Size = "yard", "motion", image.Pt(80, 60)
					wants = append(wants, d)
				}
			}
			if fmt.Sprint(meta.Found) != fmt.Sprint(wants) {
				t.Errorf("%s, frame %d: %v, want %v", st, i, meta.Found, wants)
			}
			if drawn := !equal(src, dst); drawn != (len(wants) > 0 && tt.values["thickness"] != 0) {
				t.Errorf("%s, frame %d: drawn: %v", st, i, drawn)
			}
		}
	}
}

// TestOpticalFlow holds that arrows stand where something moves, and that another size begins anew.
func TestOpticalFlow(t *testing.T) {
	r, dst := open(t, configure(t, opticalFlow, map[string]any{"step": 4, "colour": "red"})), empty(t)
	for i, src := range []gocv.Mat{
		square(t, gocv.MatTypeCV8UC3, image.Pt(30, 20)), square(t, gocv.MatTypeCV8UC3, image.Pt(33, 20)),
		square(t, gocv.MatTypeCV8UC3, image.Pt(33, 20)), texture(t, 50, 40, gocv.MatTypeCV8UC3, 1),
	} {
		if err := r.Apply(src, &dst, &Meta{}); err != nil {
			t.Fatal(err)
		}
		if moved := i == 1; equal(src, dst) == moved {
			t.Errorf("frame %d: arrows where nothing moves, or none where something does", i)
		}
	}
}

// TestGrabCut compares with gocv.GrabCut on the thread whose random numbers it begins with.
func TestGrabCut(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := &Params{}
	defer func() { closeAll(s.owned) }()
	foreground := lookup(s, func(label float64) float64 { return math.Mod(label, 2) * 255 }) // GC_FGD is 1, GC_PR_FGD 3
	for _, tt := range []struct {
		values                     map[string]any
		margin, shrink, iterations int
	}{
		{nil, 40, 4, 5},
		{map[string]any{"margin": 10, "shrink": 1}, 10, 1, 5},
		{map[string]any{"iterations": 1, "shrink": 2, "margin": 14}, 14, 2, 1},
	} {
		r, got := open(t, configure(t, grabcut, tt.values)), empty(t)
		for _, size := range [][2]int{{161, 119}, {120, 97}, {97, 120}} {
			src := texture(t, size[0], size[1], gocv.MatTypeCV8UC3, 3)
			if err := r.Apply(src, &got, &Meta{}); err != nil {
				t.Fatal(err)
			}
			want, small, mask, model1, model2 := empty(t), empty(t), empty(t), empty(t), empty(t)
			smallSize := image.Pt(size[0]/tt.shrink, size[1]/tt.shrink)
			gocv.Resize(src, &small, smallSize, 0, 0, gocv.InterpolationArea)
			inner := image.Rectangle{Max: smallSize}.Inset(tt.margin / tt.shrink)
			gocv.SetRNGSeed(0)
			if err := gocv.GrabCut(small, &mask, inner, &model1, &model2, tt.iterations,
				gocv.GCInitWithRect); err != nil {
				t.Fatal(err)
			}
			gocv.LUT(mask, *foreground, &mask)
			gocv.Resize(mask, &mask, image.Pt(size[0], size[1]), 0, 0, gocv.InterpolationLinear)
			gocv.Threshold(mask, &mask, 127, 255, gocv.ThresholdBinary)
			src.CopyToWithMask(&want, mask)
			if !equal(got, want) || equal(got, src) {
				t.Errorf("%v on %d×%d: differs from OpenCV's own, or changes nothing", tt.values, size[0], size[1])
			}
		}
	}
}

// TestGrabCutFlat holds that frames without anything to find are no trouble.
func TestGrabCutFlat(t *testing.T) {
	r, dst := open(t, configure(t, grabcut, map[string]any{"outline": true})), empty(t)
	for _, value := range []float64{0, 255} {
		src := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(value, value, value, 0), 240, 320, gocv.MatTypeCV8UC3)
		defer src.Close()
		if err := r.Apply(src, &dst, &Meta{}); err != nil {
			t.Errorf("all %g: %v", value, err)
		}
	}
	err := r.Apply(texture(t, 80, 200, gocv.MatTypeCV8UC3, 1), &dst, &Meta{})
	const want = "filters: grabcut: margin=40 does not fit a frame of 80×200: it takes one of at least 92×92, or a " +
		"smaller margin"
	var misfit *SizeError
	if err == nil || err.Error() != want || !errors.As(err, &misfit) || misfit.Stage != "grabcut" {
		t.Errorf("%v, want %s", err, want)
	}
	if err := r.Apply(texture(t, misfit.Least.X, misfit.Least.Y, gocv.MatTypeCV8UC3, 1), &dst, &Meta{}); err != nil {
		t.Errorf("what it takes one of at least: %v", err)
	}
}

package filters

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"picam/filters/cv"
	"picam/filters/filterstest"
)

// TestFaces compares with OpenCV's cascade itself and holds that faces are found where they are, and nothing else.
func TestFaces(t *testing.T) {
	file := cascade(t)
	for _, tt := range []struct {
		values     map[string]any
		scale      float64
		neighbours int
		least      float64 // percent
		thickness  int
	}{
		{nil, 1.2, 5, 8, 2},
		{map[string]any{"scale_factor": 1.05, "min_neighbours": 1, "thickness": 0}, 1.05, 1, 8, 0},
		{map[string]any{"min_size": 25, "thickness": 1}, 1.2, 5, 25, 1},
	} {
		for _, size := range againstSizes {
			st := configure(t, faces, tt.values)
			t.Run(fmt.Sprintf("%s on %d×%d", st, size[0], size[1]), func(t *testing.T) {
				src := texture(t, size[0], size[1], gocv.MatTypeCV8UC3, 1)
				got, want, gray, found := empty(t), empty(t), empty(t), empty(t)
				middle := image.Pt(size[0]/3, size[1]/2)
				c := &cv.Cascade{Path: file}
				defer c.Close()
				side := int(math.Round(tt.least / 100 * float64(size[1])))
				if err := errors.Join(filterstest.Face(&src, middle, float64(size[1])/200),
					src.CopyTo(&want), gocv.CvtColor(src, &gray, gocv.ColorBGRToGray),
					c.Detect(gray, &found, tt.scale, tt.neighbours, image.Pt(side, side))); err != nil {
					t.Fatal(err)
				}
				var meta Meta
				if err := open(t, st).Apply(src, &got, &meta); err != nil {
					t.Fatal(err)
				}
				if len(meta.Found) != found.Rows() || size[1] > 100 && found.Rows() != 1 {
					t.Fatalf("found %v, want %d", meta.Found, found.Rows())
				}
				for i, d := range meta.Found {
					x, y := int(found.GetIntAt(i, 0)), int(found.GetIntAt(i, 1))
					w, h := int(found.GetIntAt(i, 2)), int(found.GetIntAt(i, 3))
					if tt.thickness > 0 {
						if err := gocv.Rectangle(&want, image.Rect(x, y, x+w-1, y+h-1), lime,
							tt.thickness); err != nil {
							t.Fatal(err)
						}
					}
					if d.Label != "face" || d.Box != image.Rect(x, y, x+w, y+h) ||
						d.Score != float64(found.GetIntAt(i, 4)) ||
						d.Score < float64(tt.neighbours) || !middle.In(d.Box) || d.Size != image.Pt(size[0], size[1]) {
						t.Errorf("reported is %+v, not the face at %v", d, middle)
					}
				}
				if !equal(got, want) {
					t.Error("it differs from OpenCV's own")
				}
			})
		}
	}
}

// TestFacesFile holds that a wrong file is told of in words, and that one that comes later is taken.
func TestFacesFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cascade.xml")
	r := open(t, configure(t, faces, map[string]any{"cascade": file}))
	apply := func(content string) string {
		t.Helper()
		if content != "" {
			if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		dst := empty(t)
		if err := r.Apply(texture(t, 80, 60, gocv.MatTypeCV8UC3, 1), &dst, &Meta{}); err != nil {
			return err.Error()
		}
		return ""
	}
	good, err := os.ReadFile(cascade(t))
	if err != nil {
		t.Fatal(err)
	}
	missing := "filters: faces: there is no file " + file +
		"; install opencv-data, or set cascade to a file that is there"
	none := "filters: faces: " + file + ": "
	for _, tt := range []struct{ content, want string }{
		{"", missing},
		{"no cascade", none},
		{"<?xml version=\"1.0\"?>\n<opencv_storage><a>1</a></opencv_storage>", none},
		{string(good), ""},
		{"no cascade, but it has been read", ""},
	} {
		if got := apply(tt.content); !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%.20q: %q, want %q", tt.content, got, tt.want)
		}
	}
}

// turned puts m into dst, turned around its middle, which comes to that place.
func turned(t *testing.T, m gocv.Mat, dst *gocv.Mat, at image.Point, degrees float64) {
	t.Helper()
	middle := image.Pt(m.Cols()/2, m.Rows()/2)
	turn := gocv.GetRotationMatrix2D(middle, degrees, 1)
	defer turn.Close()
	turn.SetDoubleAt(0, 2, turn.GetDoubleAt(0, 2)+float64(at.X-middle.X))
	turn.SetDoubleAt(1, 2, turn.GetDoubleAt(1, 2)+float64(at.Y-middle.Y))
	if err := gocv.WarpAffineWithParams(m, dst, turn, image.Pt(dst.Cols(), dst.Rows()), gocv.InterpolationLinear,
		gocv.BorderTransparent, color.RGBA{}); err != nil {
		t.Fatal(err)
	}
}

// TestQR holds that codes are read as they lie, several at once, that their corners are right, and that all else is
// none.
func TestQR(t *testing.T) {
	const long = "a longer text that needs a larger code, with one more mark near its fourth corner: 0123456789"
	type place struct {
		text    string
		at      image.Point
		degrees float64
		side    float64 // of the code in pixels
	}
	for _, tt := range []struct {
		name   string
		places []place
	}{
		{"none", nil},
		{"one", []place{{"https://example.org/picam", image.Pt(120, 120), 0, 125}}},
		{"other letters", []place{{"Tür 7, Καλημέρα", image.Pt(130, 120), 0, 125}}},
		{"turned", []place{{"https://example.org/picam", image.Pt(160, 130), 30, 125}}},
		{"upside down", []place{{"https://example.org/picam", image.Pt(160, 130), 200, 125}}},
		{"large", []place{{long, image.Pt(200, 200), 12, 205}}},
		{"two", []place{{"one", image.Pt(130, 130), 10, 105},
			{"https://example.org/picam", image.Pt(400, 300), -60, 125}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src, dst := texture(t, 560, 420, gocv.MatTypeCV8UC3, 1), empty(t)
			for _, p := range tt.places {
				m, err := filterstest.Code(p.text, 5)
				if err != nil {
					t.Fatal(err)
				}
				defer m.Close()
				turned(t, m, &src, p.at, p.degrees)
			}
			var meta Meta
			if err := open(t, configure(t, qr, nil)).Apply(src, &dst, &meta); err != nil {
				t.Fatal(err)
			}
			if equal(src, dst) != (len(tt.places) == 0) {
				t.Error("nothing is drawn, or something though there is no code")
			}
			if len(meta.Found) != len(tt.places) {
				t.Fatalf("found %+v, want %+v", meta.Found, tt.places)
			}
			for _, p := range tt.places {
				seen := false
				for _, d := range meta.Found {
					seen = seen || d.Value == p.text
					if d.Value == p.text {
						checkCorners(t, d, p.at, p.degrees, p.side)
					}
				}
				if !seen {
					t.Errorf("%q is not among %+v", p.text, meta.Found)
				}
			}
		})
	}
}

func checkCorners(t *testing.T, d Detection, middle image.Point, degrees, side float64) {
	t.Helper()
	if d.Label != "qr" || len(d.Points) != 4 || d.Stage != "qr" || !middle.In(d.Box) {
		t.Fatalf("%+v", d)
	}
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	for i, c := range [][2]float64{{-0.5, -0.5}, {0.5, -0.5}, {0.5, 0.5}, {-0.5, 0.5}} {
		x := float64(middle.X) + side*(c[0]*cos+c[1]*sin)
		y := float64(middle.Y) + side*(c[1]*cos-c[0]*sin)
		if math.Hypot(float64(d.Points[i].X)-x, float64(d.Points[i].Y)-y) > 5 || !d.Points[i].In(d.Box) {
			t.Errorf("corner %d of %q is at %v, want %.0f,%.0f, in %v", i, d.Value, d.Points[i], x, y, d.Box)
		}
	}
}

// TestTemplate finds what was cut out, as often as it is there, and says what is wrong with a file.
func TestTemplate(t *testing.T) {
	face := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(90, 60, 30, 0), 40, 30, gocv.MatTypeCV8UC3)
	defer face.Close()
	src := texture(t, 200, 150, gocv.MatTypeCV8UC3, 1)
	if err := filterstest.Face(&face, image.Pt(15, 20), 0.3); err != nil {
		t.Fatal(err)
	}
	places := []image.Point{{10, 20}, {100, 30}, {160, 105}}
	for _, p := range places {
		part := src.Region(image.Rectangle{Min: p, Max: p.Add(image.Pt(30, 40))})
		if err := face.CopyTo(&part); err != nil {
			t.Fatal(err)
		}
		part.Close()
	}
	file := saveFrame(t, face)
	for _, most := range []int{1, 2, 10} {
		r, dst := open(t, configure(t, template, map[string]any{"image": file, "max": most, "label": "clown"})),
			empty(t)
		var meta Meta
		if err := r.Apply(src, &dst, &meta); err != nil {
			t.Fatal(err)
		}
		if len(meta.Found) != min(most, len(places)) || equal(src, dst) {
			t.Errorf("found are %+v", meta.Found)
		}
		for _, d := range meta.Found {
			at := d.Box.Min
			if d.Label != "clown" || d.Score < 0.999 || d.Score > 1.001 || d.Box.Size() != image.Pt(30, 40) ||
				at != places[0] && at != places[1] && at != places[2] {
				t.Errorf("found is %+v", d)
			}
		}
	}

	text := filepath.Join(t.TempDir(), "text.png")
	if err := os.WriteFile(text, []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	flat := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(90, 60, 30, 0), 5, 5, gocv.MatTypeCV8UC3)
	defer flat.Close()
	white := saveFrame(t, flat)
	for _, tt := range []struct{ file, want string }{
		{"/no/such/file.png", "filters: template: open /no/such/file.png: no such file or directory"},
		{text, "filters: template: " + text + " is neither PNG nor JPEG"},
		{white, "filters: template: " + white +
			" has one colour only, which could be anything; take a part with some detail"},
		{file, "filters: template: " + file +
			" of 30×40 does not fit a frame of 29×60: it takes one of at least 30×40, " +
			"or a file cut out of such a frame"},
	} {
		r, dst := open(t, configure(t, template, map[string]any{"image": tt.file})), empty(t)
		err := r.Apply(texture(t, 29, 60, gocv.MatTypeCV8UC3, 1), &dst, &Meta{})
		if err == nil || err.Error() != tt.want {
			t.Errorf("%v, want %s", err, tt.want)
		}
	}
}

// TestTimestampFormat holds that what cannot be written is found when the file is read.
func TestTimestampFormat(t *testing.T) {
	for format, want := range map[string]string{
		"%H:%M %Q":       "format: %Q is not known; %Y %m %d %H %M %S %L are, and %% for a percent sign",
		"100%":           "format: % is not known; ",
		"{camra} %H":     "format: {camra} is not one of {camera}, {seq}, {fps}",
		"{camera} %H %%": "",
		"{ {seq}":        "",
	} {
		_, faults := Configure(timestamp, map[string]any{"format": format})
		got := ""
		if len(faults) > 0 {
			got = faults[0].Error()
		}
		if !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s: %q, want %q", format, got, want)
		}
	}
}

// TestTimestampZone holds that times are those of the frame, in the zone that is asked for.
func TestTimestampZone(t *testing.T) {
	east := time.FixedZone("", 2*60*60)
	captured := time.Date(2026, 11, 25, 1, 30, 0, 0, east)
	for _, tt := range []struct {
		utc  bool
		meta Meta
		want string
	}{
		{false, Meta{Captured: captured, Received: captured.Add(time.Hour)}, "01:30"},
		{true, Meta{Captured: captured}, "23:30"},
		{false, Meta{Received: captured.Add(time.Hour)}, "02:30"},
	} {
		src, got, want := texture(t, 200, 50, gocv.MatTypeCV8UC3, 1), empty(t), empty(t)
		r := open(t, configure(t, timestamp, map[string]any{"format": "%H:%M", "utc": tt.utc}))
		if err := errors.Join(r.Apply(src, &got, &tt.meta), stamp(src, &want, tt.want)); err != nil {
			t.Fatal(err)
		}
		if !equal(got, want) {
			t.Errorf("%+v does not show %s", tt.meta, tt.want)
		}
	}
}

// TestOtherOriginal holds that an original of another size is made to fit.
func TestOtherOriginal(t *testing.T) {
	original := texture(t, 64, 48, gocv.MatTypeCV8UC3, 1)
	for _, tt := range []struct {
		kind             Kind
		values           map[string]any
		cols, rows       int
		want             image.Point
		original, result image.Rectangle // where they are
	}{
		{sideBySide, nil, 30, 24, image.Pt(62, 24), image.Rect(0, 0, 32, 24), image.Rect(32, 0, 62, 24)},
		{sideBySide, nil, 30, 96, image.Pt(158, 96), image.Rect(0, 0, 128, 96), image.Rect(128, 0, 158, 96)},
		{sideBySide, map[string]any{"original": "above"}, 32, 10, image.Pt(32, 34), image.Rect(0, 0, 32, 24),
			image.Rect(0, 24, 32, 34)},
		{blend, map[string]any{"mode": "mix", "alpha": 0}, 32, 24, image.Pt(32, 24), image.Rect(0, 0, 32, 24),
			image.Rectangle{}},
	} {
		src, dst, scaled := texture(t, tt.cols, tt.rows, gocv.MatTypeCV8UC3, 2), empty(t), empty(t)
		meta := Meta{Original: original}
		if err := open(t, configure(t, tt.kind, tt.values)).Apply(src, &dst, &meta); err != nil {
			t.Fatal(err)
		}
		code := gocv.InterpolationArea
		if tt.original.Dx() > 64 {
			code = gocv.InterpolationLinear
		}
		if err := gocv.Resize(original, &scaled, tt.original.Size(), 0, 0, code); err != nil {
			t.Fatal(err)
		}
		if dst.Cols() != tt.want.X || dst.Rows() != tt.want.Y {
			t.Fatalf("%s of %d×%d gives %d×%d, want %v", tt.kind.Name, tt.cols, tt.rows, dst.Cols(),
				dst.Rows(), tt.want)
		}
		for r, m := range map[image.Rectangle]gocv.Mat{tt.original: scaled, tt.result: src} {
			if r.Empty() {
				continue
			}
			part, copied := dst.Region(r), empty(t)
			if err := part.CopyTo(&copied); err != nil || !equal(copied, m) {
				t.Errorf("%s of %d×%d: at %v is something else (%v)", tt.kind.Name, tt.cols, tt.rows, r, err)
			}
			part.Close()
		}
	}
	src, dst := texture(t, 1, 8000, gocv.MatTypeCV8UC3, 1), empty(t)
	err := open(t, configure(t, sideBySide, nil)).Apply(src, &dst, &Meta{Original: original})
	const want = "filters: side_by_side: the original does not fit a frame of 64×48: it takes one of less than " +
		"64×48, " +
		"or sides of up to 8192 pixels where this makes 10667×8000"
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

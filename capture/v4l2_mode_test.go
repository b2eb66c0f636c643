package capture

import (
	"reflect"
	"strings"
	"testing"
)

// webcam is an ordinary USB camera.
func webcam() []DeviceFormat {
	size := func(w, h int, fps ...float64) DeviceSize { return DeviceSize{Width: w, Height: h, FPS: fps} }
	return []DeviceFormat{
		{Name: "YUYV", Use: "encoded", Sizes: []DeviceSize{
			size(640, 480, 30, 15), size(1280, 720, 10, 5), size(1920, 1080, 5),
		}},
		{Name: "H264", Sizes: []DeviceSize{size(1920, 1080, 60)}},
		{Name: "MJPG", Use: "as it is", Sizes: []DeviceSize{
			size(320, 240, 30), size(640, 480, 60, 30), size(800, 600, 30, 15), size(1280, 720, 30, 15),
			size(1920, 1080, 30, 15),
		}},
	}
}

// only keeps one of a camera's formats.
func only(format string, list []DeviceFormat) []DeviceFormat {
	for _, f := range list {
		if f.Name == format {
			return []DeviceFormat{f}
		}
	}
	return nil
}

func TestChoose(t *testing.T) {
	ranges := []DeviceFormat{{Name: "NV12", Use: "encoded", Sizes: []DeviceSize{{
		Width: 32, Height: 32, MaxWidth: 2592, MaxHeight: 1944, StepWidth: 16, StepHeight: 2, FPS: []float64{90, 1},
		FPSRange: true,
	}}}}
	for _, tt := range []struct {
		name    string
		formats []DeviceFormat
		options Options
		want    string
	}{
		{"nothing asked", webcam(), Options{}, "MJPG 1280×720 at 30 a second"},
		{"what it has", webcam(), Options{Width: 800, Height: 600, FPS: 15}, "MJPG 800×600 at 15 a second"},
		{"a size between", webcam(), Options{Width: 700, Height: 500}, "MJPG 640×480 at 30 a second"},
		{"too large", webcam(), Options{Width: 4000, Height: 3000}, "MJPG 1920×1080 at 30 a second"},
		{"too small", webcam(), Options{Width: 1, Height: 1}, "MJPG 320×240 at 30 a second"},
		{"width alone", webcam(), Options{Width: 1920}, "MJPG 1920×1080 at 30 a second"},
		{"height alone", webcam(), Options{Height: 480}, "MJPG 640×480 at 30 a second"},
		{"rate alone", webcam(), Options{FPS: 60}, "MJPG 640×480 at 60 a second"},
		{"a usual rate alone", webcam(), Options{FPS: 15}, "MJPG 1280×720 at 15 a second"},
		{"a rate between", webcam(), Options{FPS: 20}, "MJPG 1280×720 at 15 a second"},
		{"size before rate", webcam(), Options{Width: 1280, Height: 720, FPS: 60}, "MJPG 1280×720 at 30 a second"},
		{"a rate for no size", webcam(), Options{FPS: -1}, "MJPG 1280×720 at 30 a second"},
		{"JPEG before the right size", webcam()[:3], Options{Width: 1920, Height: 1080},
			"MJPG 1920×1080 at 30 a second"},
		{"raw", only("YUYV", webcam()), Options{}, "YUYV 640×480 at 30 a second"},
		{"raw size", only("YUYV", webcam()), Options{Width: 1280, Height: 720}, "YUYV 1280×720 at 10 a second"},
		{"nothing that can be used", only("H264", webcam()), Options{}, ""},
		{"nothing", nil, Options{}, ""},
		{"a range", ranges, Options{}, "NV12 640×480 at 30 a second"},
		{"a step of a range", ranges, Options{Width: 1000, Height: 701, FPS: 12.5}, "NV12 1008×702 at 12.5 a second"},
		{"the end of a range", ranges, Options{Width: 9999, Height: 9999, FPS: 1000}, "NV12 2592×1944 at 90 a second"},
		{"the beginning of a range", ranges, Options{Width: 1, Height: 1, FPS: 0.1}, "NV12 32×32 at 1 a second"},
		{"a rate that is not told", []DeviceFormat{{Name: "MJPG", Use: "as it is",
			Sizes: []DeviceSize{{Width: 640, Height: 480}}}},
			Options{FPS: 15}, "MJPG 640×480"},
		{"a size that is not told", []DeviceFormat{{Name: "YUYV", Use: "encoded"}}, Options{}, "YUYV 640×480"},
		{"a size that is asked for, and not told", []DeviceFormat{{Name: "YUYV", Use: "encoded"}},
			Options{Width: 720, Height: 576, FPS: 25},
			"YUYV 720×576"},
		{"a height that is asked for, and not told", []DeviceFormat{{Name: "MJPG", Use: "as it is"}},
			Options{Height: 720}, "MJPG 960×720"},
		{"less to read", []DeviceFormat{
			{Name: "GREY", Use: "encoded", Sizes: []DeviceSize{{Width: 640, Height: 480}}},
			{Name: "YUYV", Use: "encoded", Sizes: []DeviceSize{{Width: 640, Height: 480}}},
			{Name: "NV12", Use: "encoded", Sizes: []DeviceSize{{Width: 640, Height: 480}}},
		}, Options{}, "NV12 640×480"},
		{"television", []DeviceFormat{{Name: "MJPG", Use: "as it is", Sizes: []DeviceSize{
			{Width: 1280, Height: 720, FPS: []float64{29.97}}, {Width: 320, Height: 240, FPS: []float64{30}},
		}}}, Options{FPS: 30}, "MJPG 1280×720 at 29.97 a second"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, ok := choose(tt.formats, tt.options)
			if ok != (tt.want != "") || ok && m.String() != tt.want {
				t.Errorf("got %v, %v; want %s", m, ok, tt.want)
			}
		})
	}
}

func TestControlName(t *testing.T) {
	for name, want := range map[string]string{
		"Brightness": "brightness", "Exposure, Auto": "exposure_auto",
		"White Balance Temperature, Auto": "white_balance_temperature_auto",
		"Exposure Time, Absolute":         "exposure_time_absolute", " (Odd)  Name! ": "odd_name",
		"H264 I-Frame Period": "h264_i_frame_period",
	} {
		if got := controlName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestControls(t *testing.T) {
	has := []DeviceControl{
		{Name: "brightness", Min: -64, Max: 64, Step: 1},
		{Name: "gain", Min: 0, Max: 100, Step: 10},
		{Name: "auto_exposure", Min: 0, Max: 3, Step: 1,
			Menu: []MenuItem{{1, "Manual Mode"}, {3, "Aperture Priority Mode"}}},
		{Name: "temperature", Min: 0, Max: 100, Step: 1, Locked: true},
	}
	const all = "it has brightness -64 to 64; gain 0 to 100 by 10; auto_exposure 1 (Manual Mode), 3 (Aperture " +
		"Priority Mode)"
	for _, tt := range []struct {
		text string
		want []setting
		err  string
	}{
		{"", nil, ""},
		{"brightness=-64", []setting{{"brightness", -64}}, ""},
		{"auto_exposure=1, gain=30", []setting{{"auto_exposure", 1}, {"gain", 30}}, ""},
		{"Auto Exposure=3", []setting{{"auto_exposure", 3}}, ""},
		{"exposure_auto=1", []setting{{"exposure_auto", 1}}, ""}, // its name in older kernels
		{"brightnes=1", nil, "control brightnes: this camera has none of that name; " + all},
		{"temperature=1", nil, all},
		{"brightness=65", nil, "control brightness=65: it takes -64 to 64"},
		{"gain=35", nil, "control gain=35: it takes 0 to 100 by 10"},
		{"auto_exposure=2", nil, "control auto_exposure=2: it takes 1 (Manual Mode), 3 (Aperture Priority Mode)"},
	} {
		t.Run(tt.text, func(t *testing.T) {
			settings, err := parseControls(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			found, err := findControls(settings, has)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(settings, tt.want) || len(found) != len(settings) {
				t.Fatalf("got %v, %v, %v", settings, found, err)
			}
			for i := range found {
				if !sameControl(found[i].Name, settings[i].name) {
					t.Errorf("%s for %s", found[i].Name, settings[i].name)
				}
			}
		})
	}
	if _, err := findControls([]setting{{"a", 1}}, nil); err == nil ||
		!strings.Contains(err.Error(), "has no controls") {
		t.Errorf("got %v", err)
	}
}

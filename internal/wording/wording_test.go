package wording

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"blur", "canny", "flip", "grayscale", "resize", "rotate", "filters", "size", "sigma"}
	for name, want := range map[string]string{
		"blurr": "blur", "Blur": "blur", "bulr": "blur", "cany": "canny", "fitlers": "filters", "filter": "filters",
		"gray": "grayscale", "GRAY": "grayscale", "grayscael": "grayscale", "sigmma": "sigma", "rotation": "rotate",
		"": "", "xyzzy": "", "motion": "", "x": "",
	} {
		if got := Nearest(name, known); got != want {
			t.Errorf("%q is near %q, want %q", name, got, want)
		}
	}
	if got := Nearest("blur", nil); got != "" {
		t.Errorf("among none: %q", got)
	}
	if got := Nearest("blur", []string{"a", "bl", ""}); got != "" {
		t.Errorf("among others: %q", got)
	}
}

func TestDidYouMean(t *testing.T) {
	for name, want := range map[string]string{"blurr": " (did you mean blur?)", "xyzzy": "", "": ""} {
		if got := DidYouMean(name, []string{"canny", "blur"}); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestPlural(t *testing.T) {
	for n, want := range map[int]string{0: "0 frames", 1: "1 frame", 2: "2 frames", -1: "-1 frames"} {
		if got := Plural(n, "frame"); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	if got := Plural(int64(1)<<40, "byte"); got != "1099511627776 bytes" {
		t.Error(got)
	}
}

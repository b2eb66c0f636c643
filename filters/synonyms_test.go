package filters

import "testing"

// A synonym leads to a filter, and is none itself.
func TestSynonyms(t *testing.T) {
	for word, filter := range synonyms() {
		if _, ok := Find(filter); !ok {
			t.Errorf("%s leads to %s, which is no filter", word, filter)
		}
		if _, ok := Find(word); ok {
			t.Errorf("%s is a filter", word)
		}
	}
	for name, want := range map[string]string{
		"grey": "grayscale", "Gray": "grayscale", "greyscale": "grayscale", "gaussian": "blur", "edges": "canny", "side-by-side": "side_by_side",
		"blurr": "blur", "face-detection": "faces", "colourmap": "colormap", "xyzzy": "",
	} {
		if got := NearestName(name); got != want {
			t.Errorf("%s: did you mean %q? Want %q", name, got, want)
		}
	}
}

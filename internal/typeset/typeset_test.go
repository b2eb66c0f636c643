package typeset

import (
	"image"
	"image/color"
	"slices"
	"strings"
	"testing"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/shaping"
)

const cols, rows = 640, 80

var ink = color.RGBA{R: 255, G: 200, B: 100, A: 255}

// written is a gray frame with a text on it, and the box of the pixels that have changed.
func written(t *testing.T, s Style, text string, at image.Point) (bgr []byte, box image.Rectangle) {
	t.Helper()
	bgr = slices.Repeat([]byte{90}, cols*rows*3)
	NewWriter(s).Write(bgr, cols, text, at, ink)
	for i, v := range bgr {
		if v != 90 {
			p := image.Pt(i/3%cols, i/3/cols)
			box = box.Union(image.Rectangle{p, p.Add(image.Pt(1, 1))})
		}
	}
	return bgr, box
}

// TestMetrics holds what is known of the font of the program: the height of capitals, their strokes, and the width.
func TestMetrics(t *testing.T) {
	for _, height := range []float64{8, 22, 44} {
		w := NewWriter(Style{Height: height})
		bgr, box := written(t, Style{Height: height}, "H", image.Pt(20, 60))
		if got := float64(box.Dy()); got < height-1 || got > height+1.5 || box.Max.Y < 60 || box.Max.Y > 61 {
			t.Errorf("%v pixels high: H is in %v", height, box)
		}
		dark := 0.0 // of a row through the left stroke, in whole pixels
		for x := 20; x < 20+box.Dx()/2; x++ {
			dark += float64(int(bgr[3*((60-int(height/4))*cols+x)+2])-90) / (255 - 90)
		}
		if want := stroke * height / capHeight; dark < want-0.3 || dark > want+0.3 {
			t.Errorf("%v pixels high: a stroke of %.1f pixels, want %.1f", height, dark, want)
		}
		if got := w.Width("HHHH"); got < 4*box.Dx() || got > 6*box.Dx() {
			t.Errorf("%v pixels high: four are %d wide, one %d", height, got, box.Dx())
		}
	}
	if NewWriter(Style{Height: 22}).Width("") != 0 {
		t.Error("nothing has a width")
	}
}

// TestStyles: an outline is black and reaches one pixel further, a thickness makes strokes so thick.
func TestStyles(t *testing.T) {
	at := image.Pt(20, 60)
	plain, box := written(t, Style{Height: 22}, "picam", at)
	outlined, around := written(t, Style{Height: 22, Outline: true}, "picam", at)
	if !box.Inset(-1).In(around.Inset(-1)) || around.Dx() < box.Dx()+1 || around.Dx() > box.Dx()+4 {
		t.Errorf("outline in %v around letters in %v", around, box)
	}
	if slices.Min(plain) < 90 || slices.Min(outlined) > 10 {
		t.Errorf("darkest %d without an outline, %d with one", slices.Min(plain), slices.Min(outlined))
	}
	_, thin := written(t, Style{Height: 22, Thickness: 1}, "picam", at)
	_, thick := written(t, Style{Height: 22, Thickness: 12}, "picam", at)
	if grown := thick.Dx() - thin.Dx(); thin != box || grown < 7 || grown > 12 {
		t.Errorf("letters in %v, thick in %v", thin, thick)
	}
}

// TestScripts: letters differ from each other, and from the box that stands for what no font has. What only some
// computers have is left out there.
func TestScripts(t *testing.T) {
	s := Style{Height: 22}
	missing, _ := written(t, s, "\U0010FFFD", image.Pt(20, 60)) // a private character
	if slices.Max(missing) == 90 {
		t.Error("nothing stands for a character that no font has")
	}
	for _, tt := range []struct {
		name, a, b string
		builtIn    bool
	}{
		{"umlauts", "u", "ü", true},
		{"Latin", "š", "ß", true},
		{"Greek", "λ", "Ω", true},
		{"Cyrillic", "ж", "Щ", true},
		{"signs", "×", "“", true},
		{"Hebrew", "ש", "ל", false},
		{"Arabic", "ع", "م", false},
		{"Chinese", "東", "京", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if r := []rune(tt.a)[0]; !tt.builtIn && computer.find(r) == nil {
				t.Skip("this computer has no font for it")
			}
			a, _ := written(t, s, tt.a, image.Pt(20, 60))
			b, _ := written(t, s, tt.b, image.Pt(20, 60))
			if slices.Equal(a, b) || slices.Equal(a, missing) || slices.Equal(b, missing) {
				t.Errorf("%s and %s look like each other, or like a box", tt.a, tt.b)
			}
		})
	}
}

// TestOrder: runs come in the order of the screen.
func TestOrder(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"left to right", "abc def", "abc def"},
		{"right to left", "שלום", "שלום"},
		{"within", "abc שלום def", "abc |שלום| def"},
		{"numbers within", "abc שלום 12 עולם def", "abc |עולם| |12| |שלום| def"},
		{"left to right within", "שלום abc עולם", " עולם|abc|שלום "},
		{"number at the end", "שלום 12", "12|שלום "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, text := NewWriter(Style{Height: 22}), []rune(tt.text)
			runs := w.segmenter.Split(shaping.Input{Text: text, RunEnd: len(text), Direction: direction(text)}, &w.faces)
			var got []string
			for _, r := range visual(runs, direction(text)) {
				got = append(got, string(r.Text[r.RunStart:r.RunEnd]))
			}
			squeeze := func(s string) string { return strings.NewReplacer(" ", "", "|", "").Replace(s) }
			if squeeze(strings.Join(got, "|")) != squeeze(tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	if direction([]rune("12 שלום")) != di.DirectionRTL || direction([]rune("12 door שלום")) != di.DirectionLTR {
		t.Error("the direction is not that of the first letter")
	}
}

// TestAnyText: whatever a sender calls its camera can be written, in time, wherever, at any size.
func TestAnyText(t *testing.T) {
	for _, text := range []string{
		"", " ", "\x00\x1b[31m\r\n\t", "\xff\xfe\xc3(", "\u202edoor\u202c", "e\u0301\u0301\u0301\u0301",
		"👩‍👩‍👧 🇩🇪", "नमस्ते", "ภาษาไทย",
		strings.Repeat("Küche 東京 ", 80), strings.Repeat("x", 1<<20), strings.Repeat("\u0301", 5000),
	} {
		for _, s := range []Style{
			{}, {Height: 22, Thickness: 2, Outline: true}, {Height: 440, Thickness: 50, Outline: true},
		} {
			w := NewWriter(s)
			for _, frame := range []image.Point{{}, {1, 1}, {7, 3}, {cols, rows}} {
				bgr := make([]byte, frame.X*frame.Y*3)
				for _, at := range []image.Point{{}, {-1000, 40}, {frame.X - 3, frame.Y + 5}, {1 << 30, 1 << 30}} {
					w.Write(bgr, frame.X, text, at, ink)
				}
			}
			if width := w.Width(text); width < 0 {
				t.Errorf("%.20q is %d pixels wide", text, width)
			}
		}
	}
}

// TestBounded: however many texts are written, a Writer keeps few.
func TestBounded(t *testing.T) {
	w := NewWriter(Style{Height: 440, Outline: true})
	for r := rune(0x100); r < 0x400; r++ {
		w.Width(string(r))
	}
	if len(w.lines) > maxLines || w.weight > 2*maxWeight {
		t.Errorf("%d lines, %d bytes of masks", len(w.lines), w.weight)
	}
}

func TestAllocations(t *testing.T) {
	w := NewWriter(Style{Height: 22, Outline: true})
	bgr := make([]byte, cols*rows*3)
	write := func() { w.Write(bgr, cols, "Küche 1280×720", image.Pt(5, 60), ink) }
	write()
	if n := testing.AllocsPerRun(100, write); n != 0 {
		t.Errorf("%v allocations for a text that was written before", n)
	}
}

func BenchmarkWrite(b *testing.B) {
	const line = "2026-12-01 04:50:06.123"
	bgr := make([]byte, 1280*720*3)
	w := NewWriter(Style{Height: 17.6, Thickness: 2, Outline: true})
	b.Run("again", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			w.Write(bgr, 1280, line, image.Pt(10, 700), ink)
		}
	})
	b.Run("new", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			clear(w.lines)
			w.Write(bgr, 1280, line, image.Pt(10, 700), ink)
		}
	})
}

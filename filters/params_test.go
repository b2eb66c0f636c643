package filters

import (
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"math"
	"strings"
	"testing"

	"gocv.io/x/gocv"
)

// every is a filter with a parameter of each type.
var every = Kind{
	Name: "every", Doc: "Has a parameter of each type.", In: Any, Out: Any,
	New: func(s *Params) Filter {
		s.Int("int", 3, -5, 10, "a whole number")
		s.Odd("odd", 5, 1, 99, "an odd number")
		low := s.Float("low", 1, 0, 2.5, "a number")
		high := s.Float("high", 2, 0, 2.5, "a number")
		s.Bool("bool", false, "a switch")
		s.Enum("enum", "one", []string{"one", "two", "180"}, "a choice")
		s.Colour("colour", "red", "a colour")
		s.Text("text", "hello", "a line")
		s.Points("points", "0,0 100,0 50,50", 3, 5, "a part")
		s.Check(low <= high, "low (%g) is above high (%g)", low, high)
		return pass
	},
}

func TestConfigureTakes(t *testing.T) {
	tests := []struct {
		param string
		value any
		want  any
	}{
		{"int", 7, 7},
		{"int", int64(7), 7},
		{"int", uint64(7), 7},
		{"int", 7.0, 7},
		{"int", -5, -5},
		{"odd", 99, 99},
		{"odd", 3.0, 3},
		{"low", 2, 2.0},
		{"low", 0.25, 0.25},
		{"bool", true, true},
		{"enum", "two", "two"},
		{"enum", "180", "180"},
		{"enum", 180, "180"},
		{"enum", 180.0, "180"},
		{"colour", "red", "#ff0000"},
		{"colour", "Red", "#ff0000"},
		{"colour", "#00FFab", "#00ffab"},
		{"text", "", ""},
		{"points", "1,2  3.5,4 5,6 ", "1,2 3.5,4 5,6"},
		{"text", "Tür №1, 12:00 | # ' \" {}", "Tür №1, 12:00 | # ' \" {}"},
	}
	for _, tt := range tests {
		st, faults := Configure(every, map[string]any{tt.param: tt.value})
		if len(faults) > 0 {
			t.Errorf("%s: %v (%T): %v", tt.param, tt.value, tt.value, faults[0])
			continue
		}
		for _, p := range st.Params() {
			want := p.Default
			if p.Name == tt.param {
				want = tt.want
			}
			if p.Value != want {
				t.Errorf("%s: %v (%T): %s is %v (%T), want %v (%T)",
					tt.param, tt.value, tt.value, p.Name, p.Value, p.Value, want, want)
			}
		}
	}
}

func TestConfigureRefuses(t *testing.T) {
	tests := []struct {
		name   string
		values map[string]any
		want   []string
	}{
		{"even", map[string]any{"odd": 4}, []string{"odd: 4 is even"}},
		{"above", map[string]any{"odd": 200}, []string{"odd: 200 is above 99"}},
		{"below", map[string]any{"int": -6}, []string{"int: -6 is below -5"}},
		{"above a fraction", map[string]any{"low": 2.75}, []string{"low: 2.75 is above 2.5"}},
		{"huge", map[string]any{"int": uint64(math.MaxUint64)}, []string{"int: 1.8446744073709552e+19 is above 10"}},
		{"not a number", map[string]any{"low": "abc"}, []string{`low: "abc" is not a number`}},
		{"quoted", map[string]any{"int": "5"}, []string{`int: "5" is not a number; leave out its quotes`}},
		{"NaN", map[string]any{"low": math.NaN()}, []string{"low: NaN is not a number"}},
		{"fraction", map[string]any{"int": 2.5}, []string{"int: 2.5 is not a whole number"}},
		{"nothing", map[string]any{"int": nil}, []string{"int: nothing is not a number"}},
		{"list", map[string]any{"int": []any{1}}, []string{"int: what stands here is not a number"}},
		{"word for a switch", map[string]any{"bool": "yes"}, []string{`bool: "yes" is not true or false`}},
		{"typing error", map[string]any{"enum": "tow"},
			[]string{`enum: "tow" is not one of one, two, 180 (did you mean two?)`}},
		{"no choice", map[string]any{"enum": 90}, []string{"enum: 90 is not one of one, two, 180"}},
		{"colour", map[string]any{"colour": "reddish"},
			[]string{`colour: "reddish" is not a colour; write '#rrggbb' or one of black`}},
		{"number for text", map[string]any{"text": 12}, []string{"text: 12 is not text; put it between quotes"}},
		{"places", map[string]any{"points": "1,2 3"},
			[]string{`points: "1,2 3" is not places in percent; write them as '0,0 100,0 50,50'`}},
		{"few places", map[string]any{"points": "1,2 3,4"}, []string{"points: has 2 places; it takes 3 to 5"}},
		{"long value", map[string]any{"int": strings.Repeat("ä", 1000)},
			[]string{`int: "` + strings.Repeat("ä", 40) + `…" is not a number`}},
		{"unknown", map[string]any{"itn": 1},
			[]string{"itn: no such parameter (did you mean int?); every has int, odd, low"}},
		{"relation", map[string]any{"low": 2.5, "high": 1}, []string{"low (2.5) is above high (1)"}},
		{"no relation to a wrong value", map[string]any{"low": 2.5, "high": "x"},
			[]string{`high: "x" is not a number`}},
		{"all at once", map[string]any{"zz": 1, "odd": 4, "aa": 1, "int": 11},
			[]string{"int: 11 is above 10", "odd: 4 is even", "aa: no such parameter; ", "zz: no such parameter; "}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st, faults := Configure(every, tt.values)
			if st != nil {
				t.Error("there is a Stage all the same")
			}
			if len(faults) != len(tt.want) {
				t.Fatalf("faults %v, want %q", faults, tt.want)
			}
			for i, want := range tt.want {
				if got := faults[i].Error(); !strings.HasPrefix(got, want) {
					t.Errorf("fault %d:\n got %s\nwant %s", i, got, want)
				}
			}
		})
	}
}

func TestNoParameters(t *testing.T) {
	_, faults := Configure(grayscale, map[string]any{"size": 5})
	if len(faults) != 1 || faults[0].Error() != "size: grayscale has no parameters" {
		t.Errorf("faults %v", faults)
	}
}

func TestColourValue(t *testing.T) {
	var got color.RGBA
	k := Kind{Name: "c", New: func(s *Params) Filter { got = s.Colour("c", "red", "a colour"); return pass }}
	configure(t, k, map[string]any{"c": "#0102FE"})
	if want := (color.RGBA{1, 2, 254, 255}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	configure(t, k, nil)
	if want := (color.RGBA{255, 0, 0, 255}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestStage(t *testing.T) {
	st := configure(t, every, map[string]any{"text": "a b", "enum": 180})
	const want = `every int=3 odd=5 low=1 high=2 bool=false enum=180 colour=#ff0000 text="a b" points="0,0 100,0 50,50"`
	if st.String() != want {
		t.Errorf("got  %s\nwant %s", st, want)
	}
	st.Params()[5].Choices[0] = "spoilt"
	st.Params()[0].Value = 1
	if st.String() != want || st.Params()[5].Choices[0] != "one" {
		t.Error("a Stage was changed through Params")
	}
	_, err := st.With("odd", 4)
	var p *ParamError
	if err == nil || err.Error() != "filters: every: odd: 4 is even" || !errors.As(err, &p) || p.Param != "odd" {
		t.Errorf("With: %v", err)
	}
	if st.Equal(configure(t, grayscale, nil)) {
		t.Error("equal to another filter")
	}
}

// TestApplyGuards holds that a filter that breaks its promise is an error that names it, not the next one's trouble.
func TestApplyGuards(t *testing.T) {
	colour, gray := texture(t, 8, 6, gocv.MatTypeCV8UC3, 1), texture(t, 8, 6, gocv.MatTypeCV8UC1, 1)
	deep := gocv.NewMatWithSize(4, 4, gocv.MatTypeCV16UC1)
	defer deep.Close()
	none := empty(t)
	as := func(in, out Format, f Filter) Kind {
		return Kind{Name: "bad", In: in, Out: out, New: func(*Params) Filter { return f }}
	}
	failing := errors.New("no")
	tests := []struct {
		name string
		kind Kind
		src  gocv.Mat
		want string
	}{
		{"whole", as(Any, Any, pass), colour, ""},
		{"empty frame", as(Any, Any, pass), none, "filters: bad: the frame is empty"},
		{"wrong frame", as(Gray, Gray, pass), colour, "filters: bad: takes gray, not a frame of type CV8UC3"},
		{"16 bit", as(Any, Any, pass), deep, "filters: bad: takes gray or colour, not a frame of type CV16U"},
		{"empty result", as(Any, Any, func(gocv.Mat, *gocv.Mat) error { return nil }), gray,
			"filters: bad: the result is empty"},
		{"wrong result", as(Any, BGR, pass), gray, "filters: bad: the result is not colour but of type CV8U"},
		{"error", as(Any, Any, func(gocv.Mat, *gocv.Mat) error { return failing }), gray,
			"filters: bad: no"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, dst := open(t, configure(t, tt.kind, nil)), empty(t)
			got := ""
			if err := r.Apply(tt.src, &dst, &Meta{}); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	t.Run("same Mat", func(t *testing.T) {
		if err := open(t, configure(t, blur, nil)).Apply(gray, &gray, &Meta{}); err == nil {
			t.Error("no error")
		}
	})
	t.Run("closed", func(t *testing.T) {
		r, dst := open(t, configure(t, blur, nil)), empty(t)
		r.Close()
		r.Close()
		if err := r.Apply(gray, &dst, &Meta{}); err == nil {
			t.Error("no error")
		}
	})
	t.Run("no filter", func(t *testing.T) {
		if _, err := configure(t, as(Any, Any, nil), nil).Open(); err == nil {
			t.Error("no error")
		}
	})
	t.Run("OpenCV's error", func(t *testing.T) {
		r, dst := open(t, configure(t, as(Any, Any, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.GaussianBlur(src, dst, image.Pt(4, 4), 0, 0, gocv.BorderDefault)
		}), nil)), empty(t)
		if err := r.Apply(gray, &dst, &Meta{}); err == nil {
			t.Error("no error")
		}
	})
}

// TestState holds that Mats of Setup live as long as their Running, and that no two share them.
func TestState(t *testing.T) {
	previous := Kind{Name: "previous", In: Any, Out: Any, Stateful: true, New: func(s *Params) Filter {
		last := s.Mat()
		return func(src gocv.Mat, dst *gocv.Mat) error {
			if last.Empty() {
				src.CopyTo(last)
			}
			last.CopyTo(dst)
			return src.CopyTo(last)
		}
	}}
	st := configure(t, previous, nil)
	a, b := open(t, st), open(t, st)
	for i := range 3 {
		src, dst := texture(t, 8, 6, gocv.MatTypeCV8UC1, uint64(i)), empty(t)
		if err := a.Apply(src, &dst, &Meta{}); err != nil {
			t.Fatal(err)
		}
		want := texture(t, 8, 6, gocv.MatTypeCV8UC1, uint64(max(0, i-1)))
		if string(pixels(dst)) != string(pixels(want)) {
			t.Errorf("frame %d did not give the one before it", i)
		}
	}
	src, dst := texture(t, 8, 6, gocv.MatTypeCV8UC1, 9), empty(t)
	if err := b.Apply(src, &dst, &Meta{}); err != nil || string(pixels(dst)) != string(pixels(src)) {
		t.Errorf("the second instance has frames of the first: %v", err)
	}
}

// TestHelp shows the catalogue's words for every type.
func TestHelp(t *testing.T) {
	const want = `every: Has a parameter of each type.
Takes gray and colour frames and leaves them so.

  int     -5 to 10, whole                                   default 3                  a whole number
  odd     1 to 99, odd                                      default 5                  an odd number
  low     0 to 2.5                                          default 1                  a number
  high    0 to 2.5                                          default 2                  a number
  bool    true or false                                     default false              a switch
  enum    one, two, 180                                     default one                a choice
  colour  name or #rrggbb                                   default '#ff0000'          a colour
  text    text, one line                                    default 'hello'            a line
  points  3 to 5 places x,y in percent of width and height  default '0,0 100,0 50,50'  a part

In a filters file, with its defaults:

  filters:
    - every: {int: 3, odd: 5, low: 1, high: 2, bool: false, enum: one, colour: '#ff0000', text: 'hello', points: '0,0 100,0 50,50'}
`
	var got strings.Builder
	if err := WriteHelp(&got, every); err != nil {
		t.Fatal(err)
	}
	if got.String() != want {
		t.Errorf("got\n%s", &got)
	}
}

func TestFormatsInWords(t *testing.T) {
	for _, tt := range []struct {
		in, out Format
		want    string
	}{
		{Any, Any, "Takes gray and colour frames and leaves them so."},
		{Any, Gray, "Takes gray and colour frames and gives gray ones."},
		{Gray, Gray, "Takes and gives gray frames; others are converted before."},
		{BGR, Any, "Takes and gives colour frames; others are converted before."},
		{Gray, BGR, "Takes gray frames (others are converted before) and gives colour ones."},
	} {
		if got := formats(Kind{In: tt.in, Out: tt.out, New: every.New}); got != tt.want {
			t.Errorf("%d, %d: %s", tt.in, tt.out, got)
		}
	}
}

// FuzzConfigure holds that any values give either faults or a Stage that works.
func FuzzConfigure(f *testing.F) {
	kinds := append(All(), every)
	for i, k := range kinds {
		for _, values := range map[string][]string{
			"adjust":      {`{"gamma": 0.1, "saturation": 10}`},
			"blur":        {`{"size": 4, "sigma": 1e300}`},
			"canny":       {`{"low": 200, "high": 100}`},
			"flip":        {`{"axis": "both"}`},
			"crop":        {`{"x": 7, "y": 5}`, `{"x": 8, "y": 6, "width": 1}`},
			"in_range":    {`{"hue_from": 170, "hue_to": 3}`, `{"red_from": 255, "red_to": 0}`},
			"perspective": {`{"corners": "0,0 1e2,0 1,1 0,50"}`, `{"corners": "0,0 0,0 0,0 0,0"}`},
			"resize":      {`{"width": 8192, "height": 0, "interpolation": "cubic"}`, `{"scale": 0.01}`},
			"rotate":      {`{"degrees": 270}`},
			"every":       {`{"int": null, "colour": "#123", "text": "\u0000", "bool": 1, "x": [1, {}]}`},
		}[k.Name] {
			f.Add(uint8(i), values)
		}
	}
	f.Fuzz(func(t *testing.T, index uint8, values string) {
		k := kinds[int(index)%len(kinds)]
		var given map[string]any
		if json.Unmarshal([]byte(values), &given) != nil {
			t.Skip()
		}
		st, faults := Configure(k, given)
		if (st == nil) != (len(faults) > 0) {
			t.Fatalf("Stage %v with faults %v", st, faults)
		}
		for _, fault := range faults {
			if fault.Text == "" {
				t.Errorf("%v gives a fault without words", given)
			}
		}
		if st == nil {
			return
		}
		again, faults := Configure(k, st.values())
		if len(faults) > 0 || !again.Equal(st) {
			t.Fatalf("%s cannot be made from its own values: %v", st, faults)
		}
		r := open(t, st)
		src, dst := texture(t, 8, 6, inputs(k)[0], 1), empty(t)
		if err := r.Apply(src, &dst, &Meta{}); err != nil && strings.Contains(err.Error(), "OpenCV") {
			t.Errorf("%s: %v", st, err)
		}
	})
}

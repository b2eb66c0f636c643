package filters

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gocv.io/x/gocv"

	"picam/filters/cv"
	"picam/filters/plugin"
	"picam/internal/wording"
)

// Type is the kind of values that a parameter takes.
type Type string

// The types, and the Go type of the values of each in a Param.
const (
	Int    Type = "int"    // int
	Odd    Type = "odd"    // int
	Float  Type = "float"  // float64, finite
	Bool   Type = "bool"   // bool
	Enum   Type = "enum"   // string, one of Choices
	Colour Type = "colour" // string, '#rrggbb'
	Text   Type = "text"   // string, one line
	Points Type = "points" // string, 'x,y x,y x,y': places in percent of the frame's width and height
	Words  Type = "words"  // string, a JSON list of texts: a program and its arguments
	Object Type = "object" // string, a JSON object
)

// Param is all that is known of a parameter, for documentation, forms and checks.
type Param struct {
	Name     string
	Type     Type
	Doc      string
	Default  any      // of one that is Required: an example
	Required bool     // must be set
	Value    any      // in a Stage: what it is set to
	Min, Max float64  // of Int, Odd and Float: the smallest and the largest value allowed; of Points: of their number
	Choices  []string // of Enum
}

// ParamError is what is wrong with the value of a parameter, or, if Param is "", with how values fit together.
type ParamError struct {
	Param string
	Text  string // such as "4 is even"
}

func (e *ParamError) Error() string {
	if e.Param == "" {
		return e.Text
	}
	return e.Param + ": " + e.Text
}

// Params declares a filter's parameters and reads their values, in one step each.
//
// A method named after a type declares a parameter of that type, with its default, its limits and a description that
// fits after a colon, and returns its value: what the user has set, or the default. It also returns the default for a
// value that is wrong; such faults are kept until all parameters are declared, then come out together.
type Params struct {
	values map[string]any // as the user gave them
	params []Param        // declared so far
	faults []*ParamError
	owned  []io.Closer
	resize func(from image.Point) (to image.Point) // see Resizes
	meta   *Meta                                   // see Meta
	shared *plugin.Shared                          // see Shared
	flow   flow                                    // see Flow
}

// Int declares a whole number from lowest to highest.
func (s *Params) Int(name string, def, lowest, highest int, doc string) int {
	p := Param{Name: name, Type: Int, Doc: doc, Default: def, Min: float64(lowest), Max: float64(highest)}
	return declare(s, p, def, func(v any) (int, error) { return wholeNumber(v, p) })
}

// Odd declares an odd number, such as the size of a kernel that has a pixel in its middle.
func (s *Params) Odd(name string, def, lowest, highest int, doc string) int {
	p := Param{Name: name, Type: Odd, Doc: doc, Default: def, Min: float64(lowest), Max: float64(highest)}
	return declare(s, p, def, func(v any) (int, error) {
		n, err := wholeNumber(v, p)
		if err == nil && n%2 == 0 {
			err = fmt.Errorf("%d is even", n)
		}
		return n, err
	})
}

// Float declares a number from lowest to highest.
func (s *Params) Float(name string, def, lowest, highest float64, doc string) float64 {
	p := Param{Name: name, Type: Float, Doc: doc, Default: def, Min: lowest, Max: highest}
	return declare(s, p, def, func(v any) (float64, error) { return number(v, p) })
}

// Bool declares a switch.
func (s *Params) Bool(name string, def bool, doc string) bool {
	return declare(s, Param{Name: name, Type: Bool, Doc: doc, Default: def}, def, func(v any) (bool, error) {
		b, ok := v.(bool)
		if !ok {
			return false, fmt.Errorf("%s is not true or false", quote(v))
		}
		return b, nil
	})
}

// Enum declares a choice. Choices may be numbers, which users then write as such.
func (s *Params) Enum(name, def string, choices []string, doc string) string {
	p := Param{Name: name, Type: Enum, Doc: doc, Default: def, Choices: choices}
	return declare(s, p, def, func(v any) (string, error) {
		text, isText := v.(string)
		if n, ok := float(v); ok {
			text = strconv.FormatFloat(n, 'f', -1, 64)
		}
		if slices.Contains(choices, text) {
			return text, nil
		}
		hint := ""
		if isText {
			hint = wording.DidYouMean(text, choices)
		}
		return "", fmt.Errorf("%s is not one of %s%s", quote(v), strings.Join(choices, ", "), hint)
	})
}

// Colour declares a colour. def and users' values are '#rrggbb' or a name such as red.
func (s *Params) Colour(name, def, doc string) color.RGBA {
	if c, ok := parseColour(def); ok {
		def = hex(c)
	}
	text := declare(s, Param{Name: name, Type: Colour, Doc: doc, Default: def}, def, func(v any) (string, error) {
		text, isText := v.(string)
		c, ok := parseColour(text)
		if !isText || !ok {
			return "", fmt.Errorf("%s is not a colour; write '#rrggbb' or one of %s", quote(v), colourNames())
		}
		return hex(c), nil
	})
	c, _ := parseColour(text)
	return c
}

// maxText is the length of the longest text, in characters.
const maxText = 200

// Text declares a line of text.
func (s *Params) Text(name, def, doc string) string {
	return declare(s, Param{Name: name, Type: Text, Doc: doc, Default: def}, def, readText)
}

// RequiredText declares a line of text that the user must set, and which is not empty.
func (s *Params) RequiredText(name, example, doc string) string {
	p := Param{Name: name, Type: Text, Doc: doc, Default: example, Required: true}
	return declare(s, p, example, func(v any) (string, error) {
		text, err := readText(v)
		if err == nil && text == "" {
			err = fmt.Errorf("is empty; write such as %s", yamlValue(p))
		}
		return text, err
	})
}

func readText(v any) (string, error) {
	text, ok := v.(string)
	switch {
	case !ok:
		return "", fmt.Errorf("%s is not text; put it between quotes", quote(v))
	case utf8.RuneCountInString(text) > maxText:
		return "", fmt.Errorf("%d characters are more than %d", utf8.RuneCountInString(text), maxText)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return "", fmt.Errorf("%s has characters that cannot be shown, such as a line's end", quote(v))
	}
	return text, nil
}

// Points declares places in the frame, as many as least to most, and returns them in percent of the frame's width
// and height. def and users' values are 'x,y x,y x,y'.
func (s *Params) Points(name, def string, least, most int, doc string) []cv.Point {
	p := Param{Name: name, Type: Points, Doc: doc, Default: def, Min: float64(least), Max: float64(most)}
	text := declare(s, p, def, func(v any) (string, error) {
		text, isText := v.(string)
		points, ok := parsePoints(text)
		switch {
		case !isText || !ok:
			return "", fmt.Errorf("%s is not places in percent; write them as '%s'", quote(v), def)
		case len(points) < least || len(points) > most:
			return "", fmt.Errorf("has %d places; it takes %s", len(points), countOf(p))
		}
		return strings.Join(strings.Fields(text), " "), nil
	})
	points, _ := parsePoints(text)
	return points
}

// parsePoints reads 'x,y x,y', numbers from 0 to 100.
func parsePoints(text string) (points []cv.Point, ok bool) {
	for _, pair := range strings.Fields(text) {
		var percent [2]float64
		x, y, _ := strings.Cut(pair, ",")
		for i, number := range []string{x, y} {
			f, err := strconv.ParseFloat(number, 32)
			if err != nil || !(f >= 0 && f <= 100) {
				return nil, false
			}
			percent[i] = f
		}
		points = append(points, cv.Point{X: float32(percent[0]), Y: float32(percent[1])})
	}
	return points, true
}

// countOf says in words how many places p takes.
func countOf(p Param) string {
	if p.Min == p.Max {
		return plain(p.Min)
	}
	return plain(p.Min) + " to " + plain(p.Max)
}

// Check makes a fault of what is wrong between parameters, if ok is false. While a single value is wrong, so that its
// default stands for it, it does nothing.
func (s *Params) Check(ok bool, format string, args ...any) {
	if !ok && len(s.faults) == 0 {
		s.faults = append(s.faults, &ParamError{Text: fmt.Sprintf(format, args...)})
	}
}

// Mat returns an empty Mat for intermediate results or for what is kept from frame to frame. Each Running has its
// own, and its Close closes it.
func (s *Params) Mat() *gocv.Mat {
	m := gocv.NewMat()
	s.Own(&m)
	return &m
}

// Meta returns where the Filter finds, while it works on a frame, what else is known of it, and where it reports what
// it has found there.
func (s *Params) Meta() *Meta {
	if s.meta == nil {
		s.meta = &Meta{}
	}
	return s.meta
}

// Own has the Running close c too, which New has made: a Mat with content, or an algorithm that holds memory of C++.
func (s *Params) Own(c io.Closer) { s.owned = append(s.owned, c) }

// Resizes says that all the filter does is to make a frame of size from (cols × rows) one of size to, and that it does
// not matter how. A plan that begins with it lets the decoder make the frame smaller, which costs less. The filter must
// then still make what the whole frame would become, whose size is [Meta.Full].
func (s *Params) Resizes(to func(from image.Point) (to image.Point)) { s.resize = to }

// flow is what a stage says of itself where its Kind leaves it to the stage.
type flow struct {
	in, out Format // Any: as the Kind has it
	ordered bool
}

// Flow says what the filter takes and gives with the values at hand, and whether it has to see the frames in order,
// on one goroutine. It is for a Kind that takes and gives Any and is not Stateful.
func (s *Params) Flow(in, out Format, ordered bool) { s.flow = flow{in, out, ordered} }

// Shared returns what all instances of the stage have together.
func (s *Params) Shared() *plugin.Shared { return s.shared }

// closeAll closes what has been made for a Filter, the newest first.
func closeAll(owned []io.Closer) {
	for _, c := range slices.Backward(owned) {
		c.Close() // of OpenCV's memory: it never fails
	}
}

// declare adds p to the declared parameters and returns its value, or def and a fault if read refuses what was given.
func declare[T any](s *Params, p Param, def T, read func(any) (T, error)) T {
	value := def
	if given, ok := s.values[p.Name]; ok {
		v, err := read(given)
		if err != nil {
			s.faults = append(s.faults, &ParamError{p.Name, err.Error()})
		} else {
			value = v
		}
	} else if p.Required {
		s.faults = append(s.faults, &ParamError{p.Name, fmt.Sprintf("is missing; write %s: %s", p.Name, yamlValue(p))})
	}
	p.Value = value
	s.params = append(s.params, p)
	return value
}

// wholeNumber takes what YAML, JSON and Go make of one.
func wholeNumber(v any, p Param) (int, error) {
	f, err := number(v, p)
	if err == nil && f != math.Trunc(f) {
		err = fmt.Errorf("%s is not a whole number", plain(f))
	}
	return int(f), err
}

func number(v any, p Param) (float64, error) {
	f, ok := float(v)
	switch {
	case !ok:
		hint := ""
		if text, isText := v.(string); isText {
			if _, err := strconv.ParseFloat(text, 64); err == nil {
				hint = "; leave out its quotes"
			}
		}
		return 0, fmt.Errorf("%s is not a number%s", quote(v), hint)
	case math.IsNaN(f):
		return 0, errors.New("NaN is not a number")
	case f < p.Min:
		return 0, fmt.Errorf("%s is below %s", plain(f), plain(p.Min))
	case f > p.Max:
		return 0, fmt.Errorf("%s is above %s", plain(f), plain(p.Max))
	}
	return f, nil
}

// float takes the types that YAML and JSON make of numbers. Whole numbers of over 53 bits are rounded.
func float(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case uint64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// plain writes a number as users do.
func plain(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// quote shows a wrong value in a fault, text between quotes.
func quote(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		if utf8.RuneCountInString(v) > 40 {
			v = string([]rune(v)[:40]) + "…"
		}
		return strconv.Quote(v)
	case bool:
		return strconv.FormatBool(v)
	}
	if f, ok := float(v); ok {
		return plain(f)
	}
	return "what stands here" // a list or a mapping
}

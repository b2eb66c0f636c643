package filters

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"gocv.io/x/gocv"

	"picam/filters/cv"
	"picam/filters/plugin"
)

// Words declares a program and its arguments, which the user must set: a list, or one word.
func (s *Params) Words(name string, example []string, doc string) []string {
	p := Param{Name: name, Type: Words, Doc: doc, Default: jsonText(example), Required: true}
	text := declare(s, p, jsonText(example), func(v any) (string, error) {
		words, err := readWords(v)
		if err == nil && (len(words) == 0 || words[0] == "") {
			err = errors.New("is empty")
		}
		if err != nil {
			return "", fmt.Errorf("%w; write such as %s", err, yamlValue(p))
		}
		return jsonText(words), nil
	})
	var words []string
	_ = json.Unmarshal([]byte(text), &words) // it is what jsonText made
	return words
}

// readWords takes a list, or a text that is one word or such a list as JSON.
func readWords(v any) (words []string, err error) {
	switch v := v.(type) {
	case []any:
		for _, word := range v {
			text, isText := word.(string)
			if n, ok := float(word); ok {
				text, isText = plain(n), true
			}
			if !isText || strings.ContainsRune(text, 0) {
				return nil, fmt.Errorf("%s in the list is not a text", quote(word))
			}
			words = append(words, text)
		}
		return words, nil
	case string:
		if json.Unmarshal([]byte(v), &words) == nil {
			return words, nil
		}
		if fields := strings.Fields(v); len(fields) > 1 {
			return nil, fmt.Errorf("no shell reads %s; a program with arguments is a list: [%s]",
				quote(v), strings.Join(fields, ", "))
		}
		if strings.ContainsRune(v, 0) {
			return nil, fmt.Errorf("%s is no name of a program", quote(v))
		}
		return []string{v}, nil
	}
	return nil, fmt.Errorf("%s is not a program and its arguments", quote(v))
}

// Object declares a mapping of what a filter of the user's own is told, and returns it as JSON. Its default is empty.
func (s *Params) Object(name, doc string) string {
	p := Param{Name: name, Type: Object, Doc: doc, Default: "{}"}
	return declare(s, p, "{}", func(v any) (string, error) {
		var object map[string]any
		switch v := v.(type) {
		case map[string]any:
			object = v
		case string:
			_ = json.Unmarshal([]byte(v), &object)
		}
		if object == nil {
			return "", fmt.Errorf("%s is not a mapping; write such as {strength: 3, colour: red}", quote(v))
		}
		text, err := json.Marshal(object)
		if err != nil {
			return "", fmt.Errorf("cannot be written as JSON: %w", err)
		}
		return string(text), nil
	})
}

// jsonText is what Words and Object keep: maps.Equal can compare it.
func jsonText(words []string) string {
	text, _ := json.Marshal(words) // of texts it never fails
	return string(text)
}

// ownFormats declares what a filter of the user's own takes and gives.
func ownFormats(s *Params) (in, out Format) {
	formats := map[string]Format{"gray": Gray, "colour": BGR} // others are Any
	in = formats[s.Enum("in", "any", []string{"any", "gray", "colour"},
		"the frames that it is given; any: as they come")]
	out = formats[s.Enum("out", "same", []string{"same", "gray", "colour"},
		"what its frames are made to be; same: gray or colour as it was given")]
	return in, out
}

// pluginFilter has the workers of a pool work on the frames and makes their answers of the format out. Its error may be
// an plugin.UnavailableError.
func pluginFilter(s *Params, out Format, pool func() *plugin.Pool) Filter {
	meta, raw := s.Meta(), s.Mat()
	var frame plugin.Frame
	return func(src gocv.Mat, dst *gocv.Mat) error {
		pixels, err := src.DataPtrUint8()
		if err != nil {
			return err
		}
		frame = plugin.Frame{Width: src.Cols(), Height: src.Rows(), Channels: src.Channels(), Stride: src.Step(),
			Pixels: pixels, Seq: meta.Seq, Captured: meta.Captured, Camera: meta.Camera}
		want := out
		if want == Any {
			want, _ = formatOf(src)
		}
		return pool().Apply(&frame, func(a *plugin.Answer) error {
			for _, d := range a.Detections {
				meta.Report(Detection{Label: d.Label, Box: d.Box, Points: d.Points, Score: d.Score, Value: d.Value})
			}
			if len(a.Pixels) == 0 {
				return convert(src, dst, want)
			}
			format, to := BGR, dst
			if a.Channels == 1 {
				format = Gray
			}
			if format != want {
				to = raw
			}
			if err := cv.CopyPixels(to, a.Pixels, a.Height, a.Width, a.Channels, a.Stride); err != nil || to == dst {
				return err
			}
			return convert(*raw, dst, want)
		})
	}
}

// convert copies src, gray or colour, to dst in that format.
func convert(src gocv.Mat, dst *gocv.Mat, to Format) error {
	switch from, _ := formatOf(src); {
	case from == to:
		return src.CopyTo(dst)
	case to == Gray:
		return gocv.CvtColor(src, dst, gocv.ColorBGRToGray)
	}
	return gocv.CvtColor(src, dst, gocv.ColorGrayToBGR)
}

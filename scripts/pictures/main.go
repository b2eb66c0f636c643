// Command pictures draws docs/filters/NAME.png for each filter: a picture before it, and after it.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"time"

	"gocv.io/x/gocv"

	"picam/filters"
)

// example is how a filter is shown.
type example struct {
	values map[string]any // of the filter, beside its defaults
	before []stage        // what the picture goes through first
	noise  int            // of the camera
	detail image.Point    // shows this part of the picture in its full size
}

type stage struct {
	name   string
	values map[string]any
}

type values = map[string]any

// examples has the filters that are shown otherwise than at their defaults.
func examples(template string) map[string]example {
	face, house := image.Pt(10, 140), image.Pt(160, 50)
	edges := []stage{{"canny", nil}}
	white := []stage{{"in_range", values{"red_from": 150, "blue_to": 130}}}
	return map[string]example{
		"adaptive_threshold": {values: values{"size": 31, "c": 5}},
		"adjust":             {values: values{"brightness": 20, "contrast": 1.3, "saturation": 1.6}},
		"bilateral":          {noise: 25, detail: face},
		"blend":              {values: values{"colour": "yellow", "alpha": 1}, before: edges},
		"blur":               {values: values{"size": 15}},
		"crop":               {values: values{"x": 30, "y": 130, "width": 140, "height": 180}},
		"denoise":            {values: values{"strength": 15, "colour_strength": 15}, noise: 25, detail: face},
		"equalize":           {before: []stage{{"adjust", values{"contrast": 0.4, "brightness": -40}}}},
		"clahe":              {values: values{"clip_limit": 8}, before: []stage{{"adjust", values{"contrast": 0.4, "brightness": -40}}}},
		"grabcut":            {values: values{"margin": 15}, before: []stage{{"crop", values{"y": 110, "width": 190}}}},
		"hough_circles":      {values: values{"votes": 32, "max_radius": 40, "thickness": 3}},
		"hough_lines":        {values: values{"votes": 70, "min_length": 60, "thickness": 2}},
		"in_range":           {values: values{"red_from": 150, "blue_to": 130}},
		"laplacian":          {values: values{"scale": 3}},
		"mask":               {values: values{"corners": "68,35 96,35 96,75 68,75"}},
		"median":             {noise: 60, detail: face},
		"morphology":         {values: values{"operation": "close", "size": 15}, before: white},
		"motion":             {noise: 2},
		"motion_boxes":       {noise: 2},
		"optical_flow":       {values: values{"step": 10, "length": 2, "thickness": 2, "colour": "red"}},
		"perspective":        {values: values{"corners": "33,15 68,15 85,75 15,75"}},
		"sharpen":            {values: values{"amount": 2}, before: []stage{{"blur", values{"size": 7}}}, detail: house},
		"side_by_side":       {before: edges},
		"template":           {values: values{"image": template, "threshold": 0.7, "max": 2, "thickness": 3}},
		"text":               {values: values{"text": "front door", "size": 1.5, "thickness": 3}},
		"timestamp":          {values: values{"format": "{camera} %H:%M:%S", "size": 1.5, "thickness": 3}},
		"undistort":          {values: values{"k1": -0.4}},
	}
}

func main() {
	if err := run("docs/filters"); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func run(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "pictures")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	template := filepath.Join(temp, "window.png")
	if err := writeTemplate(template); err != nil {
		return err
	}
	shown := examples(template)
	for _, k := range filters.All() {
		if !k.Pictured() {
			continue
		}
		if err := show(filepath.Join(folder, k.Name+".png"), k, shown[k.Name]); err != nil {
			return fmt.Errorf("%s: %w", k.Name, err)
		}
	}
	return nil
}

// writeTemplate cuts the house's dark window out of the scene.
func writeTemplate(file string) error {
	m, err := scene(0, 0)
	if err != nil {
		m.Close()
		return err
	}
	defer m.Close()
	part := m.Region(image.Rect(246, 136, 290, 180))
	defer part.Close()
	picture, err := part.ToImage()
	if err != nil {
		return err
	}
	return writePNG(file, picture)
}

// show puts some pictures of the scene through the filter and writes how the last one came to it and how it left it.
func show(file string, k filters.Kind, e example) error {
	var chain []opened
	for _, s := range append(e.before, stage{k.Name, e.values}) {
		kind, _ := filters.Find(s.name)
		st, faults := filters.Configure(kind, s.values)
		if len(faults) > 0 {
			return faults[0]
		}
		r, err := st.Open()
		if err != nil {
			return err
		}
		defer r.Close()
		chain = append(chain, opened{kind, r})
	}
	frames := 1
	if k.Stateful {
		frames = 6
	}
	before, after := gocv.NewMat(), gocv.NewMat()
	defer before.Close()
	defer after.Close()
	for i := range frames {
		m, err := scene(i, e.noise)
		if err == nil {
			err = put(m, chain, &before, &after, i)
		}
		m.Close()
		if err != nil {
			return err
		}
	}
	return write(file, before, after, e.detail)
}

// opened is a stage that pictures can be put through.
type opened struct {
	kind filters.Kind
	*filters.Running
}

// put leaves in before and after what comes to the last filter of the chain and what it makes of that.
func put(src gocv.Mat, chain []opened, before, after *gocv.Mat, i int) error {
	when := time.Date(2026, 6, 21, 9, 30, i, 0, time.UTC)
	meta := filters.Meta{Camera: "door", Seq: uint64(i), Captured: when, FPS: 30, Original: src}
	if err := src.CopyTo(after); err != nil {
		return err
	}
	for _, r := range chain {
		var err error
		switch channels := after.Channels(); {
		case r.kind.In == filters.Gray && channels == 3:
			err = gocv.CvtColor(*after, before, gocv.ColorBGRToGray)
		case r.kind.In == filters.BGR && channels == 1:
			err = gocv.CvtColor(*after, before, gocv.ColorGrayToBGR)
		default:
			err = after.CopyTo(before)
		}
		if err == nil {
			err = r.Apply(*before, after, &meta)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// write puts the two pictures beside each other, at half of their size or smaller.
func write(file string, before, after gocv.Mat, detail image.Point) error {
	const gap = 6
	box := image.Pt(240, 180) // for each of them
	page := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(255, 255, 255, 0), box.Y, 2*box.X+gap, gocv.MatTypeCV8UC3)
	defer page.Close()
	for i, m := range []gocv.Mat{before, after} {
		shown := gocv.NewMat()
		defer shown.Close()
		err := m.CopyTo(&shown)
		if m.Channels() == 1 {
			err = gocv.CvtColor(m, &shown, gocv.ColorGrayToBGR)
		}
		if detail != (image.Point{}) {
			part := shown.Region(image.Rectangle{Min: detail, Max: detail.Add(box)})
			err = errors.Join(err, part.CopyTo(&shown))
			part.Close()
		} else {
			scale := min(0.5, float64(box.X)/float64(m.Cols()), float64(box.Y)/float64(m.Rows()))
			size := image.Pt(int(float64(m.Cols())*scale), int(float64(m.Rows())*scale))
			err = errors.Join(err, gocv.Resize(shown, &shown, size, 0, 0, gocv.InterpolationArea))
		}
		at := image.Pt(i*(box.X+gap)+(box.X-shown.Cols())/2, (box.Y-shown.Rows())/2)
		part := page.Region(image.Rectangle{Min: at, Max: at.Add(image.Pt(shown.Cols(), shown.Rows()))})
		err = errors.Join(err, shown.CopyTo(&part))
		part.Close()
		if err != nil {
			return err
		}
	}
	picture, err := page.ToImage()
	if err != nil {
		return err
	}
	return writePNG(file, picture)
}

func writePNG(file string, picture image.Image) error {
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&b, picture); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}

// Command pictures draws docs/filters/NAME.png for each filter: a frame before it and after it, by the filter's
// Example.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gocv.io/x/gocv"

	"picam/filters"
	"picam/pipeline"
)

// input is what a filter's camera gives, and how much of it is shown.
type input struct {
	flaw
	detail image.Point // shows this part of the picture in its full size
}

// inputs has the filters that are not shown with the scene as it is.
func inputs() map[string]input {
	face, house := image.Pt(10, 140), image.Pt(160, 50)
	return map[string]input{
		"adjust":       {flaw: pale},
		"bilateral":    {flaw: noisy, detail: face},
		"clahe":        {flaw: pale},
		"denoise":      {flaw: noisy, detail: face},
		"equalize":     {flaw: pale},
		"median":       {flaw: speckled, detail: face},
		"motion":       {flaw: grainy},
		"motion_boxes": {flaw: grainy},
		"sharpen":      {flaw: soft, detail: house},
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
	folder, err = filepath.Abs(folder)
	if err != nil {
		return err
	}
	if err := os.Chdir(temp); err != nil { // where an example's files are looked for
		return err
	}
	if err := writeTemplate("window.png"); err != nil {
		return err
	}
	for _, k := range filters.All() {
		if !k.Pictured() {
			continue
		}
		if err := show(filepath.Join(folder, k.Name+".png"), k); err != nil {
			return fmt.Errorf("%s: %w", k.Name, err)
		}
	}
	return nil
}

// writeTemplate cuts the house's dark window out of the scene.
func writeTemplate(file string) error {
	m, err := scene(0, perfect)
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

// show puts some frames of the scene through the filter's example and writes how the last one came to the filter, and
// how it left it.
func show(file string, k filters.Kind) error {
	config, err := pipeline.ParseConfig(k.Name+".yaml", []byte("filters:\n  - "+strings.Join(k.Example(), "\n  - ")+"\n"))
	if err != nil {
		return err
	}
	var chain []opened
	for _, st := range config.Chain("").Stages {
		r, err := st.Open()
		if err != nil {
			return err
		}
		defer r.Close()
		chain = append(chain, opened{st.Kind(), r})
	}
	frames := 1
	if k.Stateful {
		frames = 6
	}
	in := inputs()[k.Name]
	before, after := gocv.NewMat(), gocv.NewMat()
	defer before.Close()
	defer after.Close()
	for i := range frames {
		m, err := scene(i, in.flaw)
		if err == nil {
			err = put(m, chain, &before, &after, i)
		}
		m.Close()
		if err != nil {
			return err
		}
	}
	return write(file, before, after, in.detail)
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
	converted := gocv.NewMat()
	defer converted.Close()
	for _, r := range chain {
		err := after.CopyTo(before)
		if err != nil {
			return err
		}
		switch channels := before.Channels(); {
		case r.kind.In == filters.Gray && channels == 3:
			err = gocv.CvtColor(*before, &converted, gocv.ColorBGRToGray)
		case r.kind.In == filters.BGR && channels == 1:
			err = gocv.CvtColor(*before, &converted, gocv.ColorGrayToBGR)
		default:
			err = before.CopyTo(&converted)
		}
		if err == nil {
			err = r.Apply(converted, after, &meta)
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

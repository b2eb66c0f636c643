package capture

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"picam/mjpeg/yuv"
)

// mode is what a camera is set to.
type mode struct {
	format        string // DeviceFormat.Name
	width, height int
	fps           float64 // 0: not known
}

func (m mode) String() string {
	s := fmt.Sprintf("%s %d×%d", m.format, m.width, m.height)
	if m.fps > 0 {
		s += " at " + strconv.FormatFloat(math.Round(m.fps*100)/100, 'f', -1, 64) + " a second"
	}
	return s
}

// layout is a mode and how its frames lie in memory.
type layout struct {
	mode
	stride    int  // bytes from a row to the next, if the frames are not JPEG
	fullRange bool // black is 0 and white 255, as in JPEG; else 16 and 235
}

// samples is how the frames lie in memory, for an encoder, if they are not JPEG.
func (l layout) samples() yuv.Layout {
	return yuv.Layout{Format: l.format, Width: l.width, Height: l.height, Stride: l.stride, FullRange: l.fullRange}
}

// What a camera is set to where nothing is asked for: a size of which most have 30 frames a second, and a smaller one
// where this computer has to encode.
const (
	usualWidth, usualHeight = 1280, 720
	smallWidth, smallHeight = 640, 480
	usualFPS                = 30
)

// isJPEG says whether frames of a format are passed on as they are.
func isJPEG(format string) bool { return format == "MJPG" || format == "JPEG" }

// formatUse says what picam does with frames of a format, see DeviceFormat.
func formatUse(format string) string {
	switch {
	case isJPEG(format):
		return "as it is"
	case slices.Contains(yuv.Formats(), format):
		return "encoded"
	}
	return ""
}

// choose returns the mode that is nearest to what o asks for, and false if there is none that picam can use. What
// counts, in this order: frames that are JPEG already, the size, the rate, what is easier to encode. If only a rate is
// asked for, it counts more than the size.
func choose(formats []DeviceFormat, o Options) (best mode, ok bool) {
	var least [4]float64
	for _, f := range formats {
		if f.Use == "" {
			continue
		}
		encoded, width, height := 0.0, o.Width, o.Height
		if !isJPEG(f.Name) {
			encoded = 1
		}
		if width == 0 && height == 0 {
			width, height = usualWidth, usualHeight
			if encoded > 0 {
				width, height = smallWidth, smallHeight
			}
		}
		sizes := f.Sizes
		if len(sizes) == 0 { // its driver does not list them, and takes what is nearest to that which is asked for
			sizes = []DeviceSize{{Width: cmp.Or(width, height*4/3), Height: cmp.Or(height, width*3/4)}}
		}
		for _, size := range sizes {
			m := mode{format: f.Name}
			m.width, m.height = size.nearest(width, height)
			m.fps = size.nearestFPS(cmp.Or(max(o.FPS, 0), usualFPS))
			far := [...]float64{encoded, sizeDistance(m, width, height), rateDistance(m, o.FPS),
				float64(slices.Index(yuv.Formats(), f.Name))}
			if o.Width == 0 && o.Height == 0 && o.FPS > 0 {
				far[1], far[2] = far[2], far[1]
			}
			if !ok || less(far, least) {
				best, least, ok = m, far, true
			}
		}
	}
	return best, ok
}

func less(a, b [4]float64) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// sizeDistance counts pixels; 0 for width or height means that it does not matter.
func sizeDistance(m mode, width, height int) float64 {
	d := 0.0
	if width > 0 {
		d += math.Abs(float64(m.width - width))
	}
	if height > 0 {
		d += math.Abs(float64(m.height - height))
	}
	return d
}

// rateDistance is 0 for an unknown rate: the camera may well have the one that is asked for. Rates that differ by less
// than one in a hundred, such as 30 and 29.97, are the same.
func rateDistance(m mode, fps float64) float64 {
	fps = cmp.Or(max(fps, 0), usualFPS)
	if m.fps == 0 || math.Abs(m.fps-fps) < fps/100 {
		return 0
	}
	return math.Abs(m.fps - fps)
}

// nearest returns the size of a range that is nearest; 0 for width or height means the largest.
func (s DeviceSize) nearest(width, height int) (w, h int) {
	if s.MaxWidth == 0 {
		return s.Width, s.Height
	}
	return nearestStep(s.Width, s.MaxWidth, s.StepWidth, width),
		nearestStep(s.Height, s.MaxHeight, s.StepHeight, height)
}

// nearestStep returns the value from least to most by step that is nearest to want.
func nearestStep(least, most, step, want int) int {
	if want <= 0 || want >= most {
		return most
	}
	step = max(step, 1)
	n := (max(want-least, 0) + step/2) / step
	return min(least+n*step, most)
}

func (s DeviceSize) nearestFPS(fps float64) float64 {
	if s.FPSRange && len(s.FPS) == 2 {
		return min(max(fps, s.FPS[1]), s.FPS[0])
	}
	best := 0.0
	for _, f := range s.FPS {
		if best == 0 || math.Abs(f-fps) < math.Abs(best-fps) {
			best = f
		}
	}
	return best
}

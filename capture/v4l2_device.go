package capture

import (
	"fmt"
	"strings"
)

// Device is a camera that V4L2 knows, as [Devices] finds it, or a Raspberry Pi's own, see [RpicamDevices].
type Device struct {
	Source   string          `json:"source"` // what Open takes, and as lasting a name as there is
	Path     string          `json:"path"`   // the node, such as /dev/video0; it may be another one after a restart
	Card     string          `json:"card"`   // what the camera calls itself
	Driver   string          `json:"driver"`
	Bus      string          `json:"bus"`
	Formats  []DeviceFormat  `json:"formats"`
	Controls []DeviceControl `json:"controls"`
	Users    []string        `json:"users"`             // programs that have it open, as far as they may be seen
	Trouble  string          `json:"trouble,omitempty"` // why picam cannot use it, or why it is not known
}

// DeviceFormat is a kind of frames that a camera gives.
type DeviceFormat struct {
	Name        string `json:"name"` // four characters, such as MJPG or YUYV
	Description string `json:"description"`
	// what picam does with them: "as it is", "encoded", "by rpicam-vid", or "" if it cannot use them
	Use   string       `json:"use"`
	Sizes []DeviceSize `json:"sizes"`
}

// DeviceSize is a size of frames in pixels, or a range of sizes.
type DeviceSize struct {
	Width      int `json:"width"` // of a range the smallest
	Height     int `json:"height"`
	MaxWidth   int `json:"max_width,omitempty"` // 0: it is a single size
	MaxHeight  int `json:"max_height,omitempty"`
	StepWidth  int `json:"step_width,omitempty"`
	StepHeight int `json:"step_height,omitempty"`
	// FPS are the rates in frames a second, the highest first; none: the driver does not say. Of a range of sizes they
	// are those of the largest.
	FPS      []float64 `json:"fps"`
	FPSRange bool      `json:"fps_range,omitempty"` // FPS are two, and what lies between is possible too
}

// DeviceControl is a setting of a camera.
type DeviceControl struct {
	Name    string     `json:"name"` // as v4l2-ctl prints it, such as brightness
	Value   int        `json:"value"`
	Min     int        `json:"min"`
	Max     int        `json:"max"`
	Step    int        `json:"step"`
	Default int        `json:"default"`
	Menu    []MenuItem `json:"menu,omitempty"`      // or nil: the values that there are
	Locked  bool       `json:"read_only,omitempty"` // it can only be read
	id      uint32
}

// MenuItem is a value of a control that has a name.
type MenuItem struct {
	Value int    `json:"value"`
	Name  string `json:"name"`
}

// Takes tells which values the control may have, such as "-64 to 64" or "1 (Manual Mode), 3 (Aperture Priority Mode)".
func (c DeviceControl) Takes() string {
	if c.Menu != nil {
		var items []string
		for _, m := range c.Menu {
			items = append(items, fmt.Sprintf("%d (%s)", m.Value, m.Name))
		}
		return strings.Join(items, ", ")
	}
	s := fmt.Sprintf("%d to %d", c.Min, c.Max)
	if c.Step > 1 {
		s += fmt.Sprintf(" by %d", c.Step)
	}
	return s
}

// controlName makes a control's name one word in lower case, as v4l2-ctl does: "Exposure, Auto" is exposure_auto.
func controlName(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if gap && b.Len() > 0 {
				b.WriteByte('_')
			}
			gap = false
			b.WriteRune(r)
		default:
			gap = true
		}
	}
	return b.String()
}

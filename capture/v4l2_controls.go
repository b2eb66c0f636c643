package capture

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// setting is a control and the value that it is to have.
type setting struct {
	name  string
	value int
}

// parseControls reads Options.Controls.
func parseControls(text string) ([]setting, error) {
	if text == "" {
		return nil, nil
	}
	var list []setting
	for word := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(word), "=")
		n, err := strconv.Atoi(value)
		if name == "" || err != nil {
			return nil, fmt.Errorf("capture: control %q: want NAME=NUMBER, such as brightness=128; picam devices "+
				"lists them", word)
		}
		list = append(list, setting{controlName(name), n})
	}
	return list, nil
}

// checkV4L2 finds what is wrong with a camera's name and settings as they were typed.
func checkV4L2(device string, o Options) error {
	if _, err := strconv.ParseUint(device, 10, 16); err != nil && device != "" && !filepath.IsAbs(device) {
		return fmt.Errorf("capture: v4l2: camera %q: want its node, such as v4l2:/dev/video0, or v4l2:0, or v4l2: for "+
			"the first; picam devices lists them", device)
	}
	_, err := parseControls(o.Controls)
	return err
}

// findControls returns the camera's control for each setting. The error names what the camera has instead.
func findControls(settings []setting, has []DeviceControl) ([]DeviceControl, error) {
	var list []DeviceControl
	for _, s := range settings {
		i := slices.IndexFunc(has, func(c DeviceControl) bool { return sameControl(c.Name, s.name) && !c.Locked })
		if i < 0 {
			var all []string
			for _, c := range has {
				if !c.Locked {
					all = append(all, c.Name+" "+c.Takes())
				}
			}
			if all == nil {
				return nil, fmt.Errorf("control %s: this camera has no controls", s.name)
			}
			return nil, fmt.Errorf("control %s: this camera has none of that name; it has %s", s.name,
				strings.Join(all, "; "))
		}
		if c := has[i]; !c.takes(s.value) {
			return nil, fmt.Errorf("control %s=%d: it takes %s", s.name, s.value, c.Takes())
		}
		list = append(list, has[i])
	}
	return list, nil
}

// sameControl says whether two names are those of one control: Linux 5.16 has changed some.
func sameControl(a, b string) bool {
	if a == b {
		return true
	}
	for _, names := range [...][2]string{
		{"exposure_auto", "auto_exposure"},
		{"exposure_absolute", "exposure_time_absolute"},
		{"exposure_auto_priority", "exposure_dynamic_framerate"},
		{"white_balance_temperature_auto", "white_balance_automatic"},
		{"focus_auto", "focus_automatic_continuous"},
	} {
		if names == [2]string{a, b} || names == [2]string{b, a} {
			return true
		}
	}
	return false
}

// takes says whether a value is one that the control may have.
func (c DeviceControl) takes(value int) bool {
	if c.Menu != nil {
		return slices.ContainsFunc(c.Menu, func(m MenuItem) bool { return m.Value == value })
	}
	return value >= c.Min && value <= c.Max && (c.Step <= 1 || (value-c.Min)%c.Step == 0)
}

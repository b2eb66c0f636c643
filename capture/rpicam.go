package capture

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Rpicam are the settings of a Raspberry Pi's own camera, beside those of Options.
type Rpicam struct {
	HFlip, VFlip bool
	Rotation     int      // in degrees: 0 or 180
	Args         []string // more arguments of rpicam-vid, such as "--exposure", "sport", or "--roi=0.25,0.25,0.5,0.5"
}

// rpicamProgram is rpicam-vid for the camera of a number, or for the first one.
func rpicamProgram(arg string, o Options) (program, error) {
	args := []string{"-t", "0", "-n", "--codec", "mjpeg", "--flush", "-o", "-"}
	if err := checkRpicam(arg, o); err != nil {
		return program{}, err
	}
	if arg != "" {
		args = append(args, "--camera", arg)
	}
	if o.Width > 0 {
		args = append(args, "--width", strconv.Itoa(o.Width))
	}
	if o.Height > 0 {
		args = append(args, "--height", strconv.Itoa(o.Height))
	}
	if o.Quality > 0 {
		args = append(args, "--quality", strconv.Itoa(o.Quality))
	}
	silence := 10 * time.Second // the start of a camera takes one or two
	if o.FPS > 0 {
		args = append(args, "--framerate", strconv.FormatFloat(o.FPS, 'f', -1, 64))
		silence += time.Duration(5 / o.FPS * float64(time.Second))
	}
	if o.Rpicam.HFlip {
		args = append(args, "--hflip")
	}
	if o.Rpicam.VFlip {
		args = append(args, "--vflip")
	}
	if o.Rpicam.Rotation == 180 {
		args = append(args, "--rotation", "180")
	}
	args = append(args, o.Rpicam.Args...)
	path, err := findRpicam()
	if err != nil {
		return program{}, err
	}
	if isPi5("/proc/device-tree/model") {
		o.logger().Info("a Raspberry Pi 5 has no encoder of its own: its processor makes the JPEG frames; a smaller " +
			"--size or " +
			"--fps costs less")
	}
	return program{argv: append([]string{path}, args...), silence: silence, explain: explainRpicam}, nil
}

func checkRpicam(arg string, o Options) error {
	if _, err := strconv.ParseUint(arg, 10, 8); err != nil && arg != "" {
		return fmt.Errorf("capture: rpicam: camera %q: want its number, such as rpicam:0; picam devices shows them", arg)
	}
	if r := o.Rpicam.Rotation; r != 0 && r != 180 {
		return fmt.Errorf("capture: rpicam: rotation %d: the camera can do 0 and 180; the filter rotate of picam recv does the others", r)
	}
	return nil
}

// isPi5 reports whether the file that names this computer's model names a Raspberry Pi 5, or one of its kin.
func isPi5(model string) bool {
	b, err := os.ReadFile(model)
	return err == nil && regexp.MustCompile(`Raspberry Pi (5|500|Compute Module 5)\b`).Match(b)
}

// explainRpicam finds the sentence for what rpicam-vid, or libcamera under it, says when it fails.
func explainRpicam(said string, _ int) (sentence string, hopeless bool) {
	for _, e := range []struct {
		pattern, sentence string
		hopeless          bool
	}{
		{"legacy camera stack", "this Raspberry Pi is set up for the old camera programs: switch Legacy Camera off " +
			"in sudo raspi-config " +
			"(Interface Options) and restart it", true},
		{"no cameras available", "the Raspberry Pi finds no camera: with the power off, push its ribbon cable in " +
			"anew at both ends; " +
			"in /boot/firmware/config.txt camera_auto_detect=1 must stand", false},
		{"selected camera is not available",
			"there is no camera of this number: picam devices shows those that there are", true},
		{"failed to acquire camera|in use by another process|Device or resource busy",
			"the camera is in use by another program: end that, such as another picam, rpicam-hello, motion", false},
		{`unrecogni[sz]ed option|unknown option|invalid option|ambiguous`,
			"this version of rpicam-vid does not know an option: " +
				"see --rpicam-arg; or it is old: sudo apt update && sudo apt full-upgrade", true},
		{"kernel driver needs to be (fixed|updated)|Unable to get rectangle|firmware .*too old|incompatible .*kernel",
			"the Raspberry Pi's kernel or firmware is older than its camera programs: sudo apt update && sudo apt " +
				"full-upgrade, then restart it", false},
		{"dmaHeap allocation failure|failed to allocate capture buffers|Cannot allocate memory",
			"there is not enough memory for frames of this size: ask for a smaller --size, or end other programs",
			false},
		{"frontend has timed out|Device timeout detected|Dequeue timer",
			"the camera has stopped to answer: look at its ribbon cable and at the power supply", false},
		{"Permission denied|Could not open any dmaHeap device",
			"this user may not use the camera: sudo usermod -aG video $USER, then log in anew", false},
		{"error while loading shared libraries|symbol lookup error",
			"rpicam-vid is not installed well: sudo apt install --reinstall rpicam-apps",
			false},
	} {
		if regexp.MustCompile(e.pattern).MatchString(said) {
			return e.sentence, e.hopeless
		}
	}
	return "", false
}

// findRpicam returns the path of the program, whose old name was libcamera-vid.
func findRpicam() (string, error) {
	for _, name := range []string{"rpicam-vid", "libcamera-vid"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("capture: rpicam-vid not found: on a Raspberry Pi 'sudo apt install rpicam-apps'; " +
		"for a USB camera use --source v4l2:/dev/video0; to try picam use --source pattern")
}

// findRpicamCamera asks the program whether there is a camera.
func findRpicamCamera(ctx context.Context, path string) error {
	list, said, err := listRpicam(ctx, path)
	switch {
	case len(list) > 0:
		return nil
	case err != nil:
		return fmt.Errorf("capture: %s --list-cameras: %w: %s", filepath.Base(path), err, said)
	}
	return fmt.Errorf("capture: %s --list-cameras: %s", filepath.Base(path), said)
}

// RpicamDevices lists the Raspberry Pi's own cameras; none where there is no rpicam-vid to tell of them. One that is in
// use is listed too, without its sizes.
func RpicamDevices(ctx context.Context) []Device {
	path, err := findRpicam()
	if err != nil {
		return nil
	}
	list, _, _ := listRpicam(ctx, path) // a program that fails has no cameras to list
	return list
}

func listRpicam(ctx context.Context, path string) (list []Device, said string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--list-cameras")
	cmd.WaitDelay = stopTime
	out, err := cmd.CombinedOutput()
	return parseRpicamList(string(out), filepath.Base(path)), (&tail{out}).lastLines(), err
}

// parseRpicamList reads what rpicam-vid --list-cameras prints: a line for each camera, then its modes, such as
//
//	0 : imx219 [3280x2464 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx219@10)
//	    Modes: 'SRGGB10_CSI2P' : 640x480 [206.65 fps - (1000, 752)/1280x960 crop]
//	                             1640x1232 [41.85 fps - (0, 0)/3280x2464 crop]
func parseRpicamList(text, program string) []Device {
	var (
		camera = regexp.MustCompile(`^\s*(\d+) : (\S+)(?: \[.*?\])? \((.*)\)\s*$`)
		format = regexp.MustCompile(`'([^']+)' : `)
		size   = regexp.MustCompile(`(?:: |^ +)(\d+)x(\d+)(?: \[([0-9.]+) fps)?`)
	)
	var list []Device
	for line := range strings.Lines(text) {
		if m := camera.FindStringSubmatch(strings.TrimRight(line, "\r\n")); m != nil {
			list = append(list, Device{
				Source: "rpicam:" + m[1], Path: m[3], Card: m[2], Driver: program, Bus: "CSI",
				Formats: []DeviceFormat{}, Controls: []DeviceControl{}, Users: []string{},
			})
			continue
		}
		if len(list) == 0 {
			continue
		}
		d := &list[len(list)-1]
		if m := format.FindStringSubmatch(line); m != nil {
			d.Formats = append(d.Formats, DeviceFormat{Name: m[1], Description: "of the sensor", Use: "by " + program})
		}
		if m := size.FindStringSubmatch(line); m != nil && len(d.Formats) > 0 {
			f := &d.Formats[len(d.Formats)-1]
			s := DeviceSize{FPS: []float64{}}
			s.Width, _ = strconv.Atoi(m[1]) // digits
			s.Height, _ = strconv.Atoi(m[2])
			if fps, err := strconv.ParseFloat(m[3], 64); err == nil {
				s.FPS = append(s.FPS, fps)
			}
			f.Sizes = append(f.Sizes, s)
		}
	}
	return list
}

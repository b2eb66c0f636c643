package capture

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

func openRpicam(ctx context.Context, arg string, o Options) (Source, error) {
	args := []string{"-t", "0", "-n", "--codec", "mjpeg", "--flush", "-o", "-"}
	if arg != "" {
		if _, err := strconv.ParseUint(arg, 10, 8); err != nil {
			return nil, fmt.Errorf("capture: rpicam: camera %q: want its number, such as rpicam:0; "+
				"rpicam-hello --list-cameras shows them", arg)
		}
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
	path, err := findRpicam()
	if err != nil {
		return nil, err
	}
	return openProcess(ctx, append([]string{path}, args...), silence, o)
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
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--list-cameras")
	cmd.WaitDelay = stopTime
	out, err := cmd.CombinedOutput()
	// A line for each, such as "0 : imx219 [3280x2464 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx219@10)".
	if regexp.MustCompile(`(?m)^\s*\d+ : `).Match(out) {
		return nil
	}
	said := (&tail{out}).lastLines()
	if err != nil {
		return fmt.Errorf("capture: %s --list-cameras: %w: %s", filepath.Base(path), err, said)
	}
	return fmt.Errorf("capture: %s --list-cameras: %s", filepath.Base(path), said)
}

package capture

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

// openAuto opens the first camera that is found. If there is none, it waits for one that is plugged in, which is one of
// V4L2: the Raspberry Pi's own is there from the start or never.
func openAuto(ctx context.Context, arg string, o Options) (Source, error) {
	spec, err := findAuto(ctx, arg, o)
	var none *noCameraError
	switch {
	case errors.As(err, &none) && none.canWait:
		o.logger().Info("no camera found yet; --source pattern needs none", "rpicam", none.rpicam)
		spec = "v4l2:"
	case err != nil:
		return nil, err
	}
	return Open(ctx, spec, o)
}

func streamAuto(ctx context.Context, arg string, o Options) (Stream, error) {
	spec, err := findAuto(ctx, arg, o)
	if err != nil {
		return nil, err
	}
	return OpenStream(ctx, spec, o)
}

func checkAuto(arg string, o Options) error {
	return errors.Join(noArgument("auto", arg), checkV4L2("", o))
}

// noCameraError says that auto has found no camera.
type noCameraError struct {
	rpicam, v4l2 error
	canWait      bool // a camera of V4L2 may come
}

func (e *noCameraError) Error() string {
	return fmt.Sprintf("capture: auto: no camera found: rpicam (%v), v4l2 (%v); to try picam use --source pattern",
		e.rpicam, e.v4l2)
}

// findAuto returns the source that auto stands for.
func findAuto(ctx context.Context, arg string, o Options) (spec string, err error) {
	if err := checkAuto(arg, o); err != nil {
		return "", err
	}
	path, noRpicam := findRpicam()
	if noRpicam == nil {
		noRpicam = findRpicamCamera(ctx, path)
	}
	if noRpicam == nil {
		o.logger().Info("camera found", "source", "rpicam")
		return "rpicam", nil
	}
	noV4L2 := findV4L2Camera()
	if noV4L2 == nil {
		o.logger().Info("camera found", "source", "v4l2")
		return "v4l2:", nil
	}
	return "", &noCameraError{noRpicam, noV4L2, runtime.GOOS == "linux"}
}

package capture

import (
	"context"
	"fmt"
)

// openAuto opens the first camera that is found.
func openAuto(ctx context.Context, arg string, o Options) (Source, error) {
	spec, err := findAuto(ctx, arg, o)
	if err != nil {
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

// findAuto returns the source that auto stands for.
func findAuto(ctx context.Context, arg string, o Options) (spec string, err error) {
	if err := noArgument("auto", arg); err != nil {
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
	return "", fmt.Errorf("capture: auto: no camera found: rpicam (%w), v4l2 (%w); to try picam use --source pattern",
		noRpicam, noV4L2)
}

package capture

import (
	"context"
	"fmt"
)

// openAuto opens the first camera that is found.
func openAuto(ctx context.Context, arg string, o Options) (Source, error) {
	if err := noArgument("auto", arg); err != nil {
		return nil, err
	}
	path, noRpicam := findRpicam()
	if noRpicam == nil {
		noRpicam = findRpicamCamera(ctx, path)
	}
	if noRpicam == nil {
		o.logger().Info("camera found", "source", "rpicam")
		return openRpicam(ctx, "", o)
	}
	noV4L2 := findV4L2Camera()
	if noV4L2 == nil {
		o.logger().Info("camera found", "source", "v4l2")
		return openV4L2(ctx, "", o)
	}
	return nil, fmt.Errorf("capture: auto: no camera found: rpicam (%w), v4l2 (%w); to try picam use --source pattern",
		noRpicam, noV4L2)
}

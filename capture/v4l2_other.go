//go:build !linux

package capture

import (
	"context"
	"errors"
)

func openV4L2(context.Context, string, Options) (Source, error) { return nil, findV4L2Camera() }

func streamV4L2(context.Context, string, Options) (Stream, error) { return nil, findV4L2Camera() }

func findV4L2Camera() error {
	return errors.New("capture: v4l2: only Linux has V4L2; use another program's frames, such as " +
		"ffmpeg … -f mjpeg - | picam send --source - …")
}

// Devices lists the cameras that V4L2 knows, which only Linux has.
func Devices(context.Context) []Device { return []Device{} }

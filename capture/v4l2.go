package capture

import (
	"cmp"
	"context"
	"fmt"
)

// openV4L2 keeps the place of the reader of USB cameras and says what works until then.
func openV4L2(_ context.Context, device string, _ Options) (Source, error) {
	return nil, fmt.Errorf("capture: v4l2: this build does not read V4L2 cameras yet; use ffmpeg -f v4l2 "+
		"-input_format mjpeg -i %s -c copy -f mjpeg - | picam send --source - …", cmp.Or(device, "/dev/video0"))
}

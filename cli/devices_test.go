//go:build cgo

package cli

import (
	"strings"
	"testing"

	"picam/capture"
)

func TestWriteDevices(t *testing.T) {
	camera := capture.Device{
		Source: "v4l2:/dev/v4l/by-id/usb-HD-video-index0", Path: "/dev/video2", Card: "HD Webcam", Driver: "uvcvideo", Bus: "usb-1",
		Formats: []capture.DeviceFormat{
			{Name: "MJPG", Use: "as it is", Sizes: []capture.DeviceSize{
				{Width: 1280, Height: 720, FPS: []float64{30, 7.5}},
				{Width: 640, Height: 480},
			}},
			{Name: "H264", Sizes: []capture.DeviceSize{{Width: 1920, Height: 1080}}},
			{Name: "NV12", Use: "encoded", Sizes: []capture.DeviceSize{
				{Width: 32, Height: 32, MaxWidth: 2592, MaxHeight: 1944, FPS: []float64{90, 1}, FPSRange: true},
			}},
		},
		Controls: []capture.DeviceControl{
			{Name: "brightness", Min: -64, Max: 64, Step: 1, Value: 3},
			{Name: "power_line_frequency", Menu: []capture.MenuItem{{Value: 1, Name: "50 Hz"}, {Value: 2, Name: "60 Hz"}}, Value: 1},
			{Name: "temperature", Max: 100, Step: 1, Value: 40, Locked: true},
		},
		Users: []string{"ffmpeg (process 312)"},
	}
	broken := capture.Device{Source: "v4l2:/dev/video5", Path: "/dev/video5", Trouble: "it does not answer"}
	for _, test := range []struct {
		name string
		list []capture.Device
		want string
	}{
		{"none", nil, "there is no camera, neither one that V4L2 knows nor one that rpicam-vid knows\n"},
		{"two", []capture.Device{camera, broken}, `HD Webcam · uvcvideo · usb-1 · /dev/video2
  --source v4l2:/dev/v4l/by-id/usb-HD-video-index0
  in use by ffmpeg (process 312)
  MJPG as it is   1280x720   30, 7.5 a second
                  640x480
  NV12 encoded    32x32 to 2592x1944 1 to 90 a second
  which picam does not take: H264
  --control brightness=3 of -64 to 64
  --control power_line_frequency=1 of 1 (50 Hz), 2 (60 Hz)

/dev/video5
  --source v4l2:/dev/video5
  it does not answer
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b strings.Builder
			writeDevices(&b, test.list)
			if b.String() != test.want {
				t.Errorf("got\n%s\nwant\n%s", &b, test.want)
			}
		})
	}
}

//go:build cgo

package e2e

import (
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"testing"

	"picam/mjpeg/mjpegtest"
	"picam/pipeline/sink/sinktest"
)

// TestWindow runs the whole way to a window on a real screen: it shows the edges of the pattern, switches a stage off
// by its key, says when the camera is gone, and ends by q.
func TestWindow(t *testing.T) {
	screen := sinktest.Start(t)
	cmd := exec.Command(binary(t), "recv", "--listen", "127.0.0.1:0", "--display", "window", "--config", writeFile(t, "f.yaml", edges))
	cmd.Env = screen.Env
	recv := start(t, cmd)
	addr := recv.says(`msg=listening address=(\S+)`)
	send := picam(t, "send", "--to", addr, "--source", "pattern", "--size", "640x360", "--name", "door")
	const name = "picam: door"

	screen.Wait("edges", func(m image.Image) error {
		w := screen.Window(name, m)
		if w == nil {
			return errors.New("no window")
		}
		// Canny leaves thin white lines on black, and no colour.
		white, black, other := shades(w)
		if total := white + black + other; white < total/1000 || black < total/2 || other > total/10 {
			return fmt.Errorf("%d white, %d black, %d other pixels", white, black, other)
		}
		return nil
	})
	screen.Key(name, "3") // without canny the frame is gray and smooth
	screen.Wait("gray", func(m image.Image) error {
		w := screen.Window(name, m)
		if w == nil {
			return errors.New("no window")
		}
		if white, black, other := shades(w); other < (white+black+other)/3 {
			return fmt.Errorf("%d white, %d black, %d other pixels", white, black, other)
		}
		return nil
	})
	send.interrupt()
	screen.Wait("no signal", func(m image.Image) error {
		w := screen.Window(name, m)
		if w == nil {
			return errors.New("no window")
		}
		if white, black, other := shades(w); black > (white+black+other)/20 {
			return fmt.Errorf("%d white, %d black, %d other pixels", white, black, other)
		}
		return nil
	})
	screen.Key(name, "q")
	recv.ends(0)
}

// shades counts the pixels that are white, black, and neither.
func shades(m image.Image) (white, black, other int) {
	b := m.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, _ := m.At(x, y).RGBA()
			switch {
			case r > 0xF000 && g > 0xF000 && bl > 0xF000:
				white++
			case r < 0x0800 && g < 0x0800 && bl < 0x0800:
				black++
			default:
				other++
			}
		}
	}
	return white, black, other
}

// TestWithoutWindows hides OpenCV's highgui, as on a computer without a screen where it was not installed.
func TestWithoutWindows(t *testing.T) {
	need(t, "unshare", "ldconfig")
	if os.Geteuid() != 0 {
		t.Skip("hiding a library takes root")
	}
	if out, err := exec.Command("unshare", "--mount", "mount", "--bind", "/dev/null", "/dev/null").CombinedOutput(); err != nil {
		t.Skipf("nothing can be hidden here: %v: %s", err, out)
	}
	screen := sinktest.Start(t)
	clip := writeFile(t, "one.mjpeg", string(mjpegtest.Frames(1, 64, 48, 80)[0]))
	hidden := `lib=$(readlink -f "$(ldconfig -p | awk '/libopencv_highgui/ { print $NF; exit }')") &&
		mount --bind /dev/null "$lib" && exec "$@"`
	for display, code := range map[string]int{"window": 1, "auto": 0} {
		cmd := exec.Command("unshare", "--mount", "sh", "-c", hidden, "sh",
			binary(t), "recv", "--from", "file:"+clip, "--once", "--display", display)
		cmd.Env = screen.Env
		recv := start(t, cmd)
		recv.says(`the part highgui of OpenCV is not installed \(on Debian: (the package libopencv-highgui)`)
		recv.ends(code)
	}
}

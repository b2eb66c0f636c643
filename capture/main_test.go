package capture

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"picam/mjpeg/mjpegtest"
)

// TestMain makes the test binary the camera program where it is called by that name.
func TestMain(m *testing.M) {
	if name := filepath.Base(os.Args[0]); name == "rpicam-vid" || name == "libcamera-vid" {
		os.Exit(fakeCamera())
	}
	goleak.VerifyTestMain(m)
}

// installFake puts a camera program of this name into a PATH that has nothing else. It does what the words of
// behaviour say, one word for each start; the last one stands for all later ones. The returned file gets a line for
// each start, and "stopped" for each end by SIGINT.
func installFake(t *testing.T, name, behaviour string) (journal string) {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(binary, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
	journal = filepath.Join(dir, "journal")
	t.Setenv("PATH", dir)
	t.Setenv("GORACE", "atexit_sleep_ms=0") // a test binary with the race detector takes a second to end otherwise
	t.Setenv("FAKE_BEHAVIOUR", behaviour)
	t.Setenv("FAKE_JOURNAL", journal)
	return journal
}

// fakeCamera behaves as rpicam-vid does: frames to standard output, talk to standard error.
func fakeCamera() int {
	if len(os.Args) == 2 && os.Args[1] == "--list-cameras" {
		return fakeList()
	}
	journal, err := os.OpenFile(os.Getenv("FAKE_JOURNAL"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return 9
	}
	starts := 0
	for s := bufio.NewScanner(journal); s.Scan(); {
		if strings.HasPrefix(s.Text(), "start ") {
			starts++
		}
	}
	fmt.Fprintf(journal, "start %s\n", strings.Join(os.Args[1:], " "))

	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	signal.Ignore(syscall.SIGPIPE) // it writes on when picam has closed the pipe, until it sees the SIGINT
	fmt.Fprintln(os.Stderr, "[0:01:02.123] [1234]  INFO Camera camera_manager.cpp:297 libcamera v0.2.0")

	words := strings.Fields(os.Getenv("FAKE_BEHAVIOUR"))
	word, arg, _ := strings.Cut(words[min(starts, len(words)-1)], "=")
	frames := mjpegtest.Frames(8, 64, 48, 80)
	switch word {
	case "give": // some frames, then a crash
		n, _ := strconv.Atoi(arg)
		for i := range n {
			os.Stdout.Write(frames[i%8])
		}
		fmt.Fprintln(os.Stderr, "ERROR: *** the camera fell off ***")
		return 7
	case "nocamera":
		fmt.Fprintln(os.Stderr, "ERROR: *** no cameras available ***")
		return 255
	case "varies": // why it fails, in words that are others each time
		fmt.Fprintf(os.Stderr, "[tcp @ %#x] Connection reset by peer\n", os.Getpid())
		return 255
	case "says": // why it fails
		fmt.Fprintln(os.Stderr, os.Getenv("FAKE_SAYS"))
		return 255
	case "text": // what is no JPEG, and a good end
		os.Stdout.WriteString("not a frame")
		return 0
	case "closed": // closes its standard output and stays
		os.Stdout.Close()
		<-interrupted
		return 5
	case "silent": // a frame, then nothing
		os.Stdout.Write(frames[0])
		<-interrupted
	case "deaf": // frames, whatever comes
		for i := 0; ; i++ {
			os.Stdout.Write(frames[i%8])
			time.Sleep(10 * time.Millisecond) // sleep: the pace of a camera
		}
	case "run": // frames until SIGINT
		for i := 0; len(interrupted) == 0; i++ {
			os.Stdout.Write(frames[i%8])
			time.Sleep(10 * time.Millisecond) // sleep: the pace of a camera
		}
	}
	fmt.Fprintln(journal, "stopped")
	return 0
}

func fakeList() int {
	switch os.Getenv("FAKE_BEHAVIOUR") {
	case "nocamera":
		fmt.Println("No cameras available!")
		return 0
	case "broken":
		fmt.Fprintln(os.Stderr, "error while loading shared libraries: libcamera.so")
		return 127
	}
	fmt.Print("Available cameras\n-----------------\n" +
		"0 : imx219 [3280x2464 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx219@10)\n" +
		"    Modes: 'SRGGB10_CSI2P' : 640x480 [103.33 fps - (1000, 752)/1280x960 crop]\n")
	return 0
}

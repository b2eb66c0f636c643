package sink

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// display is the one that windows will be on.
type display struct {
	size image.Point // in pixels; 0 × 0: not known
	// conn is held until there are windows, since a server without a window manager, such as Xvfb, starts anew when
	// its last client leaves, and drops who comes meanwhile. nil where there is nothing to hold.
	conn net.Conn
}

func (d display) close() {
	if d.conn != nil {
		_ = d.conn.Close() // nothing was left to be sent
	}
}

// findDisplay connects to the display as OpenCV's window library (Qt or GTK) will: a window without one aborts the
// process. The error says what is missing.
func findDisplay() (display, error) {
	if runtime.GOOS != "linux" {
		return display{}, nil // macOS and Windows always have one
	}
	switch platform, _, _ := strings.Cut(os.Getenv("QT_QPA_PLATFORM"), ":"); platform {
	case "", "xcb":
	case "wayland", "wayland-egl":
		return findWayland()
	default: // offscreen, vnc, eglfs: the user knows
		return display{}, nil
	}
	// A Wayland session counts by the X server that it has for programs like this one: Debian's OpenCV has no other
	// way.
	name := os.Getenv("DISPLAY")
	if name == "" {
		return display{}, errors.New("sink: no display: DISPLAY is not set")
	}
	d, err := findX11(name)
	for try := 0; try < restartTries && isRestart(err); try++ {
		time.Sleep(restartTime)
		d, err = findX11(name)
	}
	if err != nil {
		return display{}, fmt.Errorf("sink: no display: DISPLAY=%s: %w", name, err)
	}
	return d, nil
}

const (
	displayTimeout = 3 * time.Second // for each dialogue with a display server; one behind ssh may be slow

	// A server that starts anew is back after much less than restartTries of restartTime.
	restartTime  = 50 * time.Millisecond
	restartTries = 10
)

// isRestart says whether a server has dropped a connection that it had taken.
func isRestart(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func findWayland() (display, error) {
	name := os.Getenv("WAYLAND_DISPLAY")
	if name == "" {
		name = "wayland-0"
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), name)
	}
	conn, err := net.DialTimeout("unix", name, displayTimeout)
	if err != nil {
		return display{}, fmt.Errorf("sink: no display: %w", err)
	}
	return display{conn: conn}, nil
}

// findX11 connects to the X server that a value of DISPLAY names ("host:display.screen").
func findX11(name string) (display, error) {
	host, rest, ok := cutLast(name, ":")
	number, _, _ := strings.Cut(rest, ".")
	n, err := strconv.ParseUint(number, 10, 16)
	if !ok || err != nil {
		return display{}, errors.New("it is not of the form :0 or host:0")
	}
	network, address := "unix", "/tmp/.X11-unix/X"+number
	if host != "" && host != "unix" {
		const firstPort = 6000
		network, address = "tcp", net.JoinHostPort(host, strconv.FormatUint(firstPort+n, 10))
	}
	// The keys that may be of this server, and none: a server may let this user in without.
	keys := append(cookies(readCookies(), number), nil)
	refusal := ""
	for _, key := range keys {
		conn, err := net.DialTimeout(network, address, displayTimeout)
		if err != nil {
			return display{}, err
		}
		size, why, err := greetX11(conn, key)
		if err == nil && why == "" {
			return display{size, conn}, nil
		}
		_ = conn.Close() // of no use
		if err != nil {
			return display{}, err
		}
		refusal = why
	}
	return display{}, fmt.Errorf("the X server lets nobody in without its key (XAUTHORITY): %s", refusal)
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

const cookieKind = "MIT-MAGIC-COOKIE-1"

// greetX11 sets up a connection as in "X Window System Protocol", chapter 8 and appendix B. It returns the size of the
// first screen, or why the server refuses.
func greetX11(conn net.Conn, key []byte) (size image.Point, refusal string, err error) {
	if err := conn.SetDeadline(time.Now().Add(displayTimeout)); err != nil {
		return image.Point{}, "", err
	}
	kind := ""
	if key != nil {
		kind = cookieKind
	}
	le := binary.LittleEndian
	hello := []byte{'l', 0, 11, 0, 0, 0} // little-endian, protocol 11.0
	hello = le.AppendUint16(hello, uint16(len(kind)))
	hello = le.AppendUint16(hello, uint16(len(key)))
	hello = append(hello, 0, 0)
	hello = append(padded(hello, kind), key...)
	hello = padded(hello, "")
	if _, err := conn.Write(hello); err != nil {
		return image.Point{}, "", err
	}
	var head [8]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return image.Point{}, "", err
	}
	body := make([]byte, 4*int(le.Uint16(head[6:])))
	if _, err := io.ReadFull(conn, body); err != nil {
		return image.Point{}, "", err
	}
	const success = 1
	if head[0] != success {
		return image.Point{}, fmt.Sprintf("%q", body[:min(len(body), int(head[1]))]), nil
	}
	return screenSize(body), "", nil
}

// screenSize reads the size of the first screen from what follows the first 8 bytes of a server's greeting; 0 × 0 where
// it is too short. Screens stand after the vendor's name and the pixel formats, of 8 bytes each.
func screenSize(greeting []byte) image.Point {
	const fixed, width, height = 32, 20, 22
	le := binary.LittleEndian
	if len(greeting) < fixed {
		return image.Point{}
	}
	screen := fixed + (int(le.Uint16(greeting[16:]))+3)/4*4 + 8*int(greeting[21])
	if len(greeting) < screen+height+2 {
		return image.Point{}
	}
	return image.Pt(int(le.Uint16(greeting[screen+width:])), int(le.Uint16(greeting[screen+height:])))
}

// padded appends s and fills up to a multiple of 4 bytes.
func padded(dst []byte, s string) []byte {
	dst = append(dst, s...)
	for len(dst)%4 != 0 {
		dst = append(dst, 0)
	}
	return dst
}

// readCookies reads the file in which the user's keys for X servers are; nil if there is none.
func readCookies() []byte {
	file := os.Getenv("XAUTHORITY")
	if file == "" {
		file = filepath.Join(os.Getenv("HOME"), ".Xauthority")
	}
	data, _ := os.ReadFile(file)
	return data
}

// cookies returns the keys for a display of that number in a file of them, whose format is described in Xau(3).
func cookies(file []byte, number string) [][]byte {
	field := func() []byte {
		if len(file) < 2 {
			file = nil
			return nil
		}
		end := min(2+int(binary.BigEndian.Uint16(file)), len(file))
		f := file[2:end]
		file = file[end:]
		return f
	}
	var keys [][]byte
	for len(file) > 2 {
		file = file[2:] // the kind of address
		_ = field()     // the address
		display, kind, key := field(), field(), field()
		if string(kind) == cookieKind && (len(display) == 0 || string(display) == number) {
			keys = append(keys, key)
		}
	}
	return keys
}

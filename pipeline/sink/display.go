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
	"time"
)

// HasDisplay says whether windows can be opened. A window without a display aborts the process, so look first.
func HasDisplay() bool {
	_, err := findDisplay()
	return err == nil
}

// findDisplay connects to the display as OpenCV's window library (Qt or GTK) will, and returns the size of its screen in
// pixels: 0 × 0 where that is not known. The error says what is missing.
func findDisplay() (image.Point, error) {
	if runtime.GOOS != "linux" {
		return image.Point{}, nil // macOS and Windows always have one
	}
	switch platform, _, _ := strings.Cut(os.Getenv("QT_QPA_PLATFORM"), ":"); platform {
	case "", "xcb":
	case "wayland", "wayland-egl":
		return image.Point{}, findWayland()
	default: // offscreen, vnc, eglfs: the user knows
		return image.Point{}, nil
	}
	// A Wayland session counts by the X server that it has for programs like this one: Debian's OpenCV has no other way.
	name := os.Getenv("DISPLAY")
	if name == "" {
		return image.Point{}, errors.New("sink: no display: DISPLAY is not set")
	}
	size, err := findX11(name)
	if err != nil {
		return image.Point{}, fmt.Errorf("sink: no display: DISPLAY=%s: %w", name, err)
	}
	return size, nil
}

func findWayland() error {
	name := os.Getenv("WAYLAND_DISPLAY")
	if name == "" {
		name = "wayland-0"
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), name)
	}
	conn, err := net.DialTimeout("unix", name, displayTimeout)
	if err != nil {
		return fmt.Errorf("sink: no display: %w", err)
	}
	return conn.Close()
}

// displayTimeout is for each dialogue with a display server. One behind ssh may be slow.
const displayTimeout = 3 * time.Second

// findX11 opens and closes a connection to the X server that a value of DISPLAY names ("host:display.screen").
func findX11(name string) (image.Point, error) {
	host, rest, ok := cutLast(name, ":")
	number, _, _ := strings.Cut(rest, ".")
	display, err := strconv.ParseUint(number, 10, 16)
	if !ok || err != nil {
		return image.Point{}, errors.New("it is not of the form :0 or host:0")
	}
	network, address := "unix", "/tmp/.X11-unix/X"+number
	if host != "" && host != "unix" {
		const firstPort = 6000
		network, address = "tcp", net.JoinHostPort(host, strconv.FormatUint(firstPort+display, 10))
	}
	// The keys that may be of this server, and none: a server may let this user in without.
	keys := append(cookies(readCookies(), number), nil)
	refusal := ""
	for _, key := range keys {
		size, why, err := greetX11(network, address, key)
		if err != nil {
			return image.Point{}, err
		}
		if why == "" {
			return size, nil
		}
		refusal = why
	}
	return image.Point{}, fmt.Errorf("the X server lets nobody in without its key (XAUTHORITY): %s", refusal)
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
func greetX11(network, address string, key []byte) (size image.Point, refusal string, err error) {
	conn, err := net.DialTimeout(network, address, displayTimeout)
	if err != nil {
		return image.Point{}, "", err
	}
	defer conn.Close()
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

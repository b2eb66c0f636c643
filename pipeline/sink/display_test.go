package sink

import (
	"encoding/binary"
	"fmt"
	"image"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"picam/pipeline/sink/sinktest"
)

// xauthority writes a file of keys with one for a display, for any address.
func xauthority(t testing.TB, display string, key []byte) string {
	t.Helper()
	file := binary.BigEndian.AppendUint16(nil, 0xFFFF) // any kind of address
	for _, field := range [][]byte{nil, []byte(strings.TrimPrefix(display, ":")), []byte(cookieKind), key} {
		file = binary.BigEndian.AppendUint16(file, uint16(len(field)))
		file = append(file, field...)
	}
	path := filepath.Join(t.TempDir(), "Xauthority")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// setDisplay sets the environment that findDisplay looks at.
func setDisplay(t *testing.T, display, xauthority string) {
	t.Helper()
	t.Setenv("DISPLAY", display)
	t.Setenv("XAUTHORITY", xauthority)
	t.Setenv("QT_QPA_PLATFORM", "")
}

func TestFindDisplay(t *testing.T) {
	x := sinktest.Start(t)
	setDisplay(t, x.Display, "/dev/null")
	d, err := findDisplay()
	if err != nil || d.size != image.Pt(1280, 720) {
		t.Errorf("%v, %v", d.size, err)
	}
	d.close()
	setDisplay(t, "unix"+x.Display+".0", "/dev/null")
	for range 5 { // the server starts anew each time
		d, err := findDisplay()
		if err != nil {
			t.Errorf("with a screen number: %v", err)
		}
		d.close()
	}
}

// TestFindDisplayWithKey: a server that lets nobody in without its key would abort the process.
func TestFindDisplayWithKey(t *testing.T) {
	key := []byte("0123456789abcdef")
	x := sinktest.Start(t, "-auth", xauthority(t, "", key))
	for _, tt := range []struct {
		name string
		file string
		want bool
	}{
		{"without", "/dev/null", false},
		{"of another display", xauthority(t, ":12345", key), false},
		{"another one", xauthority(t, x.Display, []byte("another 16 bytes")), false},
		{"the right one", xauthority(t, x.Display, key), true},
		{"for all displays", xauthority(t, "", key), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			setDisplay(t, x.Display, tt.file)
			d, err := NewDesktop(DesktopOptions{})
			if err == nil {
				_ = d.Close()
			}
			if (err == nil) != tt.want || err != nil && !strings.Contains(err.Error(), "XAUTHORITY") {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestFindNoDisplay(t *testing.T) {
	for _, tt := range []struct{ display, want string }{
		{"", "DISPLAY is not set"},
		{":54321", "no such file"},
		{"0", "not of the form"},
		{":", "not of the form"},
		{":x", "not of the form"},
		{":-1", "not of the form"},
		{"127.0.0.1:1", "refused"},
	} {
		t.Run(tt.display, func(t *testing.T) {
			setDisplay(t, tt.display, "/dev/null")
			if _, err := NewDesktop(DesktopOptions{}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
	t.Run("Qt without X", func(t *testing.T) {
		setDisplay(t, "", "/dev/null")
		t.Setenv("QT_QPA_PLATFORM", "offscreen")
		if _, err := findDisplay(); err != nil {
			t.Error(err)
		}
		t.Setenv("QT_QPA_PLATFORM", "wayland")
		t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
		if _, err := findDisplay(); err == nil {
			t.Error("found without a Wayland server")
		}
		l, err := net.Listen("unix", filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "wayland-7"))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		t.Setenv("WAYLAND_DISPLAY", "wayland-7")
		d, err := findDisplay()
		if err != nil {
			t.Error(err)
		}
		d.close()
	})
}

// TestFindStrangeServer: whatever listens there, the answer comes, and is no.
func TestFindStrangeServer(t *testing.T) {
	for _, answer := range []string{
		"",
		"SSH-2.0-OpenSSH\r\n",
		"\x00\x05\x0B\x00\x00\x00\x02\x00nope!\x00\x00\x00",
		"\x02\x00\x0B\x00\x00\x00\x00\x00",
	} {
		t.Run(fmt.Sprintf("%q", answer), func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					_, _ = conn.Read(make([]byte, 64))
					_, _ = conn.Write([]byte(answer))
					_ = conn.Close()
				}
			}()
			port := l.Addr().(*net.TCPAddr).Port
			setDisplay(t, "127.0.0.1:"+strconv.Itoa(port-6000), "/dev/null")
			if _, err := findDisplay(); err == nil {
				t.Error("it passed for a display")
			}
			l.Close()
			<-done
		})
	}
}

func FuzzScreenSize(f *testing.F) {
	f.Add([]byte{}, []byte{})
	f.Add(make([]byte, 32), []byte("\x01\x00\x00\x04host\x00\x01\x30\x00\x12MIT-MAGIC-COOKIE-1\x00\x02ab"))
	f.Add(make([]byte, 56), []byte{0, 0, 0xFF, 0xFF})
	f.Fuzz(func(t *testing.T, greeting, file []byte) {
		if size := screenSize(greeting); size.X < 0 || size.Y < 0 || size.X > 65535 || size.Y > 65535 {
			t.Errorf("size %v", size)
		}
		total := 0
		for _, key := range cookies(file, "0") {
			total += len(key)
		}
		if total > len(file) {
			t.Errorf("%d bytes of keys in %d", total, len(file))
		}
	})
}

package sink

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	for _, tt := range []struct{ path, camera, want string }{
		{"out.avi", "door", "out.avi"},
		{"out-{camera}.avi", "door", "out-door.avi"},
		{"{camera}/{camera}.mjpeg", "door", "door/door.mjpeg"},
		{"{camera}.avi", "Küche 2", "Küche_2-b267f9.avi"},
		{"{camera}.avi", "Küche", "Küche.avi"},
		{"{camera}.avi", "東京-2_a.b", "東京-2_a.b.avi"},
		{"{camera}.avi", "../../etc/passwd", "_._.._etc_passwd-df406b.avi"},
		{"{camera}.avi", "..", "_.-960816.avi"},
		{"{camera}.avi", ".hidden", "_hidden-3b71d5.avi"},
		{"{camera}/%06d.png", "100%d", "100_d-2c0f0e/%06d.png"},
		{"{camera}.avi", "192.168.1.7:51324", "192.168.1.7_51324-0dec91.avi"},
		{"{camera}.avi", "a\x00b\nc\xFF", "a_b_c_-8d0010.avi"},
		{"{camera}.avi", "", "camera-000000.avi"},
		{"{camera}.avi", "{camera}", "_camera_-859387.avi"},
		{"{camera}.avi", strings.Repeat("x", 300), strings.Repeat("x", 60) + "-1b432d.avi"},
	} {
		t.Run(tt.path+" "+tt.camera, func(t *testing.T) {
			if got := Expand(tt.path, tt.camera); got != tt.want {
				t.Errorf("Expand(%q, %q) = %q, want %q", tt.path, tt.camera, got, tt.want)
			}
		})
	}
}

func TestPerCamera(t *testing.T) {
	for _, tt := range []struct{ path, want string }{
		{"out.avi", "out-{camera}.avi"},
		{"a.b/out.avi", "a.b/out-{camera}.avi"},
		{"/rec/out", "/rec/out-{camera}"},
		{"out/%06d.png", "out/{camera}/%06d.png"},
		{"%06d.png", "{camera}/%06d.png"},
		{"x-{camera}.avi", "x-{camera}.avi"},
		{"{camera}/%06d.png", "{camera}/%06d.png"},
	} {
		t.Run(tt.path, func(t *testing.T) {
			if got := PerCamera(tt.path); got != tt.want {
				t.Errorf("PerCamera(%q) = %q, want %q", tt.path, got, tt.want)
			}
		})
	}
}

// FuzzExpand: whatever a camera calls itself, its file is one name in the folder that the user named.
func FuzzExpand(f *testing.F) {
	for _, s := range []string{"door", "..", "/etc", "a/../../b", "\x00", "C:\\x", "%s", "", "..\\..", "~", "{camera}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, camera string) {
		path := Expand("folder/{camera}", camera)
		if dir, name := filepath.Split(path); dir != "folder/" || name == "" || name[0] == '.' || len(name) > 200 ||
			strings.ContainsAny(name, "/\\%\x00{}\n") || filepath.Clean(path) != path {
			t.Errorf("Expand of %q is %q", camera, path)
		}
	})
}

package capture

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"picam/mjpeg/yuv"
)

// identity is what tells a camera again: a node, and what stays the same when it returns under another one. Nothing is
// opened to find it out, which would wake cameras that sleep.
type identity struct {
	node   string // such as /dev/video0
	name   string // what the camera calls itself
	device string // the piece of hardware in /sys: a USB port, for example; "" for a virtual camera
	index  string // which of the device's nodes it is
}

// same says whether two identities are one, perhaps with another node.
func (p identity) same(q identity) bool {
	if p.device == "" {
		return p == q
	}
	return p.device == q.device && p.index == q.index && p.name == q.name
}

// identities lists the V4L2 nodes in dev, in the order of their numbers, with what class, a folder of /sys, tells of
// them.
func identities(dev, class string) []identity {
	nodes, _ := filepath.Glob(filepath.Join(dev, "video[0-9]*")) // the pattern is right
	var list []identity
	for _, node := range nodes {
		about := filepath.Join(class, filepath.Base(node))
		device, _ := filepath.EvalSymlinks(filepath.Join(about, "device")) // without /sys only the node is known
		list = append(list, identity{node, firstLine(about, "name"), device, firstLine(about, "index")})
	}
	slices.SortFunc(list, func(a, b identity) int { return nodeNumber(a.node) - nodeNumber(b.node) })
	return list
}

func thisComputersIdentities() []identity { return identities("/dev", "/sys/class/video4linux") }

// nodeNumber is the number of a node, -1 for what is no node.
func nodeNumber(path string) int {
	digits, ok := strings.CutPrefix(path, filepath.Dir(path)+"/video")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil {
		return -1
	}
	return n
}

func firstLine(elements ...string) string {
	b, err := os.ReadFile(filepath.Join(elements...))
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return line
}

// reunite finds the camera that was at known among the identities that there are now: where it was; else, in another
// port, one of its name that was not among the others when it went. With anyName, one of another name will do.
func reunite(known identity, now, others []identity, anyName bool) (node string, ok bool) {
	for _, p := range now {
		if p.same(known) {
			return p.node, true
		}
	}
	for _, p := range now {
		isNew := others != nil && !slices.ContainsFunc(others, p.same)
		if isNew && p.index == known.index && (anyName || p.name == known.name) {
			return p.node, true
		}
	}
	return "", false
}

// finder finds a camera, again and again.
type finder struct {
	device string     // a path; "" is the first camera
	known  identity   // where it was found; zero: it has not been found yet
	card   string     // what it calls itself
	tried  string     // the node that was opened last, or was to be
	others []identity // that were there when it was found to be gone; nil: it is not
}

func (f *finder) found() bool { return f.known.node != "" }

// foundIt takes a camera for the one that is found from now on.
func (f *finder) foundIt(c *camera) {
	f.known, f.card, f.tried, f.others = identity{node: c.node}, c.card, c.node, nil
	for _, p := range thisComputersIdentities() {
		if p.node == c.node {
			f.known = p
		}
	}
}

// open returns the camera, opened. The error is errNoCamera if there is none.
func (f *finder) open() (*camera, error) {
	if f.device == "" && !f.found() {
		return openFirst()
	}
	node, err := f.node()
	if err != nil {
		return nil, err
	}
	f.tried = node
	c, err := openCamera(node)
	if info, statErr := os.Stat(node); err == unix.EACCES && statErr == nil &&
		time.Since(info.ModTime()) < 2*time.Second {
		return nil, errNoCamera // it is new, and about to get its permissions
	}
	return c, err
}

// node returns where the camera is now.
func (f *finder) node() (string, error) {
	if nodeNumber(f.device) < 0 && f.device != "" { // a link, which leads to the camera wherever it is
		node, err := filepath.EvalSymlinks(f.device)
		if err != nil {
			return "", errNoCamera
		}
		return node, nil
	}
	if !f.found() {
		return f.device, nil
	}
	now := thisComputersIdentities()
	node, ok := reunite(f.known, now, f.others, f.device == "")
	if !ok {
		if f.others == nil {
			f.others = append([]identity{}, now...)
		}
		return "", errNoCamera
	}
	return node, nil
}

// who names the camera in sentences.
func (f *finder) who() string { return who(cmp.Or(f.known.node, f.device, "the first camera"), f.card) }

// trouble is the sentence for an error of open.
func (f *finder) trouble(err error) *trouble {
	if !f.found() && isGone(err) {
		return missingTrouble(f.device)
	}
	return newTrouble(err, cmp.Or(f.tried, "/dev/video*"), f.card, mode{})
}

// openFirst opens the first camera that picam can use.
func openFirst() (*camera, error) {
	refused := errNoCamera
	for _, p := range thisComputersIdentities() {
		c, err := openCamera(p.node)
		if err != nil {
			if err == unix.EACCES {
				refused = err
			}
			continue
		}
		if _, err := c.usable(c.formats(), Options{}); err == nil && !c.isPart() {
			return c, nil
		}
		c.close()
	}
	return nil, refused
}

// findV4L2Camera says why there is no camera for the kind "auto".
func findV4L2Camera() error {
	c, err := openFirst()
	if err != nil {
		return fmt.Errorf("capture: v4l2: %w", (&finder{}).trouble(err))
	}
	c.close()
	return nil
}

// isPart says whether the node is a part of a camera that libcamera puts together, as those of a Raspberry Pi are: it
// looks like a camera, but no frames come from it alone.
func (c *camera) isPart() bool {
	return c.caps&capMediaController != 0 ||
		slices.Contains([]string{"unicam", "bcm2835-isp", "rp1-cfe", "pispbe"}, c.driver)
}

// usable returns the mode that suits the options best, and an error if frames for picam cannot come from this node.
func (c *camera) usable(formats []DeviceFormat, o Options) (mode, error) {
	switch {
	case c.captures():
	case c.driver == loopbackDriver:
		return mode{}, errNotFed
	case c.caps&capVideoCaptureMplane != 0:
		return mode{}, unusableError("its driver only has frames in several parts (multi-planar), which picam does " +
			"not read")
	default:
		return mode{}, unusableError("no frames come from this node, perhaps from another one of the same camera")
	}
	m, ok := choose(formats, o)
	if !ok {
		var names []string
		for _, f := range formats {
			names = append(names, f.Name)
		}
		return mode{}, unusableError(fmt.Sprintf("its formats are %s, and picam takes MJPG, JPEG, %s",
			cmp.Or(strings.Join(names, ", "), "none"), strings.Join(yuv.Formats(), ", ")))
	}
	return m, nil
}

// lastingName returns the link of /dev/v4l/by-id that leads to a node, or of by-path, or the node itself if there is
// none.
func lastingName(node string) string {
	for _, folder := range []string{"/dev/v4l/by-id", "/dev/v4l/by-path"} {
		links, _ := filepath.Glob(filepath.Join(folder, "*")) // the pattern is right
		for _, link := range links {
			if target, err := filepath.EvalSymlinks(link); err == nil && target == node {
				return link
			}
		}
	}
	return node
}

// users lists the other programs that have a file open, such as "ffmpeg (process 312)", as far as this one may see
// them.
func users(file string) []string {
	list := []string{}
	self := strconv.Itoa(os.Getpid())
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the pattern is right
	for _, link := range links {
		process := filepath.Dir(filepath.Dir(link))
		id := filepath.Base(process)
		target, err := os.Readlink(link)
		if err != nil || target != file || id == self {
			continue
		}
		user := fmt.Sprintf("%s (process %s)", firstLine(process, "comm"), id)
		if !slices.Contains(list, user) {
			list = append(list, user)
		}
	}
	return list
}

// Devices lists the cameras that V4L2 knows. One that has not answered when ctx ends is listed with that trouble. An
// empty list means that there are none.
func Devices(ctx context.Context) []Device {
	all := thisComputersIdentities()
	answers := make([]chan *Device, len(all))
	for i, p := range all {
		answers[i] = make(chan *Device, 1)
		go func() { answers[i] <- inspect(p) }() // a camera that does not answer keeps it longer
	}
	list := []Device{}
	for i, p := range all {
		select {
		case d := <-answers[i]:
			if d != nil {
				list = append(list, *d)
			}
		case <-ctx.Done():
			list = append(list, Device{
				Source: "v4l2:" + lastingName(p.node), Path: p.node, Card: p.name, Users: users(p.node),
				Trouble: "it does not answer",
			})
		}
	}
	return list
}

// inspect asks a node for all that it has. It returns nil for one that no frames come from.
func inspect(p identity) *Device {
	d := &Device{
		Source: "v4l2:" + lastingName(p.node), Path: p.node, Card: p.name, Users: users(p.node),
		Formats: []DeviceFormat{}, Controls: []DeviceControl{},
	}
	c, err := openCamera(p.node)
	if err != nil {
		d.Trouble = newTrouble(err, p.node, p.name, mode{}).text
		return d
	}
	defer c.close()
	d.Card, d.Driver, d.Bus = c.card, c.driver, c.bus
	if !c.captures() && c.driver != loopbackDriver && c.caps&capVideoCaptureMplane == 0 { // those have their sentence
		return nil
	}
	d.Formats, d.Controls = append(d.Formats, c.formats()...), append(d.Controls, c.controls()...)
	if _, err := c.usable(d.Formats, Options{}); err != nil {
		d.Trouble = newTrouble(err, c.node, c.card, mode{}).text
	} else if c.isPart() {
		d.Trouble = "it is " + partOfCamera
	}
	return d
}

package capture

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"golang.org/x/sys/unix"

	"picam/mjpeg/yuv"
)

// camera is an open V4L2 device. One goroutine uses it.
type camera struct {
	fd      int
	node    string // such as /dev/video0
	card    string
	driver  string
	bus     string
	caps    uint32
	buffers [][]byte // the driver's memory, mapped; nil: it does not stream
}

// The most that is asked for of anything that a driver counts up, should one not come to an end.
const maxEnumerated = 1000

// openCamera opens a node and asks what it is. Any number of programs may have a camera open; one may use it.
func openCamera(node string) (*camera, error) {
	fd, err := unix.Open(node, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	var c videoCapability
	if err := videoCall(fd, vidiocQueryCap, &c); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	caps := c.capabilities
	if caps&capDeviceCaps != 0 {
		caps = c.deviceCaps // of this node; a camera may have several
	}
	return &camera{
		fd: fd, node: node, card: text(c.card[:]), driver: text(c.driver[:]), bus: text(c.busInfo[:]), caps: caps,
	}, nil
}

// captures says whether the node is one that frames come from.
func (c *camera) captures() bool {
	return c.caps&capVideoCapture != 0 && c.caps&capStreaming != 0
}

// formats asks for all kinds of frames, sizes and rates.
func (c *camera) formats() []DeviceFormat {
	var list []DeviceFormat
	for i := range uint32(maxEnumerated) {
		d := videoFmtDesc{index: i, bufType: bufTypeCapture}
		if videoCall(c.fd, vidiocEnumFmt, &d) != nil {
			break
		}
		f := DeviceFormat{Name: fourCC(d.pixelFormat), Description: text(d.description[:])}
		f.Use = formatUse(f.Name)
		f.Sizes = c.sizes(d.pixelFormat)
		list = append(list, f)
	}
	return list
}

func (c *camera) sizes(format uint32) []DeviceSize {
	var list []DeviceSize
	for i := range uint32(maxEnumerated) {
		s := videoFrameSize{index: i, pixelFormat: format}
		if videoCall(c.fd, vidiocEnumFrameSizes, &s) != nil {
			break
		}
		if s.kind != rangeDiscrete {
			size := DeviceSize{
				Width: int(s.minWidth), MaxWidth: int(s.maxWidth), StepWidth: int(s.stepWidth),
				Height: int(s.minHeight), MaxHeight: int(s.maxHeight), StepHeight: int(s.stepHeight),
			}
			size.FPS, size.FPSRange = c.rates(format, s.maxWidth, s.maxHeight)
			return append(list, size)
		}
		w, h := s.discrete()
		size := DeviceSize{Width: int(w), Height: int(h)}
		size.FPS, size.FPSRange = c.rates(format, w, h)
		list = append(list, size)
	}
	return list
}

// rates returns the rates of a size, the highest first.
func (c *camera) rates(format, width, height uint32) (fps []float64, isRange bool) {
	for i := range uint32(maxEnumerated) {
		v := videoFrameInterval{index: i, pixelFormat: format, width: width, height: height}
		if videoCall(c.fd, vidiocEnumFrameIntervals, &v) != nil {
			break
		}
		if v.kind != rangeDiscrete {
			return []float64{v.min.rate(), v.max.rate()}, true
		}
		fps = append(fps, v.min.rate())
	}
	slices.SortFunc(fps, func(a, b float64) int { return cmp.Compare(b, a) })
	return fps, false
}

// rate returns frames a second for an interval in seconds; 0 for none.
func (f videoFract) rate() float64 {
	if f.numerator == 0 {
		return 0
	}
	return math.Round(float64(f.denominator)/float64(f.numerator)*1000) / 1000
}

// controls asks for all settings that are numbers.
func (c *camera) controls() []DeviceControl {
	var list []DeviceControl
	id := uint32(0)
	for range maxEnumerated {
		q := videoQueryCtrl{id: id | ctrlFlagNext}
		if videoCall(c.fd, vidiocQueryCtrl, &q) != nil {
			break
		}
		id = q.id
		if q.flags&ctrlFlagDisabled != 0 {
			continue
		}
		k := DeviceControl{
			Name: controlName(text(q.name[:])), id: q.id,
			Min: int(q.minimum), Max: int(q.maximum), Step: int(q.step), Default: int(q.def),
			Locked: q.flags&ctrlFlagReadOnly != 0,
		}
		switch q.kind {
		case ctrlTypeInteger, ctrlTypeBoolean:
		case ctrlTypeMenu, ctrlTypeIntegerMenu:
			k.Menu = c.menu(q)
		default: // buttons, texts, headings
			continue
		}
		v := videoControl{id: q.id}
		if videoCall(c.fd, vidiocGetCtrl, &v) == nil {
			k.Value = int(v.value)
		}
		list = append(list, k)
	}
	return list
}

// menu asks for the values of a control that have names. There may be gaps between them.
func (c *camera) menu(q videoQueryCtrl) []MenuItem {
	items := []MenuItem{}
	for i := q.minimum; i <= q.maximum && i-q.minimum < maxEnumerated; i++ {
		m := videoQueryMenu{id: q.id, index: uint32(i)}
		if videoCall(c.fd, vidiocQueryMenu, &m) != nil {
			continue
		}
		name := text(m.name[:])
		if q.kind == ctrlTypeIntegerMenu {
			name = fmt.Sprint(m.number())
		}
		items = append(items, MenuItem{int(i), name})
	}
	return items
}

func (c *camera) setControl(k DeviceControl, value int) error {
	return videoCall(c.fd, vidiocSetCtrl, &videoControl{id: k.id, value: int32(value)})
}

// set sets a mode and returns what the driver made of it.
func (c *camera) set(m mode) (layout, error) {
	f := videoFormat{bufType: bufTypeCapture, pix: videoPixFormat{
		width: uint32(m.width), height: uint32(m.height), pixelFormat: binary.LittleEndian.Uint32([]byte(m.format)),
		field: fieldNone,
	}}
	if err := videoCall(c.fd, vidiocSetFmt, &f); err != nil {
		return layout{}, fmt.Errorf("set %v: %w", m, err)
	}
	l := layout{mode: mode{fourCC(f.pix.pixelFormat), int(f.pix.width), int(f.pix.height), m.fps}}
	l.stride = max(int(f.pix.bytesPerLine), yuv.MinStride(l.format, l.width)) // some drivers leave it 0
	if l.format != m.format {
		return layout{}, fmt.Errorf("set %v: the driver gives %v instead", m, l.mode)
	}
	// Without being told otherwise, V4L2 takes JPEG for full range and the rest for limited
	// (V4L2_MAP_QUANTIZATION_DEFAULT).
	l.fullRange = f.pix.quantization == quantizationFull ||
		f.pix.quantization != quantizationLimited && f.pix.colorspace == colorspaceJPEG
	if !isJPEG(l.format) {
		if err := l.samples().Check(); err != nil {
			return layout{}, fmt.Errorf("set %v: the driver gives frames that cannot be: %w", m, err)
		}
	}

	if m.fps > 0 {
		p := videoStreamParm{bufType: bufTypeCapture, timePerFrame: videoFract{1000, uint32(math.Round(m.fps * 1000))}}
		// Not all drivers know rates, and those that do may choose another one.
		if videoCall(c.fd, vidiocSetParm, &p) == nil && p.timePerFrame.rate() > 0 {
			l.fps = p.timePerFrame.rate()
		}
	}
	return l, nil
}

// fourCC is a format's name as its number's four bytes, without spaces at its end.
func fourCC(n uint32) string {
	b := binary.LittleEndian.AppendUint32(nil, n)
	return string(b)
}

// start maps n buffers into memory, gives them to the driver and starts the stream.
func (c *camera) start(n int) error {
	r := videoRequestBuffers{count: uint32(n), bufType: bufTypeCapture, memory: memoryMmap}
	if err := videoCall(c.fd, vidiocReqBufs, &r); err != nil {
		return fmt.Errorf("ask for buffers: %w", err)
	}
	for i := range r.count {
		b := videoBuffer{index: i, bufType: bufTypeCapture, memory: memoryMmap}
		if err := videoCall(c.fd, vidiocQueryBuf, &b); err != nil {
			return fmt.Errorf("ask for a buffer: %w", err)
		}
		memory, err := unix.Mmap(c.fd, int64(b.offset), int(b.length), unix.PROT_READ, unix.MAP_SHARED)
		if err != nil {
			return fmt.Errorf("map a buffer of %d bytes: %w", b.length, err)
		}
		c.buffers = append(c.buffers, memory)
		if err := c.queue(i); err != nil {
			return err
		}
	}
	if len(c.buffers) == 0 {
		return errors.New("the driver has no buffers")
	}
	kind := bufTypeCapture
	if err := videoCall(c.fd, vidiocStreamOn, &kind); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	return nil
}

// queue gives a buffer back to the driver.
func (c *camera) queue(index uint32) error {
	b := videoBuffer{index: index, bufType: bufTypeCapture, memory: memoryMmap}
	if err := videoCall(c.fd, vidiocQBuf, &b); err != nil {
		return fmt.Errorf("give a buffer back: %w", err)
	}
	return nil
}

// dequeue takes a filled buffer from the driver. The bytes are the driver's memory, valid until queue. The error is
// unix.EAGAIN if none is filled.
func (c *camera) dequeue() (videoBuffer, []byte, error) {
	b := videoBuffer{bufType: bufTypeCapture, memory: memoryMmap}
	if err := videoCall(c.fd, vidiocDQBuf, &b); err != nil {
		return b, nil, err
	}
	if int(b.index) >= len(c.buffers) {
		return b, nil, fmt.Errorf("the driver filled buffer %d of %d", b.index, len(c.buffers))
	}
	memory := c.buffers[b.index]
	return b, memory[:min(int(b.bytesUsed), len(memory))], nil
}

// overwritten says whether the driver has put another frame into a buffer since it was taken: v4l2loopback does so with
// buffers of a reader that is slow, who then has parts of two, or the next one twice.
func (c *camera) overwritten(b *videoBuffer) bool {
	if c.driver != loopbackDriver {
		return false
	}
	now := videoBuffer{index: b.index, bufType: bufTypeCapture, memory: memoryMmap}
	return videoCall(c.fd, vidiocQueryBuf, &now) == nil && now.sequence != b.sequence
}

// close ends the stream and frees everything. It takes as long as the driver does.
func (c *camera) close() {
	if c.buffers != nil {
		kind := bufTypeCapture
		_ = videoCall(c.fd, vidiocStreamOff, &kind) // fails if the camera is gone
		for _, b := range c.buffers {
			_ = unix.Munmap(b)
		}
		c.buffers = nil
	}
	_ = unix.Close(c.fd)
}

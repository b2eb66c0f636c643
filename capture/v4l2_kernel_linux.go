package capture

import (
	"encoding/binary"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// This file is the kernel's side of V4L2: those requests and structures of linux/videodev2.h that picam uses, as they
// lie in memory. It is the only file of the package with unsafe in it. The fields have the header's names.

// videoRequest is the number of a request and which way its argument goes; videoCall adds the argument's size.
type videoRequest uintptr

// Which way is in the three highest bits, in an order that depends on the processor. So they are taken from two
// requests that x/sys/unix has for every processor.
const (
	kernelReads  videoRequest = unix.TUNSETIFF &^ (1<<29 - 1)
	kernelWrites videoRequest = unix.TUNGETIFF &^ (1<<29 - 1)
	both                      = kernelReads | kernelWrites
)

const (
	vidiocQueryCap           = kernelWrites // | 0
	vidiocEnumFmt            = both | 2
	vidiocSetFmt             = both | 5
	vidiocReqBufs            = both | 8
	vidiocQueryBuf           = both | 9
	vidiocQBuf               = both | 15
	vidiocDQBuf              = both | 17
	vidiocStreamOn           = kernelReads | 18
	vidiocStreamOff          = kernelReads | 19
	vidiocSetParm            = both | 22
	vidiocGetCtrl            = both | 27
	vidiocSetCtrl            = both | 28
	vidiocQueryCtrl          = both | 36
	vidiocQueryMenu          = both | 37
	vidiocEnumFrameSizes     = both | 74
	vidiocEnumFrameIntervals = both | 75
)

// videoCall makes a request of the device fd. Errors are of type unix.Errno. It may take seconds where a camera does
// not answer its driver, and nothing can interrupt it then.
func videoCall[T any](fd int, request videoRequest, arg *T) error {
	number := uintptr(request) | unsafe.Sizeof(*arg)<<16 | 'V'<<8
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), number, uintptr(unsafe.Pointer(arg)))
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return errno
		}
	}
}

// V4L2_BUF_TYPE_VIDEO_CAPTURE, V4L2_MEMORY_MMAP, V4L2_FIELD_NONE
const (
	bufTypeCapture uint32 = 1
	memoryMmap     uint32 = 1
	fieldNone      uint32 = 1
)

const (
	capVideoCapture       = 0x0000_0001
	capVideoCaptureMplane = 0x0000_1000
	capStreaming          = 0x0400_0000
	// V4L2_CAP_IO_MC: other nodes have to be set up before frames come from this one
	capMediaController = 0x2000_0000
	capDeviceCaps      = 0x8000_0000 // deviceCaps is valid
)

type videoCapability struct {
	driver       [16]byte
	card         [32]byte
	busInfo      [32]byte
	_            uint32 // version
	capabilities uint32
	deviceCaps   uint32
	_            [3]uint32
}

type videoFmtDesc struct {
	index, bufType uint32
	_              uint32 // flags
	description    [32]byte
	pixelFormat    uint32
	_              [4]uint32
}

const (
	colorspaceJPEG      = 7
	quantizationFull    = 1
	quantizationLimited = 2
)

type videoPixFormat struct {
	width, height, pixelFormat, field uint32
	bytesPerLine                      uint32
	_                                 uint32 // size of a frame
	colorspace                        uint32
	_                                 [3]uint32 // priv, flags, how RGB became YCbCr
	quantization                      uint32
	_                                 uint32 // transfer function
}

// videoFormat has a union of 200 bytes behind its type, which pointers in it align to 8 bytes on 64-bit processors.
type videoFormat struct {
	bufType uint32
	_       [unsafe.Sizeof(uintptr(0)) - 4]byte
	pix     videoPixFormat
	_       [200 - unsafe.Sizeof(videoPixFormat{})]byte
}

// rangeDiscrete is V4L2_FRMSIZE_TYPE_DISCRETE and V4L2_FRMIVAL_TYPE_DISCRETE; what is not is a range with a step.
const rangeDiscrete = 1

// videoFrameSize has a union: of a single size, only width and height, which are then the first two.
type videoFrameSize struct {
	index, pixelFormat, kind uint32
	minWidth, maxWidth       uint32
	stepWidth, minHeight     uint32
	maxHeight, stepHeight    uint32
	_                        [2]uint32
}

// discrete returns the width and height of a single size.
func (s *videoFrameSize) discrete() (width, height uint32) { return s.minWidth, s.maxWidth }

type videoFract struct{ numerator, denominator uint32 }

// videoFrameInterval has a union: of a single interval, only min.
type videoFrameInterval struct {
	index, pixelFormat, width, height, kind uint32
	min, max                                videoFract
	_                                       [4]uint32 // step
}

type videoStreamParm struct {
	bufType      uint32
	_            [2]uint32 // capability, mode
	timePerFrame videoFract
	_            [200 - 4*4]byte
}

type videoRequestBuffers struct {
	count, bufType, memory uint32
	_                      [2]uint32
}

const (
	bufFlagError          = 0x0000_0040
	bufFlagTimestampMask  = 0x0000_E000
	bufFlagMonotonicClock = 0x0000_2000
)

// videoBuffer describes a buffer. On 32-bit processors it exists in two sizes, with 32 and with 64 bits of seconds, and
// a request's number says which it is. unix.Timeval is the kernel's first one: it has 32 bits there, as the system
// calls have that Go itself makes, and kernels both older and newer than 64-bit time (Linux 5.6) take it. The seconds
// count from the start of the computer, so they suffice.
type videoBuffer struct {
	index, bufType, bytesUsed, flags uint32
	_                                uint32 // field
	timestamp                        unix.Timeval
	_                                [4]uint32 // timecode
	sequence, memory                 uint32
	offset                           uint32 // in a union with an unsigned long
	_                                [unsafe.Sizeof(uintptr(0)) - 4]byte
	length                           uint32
	_                                [2]uint32
}

const (
	ctrlTypeInteger     = 1
	ctrlTypeBoolean     = 2
	ctrlTypeMenu        = 3
	ctrlTypeIntegerMenu = 9

	ctrlFlagDisabled = 0x0001
	ctrlFlagReadOnly = 0x0004
	ctrlFlagNext     = 0x8000_0000 // with an id: asks for the next control
)

type videoQueryCtrl struct {
	id, kind                    uint32
	name                        [32]byte
	minimum, maximum, step, def int32
	flags                       uint32
	_                           [2]uint32
}

// videoQueryMenu has a union of a name and a number, of 64 bits.
type videoQueryMenu struct {
	id, index uint32
	name      [32]byte
	_         uint32
}

// number returns the item of a menu of numbers.
func (m *videoQueryMenu) number() int64 { return int64(binary.NativeEndian.Uint64(m.name[:])) }

type videoControl struct {
	id    uint32
	value int32
}

// text returns what stands before the first zero byte.
func text(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}

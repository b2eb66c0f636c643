package capture

import (
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestVideoLayouts compares the structures with what a C compiler makes of linux/videodev2.h (6.1) for x86-64, arm64,
// i386 and armhf.
func TestVideoLayouts(t *testing.T) {
	var (
		format   videoFormat
		buffer   videoBuffer
		parm     videoStreamParm
		caps     videoCapability
		desc     videoFmtDesc
		size     videoFrameSize
		interval videoFrameInterval
		query    videoQueryCtrl
		menu     videoQueryMenu
		pix      videoPixFormat
	)
	for _, tt := range []struct {
		name           string
		got            uintptr
		want64, want32 uintptr // where addresses have so many bits
	}{
		{"v4l2_capability", unsafe.Sizeof(caps), 104, 104},
		{"v4l2_capability.capabilities", unsafe.Offsetof(caps.capabilities), 84, 84},
		{"v4l2_capability.device_caps", unsafe.Offsetof(caps.deviceCaps), 88, 88},
		{"v4l2_fmtdesc", unsafe.Sizeof(desc), 64, 64},
		{"v4l2_fmtdesc.pixelformat", unsafe.Offsetof(desc.pixelFormat), 44, 44},
		{"v4l2_pix_format", unsafe.Sizeof(pix), 48, 48},
		{"v4l2_pix_format.quantization", unsafe.Offsetof(pix.quantization), 40, 40},
		{"v4l2_format", unsafe.Sizeof(format), 208, 204},
		{"v4l2_format.fmt.pix", unsafe.Offsetof(format.pix), 8, 4},
		{"v4l2_frmsizeenum", unsafe.Sizeof(size), 44, 44},
		{"v4l2_frmsizeenum.discrete", unsafe.Offsetof(size.minWidth), 12, 12},
		{"v4l2_frmivalenum", unsafe.Sizeof(interval), 52, 52},
		{"v4l2_frmivalenum.discrete", unsafe.Offsetof(interval.min), 20, 20},
		{"v4l2_streamparm", unsafe.Sizeof(parm), 204, 204},
		{"v4l2_streamparm.parm.capture.timeperframe", unsafe.Offsetof(parm.timePerFrame), 12, 12},
		{"v4l2_requestbuffers", unsafe.Sizeof(videoRequestBuffers{}), 20, 20},
		{"v4l2_buffer", unsafe.Sizeof(buffer), 88, 68},
		{"v4l2_buffer.timestamp", unsafe.Offsetof(buffer.timestamp), 24, 20},
		{"v4l2_buffer.sequence", unsafe.Offsetof(buffer.sequence), 56, 44},
		{"v4l2_buffer.memory", unsafe.Offsetof(buffer.memory), 60, 48},
		{"v4l2_buffer.m", unsafe.Offsetof(buffer.offset), 64, 52},
		{"v4l2_buffer.length", unsafe.Offsetof(buffer.length), 72, 56},
		{"v4l2_queryctrl", unsafe.Sizeof(query), 68, 68},
		{"v4l2_queryctrl.flags", unsafe.Offsetof(query.flags), 56, 56},
		{"v4l2_querymenu", unsafe.Sizeof(menu), 44, 44},
		{"v4l2_querymenu.name", unsafe.Offsetof(menu.name), 8, 8},
		{"v4l2_control", unsafe.Sizeof(videoControl{}), 8, 8},
	} {
		want := tt.want64
		if unsafe.Sizeof(uintptr(0)) == 4 {
			want = tt.want32
		}
		if tt.got != want {
			t.Errorf("%s: %d, want %d", tt.name, tt.got, want)
		}
	}
}

// TestVideoRequests compares the numbers of some requests with those of the C header.
func TestVideoRequests(t *testing.T) {
	var reads, writes videoRequest
	switch runtime.GOARCH {
	case "mips", "mipsle", "mips64", "mips64le", "ppc64", "ppc64le", "sparc64":
		reads, writes = 0x8000_0000, 0x4000_0000
	default:
		reads, writes = 0x4000_0000, 0x8000_0000
	}
	if kernelReads != reads || kernelWrites != writes {
		t.Errorf("the kernel reads %#x and writes %#x, want %#x and %#x", kernelReads, kernelWrites, reads, writes)
	}
	// Whether the whole number is right only a device can tell; that it reaches the kernel, a pipe can.
	var p [2]int
	if err := unix.Pipe(p[:]); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(p[0])
	defer unix.Close(p[1])
	err := videoCall(p[0], vidiocQueryCap, &videoCapability{})
	if err != unix.ENOTTY && err != unix.ENOSYS { // the second is qemu's
		t.Errorf("a pipe says %v", err)
	}
}

//go:build wasip1

// Makes a negative. A filter of your own for picam, in WebAssembly: see docs/plugins.md.
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o negative.wasm .
package main

import (
	"encoding/binary"
	"unsafe"
)

var memory []byte // of a frame and its answer

// alloc gives picam the room for a frame with its header of size bytes.
//
//go:wasmexport picam_alloc
func alloc(size uint32) uint32 {
	memory = make([]byte, size)
	return uint32(uintptr(unsafe.Pointer(&memory[0])))
}

// filter works on the frame that is at the beginning of memory, and returns where the answer is.
//
//go:wasmexport picam_filter
func filter(_, size uint32) uint32 {
	le := binary.LittleEndian
	frame := memory[:size]
	start := uint32(le.Uint16(frame[6:])) + le.Uint32(frame[40:]) + le.Uint32(frame[44:])
	pixels := frame[start : start+le.Uint32(frame[48:])]

	// 64 bytes in each turn, then those that are left: picam looks at the time in each turn of a loop, which takes
	// longer than to change a few bytes.
	words := unsafe.Slice((*uint64)(unsafe.Pointer(&pixels[0])), len(pixels)/8)
	for ; len(words) >= 8; words = words[8:] {
		w := (*[8]uint64)(words)
		w[0], w[1], w[2], w[3] = ^w[0], ^w[1], ^w[2], ^w[3]
		w[4], w[5], w[6], w[7] = ^w[4], ^w[5], ^w[6], ^w[7]
	}
	for i := len(pixels) &^ 63; i < len(pixels); i++ {
		pixels[i] = ^pixels[i]
	}

	// The pixels are where they were, so the answer's header takes the place of what is before them.
	var head [40]byte
	copy(head[:], "PICM\x01\x00\x28\x00")
	copy(head[8:24], frame[8:24]) // width, height, channels, stride
	le.PutUint32(head[24:], uint32(len(pixels)))
	copy(head[32:], frame[24:32]) // seq
	answer := start - 40
	copy(frame[answer:], head[:])
	return uint32(uintptr(unsafe.Pointer(&frame[answer])))
}

func main() {}

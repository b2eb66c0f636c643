//go:build wasip1

// Makes a negative. A filter of your own for picam, in WebAssembly: see docs/own-filters.md.
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o negative.wasm .
package main

import (
	"encoding/binary"
	"unsafe"
)

var memory []byte // of a picture and its answer

// alloc gives picam the room for a picture with its header of size bytes.
//
//go:wasmexport picam_alloc
func alloc(size uint32) uint32 {
	memory = make([]byte, size)
	return uint32(uintptr(unsafe.Pointer(&memory[0])))
}

// filter works on the picture that is at the beginning of memory, and returns where the answer is.
//
//go:wasmexport picam_filter
func filter(_, size uint32) uint32 {
	le := binary.LittleEndian
	picture := memory[:size]
	start := uint32(le.Uint16(picture[6:])) + le.Uint32(picture[40:]) + le.Uint32(picture[44:])
	pixels := picture[start : start+le.Uint32(picture[48:])]

	// 64 bytes in each turn, then those that are left: picam looks at the time in each turn of a loop, which takes longer
	// than to change a few bytes.
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
	copy(head[8:24], picture[8:24]) // width, height, channels, stride
	le.PutUint32(head[24:], uint32(len(pixels)))
	copy(head[32:], picture[24:32]) // seq
	answer := start - 40
	copy(picture[answer:], head[:])
	return uint32(uintptr(unsafe.Pointer(&picture[answer])))
}

func main() {}

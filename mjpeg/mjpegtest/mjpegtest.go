// Package mjpegtest makes the frames and the hostile streams that the tests of picam's packages replay, so that all
// of them face the same list.
package mjpegtest

import (
	"bytes"
	"embed"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"slices"
)

// Frames draws n different frames of w × h pixels and encodes them by image/jpeg: baseline, 4:2:0, with Huffman
// tables. The same arguments give the same bytes. As in a camera's frame, a bright square moves over a gradient with
// some noise.
func Frames(n, w, h, quality int) [][]byte {
	rng := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	frames := make([][]byte, n)
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range frames {
		for y := range h {
			for x := range w {
				noise := uint8(rng.IntN(16))
				img.SetRGBA(x, y, color.RGBA{
					R: uint8(x*200/w) + noise, G: uint8(y*200/h) + noise, B: uint8(i*40%200) + noise, A: 255,
				})
			}
		}
		square := max(w/8, 1)
		left := (i * square) % w
		for y := range min(square, h) {
			for x := left; x < min(left+square, w); x++ {
				img.SetRGBA(x, y, color.RGBA{R: 255, G: 255, B: 255, A: 255})
			}
		}
		var buf bytes.Buffer
		if err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: quality}); err != nil {
			panic(err) // only for a frame over 65535 pixels wide or high
		}
		frames[i] = buf.Bytes()
	}
	return frames
}

//go:embed testdata/*.jpg
var fixtures embed.FS

// Fixture returns one of the frames that image/jpeg cannot write, all 96 × 64 pixels: "progressive", "restart",
// "arithmetic", "gray". See testdata/README for how they were made.
func Fixture(name string) []byte {
	b, err := fixtures.ReadFile("testdata/" + name + ".jpg")
	if err != nil {
		panic(err)
	}
	return b
}

// WithSegment returns a copy of frame with a segment right after its SOI.
func WithSegment(frame []byte, marker byte, payload []byte) []byte {
	length := len(payload) + 2
	out := append([]byte{}, frame[:2]...)
	out = append(out, 0xFF, marker, byte(length>>8), byte(length))
	out = append(out, payload...)
	return append(out, frame[2:]...)
}

// Segments returns where the segments of a frame without junk begin, up to that of its first scan.
func Segments(frame []byte) (offsets []int) {
	for i := 2; ; i += 2 + int(binary.BigEndian.Uint16(frame[i+2:])) {
		offsets = append(offsets, i)
		if frame[i+1] == 0xDA {
			return offsets
		}
	}
}

// WithJunk returns a copy of frame with junk before each of some offsets, in ascending order: what some cameras leave
// between segments.
func WithJunk(frame, junk []byte, offsets ...int) []byte {
	var out []byte
	last := 0
	for _, at := range offsets {
		out = append(append(out, frame[last:at]...), junk...)
		last = at
	}
	return append(out, frame[last:]...)
}

// WithScan returns a copy of frame whose first scan header has other values of Ss, Se, and Ah and Al together. As a
// baseline frame's are fixed (0, 63, 0), decoders do not look at them.
func WithScan(frame []byte, start, end, approximation byte) []byte {
	out := slices.Clone(frame)
	segments := Segments(out)
	sos := segments[len(segments)-1]
	next := sos + 2 + int(binary.BigEndian.Uint16(out[sos+2:]))
	copy(out[next-3:], []byte{start, end, approximation})
	return out
}

// MultiFrame returns a multi-frame photo: the frames one after another, with an index of all (CIPA DC-007) in the
// first.
func MultiFrame(frames ...[]byte) []byte {
	const header, entry = 8, 16 // of TIFF, and of a frame in the list
	list := header + 2 + 12 + 4
	p := append([]byte("MPF\x00MM\x00*"), 0, 0, 0, header, 0, 1, 0xB0, 2, 0, 7)
	p = binary.BigEndian.AppendUint32(p, uint32(entry*len(frames)))
	p = binary.BigEndian.AppendUint32(p, uint32(list))
	p = append(p, 0, 0, 0, 0)
	const marker, magic = 4, 4
	offset := marker + magic + list + entry*len(frames) + len(frames[0])
	for i, f := range frames {
		size, at := len(f), 0
		if i == 0 {
			size = offset
		} else {
			at = offset - 2 - marker - magic // counted from the TIFF header, behind SOI
			offset += len(f)
		}
		p = append(p, 0, 0, 0, 0)
		p = binary.BigEndian.AppendUint32(p, uint32(size))
		p = binary.BigEndian.AppendUint32(p, uint32(at))
		p = append(p, 0, 0, 0, 0)
	}
	return append(WithSegment(frames[0], 0xE2, p), bytes.Join(frames[1:], nil)...)
}

// WithSize returns a copy of a frame of Frames whose header claims another size in pixels.
func WithSize(frame []byte, w, h int) []byte {
	out := slices.Clone(frame)
	sof := bytes.Index(out, []byte{0xFF, 0xC0})
	binary.BigEndian.PutUint16(out[sof+5:], uint16(h))
	binary.BigEndian.PutUint16(out[sof+7:], uint16(w))
	return out
}

// WithoutDHT returns a copy of frame without its DHT segments: what many USB cameras send. Decoders take the
// standard tables, which are those of image/jpeg.
func WithoutDHT(frame []byte) []byte {
	out := append([]byte{}, frame[:2]...)
	for i := 2; ; {
		next := i + 2 + int(frame[i+2])<<8 + int(frame[i+3])
		if frame[i+1] == 0xDA {
			return append(out, frame[i:]...)
		}
		if frame[i+1] != 0xC4 {
			out = append(out, frame[i:next]...)
		}
		i = next
	}
}

// Exif returns the payload of an APP1 segment: EXIF data with an orientation from 1 to 8 and, if it is not empty, a
// thumbnail. Numbers are little-endian or not.
func Exif(orientation int, thumbnail []byte, littleEndian bool) []byte {
	var order interface {
		AppendUint16([]byte, uint16) []byte
		AppendUint32([]byte, uint32) []byte
	} = binary.BigEndian
	p := []byte("Exif\x00\x00MM")
	if littleEndian {
		order = binary.LittleEndian
		p = []byte("Exif\x00\x00II")
	}
	const (
		short, long = 3, 4
		entry       = 12
		directory0  = 8
		directory1  = directory0 + 2 + entry + 4
		data        = directory1 + 2 + 2*entry + 4
	)
	add := func(tag, kind uint16, value uint32) {
		p = order.AppendUint16(p, tag)
		p = order.AppendUint16(p, kind)
		p = order.AppendUint32(p, 1)
		if kind == short {
			p = order.AppendUint16(p, uint16(value))
			p = order.AppendUint16(p, 0)
			return
		}
		p = order.AppendUint32(p, value)
	}
	p = order.AppendUint16(p, 42)
	p = order.AppendUint32(p, directory0)
	p = order.AppendUint16(p, 1)
	add(0x0112, short, uint32(orientation))
	if len(thumbnail) == 0 {
		return order.AppendUint32(p, 0)
	}
	p = order.AppendUint32(p, directory1)
	p = order.AppendUint16(p, 2)
	add(0x0201, long, data)
	add(0x0202, long, uint32(len(thumbnail)))
	p = order.AppendUint32(p, 0)
	return append(p, thumbnail...)
}

package mjpegtest

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"picam/mjpeg"
)

// Stream is a stream of frames as cameras, links and attackers make them.
type Stream struct {
	Name   string
	Size   int64            // in bytes
	Reader func() io.Reader // reads it from its beginning
	Want   [][]byte         // exactly the whole frames in it, in order
}

// Streams returns the list. No frame has a stamp. No frame is longer than 1 MiB. The two floods are 100 MB long and
// made as they are read; all other streams are below 1 MB.
func Streams() []Stream {
	good := Frames(6, 160, 120, 75)
	small := Frames(40, 24, 16, 50)
	tail := good[3:] // follows whatever is broken
	cut := good[0][:len(good[0])*2/3]
	restart, progressive := Fixture("restart"), Fixture("progressive")
	thumbnail := Frames(1, 40, 30, 50)[0]

	var list []Stream
	add := func(name string, want [][]byte, parts ...[]byte) {
		b := bytes.Join(parts, nil)
		list = append(list, Stream{
			Name: name, Size: int64(len(b)), Reader: func() io.Reader { return bytes.NewReader(b) }, Want: want,
		})
	}
	// all adds a stream that is whole frames with something after each.
	all := func(name string, frames [][]byte, after string) {
		var b []byte
		for _, p := range frames {
			b = append(append(b, p...), after...)
		}
		add(name, frames, b)
	}
	// each adds a stream of the good frames, each changed by f.
	each := func(name string, f func(p []byte) []byte) {
		var changed [][]byte
		for _, p := range good {
			changed = append(changed, f(p))
		}
		all(name, changed, "")
	}

	add("empty", nil)
	all("one frame", good[:1], "")
	all("whole frames", good, "")
	all("frames of 0.7 KB", small, "")
	all("frames of 2 KB", Frames(20, 128, 96, 70), "")
	all("frames of 3 KB", Frames(20, 160, 120, 75), "")
	all("restart markers", [][]byte{restart, restart, restart}, "")
	all("progressive", [][]byte{progressive, progressive}, "")
	all("arithmetic", [][]byte{Fixture("arithmetic"), Fixture("arithmetic")}, "")
	all("gray", [][]byte{Fixture("gray"), Fixture("gray")}, "")
	each("no DHT", WithoutDHT)
	each("AVI1", func(p []byte) []byte {
		return WithSegment(WithoutDHT(p), 0xE0, []byte("AVI1"+string(make([]byte, 10))))
	})

	each("EXIF thumbnail", func(p []byte) []byte { return WithSegment(p, 0xE1, Exif(1, thumbnail, true)) })
	each("EXIF thumbnail that is cut", func(p []byte) []byte {
		return WithSegment(p, 0xE1, Exif(1, thumbnail[:200], true))
	})
	each("EOI in COM", func(p []byte) []byte { return WithSegment(p, 0xFE, []byte("\xFF\xD9 \xFF\xD9\xFF\xD8\xFF")) })
	each("EOI in APP2", func(p []byte) []byte {
		return WithSegment(p, 0xE2, []byte("MPF\x00\xFF\xD9\xFF\xD8\xFF\xDA"))
	})
	each("empty segment", func(p []byte) []byte { return WithSegment(p, 0xFE, nil) })
	each("longest segment", func(p []byte) []byte {
		return WithSegment(p, 0xFE, bytes.Repeat([]byte("\xFF\xD8\xFF\xD9"), 1<<14)[:65533])
	})
	each("fill before markers", func(p []byte) []byte {
		p = slices.Concat(p[:2], []byte("\xFF\xFF\xFF"), p[2:])                  // before the first segment
		return slices.Concat(p[:len(p)-2], []byte("\xFF\xFF\xFF"), p[len(p)-2:]) // before EOI
	})
	each("junk before the tables", func(p []byte) []byte {
		p = withJFIF(p)
		return WithJunk(p, []byte{0}, Segments(p)[1])
	})
	each("junk before an EXIF thumbnail", func(p []byte) []byte {
		p = withJFIF(WithSegment(p, 0xE1, Exif(1, thumbnail, true)))
		return WithJunk(p, make([]byte, 16), Segments(p)[1])
	})
	each("junk before all segments but the first", func(p []byte) []byte {
		p = withJFIF(WithSegment(p, 0xE1, Exif(1, thumbnail, true)))
		return WithJunk(p, []byte("\x00\xFF\x00junk\xFF\xFF\xD3"), Segments(p)[1:]...)
	})
	each("SOS that says nothing", func(p []byte) []byte { return WithScan(p, 0, 0, 0) })
	each("DNL after the scan", func(p []byte) []byte { // the height is 0 in the frame header and follows in DNL
		dnl := []byte{0xFF, 0xDC, 0x00, 0x04, 0x00, 120}
		return slices.Concat(WithSize(p, 160, 0)[:len(p)-2], dnl, p[len(p)-2:])
	})
	each("65535×65535", func(p []byte) []byte { return WithSize(p, 65535, 65535) })

	all("37 zero bytes after each EOI", good, string(make([]byte, 37)))
	all("two EOI", good, "\xFF\xD9")
	all("D9 00 after each EOI", good, "\xD9\x00")
	all("stray FF after each EOI", good, "\xFF")
	all("stray FF D8 after each EOI", good, "\xFF\xD8")
	all("old data after each EOI", good, string(good[5][700:1500]))
	all("line ends", good, "\r\n")
	all("status messages", good, string((&mjpeg.Stamp{Camera: "door", Sender: "k3",
		Trouble: "it is gone"}).AppendStatus(nil)))
	add("starts in the middle", tail, cut[300:], good[0][len(cut):], bytes.Join(tail, nil))
	add("starts with EOI", tail, []byte("\xFF\xD9"), bytes.Join(tail, nil))
	add("text before the first frame", tail, []byte("GET / HTTP/1.1\r\nHost: pi\r\n\r\n"), bytes.Join(tail, nil))
	var multipart []byte
	for _, p := range good {
		multipart = fmt.Appendf(multipart, "--B\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n", len(p))
		multipart = append(append(multipart, p...), "\r\n"...)
	}
	add("multipart", good, multipart)

	add("cut at two thirds", tail, cut, bytes.Join(tail, nil))
	add("every second frame cut", [][]byte{good[0], good[1], good[2]}, cut, good[0], cut, good[1], cut, good[2], cut)
	add("cut in the header", tail, good[0][:100], bytes.Join(tail, nil))
	withThumbnail := WithSegment(good[0], 0xE1, Exif(1, thumbnail, false))
	add("cut in an EXIF thumbnail", tail, withThumbnail[:500], bytes.Join(tail, nil))
	add("cut after one byte", tail, good[0][:1], bytes.Join(tail, nil))
	jfif := withJFIF(good[0])
	add("cut in junk", tail, WithJunk(jfif, make([]byte, 9), Segments(jfif)[1])[:25], bytes.Join(tail, nil))
	add("too much junk", tail, WithJunk(jfif, make([]byte, 5000), Segments(jfif)[1]), bytes.Join(tail, nil))
	add("EOI missing", tail, good[0][:len(good[0])-2], bytes.Join(tail, nil))
	add("EOI half missing", tail, good[0][:len(good[0])-1], bytes.Join(tail, nil))
	add("SOI doubled", tail, []byte("\xFF\xD8"), bytes.Join(tail, nil))
	add("SOI missing", tail, good[0][2:], bytes.Join(tail, nil))
	add("SOI and EOI alone", tail, []byte("\xFF\xD8\xFF\xD9"), bytes.Join(tail, nil))
	add("no scan", tail, []byte("\xFF\xD8\xFF\xFE\x00\x03x\xFF\xD9"), bytes.Join(tail, nil))
	for length := range 2 {
		add(fmt.Sprintf("segment length %d", length), tail,
			[]byte("\xFF\xD8\xFF\xE0\x00"), []byte{byte(length)}, good[0][4:], bytes.Join(tail, nil))
		add(fmt.Sprintf("scan header length %d", length), tail,
			[]byte("\xFF\xD8\xFF\xDA\x00"), []byte{byte(length)}, bytes.Join(tail, nil))
	}
	add("segment length over the next frames", small,
		[]byte("\xFF\xD8\xFF\xE0\x40\x00"), bytes.Join(small, nil))
	add("scan header length over the next frames", small,
		[]byte("\xFF\xD8\xFF\xDA\x08\x00"), bytes.Join(small, nil))
	add("restart marker in the header", tail, []byte("\xFF\xD8\xFF\xD0"), bytes.Join(tail, nil))
	add("reserved marker in a scan", tail, cut, []byte("\xFF\x02"), bytes.Join(tail, nil))
	add("last frame cut", good, bytes.Join(good, nil), cut)
	add("last frame cut in a segment", good, bytes.Join(good, nil), good[0][:100])
	add("ends after SOI", good, bytes.Join(good, nil), []byte("\xFF\xD8"))
	add("ends after FF D8 FF", good, bytes.Join(good, nil), []byte("\xFF\xD8\xFF"))

	const flood = 100e6
	for _, b := range []byte{0x00, 0xFF} {
		list = append(list, Stream{
			Name: fmt.Sprintf("100 MB of %02X", b),
			Size: flood + int64(len(tail[0])),
			Reader: func() io.Reader {
				return io.MultiReader(io.LimitReader(repeated(b), flood), bytes.NewReader(tail[0]))
			},
			Want: tail[:1],
		})
	}
	return list
}

func withJFIF(frame []byte) []byte {
	return WithSegment(frame, 0xE0, []byte("JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"))
}

// repeated is a reader that never ends.
type repeated byte

func (r repeated) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r)
	}
	return len(p), nil
}

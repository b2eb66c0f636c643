package mjpeg_test

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

// endless reads the same bytes again and again.
type endless struct {
	clip []byte
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.clip[e.at:])
	e.at = (e.at + n) % len(e.clip)
	return n, nil
}

// BenchmarkScanner cuts clips in memory. For comparison, "copy" only reads the clip, and "bufio" cuts it where one
// frame's EOI and the next one's SOI meet: always a frame late, and wrong for what the tests are about.
func BenchmarkScanner(b *testing.B) {
	clips := []struct {
		name   string
		frames [][]byte
	}{
		{"720p", mjpegtest.Frames(8, 1280, 720, 80)},
		{"1080p", mjpegtest.Frames(8, 1920, 1080, 90)},
		{"QVGA", mjpegtest.Frames(50, 320, 240, 50)},
		{"tiny", mjpegtest.Frames(50, 32, 32, 50)},
	}
	for _, clip := range clips {
		stream := bytes.Join(clip.frames, nil)
		size := int64(len(stream) / len(clip.frames))
		b.Run(clip.name+"/scan", func(b *testing.B) {
			s := mjpeg.NewScanner(&endless{clip: stream})
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				if !s.Scan() {
					b.Fatal(s.Err())
				}
			}
			b.ReportMetric(float64(size), "B/frame")
		})
		b.Run(clip.name+"/bufio", func(b *testing.B) {
			s := bufio.NewScanner(&endless{clip: stream})
			s.Buffer(make([]byte, 64<<10), mjpeg.DefaultMaxFrame)
			s.Split(func(data []byte, _ bool) (int, []byte, error) {
				i := bytes.Index(data, []byte("\xFF\xD9\xFF\xD8"))
				if i < 0 {
					return 0, nil, nil
				}
				return i + 2, data[:i+2], nil
			})
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				if !s.Scan() {
					b.Fatal(s.Err())
				}
			}
		})
		b.Run(clip.name+"/copy", func(b *testing.B) {
			r := &endless{clip: stream}
			buf := make([]byte, 64<<10)
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				for n := int64(0); n < size; n += int64(len(buf)) {
					io.ReadFull(r, buf[:min(size-n, int64(len(buf)))])
				}
			}
		})
	}
}

// BenchmarkFlood scans a MiB at a time of what never is a frame.
func BenchmarkFlood(b *testing.B) {
	floods := []struct{ name, start, repeat string }{
		{"zeros", "", "\x00"},
		{"FF", "", "\xFF"},
		{"SOI", "", "\xFF\xD8"},
		{"D8 FF", "", "\xD8\xFF"},
		{"fill", "\xFF\xD8\xFF", "\xFF"},
		{"fill in a scan", "\xFF\xD8\xFF\xDA\x00\x02", "\xFF"},
		{"FF 00", "\xFF\xD8\xFF\xDA\x00\x02", "\xFF\x00"},
		{"zeros in a scan", "\xFF\xD8\xFF\xDA\x00\x02", "\x00"},
		{"segments", "\xFF\xD8", "\xFF\xE0\x00\x02"},
		{"long segments", "\xFF\xD8", "\xFF\xE0\xFF\xFF"},
		{"torn segments", "", "\xFF\xD8\xFF\xE0\xFF\xFF"},
		{"frames without a scan", "", "\xFF\xD8\xFF\xD9"},
	}
	for _, f := range floods {
		b.Run(f.name, func(b *testing.B) {
			const size = 1 << 20
			input := []byte(f.start + strings.Repeat(f.repeat, size/len(f.repeat)))
			r := bytes.NewReader(nil)
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				r.Reset(input)
				if mjpeg.NewScanner(r).Scan() {
					b.Fatal("a frame")
				}
			}
		})
	}
}

func BenchmarkStamp(b *testing.B) {
	s := mjpeg.Stamp{Camera: "front door", Sender: "k3x9", Seq: 1 << 40, Time: time.Now(), Offset: -1e6, Synced: true}
	var got mjpeg.Stamp
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = s.AppendTo(buf[:0])
		if got.Parse(buf) != len(buf) {
			b.Fatal("not read")
		}
	}
}

func BenchmarkParseHeader(b *testing.B) {
	frame := mjpegtest.Frames(1, 640, 480, 75)[0]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mjpeg.ParseHeader(frame); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAddHuffmanTables(b *testing.B) {
	bare := mjpegtest.WithoutDHT(mjpegtest.Frames(1, 1280, 720, 80)[0])
	var buf []byte
	b.SetBytes(int64(len(bare)))
	b.ReportAllocs()
	for b.Loop() {
		buf = mjpeg.AddHuffmanTables(buf[:0], bare)
	}
}

package probe

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"picam/capture"
	"picam/capture/capturetest"
	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

// stopped is a clock that stands.
func stopped() time.Time { return time.Unix(1_700_000_000, 0) }

// stream is a capture.Stream of some parts.
type stream struct {
	parts []capture.Part
	err   error // behind the last part; nil means io.EOF
}

func (s *stream) Part() (capture.Part, error) {
	if len(s.parts) == 0 {
		if s.err != nil {
			return capture.Part{}, s.err
		}
		return capture.Part{}, io.EOF
	}
	p := s.parts[0]
	s.parts = s.parts[1:]
	return p, nil
}

func (s *stream) Close() error { return nil }

// look reports on one part of bytes.
func look(r io.Reader, o Options) Report {
	if o.Now == nil {
		o.Now = stopped
	}
	p := New(o)
	return p.Report(p.Run(&stream{parts: []capture.Part{{Reader: r}}}))
}

// answered reports on an HTTP answer.
func answered(t testing.TB, answer []byte, chop func(io.Reader) io.Reader) Report {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://cam/dir/page", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), req)
	if err != nil {
		t.Fatal(err)
	}
	p := New(Options{Now: stopped})
	return p.Report(p.Run(&stream{parts: []capture.Part{{Reader: chop(resp.Body), Answer: resp}}}))
}

// sumsUp checks that each byte is in one place.
func sumsUp(t testing.TB, r Report, size int64) {
	t.Helper()
	b := r.Bytes
	if sum := b.Frames + b.StatusMessages + b.Multipart + b.Padding + b.Damaged + b.Unfinished +
		b.Other; b.All != size || sum != size {
		t.Errorf("%+v: the parts are %d bytes, all are %d", b, sum, size)
	}
}

// whole is one Read for as much as there is place for.
func whole(r io.Reader) io.Reader { return r }

// chops are ways to read.
func chops() map[string]func(io.Reader) io.Reader {
	return map[string]func(io.Reader) io.Reader{
		"whole": whole, "one byte": iotest.OneByteReader, "half": iotest.HalfReader,
		"odd": func(r io.Reader) io.Reader { return &oddReader{r, rand.New(rand.NewPCG(1, 2))} },
	}
}

type oddReader struct {
	io.Reader
	rng *rand.Rand
}

func (r *oddReader) Read(p []byte) (int, error) { return r.Reader.Read(p[:1+r.rng.IntN(len(p))%977]) }

// TestStreams: of whatever stream, all frames, every byte once, and the same for all sizes of reads.
func TestStreams(t *testing.T) {
	for _, s := range mjpegtest.Streams() {
		if s.Name == "100 MB of FF" {
			continue // one flood is enough
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			first := look(s.Reader(), Options{})
			sumsUp(t, first, s.Size)
			if first.Frames != int64(len(s.Want)) {
				t.Errorf("%d frames, want %d", first.Frames, len(s.Want))
			}
			if s.Size > 1e6 {
				return
			}
			for name, chop := range chops() {
				if name == "one byte" && s.Size > 1e5 {
					continue // for that the smaller ones are enough
				}
				if got := look(chop(s.Reader()), Options{}); !reflect.DeepEqual(got, first) {
					t.Errorf("read %s: got  %+v\nwant %+v", name, got, first)
				}
			}
		})
	}
}

// names lists the issues of a report.
func names(r Report) string {
	var list []string
	for _, s := range r.Issues {
		list = append(list, s.Name)
	}
	return strings.Join(list, " ")
}

// TestIssues: what each stream has that is too much for others. The frames of this size have less than 1000 bytes of
// data only where that is said.
func TestIssues(t *testing.T) {
	want := map[string]string{
		"whole frames":                        "",
		"frames of 0.7 KB":                    "short-data",
		"restart markers":                     "",
		"progressive":                         "progressive",
		"arithmetic":                          "arithmetic",
		"gray":                                "not-420-or-422",
		"no DHT":                              "no-huffman-tables",
		"AVI1":                                "no-huffman-tables",
		"EXIF thumbnail":                      "markers-inside",
		"EOI in COM":                          "markers-inside",
		"junk before the tables":              "junk-between-segments",
		"junk before an EXIF thumbnail":       "junk-between-segments markers-inside",
		"SOS that says nothing":               "odd-scan-header",
		"too much junk":                       "damaged",
		"DNL after the scan":                  "height-in-dnl",
		"65535×65535":                         "over-2040-pixels",
		"37 zero bytes after each EOI":        "padding",
		"two EOI":                             "padding",
		"old data after each EOI":             "padding",
		"line ends":                           "",
		"status messages":                     "",
		"multipart":                           "bare-multipart",
		"every second frame cut":              "damaged",
		"starts in the middle":                "",
		"SOI doubled":                         "damaged",
		"last frame cut":                      "damaged",
		"segment length over the next frames": "damaged short-data",
		"fill before markers":                 "",
		"empty":                               "",
	}
	seen := 0
	for _, s := range mjpegtest.Streams() {
		wanted, ok := want[s.Name]
		if !ok {
			continue
		}
		seen++
		r := look(s.Reader(), Options{})
		got := names(r)
		if s.Name == "restart markers" || s.Name == "gray" || s.Name == "progressive" || s.Name == "arithmetic" {
			got = strings.TrimSpace(strings.ReplaceAll(got, "short-data", ""))
		}
		if got != wanted {
			t.Errorf("%s: got %q, want %q", s.Name, got, wanted)
		}
	}
	if seen != len(want) {
		t.Errorf("%d of %d streams are there", seen, len(want))
	}
}

// TestFrames: how frames are coded.
func TestFrames(t *testing.T) {
	plain := mjpegtest.Frames(1, 96, 64, 80)[0]
	thumbnail := mjpegtest.Frames(1, 16, 16, 50)[0]
	for _, tt := range []struct {
		name    string
		frame   []byte
		kind    Kind
		quality Quality
		markers string
	}{
		{"plain", plain, Kind{Width: 96, Height: 64, Components: 3, Subsampling: "4:2:0", Coding: "baseline", Bits: 8},
			Quality{80, 80, true},
			"SOI DQT SOF0 DHT SOS EOI"},
		{"no tables", mjpegtest.WithSegment(mjpegtest.WithoutDHT(plain), 0xE0, []byte("AVI1\x00\x00")),
			Kind{Width: 96, Height: 64, Components: 3, Subsampling: "4:2:0", Coding: "baseline", Bits: 8,
				NoTables: true}, Quality{80, 80, true},
			"SOI APP0=AVI1 DQT SOF0 SOS EOI"},
		{"turned, with a thumbnail", mjpegtest.WithSegment(plain, 0xE1, mjpegtest.Exif(6, thumbnail, true)),
			Kind{Width: 96, Height: 64, Components: 3,
				Subsampling: "4:2:0", Coding: "baseline", Bits: 8, Orientation: 6, Thumbnail: true},
			Quality{80, 80, true},
			"SOI APP1=EXIF DQT SOF0 DHT SOS EOI"},
		{"comment", mjpegtest.WithSegment(plain, 0xFE, []byte("Lavc59.37.100\x00")),
			Kind{Width: 96, Height: 64, Components: 3, Subsampling: "4:2:0", Coding: "baseline", Bits: 8},
			Quality{80, 80, true},
			`SOI COM="Lavc59.37.100" DQT SOF0 DHT SOS EOI`},
		{"progressive", mjpegtest.Fixture("progressive"),
			Kind{Width: 96, Height: 64, Components: 3, Subsampling: "4:2:0", Coding: "progressive", Bits: 8},
			Quality{75, 75, true}, "SOI APP0=JFIF DQT SOF2 DHT SOS EOI"},
		{"restart", mjpegtest.Fixture("restart"), Kind{Width: 96, Height: 64, Components: 3, Subsampling: "4:2:0",
			Coding: "baseline", Bits: 8, Restart: 1},
			Quality{75, 75, true}, "SOI APP0=JFIF DQT SOF0 DHT DRI SOS EOI"},
		{"arithmetic", mjpegtest.Fixture("arithmetic"), Kind{Width: 96, Height: 64, Components: 3, Subsampling: "4:2:0",
			Coding: "extended, arithmetic",
			Bits:   8}, Quality{75, 75, true}, "SOI APP0=JFIF DQT SOF9 DAC SOS EOI"},
		{"gray", mjpegtest.Fixture("gray"), Kind{Width: 96, Height: 64, Components: 1, Coding: "baseline", Bits: 8},
			Quality{75, 75, true},
			"SOI APP0=JFIF DQT SOF0 DHT SOS EOI"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := look(bytes.NewReader(slices.Concat(tt.frame, tt.frame)), Options{})
			tt.kind.Frames = 2
			if len(r.Kinds) != 1 || r.Kinds[0] != tt.kind {
				t.Errorf("got  %+v\nwant %+v", r.Kinds, tt.kind)
			}
			if r.Quality == nil || *r.Quality != tt.quality {
				t.Errorf("quality %+v, want %+v", r.Quality, tt.quality)
			}
			if got := markers(r.Markers, 2); got != tt.markers {
				t.Errorf("markers %s, want %s", got, tt.markers)
			}
			if r.Damage.Restarts != 0 || r.Damage.Broken != 0 {
				t.Errorf("%+v", r.Damage)
			}
		})
	}
	t.Run("junk", func(t *testing.T) {
		p := mjpegtest.WithSegment(plain, 0xE0, []byte("JFIF\x00\x01"))
		at := mjpegtest.Segments(p)
		stream := slices.Concat(mjpegtest.WithJunk(p, []byte{0}, at[1]), p, mjpegtest.WithJunk(p, []byte("a\xFF\x00\xFF\xFF\xD3"), at[3], at[4]))
		for how, chop := range chops() {
			r := look(chop(bytes.NewReader(stream)), Options{Input: "x.mjpeg"})
			want := Junk{Frames: 2, Size: Spread{Min: 1, Mean: 6.5, Max: 12, n: 2}, Between: []string{"APP0 JFIF and DQT", "SOF0 and DHT"}}
			if r.Junk == nil || !reflect.DeepEqual(*r.Junk, want) {
				t.Errorf("%s: got %+v, want %+v", how, r.Junk, want)
			}
			if !strings.HasPrefix(names(r), "junk-between-segments") || strings.Contains(names(r), "broken") || r.Damage.Broken != 0 || len(r.Kinds) != 1 {
				t.Errorf("%s: %s, %+v, %+v", how, names(r), r.Damage, r.Kinds)
			}
			if text := r.Issues[0].Text; !strings.Contains(text, "2 of 3 frames") || !strings.Contains(text, "between APP0 JFIF and DQT") ||
				!strings.Contains(text, "'ffmpeg:-i x.mjpeg'") {
				t.Errorf("%s: %s", how, text)
			}
			sumsUp(t, r, int64(len(stream)))
		}
		for junk, inGo := range map[string]bool{"abc": false, "\xFF\x00": false, "\xFF\xD0": false, "\xFF\x01": true, "\xFF\xFF\x00": true} {
			r := look(bytes.NewReader(mjpegtest.WithJunk(p, []byte(junk), at[1])), Options{})
			if r.Junk == nil || r.Junk.InGo != inGo || r.Damage.Broken != 0 {
				t.Errorf("%q: %+v, %+v", junk, r.Junk, r.Damage)
			}
		}
	})
	t.Run("odd scan header", func(t *testing.T) {
		r := look(bytes.NewReader(slices.Concat(mjpegtest.WithScan(plain, 0, 0, 0), plain)), Options{})
		if len(r.Kinds) != 2 || !r.Kinds[0].OddScan || r.Kinds[1].OddScan || !strings.HasPrefix(r.Issues[0].Text, "1 of 2 frames are baseline") {
			t.Errorf("%+v, %+v", r.Kinds, r.Issues)
		}
	})
	t.Run("MPO", func(t *testing.T) {
		photo := mjpegtest.MultiFrame(plain, thumbnail)
		for name, tt := range map[string]struct {
			stream  []byte
			untimed bool
			found   bool
		}{
			"file": {photo, true, true}, "live": {photo, false, false}, "recording of two": {slices.Concat(photo, photo), true, false},
		} {
			r := look(bytes.NewReader(tt.stream), Options{Untimed: tt.untimed})
			if r.MultiFrame != 2 || strings.Contains(r.Found, "MPO") != tt.found {
				t.Errorf("%s: %d, found %q", name, r.MultiFrame, r.Found)
			}
		}
	})
	t.Run("more rows than the header says", func(t *testing.T) {
		r := look(bytes.NewReader(mjpegtest.WithSize(plain, 96, 48)), Options{})
		if d := r.Damage; d.Broken != 0 || d.Restarts != 0 || names(r) != "short-data" {
			t.Errorf("%+v, %s", d, names(r))
		}
		r = look(bytes.NewReader(mjpegtest.WithSize(mjpegtest.Fixture("restart"), 96, 48)), Options{})
		if d := r.Damage; d.Broken != 0 || d.Restarts != 0 {
			t.Errorf("with restarts: %+v", d)
		}
	})
	t.Run("qualities", func(t *testing.T) {
		for _, q := range []int{5, 30, 50, 77, 95, 100} {
			if r := look(bytes.NewReader(mjpegtest.Frames(1, 32, 32, q)[0]), Options{}); r.Quality == nil ||
				*r.Quality != (Quality{q, q, true}) {
				t.Errorf("%d: %+v", q, r.Quality)
			}
		}
	})
	t.Run("restarts are missing", func(t *testing.T) {
		p := mjpegtest.Fixture("restart")
		i := bytes.Index(p, []byte{0xFF, 0xD3})
		r := look(bytes.NewReader(slices.Concat(p[:i], p[i+2:])), Options{})
		if r.Damage.Restarts != 1 || !strings.Contains(names(r), "restarts-missing") {
			t.Errorf("%+v", r.Damage)
		}
	})
	t.Run("broken data", func(t *testing.T) {
		half := append(bytes.Clone(plain[:len(plain)*2/3]), 0xFF, 0xD9)
		r := look(bytes.NewReader(slices.Concat(plain, half)), Options{})
		if d := r.Damage; d.Checked != 2 || d.Broken != 1 || len(d.Causes) != 1 ||
			!strings.Contains(names(r), "broken-data") {
			t.Errorf("%+v", d)
		}
	})
	t.Run("sizes that change", func(t *testing.T) {
		r := look(bytes.NewReader(slices.Concat(plain, thumbnail, plain)), Options{})
		if len(r.Kinds) != 2 || r.Kinds[0].Frames != 2 || r.Kinds[1].Width != 16 {
			t.Errorf("%+v", r.Kinds)
		}
	})
}

// TestDialects: what is said of each way to answer; in all of them every frame is found, however it is read.
func TestDialects(t *testing.T) {
	frames := mjpegtest.Frames(12, 96, 64, 80)
	type want struct {
		declared, sent, maker, issues string
		lengths                       map[string]int
	}
	right := map[string]int{"right": 12}
	table := map[string]want{
		"mjpg-streamer and ustreamer": {"boundarydonotcross", "--boundarydonotcross",
			"mjpg-streamer or ustreamer", "", right},
		"ustreamer advance_headers": {"boundarydonotcross", "--boundarydonotcross", "mjpg-streamer or ustreamer",
			"no-content-length",
			map[string]int{"missing": 12}},
		"ustreamer zero_data":  {"B", "--B", "", "content-length-zero", map[string]int{"zero": 12}},
		"WebcamXP":             {"--myboundary", "", "", "webcamxp", nil},
		"Motion":               {"BoundaryString", "--BoundaryString", "Motion", "", right},
		"picamera2 and go2rtc": {"FRAME", "--FRAME", "the example server of picamera2", "", right},
		"stale bytes behind each frame": {"MJPEGBOUNDARY", "--MJPEGBOUNDARY", "hybridgroup/mjpeg",
			"content-length-wrong no-line-end-before-boundary",
			map[string]int{"long": 11}},
		"ffmpeg, without a Content-Type": {"", "--ffmpeg", "ffmpeg -f mpjpeg", "no-content-type", right},
		"ESP32, chunked": {"123456789000000000000987654321", "--123456789000000000000987654321",
			"an ESP32-CAM", "", right},
		"ESP32, boundary after the frame": {"123456789000000000000987654321", "--123456789000000000000987654321",
			"an ESP32-CAM",
			"no-first-boundary", right},
		"Axis": {"--myboundary", "--myboundary", "",
			"boundary-declared-with-dashes content-length-wrong", map[string]int{"short": 12}},
		"Foscam": {"ipcamera", "--ipcamera", "Foscam", "second-boundary-line", right},
		"line feeds alone": {"b", "--b", "", "no-content-length line-feeds-alone",
			map[string]int{"missing": 11}},
		"a web page by its type only": {"", "--b", "", "wrong-content-type no-content-length no-part-type",
			map[string]int{"missing": 12}},
		"nothing around them": {"", "", "", "no-parts", nil},
		"one frame at a time": {"", "", "", "", nil},
	}
	for _, d := range capturetest.Dialects(frames) {
		t.Run(d.Name, func(t *testing.T) {
			w, ok := table[d.Name]
			if !ok {
				t.Fatal("the table lacks it")
			}
			first := answered(t, d.Answer, whole)
			n := int64(12)
			if d.Name == "one frame at a time" {
				n = 1
			}
			if first.Frames != n || first.HTTP.Single != (n == 1) {
				t.Errorf("%d frames, %+v", first.Frames, first.HTTP)
			}
			sumsUp(t, first, first.Bytes.All)
			p := first.Parts
			if p == nil {
				p = newParts()
			}
			if p.Declared != w.declared || strings.Join(p.Sent, " ") != w.sent || p.Maker != w.maker {
				t.Errorf("%+v", p)
			}
			if got := strings.ReplaceAll(names(first), " short-data", ""); strings.TrimSpace(strings.TrimPrefix(got,
				"short-data")) != w.issues {
				t.Errorf("issues %q, want %q", got, w.issues)
			}
			if len(w.lengths)+len(p.Lengths) > 0 && !reflect.DeepEqual(p.Lengths, w.lengths) {
				t.Errorf("lengths %v, want %v", p.Lengths, w.lengths)
			}
			if first.Bytes.Other > 0 {
				t.Errorf("%+v", first.Bytes)
			}
			for name, chop := range chops() {
				if got := answered(t, d.Answer, chop); !reflect.DeepEqual(got, first) {
					t.Errorf("read %s: got  %+v\nwant %+v", name, got, first)
				}
			}
		})
	}
}

// TestMoreDialects: single faults.
func TestMoreDialects(t *testing.T) {
	frames := mjpegtest.Frames(4, 320, 240, 80)
	head := func(boundary string) string {
		return "HTTP/1.0 200 OK\r\nServer: t/1\r\nContent-Type: multipart/x-mixed-replace" + boundary + "\r\n\r\n"
	}
	typed := "Content-Type: image/jpeg\r\n"
	for _, tt := range []struct {
		name, head, before, after, issues string
		check                             func(Report) bool
	}{
		{"quoted", head(`; boundary="b"`), "--b\r\n" + typed + "Content-Length: %d\r\n\r\n", "\r\n", "",
			func(r Report) bool { return r.Parts.Quoted && r.Parts.Declared == "b" && r.HTTP.Server == "t/1" }},
		{"another boundary", head(";boundary=other"), "--b\r\n" + typed + "Content-Length: %d\r\n\r\n", "\r\n",
			"boundary-wrong", nil},
		{"none declared", head(""), "--b\r\n" + typed + "Content-Length: %d\r\n\r\n", "\r\n",
			"boundary-undeclared", nil},
		{"length without padding", head(";boundary=b"), "--b\r\n" + typed + "Content-Length: %d\r\n\r\n",
			"\x00\x00\x00\r\n",
			"content-length-without-padding", func(r Report) bool {
				return r.Padding.Kind == "zero bytes" &&
					r.Bytes.Padding == 12
			}},
		{"length too small", head(";boundary=b"), "--b\r\n" + typed + "Content-Length: 10\r\n\r\n", "\r\n",
			"content-length-wrong", nil},
		{"length no number", head(";boundary=b"), "--b\r\n" + typed + "Content-Length: many\r\n\r\n", "\r\n",
			"content-length-wrong", nil},
		{"no line end", head(";boundary=b"), "--b\r\n" + typed + "Content-Length: %d\r\n\r\n", "",
			"no-line-end-before-boundary", nil},
		{"boundary and header in one line", head(";boundary=--jpgboundary"),
			"--jpgboundaryContent-type: image/jpeg\r\nContent-length: %d\r\n\r\n",
			"\r\n", "boundary-declared-with-dashes no-line-end-behind-boundary",
			func(r Report) bool { return slices.Equal(r.Parts.Headers, []string{"Content-type", "Content-length"}) }},
		{"no type", head(";boundary=b"), "--b\r\nContent-Length: %d\r\n\r\n", "\r\n", "no-part-type", nil},
		{"a time", head(";boundary=b"), "--b\r\n" + typed + "Content-Length: %d\r\nX-Timestamp: 5.25\r\n\r\n", "\r\n",
			"",
			func(r Report) bool { return r.Parts.Time == "5.25" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := answered(t, capturetest.Multipart(tt.head, frames, tt.before, tt.after), whole)
			if names(r) != tt.issues {
				t.Errorf("issues %q, want %q", names(r), tt.issues)
			}
			if tt.check != nil && !tt.check(r) {
				t.Errorf("%+v, %+v, %+v", r.HTTP, r.Parts, r.Bytes)
			}
			sumsUp(t, r, r.Bytes.All)
			for _, s := range r.Issues {
				if len(s.Affected) == 0 || s.Text == "" {
					t.Errorf("%s names no program", s.Name)
				}
			}
		})
	}
}

// TestEnough: whenever the time is over, what is under way then counts for nothing.
func TestEnough(t *testing.T) {
	frames := mjpegtest.Frames(2, 16, 16, 50)
	b := capturetest.Multipart("", frames, "--B\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n", "\r\n")
	for step, enough := range map[int]error{1: ErrEnough, 50: context.Canceled} {
		for n := 0; n < len(b); n += step {
			p := New(Options{Now: stopped})
			answer := &http.Response{Header: http.Header{"Content-Type": {"multipart/x-mixed-replace;boundary=B"}}}
			part := capture.Part{Reader: io.MultiReader(bytes.NewReader(b[:n]), iotest.ErrReader(enough)),
				Answer: answer}
			r := p.Report(p.Run(&stream{parts: []capture.Part{part}}))
			sumsUp(t, r, int64(n))
			lengths := 0
			for kind, n := range r.Parts.Lengths {
				if lengths += n; kind != "right" {
					t.Errorf("after %d bytes: %v", n, r.Parts.Lengths)
				}
			}
			if r.Damage.Share != 0 || r.Bytes.Damaged != 0 || r.Bytes.Padding != 0 || r.Error != "" || r.HTTP.Ended ||
				lengths > int(r.Frames) ||
				strings.TrimPrefix(strings.Join(r.Parts.Sent, " "), "--B") != "" || names(r) != "" {
				t.Fatalf("after %d bytes: %+v, %+v, %s", n, r, r.Parts, names(r))
			}
		}
	}
}

// TestFound: what is no MJPEG is named.
func TestFound(t *testing.T) {
	ts := bytes.Repeat(append([]byte{0x47}, make([]byte, 187)...), 4)
	for _, tt := range []struct{ name, bytes, found, advice string }{
		{"nothing", "", "not one byte", "--time 20s"},
		{"PNG", "\x89PNG\r\n\x1a\n....", "a PNG frame", "'ffmpeg:-i clip'"},
		{"MP4", "\x00\x00\x00\x20ftypisom", "an MP4 or MOV file", "'ffmpeg:-i clip'"},
		{"H.264", "\x00\x00\x00\x01\x67\x42\x00\x1f", "H.264 video", "'ffmpeg:-f h264 -i clip'"},
		{"H.264, its unit delimiter first", "\x00\x00\x01\x09\x10\x00\x00\x01\x67", "H.264 video",
			"rpicam-vid --codec mjpeg"},
		{"H.265", "\x00\x00\x00\x01\x40\x01\x0c\x01", "H.265 video", "-f hevc"},
		{"transport stream", string(ts), "an MPEG transport stream, most likely with H.264 in it", "ffmpeg"},
		{"Matroska", "\x1a\x45\xdf\xa3....", "a Matroska or WebM file", "ffmpeg"},
		{"HLS", "#EXTM3U\n#EXT-X-VERSION:3\n", "an HLS playlist", "ffmpeg"},
		{"RTSP", "RTSP/1.0 400 Bad Request\r\n\r\n", "an RTSP server's answer", "go2rtc or mediamtx"},
		{"HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", "an HTTP server's answer: HTTP/1.1 400 Bad Request",
			"type http://"},
		{"TLS", "\x15\x03\x01\x00\x02\x02", "TLS, which encrypts", "https://"},
		{"SSH", "SSH-2.0-OpenSSH_9.2p1\r\n", "an SSH server", ""},
		{"JSON", `{"error": "no such camera"}`, `JSON: "{\"error\": \"no such camera\"}"`, ""},
		{"text", "camera  not\nfound\n", `text: "camera not found"`, ""},
		{"page", "<!DOCTYPE html><title>My  cam</title>", `a web page, "My cam"`, "want the stream itself"},
		{"zeros", "\x00\x00\x00\x00", "zero bytes alone", ""},
		{"random", "\x93\x01\x7f\x00\xfe", "bytes of no kind that picam knows; the first are 93 01 7F 00 FE", ""},
		{"half a frame", "\xff\xd8\xff\xe0\x00\x10JFIF", "the beginning of a JPEG frame, and no end of it", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := look(strings.NewReader(tt.bytes), Options{Input: "clip"})
			if r.Found != tt.found || !strings.Contains(r.Advice, tt.advice) || r.Frames != 0 {
				t.Errorf("%q, %q", r.Found, r.Advice)
			}
			sumsUp(t, r, int64(len(tt.bytes)))
			if piped := look(strings.NewReader(tt.bytes), Options{}); strings.Contains(piped.Advice, "'ffmpeg:-i") {
				t.Errorf("for a pipe: %q", piped.Advice)
			}
		})
	}
	// What is to be typed is one word for a shell, whatever the file is called.
	t.Run("a file with a quote", func(t *testing.T) {
		r := look(strings.NewReader("\x00\x00\x00\x20ftypisom"), Options{Input: `"it's.mp4"`})
		_, line, _ := strings.Cut(r.Advice, "of it: ")
		out, err := exec.Command("sh", "-c", "printf '<%s>' "+line).Output()
		if err != nil || string(out) != `<ffmpeg:-i "it's.mp4">` {
			t.Errorf("%s: %s, %v", line, out, err)
		}
	})
	t.Run("frames in an AVI file", func(t *testing.T) {
		r := look(io.MultiReader(strings.NewReader("RIFF....AVI LIST"),
			bytes.NewReader(mjpegtest.Frames(1, 32, 32, 80)[0])), Options{})
		if r.Frames != 1 || !strings.Contains(r.Found, "an AVI file; picam takes") {
			t.Errorf("%q", r.Found)
		}
	})
}

// TestPages: where the frames of a web page are.
func TestPages(t *testing.T) {
	for _, tt := range []struct{ name, page, want string }{
		{"an address in it", `<html><img src="/cgi/video.mjpg?a=1&amp;b=2">`, "http://cam/cgi/video.mjpg?a=1&b=2"},
		{"relative", `<html><IMG SRC=stream>`, "http://cam/dir/stream"},
		{"mjpg-streamer", `<html><title>MJPG-Streamer - Stream Example</title>`, "http://cam/?action=stream"},
		{"ESP32-CAM", "<!doctype html><title>ESP32 OV2460</title><script>let streamUrl = baseHost + ':81'",
			"http://cam:81/stream"},
		{"OctoPrint", `<html><title>OctoPrint</title>`, "http://cam/webcam/?action=stream"},
		{"Motion", `<html><title>Motion</title>`, "http://cam:8081/"},
		{"nothing known", `<html><a href="/">hello</a>`, "port 81 and /stream of an ESP32-CAM"},
		{"another scheme", `<html><img src="javascript:stream()">`, "port 81 and /stream of an ESP32-CAM"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := answered(t, []byte("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"+tt.page), whole)
			if !strings.HasPrefix(r.Found, "a web page") || !strings.Contains(r.Advice, tt.want) {
				t.Errorf("%q: %q, want %q", r.Found, r.Advice, tt.want)
			}
		})
	}
}

// TestRate: the times between frames.
func TestRate(t *testing.T) {
	frame := mjpegtest.Frames(1, 64, 48, 80)[0]
	var now time.Time
	at := []int{0, 100, 200, 300, 301, 400, 900, 1000, 1100, 1200, 1300}
	p := New(Options{Now: func() time.Time { return now }})
	start := time.Unix(1000, 0)
	var parts []capture.Part
	for _, ms := range at {
		parts = append(parts, capture.Part{Reader: readerFunc(func(b []byte) (int, error) {
			now = start.Add(time.Duration(ms) * time.Millisecond)
			return copy(b, frame), io.EOF
		})})
	}
	r := p.Report(p.Run(&stream{parts: parts}))
	want := Rate{FPS: 7.69, MbitPerSecond: round(float64(10*len(frame)) * 8 / 1.3 / 1e6), Mean: 130, Jitter: 126.81,
		P95: 500, Max: 500, Bursts: 1, Gaps: 1,
		Clock: "arrival"}
	if r.Rate == nil || *r.Rate != want || r.Frames != 11 {
		t.Errorf("%d: got %+v, want %+v", r.Frames, r.Rate, want)
	}
	if r := look(bytes.NewReader(bytes.Repeat(frame, 5)), Options{Untimed: true}); r.Rate != nil {
		t.Errorf("a file has the rate %+v", r.Rate)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// TestStamps: what picam send says of itself, and its status messages.
func TestStamps(t *testing.T) {
	frame := mjpegtest.Frames(1, 64, 48, 80)[0]
	at := stopped()
	var b []byte
	for _, seq := range []uint64{4, 5, 8} {
		s := mjpeg.Stamp{Camera: "door", Sender: "k", Seq: seq, Time: at.Add(-time.Duration(seq) * time.Second),
			Synced: true, Offset: time.Second}
		b = append(s.AppendTo(b), frame[2:]...)
	}
	status := (&mjpeg.Stamp{Camera: "door", Sender: "k", Trouble: "it is gone"}).AppendStatus(nil)
	r := look(bytes.NewReader(slices.Concat(status, b, status)), Options{})
	if s := r.Stamp; s == nil || s.Camera != "door" || s.Frames != 3 || s.Lost != 2 || !s.Synced || s.Age.Min != 3000 ||
		s.Age.Max != 7000 {
		t.Errorf("%+v", r.Stamp)
	}
	if r.Trouble != "it is gone" || r.Bytes.StatusMessages != int64(2*len(status)) ||
		r.Markers[1].Name != "APP7 picam" {
		t.Errorf("%q, %+v, %+v", r.Trouble, r.Bytes, r.Markers)
	}
	r = look(bytes.NewReader(status), Options{})
	if r.Found != "a picam send whose camera gives no frames" || r.Advice != "it says: it is gone" {
		t.Errorf("%q, %q", r.Found, r.Advice)
	}
}

// TestBuffers: what a V4L2 driver gives.
func TestBuffers(t *testing.T) {
	frame := mjpegtest.WithoutDHT(mjpegtest.Frames(1, 320, 240, 80)[0])
	start := time.Unix(1000, 0)
	run := func(format string, buffers ...string) Report {
		p := New(Options{Now: stopped})
		var parts []capture.Part
		for i, b := range buffers {
			parts = append(parts, capture.Part{Reader: strings.NewReader(b), Buffer: &capture.Buffer{
				Camera: "HD", Format: format, Width: 320, Height: 240, FPS: 25, Flagged: i == 1, Lost: i / 3,
				Captured: start.Add(time.Duration(i) * 40 * time.Millisecond),
			}})
		}
		return p.Report(p.Run(&stream{parts: parts, err: errors.New("capture: it is gone")}))
	}
	good := string(frame)
	r := run("MJPG", good[:1000], good, "", good+strings.Repeat("\x00", 100), "junk", good, good+good[5000:])
	want := Camera{Name: "HD", Format: "MJPG", Width: 320, Height: 240, FPS: 25, Buffers: 7, Flagged: 1, Empty: 1,
		Lost: 1 + 1 + 1 + 2, NotJPEG: 1, Broken: 1}
	if r.Camera == nil || *r.Camera != want || r.Frames != 4 || r.Error != "it is gone" {
		t.Errorf("%d frames: %+v, want %+v; %q", r.Frames, r.Camera, want, r.Error)
	}
	if r.Padding == nil || r.Padding.Frames != 2 || r.Bytes.Padding != int64(100+len(good)-5000) || r.Rate == nil ||
		r.Rate.Clock != "driver" || r.Rate.Max != 80 {
		t.Errorf("%+v, %+v, %+v", r.Padding, r.Bytes, r.Rate)
	}
	if names(r) != "no-huffman-tables damaged" {
		t.Error(names(r))
	}
	sumsUp(t, r, r.Bytes.All)

	r = run("YUYV", strings.Repeat("ab", 320*240), "", strings.Repeat("cd", 320*240), strings.Repeat("cd", 320*240))
	if c := r.Camera; r.Frames != 3 || !c.Encoding || c.Empty != 1 || r.Rate == nil || len(r.Issues) != 0 {
		t.Errorf("%+v, %+v", r, c)
	}
	sumsUp(t, r, r.Bytes.All)
}

// FuzzProbe: whatever comes, every byte is in one place, all frames of the scanner are counted, and the sizes of reads
// and a division into headers, if it is read as an answer, change nothing.
func FuzzProbe(f *testing.F) {
	for _, s := range mjpegtest.Streams() {
		if s.Size < 1e5 {
			b, err := io.ReadAll(s.Reader())
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b, "", uint16(7), false, false)
			f.Add(b, "", uint16(7), false, true)
		}
	}
	for _, d := range capturetest.Dialects(mjpegtest.Frames(2, 24, 16, 50)) {
		f.Add(d.Answer, "b", uint16(1), true, false)
		f.Add(d.Answer, "", uint16(1), false, true)
	}
	f.Fuzz(func(t *testing.T, b []byte, boundary string, chunk uint16, enough, buffer bool) {
		run := func(r io.Reader) Report {
			p := New(Options{MaxFrame: 1 << 16, Now: stopped})
			part := capture.Part{Reader: r}
			if enough {
				part.Reader = io.MultiReader(r, iotest.ErrReader(ErrEnough))
			}
			switch {
			case buffer:
				part.Buffer = &capture.Buffer{Format: "MJPG"}
			case boundary != "":
				kind := "multipart/x-mixed-replace;boundary=" + boundary
				part.Answer = &http.Response{Header: http.Header{"Content-Type": {kind}}}
			}
			return p.Report(p.Run(&stream{parts: []capture.Part{part}}))
		}
		first := run(bytes.NewReader(b))
		sumsUp(t, first, int64(len(b)))
		s := mjpeg.NewScanner(bytes.NewReader(b))
		s.MaxFrame = 1 << 16
		for s.Scan() {
		}
		if st := s.Stats(); st.Frames != first.Frames {
			t.Errorf("%d frames, the scanner finds %d", first.Frames, st.Frames)
		}
		if got := run(&chunkReader{bytes.NewReader(b), int(chunk%4096) + 1}); !reflect.DeepEqual(got, first) {
			t.Errorf("by %d bytes: got  %+v\nwant %+v", chunk%4096+1, got, first)
		}
		if err := first.WriteText(io.Discard); err != nil {
			t.Error(err)
		}
	})
}

type chunkReader struct {
	io.Reader
	n int
}

func (r *chunkReader) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(len(p), r.n)]) }

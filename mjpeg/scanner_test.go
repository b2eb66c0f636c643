package mjpeg_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

// scanAll returns copies of all frames that s finds.
func scanAll(s *mjpeg.Scanner) [][]byte {
	var frames [][]byte
	for s.Scan() {
		frames = append(frames, slices.Clone(s.Frame()))
	}
	return frames
}

// checkFrames compares frames without printing them.
func checkFrames(t *testing.T, got, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d frames, want %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("frame %d differs: got %d bytes, want %d", i, len(got[i]), len(want[i]))
		}
	}
}

// checkAccount checks that each of size bytes is in one frame or was skipped.
func checkAccount(t *testing.T, st mjpeg.Stats, frames [][]byte, size int64) {
	t.Helper()
	var inFrames int64
	for _, f := range frames {
		inFrames += int64(len(f))
	}
	if st.Bytes != size || inFrames+st.Skipped != size || st.Frames != int64(len(frames)) {
		t.Fatalf("%d frames of %d bytes and %+v do not add up to %d bytes", len(frames), inFrames, st, size)
	}
}

// randomReader reads up to most bytes at a time, and now and then none.
func randomReader(r io.Reader, most int, seed uint64) io.Reader {
	rng := rand.New(rand.NewPCG(seed, 0))
	return readerFunc(func(p []byte) (int, error) { return r.Read(p[:min(len(p), rng.IntN(most+1))]) })
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// readers are ways to read one stream; the frames must be the same.
var readers = []struct {
	name string
	slow bool // too slow for 100 MB
	wrap func(io.Reader) io.Reader
}{
	{"plain", false, func(r io.Reader) io.Reader { return r }},
	{"half", true, iotest.HalfReader},
	{"data with EOF", false, iotest.DataErrReader},
	{"one byte", true, iotest.OneByteReader},
	{"random", true, func(r io.Reader) io.Reader { return randomReader(r, 9, 1) }},
}

func TestScannerStreams(t *testing.T) {
	for _, stream := range mjpegtest.Streams() {
		for _, reader := range readers {
			if reader.slow && stream.Size > 1e6 {
				continue
			}
			t.Run(stream.Name+"/"+reader.name, func(t *testing.T) {
				s := mjpeg.NewScanner(reader.wrap(stream.Reader()))
				got := scanAll(s)
				if err := s.Err(); err != nil {
					t.Fatal(err)
				}
				checkFrames(t, got, stream.Want)
				checkAccount(t, s.Stats(), got, stream.Size)
			})
		}
	}
}

func TestScannerDamage(t *testing.T) {
	const limit = 3000
	good := mjpegtest.Frames(1, 32, 32, 50)[0]
	other := mjpegtest.Frames(2, 32, 32, 50)[1]
	com := func(n int) []byte { return mjpegtest.WithSegment(good, 0xFE, make([]byte, n-len(good)-4)) }
	thumbnail := mjpegtest.WithSegment(good, 0xE1, mjpegtest.Exif(1, good, true))
	noise := strings.Repeat("\x12\xFF\x00", limit)
	type damage = [mjpeg.NumDamage]int64

	tests := []struct {
		name  string
		input []string
		want  [][]byte
		dam   damage
	}{
		{"none", []string{string(good), string(other)}, [][]byte{good, other}, damage{}},
		{"junk is no damage", []string{"junk\xFF\xD8\x00", string(good), "\xFF\xD9\xFF"}, [][]byte{good}, damage{}},
		{"torn", []string{string(good[:670]), string(good[:680]), string(other)}, [][]byte{other},
			damage{mjpeg.Torn: 2}},
		{"two SOI", []string{"\xFF\xD8", string(good)}, [][]byte{good}, damage{mjpeg.Torn: 1}},
		{"SOI without a marker in a scan", []string{string(good[:680]), "\xFF\xD8\x00", string(other)}, [][]byte{other},
			damage{mjpeg.Torn: 1}},
		{"length 0", []string{"\xFF\xD8\xFF\xE0\x00\x00", string(good)}, [][]byte{good}, damage{mjpeg.Malformed: 1}},
		{"SOS of 5 components", []string{"\xFF\xD8\xFF\xDA\x00\x10", string(good)}, [][]byte{good},
			damage{mjpeg.Malformed: 1}},
		{"no scan", []string{"\xFF\xD8\xFF\xD9", string(good)}, [][]byte{good}, damage{mjpeg.Malformed: 1}},
		{"no scan after a frame", []string{string(good), "\xFF\xD8\xFF\xD9", string(good)}, [][]byte{good, good},
			damage{mjpeg.Malformed: 1}},
		{"segment leads to no marker", []string{"\xFF\xD8\xFF\xE0\x00\x05", string(good), string(good)},
			[][]byte{good, good}, damage{mjpeg.Malformed: 1}},
		{"segment leads to a wrong marker",
			[]string{"\xFF\xD8\xFF\xE0\x03\x00", string(good), strings.Repeat("\xFF\x02", 500), string(other)},
			[][]byte{good, other}, damage{mjpeg.Malformed: 1}},
		{"segment leads to fill and a wrong marker",
			[]string{"\xFF\xD8\xFF\xE0\x03\x00", string(good), strings.Repeat("\xFF", 500), "\x02", string(other)},
			[][]byte{other}, damage{mjpeg.Malformed: 1}},
		{"cut", []string{string(good), string(good[:300])}, [][]byte{good}, damage{mjpeg.Cut: 1}},
		{"cut after SOI", []string{string(good), "\xFF\xD8\xFF"}, [][]byte{good}, damage{mjpeg.Cut: 1}},

		{"as long as the limit", []string{string(com(limit))}, [][]byte{com(limit)}, damage{}},
		{"longer by one", []string{string(com(limit + 1)), string(other)}, [][]byte{other}, damage{mjpeg.TooLong: 1}},
		{"a long scan, then SOI", []string{string(good[:680]), noise, string(other)}, [][]byte{other},
			damage{mjpeg.TooLong: 1}},
		{"a long scan, then a wrong marker",
			[]string{string(good[:680]), noise, "\xFF\x01", string(other)}, [][]byte{other},
			damage{mjpeg.TooLong: 1}},
		{"a long scan, then the end", []string{string(good), string(good[:680]), noise}, [][]byte{good},
			damage{mjpeg.TooLong: 1}},
		{"a long frame shows no thumbnail",
			[]string{string(thumbnail[:len(thumbnail)-2]), noise, "\xFF\xD9", string(other)}, [][]byte{other},
			damage{mjpeg.TooLong: 1}},
		{"a long segment that leads to no marker",
			[]string{"\xFF\xD8\xFF\xFE\x0F\xA0", string(make([]byte, 5000)), string(good)}, [][]byte{good},
			damage{mjpeg.TooLong: 1}},
	}
	for _, tt := range tests {
		for _, reader := range readers {
			t.Run(tt.name+"/"+reader.name, func(t *testing.T) {
				input := strings.Join(tt.input, "")
				s := mjpeg.NewScanner(reader.wrap(strings.NewReader(input)))
				s.MaxFrame = limit
				got := scanAll(s)
				checkFrames(t, got, tt.want)
				checkAccount(t, s.Stats(), got, int64(len(input)))
				if dam := s.Stats().Damaged; dam != tt.dam {
					t.Errorf("damaged %v, want %v", dam, tt.dam)
				}
			})
		}
	}
}

// A live stream must not lag behind by what comes after a frame.
func TestScannerDoesNotWait(t *testing.T) {
	frames := mjpegtest.Frames(2, 64, 48, 75)
	frames = append(frames, mjpegtest.Fixture("progressive"), mjpegtest.Fixture("restart"))
	r, w := io.Pipe()
	defer w.Close()
	s := mjpeg.NewScanner(r)
	found := make(chan bool)
	go func() {
		for s.Scan() {
			found <- true
		}
		close(found)
	}()
	for i, p := range frames {
		if _, err := w.Write(p); err != nil {
			t.Fatal(err)
		}
		select {
		case <-found:
		case <-time.After(10 * time.Second):
			t.Fatalf("frame %d has arrived and is not given out", i)
		}
	}
	w.Close()
	if <-found {
		t.Error("one frame too many")
	}
}

func TestScannerErrors(t *testing.T) {
	frame := mjpegtest.Frames(1, 64, 48, 75)[0]
	broken := errors.New("broken")
	thenBroken := func() io.Reader { return io.MultiReader(bytes.NewReader(frame), iotest.ErrReader(broken)) }
	nothing := readerFunc(func([]byte) (int, error) { return 0, nil })
	tests := []struct {
		name string
		r    io.Reader
		want error
	}{
		{"EOF", bytes.NewReader(frame), nil},
		{"error after the frame", thenBroken(), broken},
		{"error with the frame", iotest.DataErrReader(thenBroken()), broken},
		{"time-out", iotest.TimeoutReader(bytes.NewReader(frame)), iotest.ErrTimeout},
		{"no progress", io.MultiReader(bytes.NewReader(frame), nothing), io.ErrNoProgress},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := mjpeg.NewScanner(tt.r)
			checkFrames(t, scanAll(s), [][]byte{frame})
			if err := s.Err(); err != tt.want {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
			if s.Scan() || s.Frame() != nil {
				t.Error("a frame after the end")
			}
		})
	}
}

// The caller may write to the frame, and append to it, without harm to the next.
func TestScannerFrameIsTheCallers(t *testing.T) {
	frames := mjpegtest.Frames(3, 64, 48, 75)
	s := mjpeg.NewScanner(bytes.NewReader(bytes.Join(frames, nil)))
	for i := range frames {
		if !s.Scan() || !bytes.Equal(s.Frame(), frames[i]) {
			t.Fatalf("frame %d differs", i)
		}
		clear(s.Frame())
		_ = append(s.Frame(), "overwritten"...)
	}
}

func TestScannerReadsLargely(t *testing.T) {
	frames := mjpegtest.Frames(4, 640, 480, 90)
	clip := bytes.Repeat(bytes.Join(frames, nil), 20)
	r, reads := bytes.NewReader(clip), 0
	s := mjpeg.NewScanner(readerFunc(func(p []byte) (int, error) {
		reads++
		return r.Read(p)
	}))
	if n := len(scanAll(s)); n != 80 {
		t.Fatalf("got %d frames, want 80", n)
	}
	if most := len(clip)/(64<<10) + 2; reads > most {
		t.Errorf("%d reads for %d bytes, want %d at most", reads, len(clip), most)
	}
}

func TestScannerAllocs(t *testing.T) {
	s := mjpeg.NewScanner(&endless{clip: bytes.Join(mjpegtest.Frames(5, 320, 240, 75), nil)})
	for range 1000 { // until the buffer is large enough
		s.Scan()
	}
	if allocs := testing.AllocsPerRun(1000, func() { s.Scan() }); allocs > 0 {
		t.Errorf("%v allocations for each frame", allocs)
	}
}

// Whatever the peer sends, memory stays near MaxFrame.
func TestScannerMemory(t *testing.T) {
	const (
		limit = 256 << 10
		flood = 4 << 20
	)
	tests := []struct {
		name, start string
		repeat      string
	}{
		{"zeros", "", "\x00"},
		{"FF", "", "\xFF"},
		{"SOI", "", "\xFF\xD8"},
		{"an endless scan", "\xFF\xD8\xFF\xDA\x00\x02", "\x00"},
		{"endless fill", "\xFF\xD8", "\xFF"},
		{"endless segments", "\xFF\xD8", "\xFF\xFE\xFF\xFF" + strings.Repeat(" ", 65533)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			repeat := []byte(strings.Repeat(tt.repeat, 1+(1<<16)/len(tt.repeat)))
			r := io.LimitReader(&endless{clip: repeat}, flood)
			s := mjpeg.NewScanner(io.MultiReader(strings.NewReader(tt.start), r))
			s.MaxFrame = limit
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got := scanAll(s)
			runtime.ReadMemStats(&after)
			checkFrames(t, got, nil)
			checkAccount(t, s.Stats(), nil, int64(len(tt.start))+flood)
			// The buffer doubles until it is as large as it may be: all its sizes together are below three times that.
			if used := after.TotalAlloc - before.TotalAlloc; used > 3*limit {
				t.Errorf("%d bytes allocated, the limit of a frame is %d", used, limit)
			}
		})
	}
}

// Ten thousand segments whose lengths all lead to one long run of fill. Walking it for each would take minutes.
func TestScannerTimeIsLinear(t *testing.T) {
	const segments = 10_000
	var input []byte
	for i := range segments {
		length := (segments-i)*6 - 4 // up to the end of the last
		input = append(input, 0xFF, 0xD8, 0xFF, 0xFE, byte(length>>8), byte(length))
	}
	for _, fill := range []string{"\xFF", "\x00"} {
		input := append(slices.Clone(input), strings.Repeat(fill, 8<<20)+"\x01"...)
		start := time.Now()
		s := mjpeg.NewScanner(bytes.NewReader(input))
		checkFrames(t, scanAll(s), nil)
		checkAccount(t, s.Stats(), nil, int64(len(input)))
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%d bytes that end in fill %X took %v", len(input), fill, took)
		}
	}
}

// Any goroutine may ask for the counters: run with -race.
func TestScannerStatsWhileScanning(t *testing.T) {
	frames := mjpegtest.Frames(50, 64, 48, 75)
	s := mjpeg.NewScanner(iotest.OneByteReader(bytes.NewReader(bytes.Join(frames, nil))))
	done := make(chan struct{})
	go func() {
		defer close(done)
		scanAll(s)
	}()
	var last mjpeg.Stats
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		st := s.Stats()
		if st.Frames < last.Frames || st.Bytes < last.Bytes {
			t.Fatalf("%+v after %+v", st, last)
		}
		last = st
	}
	if last.Frames != 50 {
		t.Errorf("%d frames, want 50", last.Frames)
	}
}

func TestDamageString(t *testing.T) {
	seen := map[string]bool{}
	for d := range mjpeg.Damage(mjpeg.NumDamage) {
		if s := d.String(); s == "" || strings.Contains(s, "Damage") || seen[s] {
			t.Errorf("Damage %d is called %q", int(d), s)
		} else {
			seen[s] = true
		}
	}
	if s := mjpeg.Damage(99).String(); s != "Damage(99)" {
		t.Errorf("got %q", s)
	}
}

// checkScanner holds that the frames do not depend on how the input is read, that every byte is in one of them or is
// counted as skipped, that each frame is one by itself, and that what stands between its segments is counted.
func checkScanner(t *testing.T, input []byte, maxFrame int, seed uint64) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("input %.500q, limit %d, seed %d", input, maxFrame, seed)
		}
	}()
	scan := func(r io.Reader) ([][]byte, mjpeg.Stats) {
		s := mjpeg.NewScanner(r)
		s.MaxFrame = maxFrame
		frames := scanAll(s)
		if err := s.Err(); err != nil {
			t.Fatal(err)
		}
		checkAccount(t, s.Stats(), frames, int64(len(input)))
		return frames, s.Stats()
	}
	frames, stats := scan(bytes.NewReader(input))
	for _, r := range []io.Reader{
		iotest.OneByteReader(bytes.NewReader(input)),
		randomReader(bytes.NewReader(input), 50, seed),
	} {
		again, statsAgain := scan(r)
		checkFrames(t, again, frames)
		if statsAgain != stats {
			t.Fatalf("read at once %+v, read by parts %+v", stats, statsAgain)
		}
	}
	var statuses [][]byte
	for i, r := range []io.Reader{
		bytes.NewReader(input), iotest.OneByteReader(bytes.NewReader(input)),
		randomReader(bytes.NewReader(input), 50, seed),
	} {
		s := mjpeg.NewScanner(r)
		s.MaxFrame, s.StatusMessages = maxFrame, true
		var again, statusesAgain [][]byte
		for s.Scan() {
			if n := s.StatusMessage(); n != nil {
				statusesAgain = append(statusesAgain, bytes.Clone(n))
			} else {
				again = append(again, bytes.Clone(s.Frame()))
			}
		}
		if i == 0 {
			statuses = statusesAgain
		}
		checkFrames(t, again, frames)
		checkFrames(t, statusesAgain, statuses)
		if s.Stats() != stats {
			t.Fatalf("without statuses %+v, with statuses %+v", stats, s.Stats())
		}
	}
	for _, status := range statuses {
		if !bytes.HasPrefix(status, []byte("\xFF\xE7")) || bytes.IndexByte(status[1:], 0xFF) >= 0 {
			t.Fatalf("%q is a status", status)
		}
	}
	var withJunk, junk int64
	for _, frame := range frames {
		if n := junkIn(t, frame); n > 0 {
			withJunk++
			junk += int64(n)
			if n > mostJunk {
				t.Fatalf("frame with %d bytes of junk", n)
			}
		}
		if !bytes.HasPrefix(frame, []byte("\xFF\xD8\xFF")) || !bytes.HasSuffix(frame, []byte("\xFF\xD9")) {
			t.Fatalf("frame from % X to % X", frame[:3], frame[len(frame)-2:])
		}
		if maxFrame > 0 && len(frame) > maxFrame {
			t.Fatalf("frame of %d bytes, the limit is %d", len(frame), maxFrame)
		}
		checkFrames(t, scanAll(mjpeg.NewScanner(bytes.NewReader(frame))), [][]byte{frame})

		repaired := mjpeg.AddHuffmanTables(nil, frame)
		checkFrames(t, scanAll(mjpeg.NewScanner(bytes.NewReader(repaired))), [][]byte{repaired})
	}
	if stats.JunkFrames != withJunk || stats.JunkBytes != junk {
		t.Fatalf("%+v, want %d bytes of junk in %d frames", stats, junk, withJunk)
	}
}

func TestScannerRandom(t *testing.T) {
	tokens := []string{
		"\xFF\xD8\xFF", "\xFF\xD8", "\xFF\xD9", "\xFF\xE0\x00\x05", "\xFF\xFE\x00\x40", "\xFF\xC4\x00\x02",
		"\xFF\xDA\x00\x08\x01\x01\x00\x00\x3F\x00", "\xFF\x00", "\xFF\xD3", "\xFF", "\x00", "\x00\x01", "abc", "\x02",
		"\xFF\xD8\xFF\xDA\x00\x02scan\xFF\xD9", "\xFF\xE7", "\xFF\xE7\x00\x0Apicam\x00", "\xFF\xE7\x00\x0Bpicam\x00123",
		"\xFF\xD8\xFF\xE1\x00\x02ab\xFF\xDA\x00\x02scan\xFF\xD9", "\xFF\xE1\x00\x17", "\xFF\x01",
		"\xFF\xE7\x00\x08picam\x00", "\xFF\xE7\xFF\xD8picam\x00", "\xFF\xE7\x00pic",
	}
	for seed := range uint64(1000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var input []byte
		for range rng.IntN(60) {
			input = append(input, tokens[rng.IntN(len(tokens))]...)
		}
		checkScanner(t, input, 1+rng.IntN(100), seed)
	}
}

func FuzzScanner(f *testing.F) {
	for _, stream := range mjpegtest.Streams() {
		if stream.Size < 6e3 {
			b, err := io.ReadAll(stream.Reader())
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b, uint16(0), uint64(1))
			f.Add(b, uint16(900), uint64(2))
		}
	}
	f.Add((&mjpeg.Stamp{Camera: "door", Trouble: "it is gone"}).AppendStatus(nil), uint16(0), uint64(4))
	short := "\xFF\xD8\xFF\xE0\x00\x04ab\xFF\xDA\x00\x02scan\xFF\x00\xFF\xD0\xFF\xD9\x00\xFF\xD8\xFF\xDA"
	f.Add([]byte(short), uint16(30), uint64(3))
	f.Add([]byte("\xFF\xD8\xFF\xE0\x00\x02a\xFF\x00\xFF\xFFb\xFF\xFF\xDA\x00\x02scan\xFF\xC4\x00\x02\x00\xFF\xDA\x00\x02s\xFF\xD9"),
		uint16(0), uint64(5))
	f.Add([]byte("\xFF\xD8\xFF\xE0\x00\x13\xFF\xD8\xFF\xE0\x00\x04ab\xFF\xDA\x00\x02s\xFF\xD9\xFF\xD8\xFF\xDA\x00\x02s\xFF\xD9"),
		uint16(0), uint64(6))
	f.Fuzz(func(t *testing.T, input []byte, maxFrame uint16, seed uint64) {
		checkScanner(t, input, int(maxFrame), seed)
	})
}

package mjpeg_test

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

// stamped returns frame with the stamp in the place of its SOI.
func stamped(s mjpeg.Stamp, frame []byte) []byte { return append(s.AppendTo(nil), frame[2:]...) }

func TestStampRoundTrip(t *testing.T) {
	frame := mjpegtest.Frames(1, 32, 32, 50)[0]
	long := strings.Repeat("é", 150) // 300 bytes
	tests := []struct {
		name string
		in   mjpeg.Stamp
		text string       // on the wire
		want *mjpeg.Stamp // nil: as it went in
	}{
		{name: "zero", text: "1 cam= id= seq=0"},
		{
			name: "all",
			in: mjpeg.Stamp{
				Camera: "front-door", Sender: "k3x9", Seq: 1<<64 - 1,
				Time: time.Unix(1700000000, 5), Offset: -time.Second, Synced: true,
			},
			text: "1 cam=front-door id=k3x9 seq=18446744073709551615 t=1700000000000000005 off=-1000000000",
		},
		{
			name: "escapes",
			in:   mjpeg.Stamp{Camera: "a b%=\xff\x00\n~é", Sender: " ", Seq: 1, Time: time.Unix(0, -1)},
			text: "1 cam=a%20b%25=%FF%00%0A~%C3%A9 id=%20 seq=1 t=-1",
		},
		{name: "no offset unless synced", in: mjpeg.Stamp{Offset: 7}, text: "1 cam= id= seq=0", want: &mjpeg.Stamp{}},
		{
			name: "long names are cut between runes",
			in:   mjpeg.Stamp{Camera: "x" + long, Sender: strings.Repeat("\x80", 201)},
			text: "1 cam=x" + strings.Repeat("%C3%A9", 99) + " id=" + strings.Repeat("%80", 200) + " seq=0",
			want: &mjpeg.Stamp{Camera: "x" + long[:198], Sender: strings.Repeat("\x80", 200)},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			changed := stamped(tt.in, frame)
			if want := mjpegtest.WithSegment(frame, 0xE7, []byte("picam\x00"+tt.text)); !bytes.Equal(changed, want) {
				t.Errorf("got  %q\nwant %q", changed[:len(changed)-len(frame)+2], want[:len(want)-len(frame)+2])
			}
			want := tt.in
			if tt.want != nil {
				want = *tt.want
			}
			got := mjpeg.Stamp{Camera: "old", Sender: "old", Seq: 9, Time: time.Unix(9, 9), Offset: 9, Synced: true}
			n := got.Parse(changed)
			if got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			if !bytes.Equal(mjpeg.Unstamp(changed, n), frame) {
				t.Error("the frame is not restored")
			}
		})
	}
}

func TestStampParse(t *testing.T) {
	full := mjpeg.Stamp{Camera: "door", Sender: "k3", Seq: 7, Time: time.Unix(0, 8), Offset: 9, Synced: true}
	tests := []struct {
		name, text string
		want       mjpeg.Stamp
	}{
		{"as written", "1 cam=door id=k3 seq=7 t=8 off=9", full},
		{"another order", "1 off=9 t=8 seq=7 id=k3 cam=door", full},
		{"later version", "12 cam=door id=k3 seq=7 t=8 off=9", full},
		{"unknown keys", "1 mood=good cam=door camera=x id=k3 = seq=7 exposure t=8 off=9 gps=1=2", full},
		{"more spaces", "1  cam=door   id=k3 seq=7 t=8 off=9  ", full},
		{"lower-case escapes", "1 cam=%64%6for id=k3 seq=7 t=8 off=9", full},
		{"broken escapes", "1 cam=%zz%4 id=%", mjpeg.Stamp{Camera: "%zz%4", Sender: "%"}},
		{"no fields", "1", mjpeg.Stamp{}},
		{"not numbers", "1 cam=door seq=-1 t=noon off=", mjpeg.Stamp{Camera: "door"}},
		{"too large", "1 cam=door seq=18446744073709551616 t=9223372036854775808 off=9223372036854775808",
			mjpeg.Stamp{Camera: "door"}},
		{"longer than may be", "1 cam=x" + strings.Repeat("é", 200),
			mjpeg.Stamp{Camera: "x" + strings.Repeat("é", 99)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			frame := mjpegtest.WithSegment([]byte("\xFF\xD8\xFF\xD9"), 0xE7, []byte("picam\x00"+tt.text))
			got := mjpeg.Stamp{Camera: "old", Sender: "old", Seq: 9, Time: time.Unix(9, 9), Offset: 9, Synced: true}
			if n := got.Parse(frame); n != len(frame)-2 {
				t.Errorf("got length %d, want %d", n, len(frame)-2)
			}
			if got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestStampParseNone(t *testing.T) {
	eoi := []byte("\xFF\xD8\xFF\xD9")
	text := []byte("picam\x001 cam=door")
	whole := mjpegtest.WithSegment(eoi, 0xE7, text)
	tests := map[string][]byte{
		"empty":           nil,
		"plain frame":     mjpegtest.Frames(1, 32, 32, 50)[0],
		"cut":             whole[:len(whole)-3],
		"cut in the head": whole[:5],
		"length 0":        []byte("\xFF\xD8\xFF\xE7\x00\x00picam\x001 cam=door"),
		"length 1":        []byte("\xFF\xD8\xFF\xE7\x00\x01picam\x001 cam=door"),
		"another APP7":    mjpegtest.WithSegment(eoi, 0xE7, []byte("Ducky\x001 cam=door")),
		"APP6":            mjpegtest.WithSegment(eoi, 0xE6, text),
		"not first":       mjpegtest.WithSegment(whole, 0xFE, []byte("first")),
		"no version":      mjpegtest.WithSegment(eoi, 0xE7, []byte("picam\x00cam=door")),
		"version 0":       mjpegtest.WithSegment(eoi, 0xE7, []byte("picam\x000 cam=door")),
		"no text":         mjpegtest.WithSegment(eoi, 0xE7, []byte("picam\x00")),
	}
	for name, changed := range tests {
		t.Run(name, func(t *testing.T) {
			old := mjpeg.Stamp{Camera: "old", Seq: 9}
			got := old
			n := got.Parse(changed)
			if n != 0 || got != old {
				t.Errorf("got length %d and %+v", n, got)
			}
			before := bytes.Clone(changed)
			if !bytes.Equal(mjpeg.Unstamp(changed, n), before) {
				t.Error("Unstamp changed a frame without a stamp")
			}
		})
	}
}

func TestStampAllocs(t *testing.T) {
	s := mjpeg.Stamp{Camera: "front door", Sender: "k3x9", Seq: 1 << 60, Time: time.Now(), Offset: -1, Synced: true}
	changed := stamped(s, mjpegtest.Frames(1, 32, 32, 50)[0])
	var got mjpeg.Stamp
	got.Parse(changed)
	buf := make([]byte, 0, 1024)
	if allocs := testing.AllocsPerRun(100, func() { buf = s.AppendTo(buf[:0]); got.Parse(changed) }); allocs > 0 {
		t.Errorf("%v allocations for each frame", allocs)
	}
}

// FuzzStamp holds that a stamp comes back as it was, up to the length of the names, in printable ASCII.
func FuzzStamp(f *testing.F) {
	f.Add("door", "k3x9", uint64(1), int64(1700000000000000000), int64(-5), true)
	f.Add("Ä ö%20\xff\n", strings.Repeat("€", 100), uint64(1<<64-1), int64(-1<<63), int64(1<<63-1), true)
	f.Fuzz(func(t *testing.T, camera, sender string, seq uint64, ns, offset int64, synced bool) {
		s := mjpeg.Stamp{Camera: camera, Sender: sender, Seq: seq, Time: time.Unix(0, ns), Synced: synced}
		if synced {
			s.Offset = time.Duration(offset)
		}
		frame := []byte("\xFF\xD8\xFF\xDA\x00\x02\xFF\xD9")
		changed := stamped(s, frame)
		for _, c := range changed[6 : len(changed)-len(frame)+2] {
			if c != 0 && (c < ' ' || c > '~') {
				t.Fatalf("byte %X in %q", c, changed)
			}
		}
		var got mjpeg.Stamp
		n := got.Parse(changed)
		cut := func(what string, sent, got *string) {
			if len(*sent) <= 200 {
				return
			}
			if len(*got) > 200 || len(*got) < 197 || !strings.HasPrefix(*sent, *got) {
				t.Fatalf("%s %q became %q", what, *sent, *got)
			}
			if utf8.ValidString(*sent) && !utf8.ValidString(*got) {
				t.Fatalf("%s is cut inside a rune: %q", what, *got)
			}
			*sent = *got
		}
		cut("Camera", &s.Camera, &got.Camera)
		cut("Sender", &s.Sender, &got.Sender)
		if got != s {
			t.Fatalf("got  %+v\nwant %+v", got, s)
		}
		if !bytes.Equal(mjpeg.Unstamp(changed, n), frame) {
			t.Fatal("the frame is not restored")
		}
	})
}

// FuzzStampParse holds that no input makes Parse panic, that what it reads can be written and read again, and that
// Unstamp leaves a frame's other bytes alone.
func FuzzStampParse(f *testing.F) {
	f.Add([]byte("1 cam=front%20door id=k3x9 seq=7 t=8 off=-9"))
	f.Add([]byte("9 cam=%"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var s mjpeg.Stamp
		s.Parse(text)
		if len(text) > 60000 {
			return
		}
		frame := []byte("\xFF\xD8\xFF\xDA\x00\x02\xFF\xD9")
		changed := mjpegtest.WithSegment(frame, 0xE7, append([]byte("picam\x00"), text...))
		n := s.Parse(changed)
		var again mjpeg.Stamp
		if again.Parse(stamped(s, frame)); again != s {
			t.Fatalf("read %+v, again %+v", s, again)
		}
		if n > 0 && !bytes.Equal(mjpeg.Unstamp(changed, n), frame) {
			t.Fatal("the frame is not restored")
		}
	})
}

// The longest status message, whatever is in it, is found again, has no FF but its first byte, and is cut between
// runes.
func TestLongNotes(t *testing.T) {
	for n := range 300 {
		in := mjpeg.Stamp{
			Camera: strings.Repeat("é", 200), Sender: strings.Repeat("x", n), Seq: 1<<64 - 1,
			Trouble: strings.Repeat("\xFFé", 300),
		}
		status := in.AppendStatus([]byte("ab"))[2:]
		if i := bytes.LastIndexByte(status, 0xFF); i != 0 {
			t.Fatalf("%d: FF at %d of %q", n, i, status)
		}
		s := mjpeg.NewScanner(bytes.NewReader(status))
		s.StatusMessages, s.MaxFrame = true, 10
		if !s.Scan() || !bytes.Equal(s.StatusMessage(), status) {
			t.Fatalf("%d: found %q of %q", n, s.StatusMessage(), status)
		}
		var got mjpeg.Stamp
		if got.ParseStatus(status) != len(status) || got.Camera != in.Camera[:200] || got.Trouble != in.Trouble[:400] {
			t.Fatalf("%d: got %+v", n, got)
		}
	}
}

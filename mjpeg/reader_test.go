package mjpeg_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

func TestReader(t *testing.T) {
	pictures := mjpegtest.Pictures(6, 64, 48, 75)
	taken := time.Unix(1700000000, 0)
	stamps := []mjpeg.Stamp{
		{},
		{Camera: "door", Sender: "k3", Seq: 40, Time: taken},
		{Camera: "door", Sender: "k3", Seq: 44, Time: taken, Offset: time.Minute, Synced: true},
		{},
		{Camera: "door", Sender: "k3", Offset: time.Minute, Synced: true}, // neither number nor time
		{},
	}
	plain := []int{0, 3, 5}
	wantSeq := []uint64{1, 40, 44, 45, 46, 47}
	wantCaptured := []time.Time{{}, taken, taken.Add(time.Minute), {}, {}, {}}

	var stream []byte
	for i, p := range pictures {
		if slices.Contains(plain, i) {
			stream = append(stream, p...)
		} else {
			stream = append(stream, stamped(stamps[i], p)...)
		}
	}
	r := mjpeg.NewReader(bytes.NewReader(stream), 0)
	if s, ok := r.Stamp(); ok || s != (mjpeg.Stamp{}) {
		t.Errorf("a stamp before the first picture: %+v", s)
	}
	for i, p := range pictures {
		before := time.Now()
		f, err := r.Next()
		if err != nil {
			t.Fatalf("picture %d: %v", i, err)
		}
		if !bytes.Equal(f.JPEG, p) {
			t.Errorf("picture %d differs", i)
		}
		if f.Seq != wantSeq[i] || !f.Captured.Equal(wantCaptured[i]) {
			t.Errorf("picture %d: got %d of %v, want %d of %v", i, f.Seq, f.Captured, wantSeq[i], wantCaptured[i])
		}
		if f.Received.Before(before) || f.Received.After(time.Now()) {
			t.Errorf("picture %d was received at %v", i, f.Received)
		}
		if s, ok := r.Stamp(); s != stamps[i] || ok == slices.Contains(plain, i) {
			t.Errorf("picture %d: got stamp %+v, %v, want %+v", i, s, ok, stamps[i])
		}
	}
	if f, err := r.Next(); err != io.EOF || f.JPEG != nil {
		t.Errorf("got %d bytes, %v, want io.EOF", len(f.JPEG), err)
	}
	if st := r.ScanStats(); st.Bytes != int64(len(stream)) || st.Frames != 6 {
		t.Errorf("stats %+v", st)
	}
}

// A note between pictures is told and changes nothing for the pictures.
func TestReaderNotes(t *testing.T) {
	pictures := mjpegtest.Pictures(3, 64, 48, 75)
	gone := mjpeg.Stamp{Camera: "door", Sender: "k3", Time: time.Unix(1700000000, 0), Trouble: "HD Webcam (é) is gone: 100 %"}
	slow := mjpeg.Stamp{Camera: "door", Sender: "k3"}
	stream := slices.Concat(gone.AppendNote(nil), pictures[0], slow.AppendNote(nil), pictures[1], []byte("\r\n\xFF\xE7"),
		gone.AppendNote(nil), gone.AppendNote(nil), pictures[2], gone.AppendNote(nil))
	type step struct {
		picture []byte
		trouble string
	}
	steps := []step{{nil, gone.Trouble}, {pictures[0], ""}, {nil, ""}, {pictures[1], ""}, {nil, gone.Trouble},
		{nil, gone.Trouble}, {pictures[2], ""}, {nil, gone.Trouble}}
	r := mjpeg.NewReader(iotest.OneByteReader(bytes.NewReader(stream)), 0)
	for i, want := range steps {
		f, err := r.NextOrNote()
		if err != nil || !bytes.Equal(f.JPEG, want.picture) || r.Trouble() != want.trouble {
			t.Errorf("step %d: %d bytes, error %v, trouble %q, want %d bytes and %q", i, len(f.JPEG), err, r.Trouble(), len(want.picture),
				want.trouble)
		}
		if s, ok := r.Stamp(); ok != (want.picture == nil) || ok && (s.Camera != "door" || s.Trouble != want.trouble) {
			t.Errorf("step %d: stamp %+v, %v", i, s, ok)
		}
	}
	r = mjpeg.NewReader(bytes.NewReader(stream), 0)
	for i, p := range pictures {
		if f, err := r.Next(); err != nil || !bytes.Equal(f.JPEG, p) || f.Seq != uint64(i+1) {
			t.Errorf("picture %d: %d bytes, number %d, error %v", i, len(f.JPEG), f.Seq, err)
		}
	}
	if f, err := r.Next(); err != io.EOF || r.Trouble() != gone.Trouble {
		t.Errorf("at the end %d bytes, %v, %q", len(f.JPEG), err, r.Trouble())
	}
}

func TestReaderErrors(t *testing.T) {
	picture := mjpegtest.Pictures(1, 64, 48, 75)[0]
	broken := errors.New("broken")
	r := mjpeg.NewReader(io.MultiReader(bytes.NewReader(picture), iotest.ErrReader(broken)), 0)
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := r.Next(); err != broken {
			t.Errorf("got error %v, want %v", err, broken)
		}
	}
	r = mjpeg.NewReader(bytes.NewReader(picture), len(picture)-1)
	if _, err := r.Next(); err != io.EOF || r.ScanStats().Damaged[mjpeg.TooLong] != 1 {
		t.Errorf("got error %v, %+v for a picture over the limit", err, r.ScanStats())
	}
}

func TestReaderAllocs(t *testing.T) {
	s := mjpeg.Stamp{Camera: "front door", Sender: "k3x9", Seq: 1, Time: time.Now(), Offset: 5, Synced: true}
	r := mjpeg.NewReader(&endless{clip: stamped(s, mjpegtest.Pictures(1, 320, 240, 75)[0])}, 0)
	next := func() {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	for range 1000 { // until the buffer is large enough
		next()
	}
	if allocs := testing.AllocsPerRun(1000, next); allocs > 0 {
		t.Errorf("%v allocations for each picture", allocs)
	}
}

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
	frames := mjpegtest.Frames(6, 64, 48, 75)
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
	for i, p := range frames {
		if slices.Contains(plain, i) {
			stream = append(stream, p...)
		} else {
			stream = append(stream, stamped(stamps[i], p)...)
		}
	}
	r := mjpeg.NewReader(bytes.NewReader(stream), 0)
	if s, ok := r.Stamp(); ok || s != (mjpeg.Stamp{}) {
		t.Errorf("a stamp before the first frame: %+v", s)
	}
	for i, p := range frames {
		before := time.Now()
		f, err := r.Next()
		if err != nil {
			t.Fatalf("frame %d: %v", i, err)
		}
		if !bytes.Equal(f.JPEG, p) {
			t.Errorf("frame %d differs", i)
		}
		if f.Seq != wantSeq[i] || !f.Captured.Equal(wantCaptured[i]) {
			t.Errorf("frame %d: got %d of %v, want %d of %v", i, f.Seq, f.Captured, wantSeq[i], wantCaptured[i])
		}
		if f.Received.Before(before) || f.Received.After(time.Now()) {
			t.Errorf("frame %d was received at %v", i, f.Received)
		}
		if s, ok := r.Stamp(); s != stamps[i] || ok == slices.Contains(plain, i) {
			t.Errorf("frame %d: got stamp %+v, %v, want %+v", i, s, ok, stamps[i])
		}
	}
	if f, err := r.Next(); err != io.EOF || f.JPEG != nil {
		t.Errorf("got %d bytes, %v, want io.EOF", len(f.JPEG), err)
	}
	if st := r.ScanStats(); st.Bytes != int64(len(stream)) || st.Frames != 6 {
		t.Errorf("stats %+v", st)
	}
}

// A status message between frames is told and changes nothing for the frames.
func TestReaderNotes(t *testing.T) {
	frames := mjpegtest.Frames(3, 64, 48, 75)
	gone := mjpeg.Stamp{Camera: "door", Sender: "k3", Time: time.Unix(1700000000, 0),
		Trouble: "HD Webcam (é) is gone: 100 %"}
	slow := mjpeg.Stamp{Camera: "door", Sender: "k3"}
	stream := slices.Concat(gone.AppendStatus(nil), frames[0], slow.AppendStatus(nil), frames[1],
		[]byte("\r\n\xFF\xE7"),
		gone.AppendStatus(nil), gone.AppendStatus(nil), frames[2], gone.AppendStatus(nil))
	type step struct {
		frame   []byte
		trouble string
	}
	steps := []step{{nil, gone.Trouble}, {frames[0], ""}, {nil, ""}, {frames[1], ""}, {nil, gone.Trouble},
		{nil, gone.Trouble}, {frames[2], ""}, {nil, gone.Trouble}}
	r := mjpeg.NewReader(iotest.OneByteReader(bytes.NewReader(stream)), 0)
	for i, want := range steps {
		f, err := r.NextOrStatus()
		if err != nil || !bytes.Equal(f.JPEG, want.frame) || r.Trouble() != want.trouble {
			t.Errorf("step %d: %d bytes, error %v, trouble %q, want %d bytes and %q", i, len(f.JPEG), err, r.Trouble(),
				len(want.frame),
				want.trouble)
		}
		if s, ok := r.Stamp(); ok != (want.frame == nil) || ok && (s.Camera != "door" || s.Trouble != want.trouble) {
			t.Errorf("step %d: stamp %+v, %v", i, s, ok)
		}
	}
	r = mjpeg.NewReader(bytes.NewReader(stream), 0)
	for i, p := range frames {
		if f, err := r.Next(); err != nil || !bytes.Equal(f.JPEG, p) || f.Seq != uint64(i+1) {
			t.Errorf("frame %d: %d bytes, number %d, error %v", i, len(f.JPEG), f.Seq, err)
		}
	}
	if f, err := r.Next(); err != io.EOF || r.Trouble() != gone.Trouble {
		t.Errorf("at the end %d bytes, %v, %q", len(f.JPEG), err, r.Trouble())
	}
}

func TestReaderErrors(t *testing.T) {
	frame := mjpegtest.Frames(1, 64, 48, 75)[0]
	broken := errors.New("broken")
	r := mjpeg.NewReader(io.MultiReader(bytes.NewReader(frame), iotest.ErrReader(broken)), 0)
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := r.Next(); err != broken {
			t.Errorf("got error %v, want %v", err, broken)
		}
	}
	r = mjpeg.NewReader(bytes.NewReader(frame), len(frame)-1)
	if _, err := r.Next(); err != io.EOF || r.ScanStats().Damaged[mjpeg.TooLong] != 1 {
		t.Errorf("got error %v, %+v for a frame over the limit", err, r.ScanStats())
	}
}

func TestReaderAllocs(t *testing.T) {
	s := mjpeg.Stamp{Camera: "front door", Sender: "k3x9", Seq: 1, Time: time.Now(), Offset: 5, Synced: true}
	r := mjpeg.NewReader(&endless{clip: stamped(s, mjpegtest.Frames(1, 320, 240, 75)[0])}, 0)
	next := func() {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	for range 1000 { // until the buffer is large enough
		next()
	}
	if allocs := testing.AllocsPerRun(1000, next); allocs > 0 {
		t.Errorf("%v allocations for each frame", allocs)
	}
}

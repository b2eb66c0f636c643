package mjpeg_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

// scanAll returns copies of all pictures.
func scanAll(s *mjpeg.Scanner) [][]byte {
	var frames [][]byte
	for s.Scan() {
		frames = append(frames, slices.Clone(s.Frame()))
	}
	return frames
}

// checkFrames compares pictures and says which differ, not their bytes.
func checkFrames(t *testing.T, got, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("got %d pictures, want %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("picture %d differs: got %d bytes, want %d", i, len(got[i]), len(want[i]))
		}
	}
}

// checkAccount checks that each byte is in one picture or was skipped.
func checkAccount(t *testing.T, st mjpeg.Stats, frames [][]byte, size int64) {
	t.Helper()
	var inFrames int64
	for _, f := range frames {
		inFrames += int64(len(f))
	}
	if st.Bytes != size || inFrames+st.Skipped != size || st.Frames != int64(len(frames)) {
		t.Errorf("%d pictures of %d bytes, stats %+v: do not add up to %d bytes", len(frames), inFrames, st, size)
	}
}

func TestStreams(t *testing.T) {
	readers := map[string]func(io.Reader) io.Reader{
		"plain":   func(r io.Reader) io.Reader { return r },
		"OneByte": iotest.OneByteReader,
		"Half":    iotest.HalfReader,
		"DataErr": iotest.DataErrReader,
	}
	for _, stream := range mjpegtest.Streams() {
		for name, reader := range readers {
			if name == "OneByte" && stream.Size > 1e6 {
				continue // takes seconds; TestFloodOneByte has a shorter one
			}
			t.Run(stream.Name+"/"+name, func(t *testing.T) {
				s := mjpeg.NewScanner(reader(stream.Reader()))
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

var _ = errors.New
var _ = fmt.Sprint

package mjpeg_test

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"slices"
	"time"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

func ExampleScanner() {
	frames := mjpegtest.Frames(3, 64, 48, 75)
	stream := slices.Concat(frames[0], make([]byte, 37), frames[1][:900], frames[2])

	s := mjpeg.NewScanner(bytes.NewReader(stream))
	for s.Scan() {
		h, err := mjpeg.ParseHeader(s.Frame())
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(h.Width, h.Height, h.Subsampling)
	}
	if err := s.Err(); err != nil {
		fmt.Println(err)
	}
	st := s.Stats()
	fmt.Println(st.Frames, "frames,", st.Skipped, "bytes skipped,", st.Damaged[mjpeg.Torn], "torn")
	// Output:
	// 64 48 4:2:0
	// 64 48 4:2:0
	// 2 frames, 937 bytes skipped, 1 torn
}

func ExampleStamp() {
	frame := mjpegtest.Frames(1, 64, 48, 75)[0]
	stamp := mjpeg.Stamp{Camera: "front door", Sender: "k3x9", Seq: 7, Time: time.Unix(1700000000, 0)}

	// The sender writes the stamp, then the frame without its SOI.
	sent := stamp.AppendTo(nil)
	fmt.Printf("%q\n", sent[6:])
	sent = append(sent, frame[2:]...)

	// The receiver reads it and takes it out.
	var got mjpeg.Stamp
	n := got.Parse(sent)
	fmt.Println(got.Camera, got.Seq, got.Time.UTC())
	fmt.Println(bytes.Equal(mjpeg.Unstamp(sent, n), frame))
	// Output:
	// "picam\x001 cam=front%20door id=k3x9 seq=7 t=1700000000000000000"
	// front door 7 2023-11-14 22:13:20 +0000 UTC
	// true
}

func ExampleAddHuffmanTables() {
	fromCamera := mjpegtest.WithoutDHT(mjpegtest.Frames(1, 64, 48, 75)[0])
	_, err := jpeg.Decode(bytes.NewReader(fromCamera))
	fmt.Println(err != nil)

	img, err := jpeg.Decode(bytes.NewReader(mjpeg.AddHuffmanTables(nil, fromCamera)))
	fmt.Println(img.Bounds(), err)
	// Output:
	// true
	// (0,0)-(64,48) <nil>
}

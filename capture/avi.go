package capture

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
)

// aviRate is the rate of an .avi file in frames a second, by the header of its video stream, else by that of the file
// (AVI RIFF File Reference, AVIMAINHEADER and AVISTREAMHEADER). It is 0 where the file tells none that can be, or is no
// .avi.
func aviRate(path string) float64 {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	head := make([]byte, 4<<10) // both headers stand at the beginning
	n, _ := io.ReadFull(f, head)
	head = head[:n]
	if len(head) < 12 || string(head[:4]) != "RIFF" || string(head[8:12]) != "AVI " {
		return 0
	}
	field := func(chunk []byte, at int) float64 { return float64(binary.LittleEndian.Uint32(chunk[at:])) }
	rate := 0.0
	if avih := chunkOf(head, "avih", 4); avih != nil {
		rate = 1e6 / field(avih, 0) // microseconds a frame
	}
	for rest := head; ; {
		strh := chunkOf(rest, "strh", 28)
		if strh == nil {
			break
		}
		if string(strh[:4]) == "vids" {
			rate = field(strh, 24) / field(strh, 20) // rate / scale
			break
		}
		rest = strh
	}
	if (Options{FPS: rate}).check() != nil { // infinite and NaN among them
		return 0
	}
	return rate
}

// chunkOf returns what stands in the first chunk of that name, and behind it; nil if that is less than so many bytes.
func chunkOf(data []byte, name string, least int) []byte {
	const head = 8 // name and size
	if _, rest, ok := bytes.Cut(data, []byte(name)); ok && len(rest) >= head-len(name)+least {
		return rest[head-len(name):]
	}
	return nil
}

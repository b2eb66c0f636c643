package turbo

import (
	"testing"

	"picam/mjpeg/mjpegtest"
)

func TestSmoke(t *testing.T) {
	d, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, p := range [][]byte{mjpegtest.Pictures(1, 96, 64, 80)[0], []byte("no"), nil, mjpegtest.Fixture("progressive"), mjpegtest.Fixture("arithmetic")} {
		w, h, err := d.Size(p)
		t.Log(w, h, err)
		dst := make([]byte, 96*64*3)
		t.Log(d.Decode(dst, 96*3, p, BGR))
		t.Log(d.Decode(dst[1:], 96*3, p, BGR))
		t.Log(d.Decode(dst, 96, p, Gray))
		t.Log(d.DecodeScaled(dst, 48, p, Gray, 2))
		if len(p) > 1000 {
			t.Log(d.Decode(dst, 96, p[:len(p)*2/3], Gray))
		}
	}
	e, err := NewEncoder()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	b, err := e.Encode(nil, make([]byte, 300), 30, 10, 10, BGR, 80)
	t.Log(len(b), err)
}

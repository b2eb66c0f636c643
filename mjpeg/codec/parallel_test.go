package codec

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"gocv.io/x/gocv"

	"picam/mjpeg/mjpegtest"
)

// tall is a frame of 33 × 719 pixels with restart markers, which can be cut at many places.
func tall(t testing.TB, name string) []byte { return file(t, "slices/"+name) }

func newParallel(t testing.TB, n int) *Parallel {
	t.Helper()
	p, err := NewParallel(n, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// decodeParallel is decode by p.
func decodeParallel(t testing.TB, d *Decoder, p *Parallel, frame []byte, f Format, scale int) ([]byte, error) {
	t.Helper()
	width, height, err := d.Size(frame)
	if err != nil {
		return nil, err
	}
	width, height = ScaledSize(width, height, scale)
	pixels := make([]byte, width*height*f.channels())
	return pixels, p.DecodeScaled(pixels, width*f.channels(), frame, f, scale)
}

// TestParallel holds that frames are cut where they can be, and that their pixels are a Decoder's.
func TestParallel(t *testing.T) {
	tests := []struct {
		name    string
		format  Format
		n, want int // slices that are asked for and those that come; 0: it is decoded as a whole
	}{
		{"sampling_2x1", BGR, 2, 2}, // 90 rows of MCUs, a marker after each
		{"sampling_2x1", BGR, 3, 3},
		{"sampling_2x1", BGR, 4, 4},
		{"sampling_2x1", Gray, 4, 4},
		{"sampling_2x1", Gray, 50, 12}, // all the places that there are
		{"sampling_1x1", BGR, 4, 4},
		{"sampling_4x1", BGR, 4, 4},
		{"sampling_1x2", BGR, 4, 0}, // chroma of one row of MCUs is smoothed into the next
		{"sampling_1x2", Gray, 4, 4},
		{"sampling_2x2", BGR, 4, 0},
		{"sampling_2x2", Gray, 4, 4},
		{"gray", BGR, 4, 4},
		{"gray", Gray, 4, 4},
		{"interval_1", BGR, 4, 4},  // a row is 3 MCUs
		{"interval_2", BGR, 4, 4},  // a place after each 16 rows
		{"interval_6", BGR, 4, 4},  // after 16
		{"interval_24", BGR, 4, 2}, // after 64
		{"interval_96", BGR, 4, 0},
		{"progressive", BGR, 4, 0},
		{"../sampling_2x1", BGR, 4, 0}, // no markers
	}
	d := newDecoder(t)
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s, format %d, %d", tt.name, tt.format, tt.n), func(t *testing.T) {
			frame := tall(t, tt.name)
			var cut cutter
			if got := len(cut.slices(frame, tt.format, tt.n)); got != tt.want {
				t.Errorf("%d slices, want %d", got, tt.want)
			}
			p := newParallel(t, tt.n)
			for _, scale := range []int{1, 2, 4, 8} {
				want, _, _, err := decode(t, d, frame, tt.format, scale)
				if err != nil {
					t.Fatal(err)
				}
				got, err := decodeParallel(t, d, p, frame, tt.format, scale)
				if err != nil {
					t.Fatal(err)
				}
				if n, most := differ(got, want); n > 0 {
					t.Errorf("scale %d: %d bytes differ, by up to %d", scale, n, most)
				}
			}
		})
	}
	if p := newParallel(t, 1); p.DecodeScaled(make([]byte, 99*719), 99, tall(t, "sampling_2x1"), BGR, 1) != nil {
		t.Error("a single decoder does not decode")
	}
}

// TestParallelKinds takes frames of all kinds, most of which cannot be cut.
func TestParallelKinds(t *testing.T) {
	d, p := newDecoder(t), newParallel(t, 3)
	for name, frame := range frames(t) {
		for _, f := range []Format{Gray, BGR} {
			want, _, _, wantErr := decode(t, d, frame, f, 1)
			got, err := decodeParallel(t, d, p, frame, f, 1)
			if fmt.Sprint(err) != fmt.Sprint(wantErr) || !bytes.Equal(got, want) {
				t.Errorf("%s, format %d: %v, want %v, or other pixels", name, f, err, wantErr)
			}
		}
	}
}

// TestParallelDamage holds that damage is judged as a Decoder does, wherever it is.
func TestParallelDamage(t *testing.T) {
	d, p := newDecoder(t), newParallel(t, 3)
	frame := tall(t, "sampling_2x1")
	same := func(name string, frame []byte) (damaged bool) {
		t.Helper()
		want, _, _, wantErr := decode(t, d, frame, BGR, 1)
		got, err := decodeParallel(t, d, p, frame, BGR, 1)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) || (err == nil || errors.Is(err, ErrDamaged)) &&
			!bytes.Equal(got, want) {
			t.Errorf("%s: %v, want %v, or other pixels", name, err, wantErr)
		}
		return err != nil
	}
	for i := range 88 {
		if !same(fmt.Sprintf("part %d lost", i), withoutRestart(frame, i)) {
			t.Errorf("part %d lost: not seen", i)
		}
	}
	for n, damaged := range map[int]bool{1: false, 2: false, 32: false, 33: true} {
		if same(fmt.Sprintf("%d bytes of padding", n), padded(frame, n)) != damaged {
			t.Errorf("%d bytes of padding: damaged is not %v", n, damaged)
		}
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range 200 {
		bad := slices.Clone(frame)
		at := 700 + rng.IntN(len(bad)-800)
		for j := range 1 + rng.IntN(40) {
			bad[at+j] = byte(rng.UintN(256))
		}
		same(fmt.Sprintf("random damage %d", i), bad)
		same(fmt.Sprintf("cut %d", i), eoi(bad[:at]))
	}
}

func TestParallelErrors(t *testing.T) {
	p := newParallel(t, 3)
	frame := tall(t, "sampling_2x1")
	d := newDecoder(t)
	for _, tt := range []struct{ size, stride, scale int }{
		{100, 99, 1}, {99 * 718, 99, 1}, {99 * 719, 98, 1}, {99 * 719, -1, 1}, {99 * 719, 99, 3}, {0, 0, 1},
		{99 * 719, 99, 0},
	} {
		pixels := make([]byte, tt.size)
		want := d.DecodeScaled(pixels, tt.stride, frame, BGR, tt.scale)
		if err := p.DecodeScaled(pixels, tt.stride, frame, BGR, tt.scale); err == nil ||
			fmt.Sprint(err) != fmt.Sprint(want) {
			t.Errorf("%+v: %v, want %v", tt, err, want)
		}
	}
	p.Close()
	if err := p.DecodeScaled(make([]byte, 99*719), 99, frame, BGR, 1); err == nil {
		t.Error("no error after Close")
	}
}

func TestParallelNoAllocation(t *testing.T) {
	p := newParallel(t, 3)
	frame := tall(t, "sampling_2x1")
	pixels := make([]byte, 99*719)
	allocs := testing.AllocsPerRun(20, func() {
		if err := p.DecodeScaled(pixels, 99, frame, BGR, 1); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// FuzzParallel holds that a frame comes out the same, and stays within its rows, by one decoder and by several.
func FuzzParallel(f *testing.F) {
	restart := tall(f, "sampling_2x1")
	f.Add(restart, false, uint8(0))
	f.Add(padded(restart, 3), true, uint8(1))
	f.Add(tall(f, "interval_2"), true, uint8(2))
	f.Add(withoutRestart(restart, 4), false, uint8(0))
	fuzzAgainst(f, newParallel(f, 3))
}

func BenchmarkParallel(b *testing.B) {
	for _, size := range benchSizes {
		frame := withRestarts(b, size[0], size[1])
		for n := 1; n <= 4; n *= 2 {
			b.Run(fmt.Sprintf("%dx%d/gray/%d", size[0], size[1], n), func(b *testing.B) {
				p := newParallel(b, n)
				pixels := make([]byte, size[0]*size[1])
				b.ReportAllocs()
				b.SetBytes(int64(len(frame)))
				for b.Loop() {
					if err := p.DecodeScaled(pixels, size[0], frame, Gray, 1); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// withRestarts returns a frame in colour with a restart marker after each row of MCUs.
func withRestarts(t testing.TB, width, height int) []byte {
	t.Helper()
	m, err := gocv.IMDecode(mjpegtest.Frames(1, width, height, 80)[0], gocv.IMReadColor)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	const restartInterval = 4 // OpenCV's IMWRITE_JPEG_RST_INTERVAL
	params := []int{gocv.IMWriteJpegQuality, 80, restartInterval, (width + 15) / 16}
	buf, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, m, params)
	if err != nil {
		t.Fatal(err)
	}
	defer buf.Close()
	return bytes.Clone(buf.GetBytes())
}

package codec

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"picam/mjpeg/mjpegtest"
)

// padded puts n bytes before each restart marker of a frame's scan and before its end, as some cameras do.
func padded(frame []byte, n int) []byte {
	_, _, scan := walk(frame)
	out := slices.Clone(frame[:scan])
	for i := scan; i < len(frame); i++ {
		if m := frame[min(i+1, len(frame)-1)]; frame[i] == 0xFF && m >= 0xD0 && m <= 0xD9 {
			out = append(out, make([]byte, n)...)
		}
		out = append(out, frame[i])
	}
	return out
}

// withoutRestart returns a frame without the data before its i-th restart marker, and without that.
func withoutRestart(frame []byte, i int) []byte {
	_, _, scan := walk(frame)
	start := scan + int(frame[scan])<<8 + int(frame[scan+1])
	for at := scan; at < len(frame)-1; at++ {
		if frame[at] == 0xFF && frame[at+1] >= 0xD0 && frame[at+1] <= 0xD7 {
			if i == 0 {
				return slices.Concat(frame[:start], frame[at+2:])
			}
			start = at + 2
			i--
		}
	}
	return nil
}

// eoi appends the end marker, which a splitter insists on, so that a cut frame reaches the decoder.
func eoi(b []byte) []byte { return append(slices.Clone(b), 0xFF, 0xD9) }

// zeros overwrites part of a frame.
func zeros(b []byte, from, to int) []byte {
	out := slices.Clone(b)
	clear(out[from:to])
	return out
}

func TestDamage(t *testing.T) {
	base := mjpegtest.Frames(1, 160, 120, 80)[0]
	restart, progressive, arithmetic := file(t, "restart"), file(t, "progressive"), file(t, "arithmetic")
	n := len(base)
	tests := []struct {
		name    string
		frame   []byte
		damaged bool
	}{
		{"whole", base, false},
		{"zeros after the end", append(slices.Clone(base), make([]byte, 37)...), false},
		{"EOI missing", base[:n-2], true},
		{"cut at two thirds", base[:n*2/3], true},
		{"cut at two thirds, EOI added", eoi(base[:n*2/3]), true},
		{"cut after the scan's header", base[:700], true},
		{"cut after the scan's header, EOI added", eoi(base[:700]), true},
		{"last third is zeros", zeros(base, n*2/3, n), true},
		{"last third is zeros, EOI added", eoi(zeros(base, n*2/3, n)), true},
		{"zeros in the middle", zeros(base, n/2, n/2+200), true},
		{"a part is missing", slices.Concat(base[:n/2], base[n/2+100:]), true},
		{"another's part in the middle", slices.Concat(base[:n/2], mjpegtest.Frames(2, 160, 120, 50)[1][n/3:]), true},

		{"progressive cut", progressive[:len(progressive)*2/3], true},
		{"progressive cut, EOI added", eoi(progressive[:len(progressive)*2/3]), true},
		{"arithmetic cut", arithmetic[:len(arithmetic)*2/3], true},
		{"CMYK cut", eoi(file(t, "cmyk")[:3000]), true},

		{"restart markers cut", eoi(restart[:len(restart)*2/3]), true},
		{"first part lost", withoutRestart(restart, 0), true},
		{"a part lost", withoutRestart(restart, 3), true},
		{"last but one part lost", withoutRestart(restart, 12), true},
		{"8 parts lost", without8(restart), true},

		{"unknown JFIF revision", bytes.Replace(restart, []byte("JFIF\x00\x01"), []byte("JFIF\x00\x02"), 1), false},
		{"unknown Adobe transform", bytes.Replace(file(t, "rgb"), []byte("Adobe\x00\x64\x00\x00\x00\x00\x00"),
			[]byte("Adobe\x00\x64\x00\x00\x00\x00\x07"), 1), false},

		{"padding before the end", padded(base, 3), false},
		{"much before the end", padded(base, 40), true},
		{"padding", padded(restart, 2), false},
		{"padding, to the limit", padded(restart, 32), false},
		{"more than padding", padded(restart, 33), true},
		{"padding and cut", eoi(padded(restart, 2)[:len(restart)*2/3]), true},
		{"padding, a part lost", withoutRestart(padded(restart, 2), 3), true},
		{"padding, first part lost", withoutRestart(padded(restart, 2), 0), true},
		{"padding, last but one part lost", withoutRestart(padded(restart, 2), 12), true},
		{"padding, 8 parts lost", without8(padded(restart, 2)), true},
	}
	d := newDecoder(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, scale := range []int{1, 4} {
				for _, f := range []Format{Gray, BGR} {
					_, _, _, err := decode(t, d, tt.frame, f, scale)
					if errors.Is(err, ErrDamaged) != tt.damaged || !tt.damaged && err != nil {
						t.Errorf("error %v", err)
					}
				}
			}
		})
	}
}

// without8 takes out as many parts as restart markers count: the markers that are left are in order.
func without8(frame []byte) []byte {
	for range 8 {
		frame = withoutRestart(frame, 2)
	}
	return frame
}

// TestDamageMessage holds that TurboJPEG's own words come along.
func TestDamageMessage(t *testing.T) {
	frame := mjpegtest.Frames(1, 160, 120, 80)[0]
	_, _, _, err := decode(t, newDecoder(t), eoi(frame[:len(frame)*2/3]), BGR, 1)
	if err == nil || !strings.HasPrefix(err.Error(), "codec: decode: damaged frame: Corrupt JPEG data: premature end") {
		t.Errorf("error %v", err)
	}
}

// TestRandomDamage overwrites 64 bytes in the middle of frames by others. Nearly all such damage is seen, by what no
// encoder makes or since the codes after it do not end where the scan does. The figures in docs/architecture.md are
// those of scripts/corpora.
func TestRandomDamage(t *testing.T) {
	d := newDecoder(t)
	rng := rand.New(rand.NewPCG(1, 2))
	frame := mjpegtest.Frames(1, 320, 240, 80)[0]
	const tries = 400
	seen := 0
	for range tries {
		bad := slices.Clone(frame)
		at := 700 + rng.IntN(len(bad)-800)
		for i := range 64 {
			bad[at+i] = byte(rng.UintN(255)) // never FF, so no marker
		}
		_, _, _, err := decode(t, d, bad, Gray, 1)
		if err != nil {
			seen++
		}
	}
	t.Logf("seen in %d of %d frames", seen, tries)
	if seen < tries*9/10 {
		t.Error("too few")
	}
}

// TestWalk holds that headers are walked as libjpeg-turbo does: on a lossless frame that went unseen, decoding at a
// scale would write past the end.
func TestWalk(t *testing.T) {
	const sof3, sos = "\xFF\xC3\x00\x0B\x08\x00\x01\x00\x01\x01\x01\x11\x00", "\xFF\xDA\x00\x02"
	tests := []struct {
		name, header string
		frame        byte
	}{
		{"plain", "\xFF\xD8" + sof3 + sos, 0xC3},
		{"after a segment", "\xFF\xD8\xFF\xE0\x00\x06JFIF" + sof3 + sos, 0xC3},
		{"fill", "\xFF\xD8\xFF\xFF\xFF\xE0\x00\x02\xFF" + sof3 + sos, 0xC3},
		{"markers without a length", "\xFF\xD8\xFF\x01\xFF\xD0\xFF\xD7\xFF\xD8" + sof3 + sos, 0xC3},
		{"ends early", "\xFF\xD8\xFF\xD9" + sof3, 0},
		{"length 0", "\xFF\xD8\xFF\xFE\x00\x00" + sof3 + sos, 0xC3},
		{"length 1", "\xFF\xD8\xFF\xFE\x00\x01" + sof3 + sos, 0xC3},
		{"in a segment", "\xFF\xD8\xFF\xE1\x00\x04\xFF\xC3\xFF\xC2\x00\x02" + sos, 0xC2},
		{"tables are none", "\xFF\xD8\xFF\xC4\x00\x02\xFF\xCC\x00\x02\xFF\xC8\x00\x02" + sos, 0},
		{"bytes between segments", "\xFF\xD8\xFF\xFE\x00\x02x" + sof3 + sos, 0xC3},
		{"FF 00 between segments", "\xFF\xD8\xFF\xFE\x00\x02\xFF\x00" + sof3 + sos, 0xC3},
		{"bytes between segments, no scan", "\xFF\xD8\xFF\xFE\x00\x02x" + sof3, 0xC3},
		{"empty", "", 0},
		{"cut", "\xFF\xD8\xFF\xE0\x10", 0},
	}
	for _, tt := range tests {
		frame, sof, scan := walk([]byte(tt.header))
		want := len(tt.header)
		if i := bytes.LastIndex([]byte(tt.header), []byte(sos)); i >= 0 {
			want = i + 2
		}
		if frame != tt.frame || scan != want {
			t.Errorf("%s: %X and %d, want %X and %d", tt.name, frame, scan, tt.frame, want)
		}
		if at := strings.LastIndex(tt.header, "\xFF"+string([]byte{tt.frame})); tt.frame != 0 && sof != at {
			t.Errorf("%s: the frame header is at %d, want %d", tt.name, sof, at)
		}
	}
}

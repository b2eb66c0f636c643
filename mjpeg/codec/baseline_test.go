package codec

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"picam/mjpeg/mjpegtest"
)

// newTurboOnly returns a Decoder that leaves all to libjpeg-turbo.
func newTurboOnly(t testing.TB) *Decoder {
	d := newDecoder(t)
	d.draws = false
	return d
}

// newWithBaseline returns a Decoder that has baseline.c.
func newWithBaseline(t testing.TB) *Decoder {
	d := newDecoder(t)
	if !d.draws {
		t.Skip("this processor has no AVX2")
	}
	return d
}

// contrasts are frames of the widest values that there are: single black and white pixels, at the highest quality.
func contrasts(t testing.TB, width, height int) [][]byte {
	rng := rand.New(rand.NewPCG(3, 4))
	pixels := make([]byte, width*height*3)
	var list [][]byte
	for _, quality := range []int{100, 95, 30, 1} {
		for _, format := range []Format{Gray, BGR} {
			for i := range pixels {
				pixels[i] = byte(255 * rng.IntN(2))
			}
			frame, err := newEncoder(t).Encode(nil, pixels, width*format.channels(), width, height, format, quality)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, frame)
		}
	}
	return list
}

// TestBaselineTakes holds that baseline.c takes what cameras send, and no more than it is made for.
func TestBaselineTakes(t *testing.T) {
	d := newWithBaseline(t)
	takes := map[string][]Format{
		"640x480": {Gray, BGR}, "641x479": {Gray, BGR}, "17x1": {Gray, BGR}, "stamped": {Gray, BGR},
		"sampling_1x1": {Gray, BGR}, "sampling_2x1": {Gray, BGR}, "sampling_2x2": {Gray, BGR}, "restart": {Gray, BGR},
		"without DHT": {Gray, BGR}, "padded": {Gray, BGR}, "fill": {Gray, BGR}, "FF before FF": {Gray, BGR},
		// Colour of too few pixels, or subsampled in ways that cameras do not.
		"1x1": {Gray}, "3x5": {Gray}, "1x17": {Gray}, "sampling_1x2": {Gray}, "sampling_4x1": {Gray},
		"sampling_4x2": {Gray},
		"gray":         {Gray},
	}
	list := frames(t)
	list["padded"] = padded(list["restart"], 16)
	list["fill"] = bytes.ReplaceAll(list["restart"], []byte("\xFF\xD1"), []byte("\xFF\xFF\xFF\xD1"))
	for i, frame := range contrasts(t, 67, 35) {
		name := fmt.Sprint("contrasts ", i)
		list[name], takes[name] = frame, []Format{Gray, BGR}[:1+i%2]
	}
	// At a scale chroma may need no widening, or one that cameras' frames do not.
	scaled := map[string]bool{
		"sampling_4x2, 3 channels, 1:2": true, "sampling_4x2, 3 channels, 1:4": true,
		"sampling_2x1, 3 channels, 1:8": false,
	}
	for _, name := range []string{"1x1", "3x5", "1x17"} {
		for _, scale := range []int{2, 4, 8} {
			scaled[fmt.Sprintf("%s, 3 channels, 1:%d", name, scale)] = true
		}
	}
	for name, frame := range list {
		width, height, err := d.Size(frame)
		if err != nil {
			t.Fatal(name, err)
		}
		for _, f := range []Format{Gray, BGR} {
			for _, scale := range []int{1, 2, 4, 8} {
				kind := fmt.Sprintf("%s, %d channels, 1:%d", name, f.channels(), scale)
				want, special := scaled[kind]
				if !special {
					want = slices.Contains(takes[name], f)
				}
				row := width * f.channels()
				if got := d.decodeBaseline(make([]byte, row*height), row, frame, f, scale) == whole; got != want {
					t.Errorf("%s: %v, want %v", kind, got, want)
				}
			}
		}
	}
}

// TestBaselineSizes holds that pixels are those of libjpeg-turbo, also at the edges of frames of all sizes.
func TestBaselineSizes(t *testing.T) {
	d, reference := newWithBaseline(t), newTurboOnly(t)
	for width := 1; width <= 40; width++ {
		for height := 1; height <= 36; height++ {
			frame := mjpegtest.Frames(1, width, height, 90)[0]
			for i := range 8 {
				f, scale := []Format{Gray, BGR}[i%2], 1<<(i/2)
				want, _, _, err := decode(t, reference, frame, f, scale)
				if err != nil {
					t.Fatal(err)
				}
				got, _, _, err := decode(t, d, frame, f, scale)
				if n, most := differ(got, want); err != nil || n > 0 {
					t.Errorf("%d×%d, %d channels, 1:%d: %d bytes differ, by up to %d: %v", width, height,
						f.channels(), scale,
						n, most, err)
				}
			}
		}
	}
}

// TestBaselineRefuses has frames with something that libjpeg-turbo would have a word for, or understand differently.
func TestBaselineRefuses(t *testing.T) {
	d := newWithBaseline(t)
	base := mjpegtest.Frames(1, 64, 48, 80)[0]
	gray := file(t, "gray")
	replace := func(old, new string) []byte {
		if !bytes.Contains(base, []byte(old)) {
			t.Fatalf("no %X in %X", old, base[:700])
		}
		return bytes.Replace(base, []byte(old), []byte(new), 1)
	}
	sof := string(base[bytes.Index(base, []byte("\xFF\xC0")):][:19])
	sos := string(base[bytes.Index(base, []byte("\xFF\xDA")):][:14])
	tests := []struct {
		name  string
		frame []byte
	}{
		{"empty", nil},
		{"SOI alone", base[:2]},
		{"cut", base[:len(base)-1]},
		{"EOI missing", base[:len(base)-2]},
		{"much before the end", padded(base, 33)},
		{"two SOI", slices.Concat(base[:2], base)},
		{"two frame headers", replace(sof, sof+sof)},
		{"no frame header", replace(sof, "")},
		{"12 bits", replace(sof[:5], sof[:4]+"\x0C")},
		{"height 0", mjpegtest.WithSize(base, 64, 0)},
		{"RGB", bytes.Replace(replace(sos, sos[:5]+"R\x00G\x11B\x11"+sos[11:]), []byte(sof),
			[]byte(sof[:10]+"R"+sof[11:13]+"G"+sof[14:16]+"B"+sof[17:]), 1)},
		{"Adobe", mjpegtest.WithSegment(base, 0xEE, []byte("Adobe\x00\x64\x00\x00\x00\x00\x00"))},
		{"a component twice", replace(sos, sos[:7]+sos[5:7]+sos[9:])},
		{"not all components", replace(sos, "\xFF\xDA\x00\x08\x01\x01\x00\x00\x3F\x00")},
		{"a table that is not there", replace(sos, sos[:6]+"\x22"+sos[7:])},
		{"a quantization table that is not there", replace(sof, sof[:12]+"\x03"+sof[13:])},
		{"no quantization table 4", replace(sof, sof[:12]+"\x04"+sof[13:])},
		{"luma of fewer pixels", replace(sof, sof[:11]+"\x11"+sof[12:14]+"\x22"+sof[15:])},
		{"unknown segment", mjpegtest.WithSegment(base, 0xC9, []byte{1})},
		{"restart interval of one byte", mjpegtest.WithSegment(base, 0xDD, []byte{1})},
		{"restart interval without restarts", mjpegtest.WithSegment(base, 0xDD, []byte{0, 1})},
		{"a code of only ones", mjpegtest.WithSegment(gray, 0xC4, append([]byte{0x01, 2}, make([]byte, 17)...))},
		{"too many codes", mjpegtest.WithSegment(gray, 0xC4, append([]byte{0x01, 3}, make([]byte, 18)...))},
		{"a table cut short", mjpegtest.WithSegment(gray, 0xC4, append([]byte{0x01, 1}, make([]byte, 15)...))},
		{"a table of 16 bits", mjpegtest.WithSegment(gray, 0xDB, append([]byte{0x10}, make([]byte, 128)...))},
	}
	for _, tt := range tests {
		for _, f := range []Format{Gray, BGR} {
			if d.decodeBaseline(make([]byte, 97*64*3), 97*3, tt.frame, f, 1) != rejected {
				t.Errorf("%s, %d channels: taken", tt.name, f.channels())
			}
		}
	}
	if d.decodeBaseline(make([]byte, 64*48*3), 64*3, base, BGR, 1) != whole {
		t.Error("the frame after them: not taken")
	}
}

// mutant returns a copy of one of the frames, with up to three bytes overwritten.
func mutant(rng *rand.Rand, list [][]byte) []byte {
	frame := slices.Clone(list[rng.IntN(len(list))])
	for range 1 + rng.IntN(3) {
		frame[rng.IntN(len(frame))] = byte(rng.UintN(256))
	}
	return frame
}

// small are frames of all kinds, in the same order each time.
func small(t *testing.T) [][]byte {
	list := contrasts(t, 40, 24)
	list = append(list, padded(file(t, "restart"), 3))
	kinds := frames(t)
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		if frame := kinds[name]; len(frame) < 5000 {
			list = append(list, frame)
		}
	}
	return list
}

// TestBaselineRandomDamage holds that the two decoders agree about thousands of frames with a few wrong bytes.
func TestBaselineRandomDamage(t *testing.T) {
	d, reference := newWithBaseline(t), newTurboOnly(t)
	rng := rand.New(rand.NewPCG(1, 2))
	list := small(t)
	taken := 0
	const rounds = 12000
	for round := range rounds {
		frame := mutant(rng, list)
		width, height, err := reference.Size(frame)
		if err != nil || width*height > 1<<16 {
			continue
		}
		f, scale := []Format{Gray, BGR}[rng.IntN(2)], 1<<rng.IntN(4)
		row := width * f.channels()
		want, got := make([]byte, row*height), make([]byte, row*height)
		wantErr := reference.DecodeScaled(want, row, frame, f, scale)
		if d.decodeBaseline(got, row, frame, f, scale) == whole {
			taken++
			if wantErr != nil || !bytes.Equal(got, want) {
				n, most := differ(got, want)
				t.Fatalf("round %d: taken, %d bytes differ by up to %d; libjpeg-turbo: %v", round, n, most, wantErr)
			}
		}
	}
	t.Logf("%d of %d taken", taken, rounds)
	if taken < rounds/10 {
		t.Error("too few to tell")
	}
}

// TestBaselineSanitized runs the C code over damaged frames with the compiler's checks of memory and arithmetic.
func TestBaselineSanitized(t *testing.T) {
	newWithBaseline(t)
	program := filepath.Join(t.TempDir(), "sanitize")
	build := exec.Command("cc", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-o", program,
		"testdata/sanitize.c", "baseline.c")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	rng := rand.New(rand.NewPCG(5, 6))
	list := small(t)
	var input bytes.Buffer
	size := newTurboOnly(t)
	const rounds = 4000
	for i := range rounds + len(list) {
		frame := mutant(rng, list)
		if i < len(list) {
			frame = list[i]
		}
		width, height, err := size.Size(frame)
		if err != nil || width*height > 1<<16 {
			width, height = 97, 61
		}
		for _, n := range []int{len(frame), width, height} {
			_ = binary.Write(&input, binary.NativeEndian, uint32(n))
		}
		input.Write(frame)
	}
	decode := exec.Command(program)
	decode.Stdin = &input
	out, err := decode.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	taken, err := strconv.Atoi(strings.TrimSpace(string(out)))
	t.Logf("%d decoded", taken)
	if err != nil || taken < rounds {
		t.Errorf("%s decoded, %v: too few to tell", out, err)
	}
}

package probe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// Markers, ITU T.81 table B.1.
const (
	tem  = 0x01
	sof0 = 0xC0
	dht  = 0xC4
	jpg  = 0xC8
	dac  = 0xCC
	rst0 = 0xD0
	rst7 = 0xD7
	soi  = 0xD8
	eoi  = 0xD9
	sos  = 0xDA
	dqt  = 0xDB
	dnl  = 0xDC
	dri  = 0xDD
	app0 = 0xE0
	app1 = 0xE1
	com  = 0xFE
)

// segment is a marker of a frame, with its payload if it has one.
type segment struct {
	marker  byte
	payload []byte
	junk    int // bytes of no segment before it, as mjpeg.Scanner counts them
}

// walk calls f for each marker of a whole frame, as mjpeg.Scanner gives it, but for restarts, and returns the number of
// those and of the bytes of entropy-coded data.
func walk(frame []byte, f func(segment)) (restarts, coded int) {
	inScan, junk := false, 0
	for i := 0; i+1 < len(frame); {
		between := &junk
		if inScan {
			between = &coded
		}
		switch b := frame[i+1]; {
		case frame[i] != 0xFF: // entropy-coded data, or junk
			n := bytes.IndexByte(frame[i:], 0xFF)
			if n < 0 {
				n = len(frame) - i
			}
			*between += n
			i += n
		case b == 0, b == tem && !inScan: // in data, a byte FF of it
			*between += 2
			i += 2
		case b == 0xFF: // fill
			if junk > 0 {
				junk++
			}
			i++
		case b >= rst0 && b <= rst7 && inScan:
			restarts++
			i += 2
		case b >= rst0 && b <= rst7:
			junk += 2
			i += 2
		case b == soi || b == eoi || i+3 >= len(frame):
			f(segment{marker: b})
			i += 2
		default:
			next := min(i+2+max(2, int(binary.BigEndian.Uint16(frame[i+2:]))), len(frame))
			f(segment{b, frame[min(i+4, next):next], junk})
			inScan, junk = b == sos, 0
			i = next
		}
	}
	return restarts, coded
}

// about is what is known of a frame.
type about struct {
	kind     Kind
	markers  []Marker
	quality  int // 0: not known
	exact    bool
	inside   bool   // a segment has FF D8 or FF D9 in it
	junk     int    // bytes between segments that belong to none
	between  string // which ones, where that is first so
	coded    int    // bytes of entropy-coded data
	restarts bool   // some are missing
}

// lookAt looks at a whole frame.
func lookAt(frame []byte) about {
	var a about
	k := &a.kind
	var luma [2]int // its sampling factors
	scans, height := 0, 0
	k.NoTables = true
	last := "" // segment
	restarts, coded := walk(frame, func(s segment) {
		name, text := nameOf(s)
		if s.junk > 0 && a.junk == 0 {
			a.between = last + " and " + name
		}
		a.junk += s.junk
		last = name
		known := false
		for _, m := range a.markers {
			known = known || m.Name == name
		}
		if !known {
			a.markers = append(a.markers, Marker{Name: name, Text: text})
		}
		if s.marker != soi && s.marker != eoi &&
			(bytes.Contains(s.payload, []byte{0xFF, eoi}) || bytes.Contains(s.payload, []byte{0xFF, soi, 0xFF})) {
			a.inside = true
			k.Thumbnail = k.Thumbnail || s.marker >= app0 && s.marker < app0+16
		}
		switch {
		case isSOF(s.marker) && k.Components == 0:
			luma = k.readSOF(s)
		case s.marker == dht:
			k.NoTables = false
		case s.marker == dri && len(s.payload) == 2 && scans == 0:
			k.Restart = int(binary.BigEndian.Uint16(s.payload))
		case s.marker == dqt && a.quality == 0:
			a.quality, a.exact = quality(s.payload)
		case s.marker == dnl && len(s.payload) == 2:
			height = int(binary.BigEndian.Uint16(s.payload))
		case s.marker == sos:
			scans++
		}
	})
	a.coded = coded
	if strings.Contains(k.Coding, "arithmetic") {
		k.NoTables = false // it needs none
	}
	if k.Restart > 0 && scans == 1 && luma[0] > 0 && luma[1] > 0 {
		w, h := 8*luma[0], 8*luma[1]
		if k.Components == 1 {
			w, h = 8, 8 // a scan of one component is made of its blocks, A.2.2
		}
		rows := max(k.Height, height)
		mcus := (k.Width + w - 1) / w * ((rows + h - 1) / h)
		a.restarts = restarts < (mcus+k.Restart-1)/k.Restart-1
	}
	return a
}

func isSOF(marker byte) bool {
	return marker&0xF0 == sof0 && marker != dht && marker != jpg && marker != dac
}

// readSOF reads a frame header, B.2.2, and returns luma's sampling factors.
func (k *Kind) readSOF(s segment) (luma [2]int) {
	p := s.payload
	process := [4]string{"baseline", "extended", "progressive", "lossless"}[s.marker&3]
	if s.marker&4 != 0 {
		process = "differential " + process
	}
	if s.marker > jpg {
		if process == "baseline" {
			process = "extended" // SOF9 does not exist as baseline: SOF8 is JPG
		}
		process += ", arithmetic"
	}
	k.Coding = process
	if len(p) < 6+3 {
		return luma
	}
	k.Bits = int(p[0])
	k.Components = int(p[5])
	k.Width = int(binary.BigEndian.Uint16(p[3:]))
	k.Height = int(binary.BigEndian.Uint16(p[1:]))
	return [2]int{int(p[7] >> 4), int(p[7] & 15)}
}

// nameOf names a marker, and returns the text of a comment.
func nameOf(s segment) (name, text string) {
	switch m := s.marker; {
	case isSOF(m):
		return fmt.Sprintf("SOF%d", m-sof0), ""
	case m >= app0 && m < app0+16:
		name = fmt.Sprintf("APP%d", m-app0)
		id, _, _ := bytes.Cut(s.payload[:min(len(s.payload), 32)], []byte{0})
		known := map[string]string{"Exif": "EXIF", "http://ns.adobe.com/xap/1.0/": "XMP", "ICC_PROFILE": "ICC"}
		switch short := printable(id, 16); {
		case known[string(id)] != "":
			return name + " " + known[string(id)], ""
		case bytes.HasPrefix(id, []byte("AVI1")):
			return name + " AVI1", ""
		case short != "":
			return name + " " + short, ""
		}
		return name, ""
	case m == com:
		return "COM", printable(s.payload, 40)
	}
	names := map[byte]string{
		soi: "SOI", eoi: "EOI", dqt: "DQT", dht: "DHT", sos: "SOS", dri: "DRI", dnl: "DNL", dac: "DAC", jpg: "JPG",
		0xDE: "DHP", 0xDF: "EXP",
	}
	if n, ok := names[s.marker]; ok {
		return n, ""
	}
	return fmt.Sprintf("FF%02X", s.marker), ""
}

// printable is what of b's beginning is printable ASCII, at most n bytes.
func printable(b []byte, n int) string {
	i := 0
	for i < len(b) && i < n && b[i] >= ' ' && b[i] <= '~' {
		i++
	}
	return strings.TrimSpace(string(b[:i]))
}

// quality finds the quality of the IJG's programs that gives the first table of a DQT segment, or the nearest one:
// their tables are those of T.81 K.1, scaled. 0: it is far from all of them.
func quality(dqt []byte) (q int, exact bool) {
	if len(dqt) < 65 || dqt[0] != 0 { // luma, with 8 bits
		return 0, false
	}
	const far = 0.1 // mean difference relative to the table
	best, least := 0, far
	for q := 1; q <= 100; q++ {
		scale := 200 - 2*q
		if q < 50 {
			scale = 5000 / q
		}
		sum := 0.0
		for i, standard := range []byte(lumaTable) {
			want := min(max((int(standard)*scale+50)/100, 1), 255)
			d := float64(int(dqt[1+i]) - want)
			sum += max(d, -d) / float64(want)
		}
		if sum /= 64; sum < least || best == 0 && sum == least {
			best, least = q, sum
		}
	}
	return best, best > 0 && least == 0
}

// lumaTable is table K.1 of T.81, in the zigzag order of a DQT segment.
const lumaTable = "" +
	"\x10\x0B\x0C\x0E\x0C\x0A\x10\x0E\x0D\x0E\x12\x11\x10\x13\x18\x28" +
	"\x1A\x18\x16\x16\x18\x31\x23\x25\x1D\x28\x3A\x33\x3D\x3C\x39\x33" +
	"\x38\x37\x40\x48\x5C\x4E\x40\x44\x57\x45\x37\x38\x50\x6D\x51\x57" +
	"\x5F\x62\x67\x68\x67\x3E\x4D\x71\x79\x70\x64\x78\x5C\x65\x67\x63"

package mjpeg

import (
	"bytes"
	"fmt"
	"io"
	"sync/atomic"
)

// DefaultMaxFrame is the frame limit of a Scanner whose MaxFrame is 0, in bytes.
const DefaultMaxFrame = 16 << 20

const (
	readSize      = 64 << 10 // asked of the reader at a time
	maxEmptyReads = 100      // reads in a row that give nothing, before io.ErrNoProgress
	maxSegment    = 64 << 10
	maxSOSLength  = 6 + 2*4 // four components, T.81 B.2.3
	// maxJunk is the most junk in a frame, in bytes. Cameras are known to leave up to some hundreds; a page is what
	// one that aligns its buffers may leave. More would look through much of a scan in vain wherever a length is wrong.
	maxJunk    = 4 << 10
	frameStart = "\xFF\xD8\xFF"
)

// Scanner cuts a byte stream into whole JPEG frames. Like [bufio.Scanner] it is driven by Scan; unlike it, damage
// costs frames, never the stream.
//
// A frame begins at FF D8 (SOI) followed by FF. Its segments are skipped by their lengths, so nothing inside them,
// such as an EXIF thumbnail with a SOI and an EOI of its own, is taken for a marker. In the data of a scan FF 00 is
// data, FF D0 to FF D7 restart it, and any other marker ends it; more segments and scans may follow, as in a
// progressive frame. FF D9 (EOI) ends the frame, and Scan returns then, without asking for one byte more.
//
// Between segments, up to 4096 bytes of a frame may be junk, which some cameras write and which libjpeg, too, passes
// over: bytes that are no FF, FF 00, and markers without a segment (TEM, RST). They stay in the frame, and are counted.
// Right behind SOI an FF must stand even so, as nothing else would tell a frame from noise.
//
// What stands between that and the next frame belongs to neither and is counted in Stats.Skipped: padding, a second
// EOI, multipart headers. So are the bytes of a frame that is dropped as damaged:
//
//   - [Torn]: SOI stands where a marker of the frame should. The frame that it begins is taken.
//   - [Malformed]: a length below 2 (or above 14 for SOS, after which nothing would tell), too much junk, junk behind a
//     segment that has the beginning of another frame in it and not its end, a reserved marker, or EOI before the first
//     scan or behind junk. If it may be the length that was wrong, the hunt for SOI goes on inside the segment, so that
//     no frame is swallowed; the price is that a thumbnail in there is taken for a frame. Lost are the frames, in
//     64 KiB at most, under a wrong length that by chance leads to a marker or past the end of the input.
//   - [TooLong]: longer than MaxFrame. It is walked to its end, but not kept.
//   - [Cut]: the input ended.
//
// The time is proportional to the input, however it is read, and there is no allocation but for the buffer, which
// grows to what the longest frame needs. One goroutine at a time may use a Scanner; only Stats is for any.
type Scanner struct {
	MaxFrame int // longest accepted frame in bytes, 0 means DefaultMaxFrame; set before the first Scan
	// StatusMessages makes Scan stop at status messages too, see [Stamp.AppendStatus]. Frames are the same either way,
	// and the bytes of status messages are counted as Skipped. Set it before the first Scan.
	StatusMessages bool

	in  io.Reader
	err error // of in, io.EOF included; the bytes before it are still walked

	// buf[start:pos] is the frame so far, or the one that Scan has found; buf[pos:end] has not been looked at.
	buf             []byte
	start, pos, end int

	state    state
	marker   byte // of the segment under way
	length   int  // of the segment under way: how many bytes are still to come
	retry    int  // where to hunt on if what comes now is malformed, counted from start
	inJunk   bool // since the last segment there has been junk
	junk     int  // bytes of it in this frame
	scanned  bool // the frame has had a scan
	tooLong  bool // the frame is over the limit: counted, and no longer kept
	found    bool // buf[start:pos] is a whole frame
	isStatus bool // buf[start:pos] is a whole status message

	checked int64 // bytes looked at because of junk, and perhaps not for the last time, see passJunk

	bytes, frames, skipped atomic.Int64
	junkFrames, junkBytes  atomic.Int64
	damaged                [NumDamage]atomic.Int64
}

// state says what the byte at pos is.
type state int

const (
	hunting    state = iota // anything: no frame has begun
	huntCode                // after an FF that may begin a frame or a status message (these states need StatusMessages)
	huntFF                  // after FF D8, which begins a frame if there is another FF
	statusHead              // up to the text of what may be a status message
	statusText              // its text
	markerFF                // the FF of a marker, as all states from here on are inside a frame
	markerCode              // the byte after FF
	strayBytes              // junk, up to the next FF
	lengthHigh              // the length of a segment
	lengthLow
	payload  // inside a segment
	scanData // entropy-coded
	scanCode // the byte after FF in scanData
)

// NewScanner returns a Scanner that reads from r.
func NewScanner(r io.Reader) *Scanner { return &Scanner{in: r} }

// Reset begins anew with r: what was read and not given out is forgotten, Stats count from 0. The buffer is kept, so a
// camera's buffers can be looked through one by one without allocation.
func (s *Scanner) Reset(r io.Reader) {
	s.in, s.err = r, nil
	s.start, s.pos, s.end = 0, 0, 0
	s.state, s.tooLong, s.found, s.isStatus = hunting, false, false, false
	s.checked = 0
	s.bytes.Store(0)
	s.frames.Store(0)
	s.skipped.Store(0)
	s.junkFrames.Store(0)
	s.junkBytes.Store(0)
	for i := range s.damaged {
		s.damaged[i].Store(0)
	}
}

// Scan advances to the next whole frame, or status message if StatusMessages is set, and reports whether there is one.
// It returns false at the end of the input and after a reader's error, see Err.
func (s *Scanner) Scan() bool {
	if s.found {
		s.start, s.found = s.pos, false
	}
	if s.isStatus {
		s.skipTo(s.pos)
		s.isStatus = false
	}
	for !s.walk() {
		if !s.fill() {
			s.finish()
			return false
		}
	}
	if s.isStatus {
		return true
	}
	s.found = true
	s.frames.Add(1)
	if s.junk > 0 {
		s.junkFrames.Add(1)
		s.junkBytes.Add(int64(s.junk))
	}
	return true
}

// Frame returns SOI through EOI of the frame that Scan found. The caller may change the bytes; they are valid until
// the next Scan.
func (s *Scanner) Frame() []byte {
	if !s.found {
		return nil
	}
	return s.buf[s.start:s.pos:s.pos]
}

// StatusMessage returns the status message that Scan stopped at, or nil if it stopped at a frame. It is valid until the
// next Scan.
func (s *Scanner) StatusMessage() []byte {
	if !s.isStatus {
		return nil
	}
	return s.buf[s.start:s.pos:s.pos]
}

// Err returns the first error of the reader other than io.EOF. It is io.ErrNoProgress if the reader keeps returning
// neither bytes nor an error.
func (s *Scanner) Err() error {
	if s.err == io.EOF {
		return nil
	}
	return s.err
}

// walk looks at the bytes that have been read, each once, and reports whether they complete a frame or a status
// message.
func (s *Scanner) walk() bool {
	for s.pos < s.end {
		b := s.buf[s.pos]
		switch s.state {
		case hunting:
			if s.StatusMessages {
				i := bytes.IndexByte(s.buf[s.pos:s.end], 0xFF)
				if i < 0 {
					s.skipTo(s.end)
					return false
				}
				i += s.pos
				for i+1 < s.end && s.buf[i+1] == 0xFF { // only the last one of a row may begin something
					i++
				}
				s.skipTo(i)
				s.pos++
				s.state = huntCode
				break
			}
			i := bytes.Index(s.buf[s.pos:s.end], []byte(frameStart))
			if i < 0 {
				s.skipTo(max(s.pos, s.end-len(frameStart)+1))
				return false
			}
			s.skipTo(s.pos + i)
			s.pos += 2
			s.begin()

		case huntCode:
			switch b {
			case markerSOI:
				s.pos++
				s.state = huntFF
			case statusStart[1]:
				s.pos++
				s.state = statusHead
			default: // perhaps an FF of its own
				s.skipTo(s.pos)
				s.state = hunting
			}

		case huntFF:
			if b == 0xFF {
				s.begin()
				break
			}
			s.skipTo(s.pos)
			s.state = hunting

		case statusHead:
			s.pos++
			switch at := s.pos - s.start - 1; at {
			case 2:
				s.length = int(b) << 8
			case 3:
				s.length |= int(b)
			default:
				if b != stampMagic[at-4] {
					s.noStatus()
				} else if at-4 == len(stampMagic)-1 {
					s.state = statusText
					if s.length -= 2 + len(stampMagic); s.length <= 0 || s.length > maxStatus {
						s.noStatus()
					}
				}
			}

		case statusText:
			if b < ' ' || b > '~' {
				s.skipTo(s.pos) // no frame begins in what has been looked at
				s.state = hunting
				break
			}
			s.pos++
			if s.length--; s.length == 0 {
				s.state, s.isStatus = hunting, true
				return true
			}

		case markerFF:
			s.pos++
			s.state = markerCode
			if b != 0xFF {
				s.state = strayBytes
				s.passJunk(1)
			}

		case strayBytes:
			n := min(s.end-s.pos, maxJunk+1-s.junk)
			if i := bytes.IndexByte(s.buf[s.pos:s.pos+n], 0xFF); i >= 0 {
				n = i
				s.pos++
				s.state = markerCode
			}
			s.pos += n
			s.passJunk(n)

		case scanData:
			i := bytes.IndexByte(s.buf[s.pos:s.end], 0xFF)
			if i < 0 {
				s.pos = s.end
				return false
			}
			s.pos += i + 1
			s.state, s.retry = scanCode, s.pos-s.start

		case markerCode, scanCode:
			s.pos++
			switch {
			case b == 0xFF && s.inJunk:
				s.passJunk(1)
			case b == 0xFF: // fill
				s.retry = s.pos - s.start
			case s.state == scanCode && (b == 0 || b >= markerRST0 && b <= markerRST7):
				s.state = scanData
			case s.state == markerCode && standsAlone(b):
				s.state = markerFF
				s.passJunk(2)
			case b == markerEOI && s.inJunk:
				s.hunt(Malformed)
			case b == markerEOI && s.scanned && !s.over():
				s.state = hunting
				return true
			case b == markerEOI:
				s.drop(Malformed, s.pos)
			case b == markerSOI && s.inJunk && !s.over():
				s.hunt(Torn)
			case b == markerSOI:
				s.drop(Torn, s.pos-2)
			case hasSegment(b):
				s.marker, s.retry, s.state, s.inJunk = b, s.pos-s.start, lengthHigh, false
			default:
				s.hunt(Malformed)
			}

		case lengthHigh:
			s.pos++
			s.length, s.state = int(b)<<8, lengthLow

		case lengthLow:
			s.pos++
			s.length |= int(b)
			if s.length < 2 || s.marker == markerSOS && s.length > maxSOSLength {
				s.hunt(Malformed)
				break
			}
			s.length -= 2
			s.state = payload

		case payload:
			n := min(s.length, s.end-s.pos)
			s.pos += n
			s.length -= n
			switch {
			case s.length > 0:
			case s.marker == markerSOS:
				s.state, s.scanned = scanData, true
			default:
				s.state = markerFF
			}
		}
	}
	return false
}

// noStatus hunts on behind the FF of what turned out not to be a status message before its text began: a few bytes
// back.
func (s *Scanner) noStatus() {
	s.skipTo(s.start + 1)
	s.state = hunting
}

// begin begins a frame, whose SOI stands before pos.
func (s *Scanner) begin() {
	s.state, s.retry, s.scanned, s.inJunk, s.junk = markerFF, 2, false, false, 0
}

// passJunk counts n bytes of junk, which end at pos or are followed by an FF that does. The first ones behind a segment
// make its length doubtful: a wrong one ends inside one of the next frames, most likely, and to go on with what follows
// there would swallow all up to it.
//
// hunt may come back to what is looked at for that. So that the time stays proportional to the input nevertheless, no
// more is looked at when it has become more than all that has come, and a longest segment. Only input of hardly
// anything but wrong lengths does that; then junk makes a frame malformed at once.
func (s *Scanner) passJunk(n int) {
	if !s.inJunk && !s.over() {
		if come := s.bytes.Load() - int64(s.end-s.pos); s.checked > come+maxSegment {
			s.hunt(Malformed)
			return
		}
		segment := s.buf[s.start+s.retry : s.pos]
		s.checked += int64(len(segment))
		if endsInFrame(segment) {
			s.hunt(Malformed)
			return
		}
	}
	s.inJunk = true
	s.checked += int64(n)
	if s.junk += n; s.junk > maxJunk {
		s.hunt(Malformed)
	}
}

// endsInFrame says whether a frame begins in b whose end is not in b. One that is whole may be a thumbnail.
func endsInFrame(b []byte) bool {
	begun := 0 // one in another
	for {
		i := bytes.IndexByte(b, 0xFF)
		if i < 0 || i+1 == len(b) {
			return begun > 0
		}
		b = b[i+1:]
		switch {
		case b[0] == markerSOI && (len(b) == 1 || b[1] == 0xFF):
			begun++
		case b[0] == markerEOI && begun > 0:
			begun--
		}
	}
}

// hunt drops the frame because of a segment's length or of what stands at its end. The segment may span the beginning
// of other frames, so the hunt goes on inside it. The work stays proportional to the input however often that happens:
// a segment is jumped over, not looked through but for passJunk, and each retry begins behind the one before.
func (s *Scanner) hunt(cause Damage) {
	resume := s.start + s.retry
	if s.over() {
		resume = s.pos // the rest may be gone from the buffer
	}
	s.drop(cause, resume)
}

// over says whether the frame is longer than the limit as far as it has been looked at.
func (s *Scanner) over() bool {
	return s.state >= markerFF && (s.tooLong || s.pos-s.start > s.maxFrame())
}

// drop gives the frame up and hunts on from resume. That depends on the bytes alone, not on how they were read.
func (s *Scanner) drop(cause Damage, resume int) {
	switch {
	case s.tooLong: // has been counted
	case s.over():
		s.damaged[TooLong].Add(1)
	default:
		s.damaged[cause].Add(1)
	}
	s.tooLong, s.state = false, hunting
	s.skipTo(resume)
}

// skipTo lets go of what comes before buf[to].
func (s *Scanner) skipTo(to int) {
	s.skipped.Add(int64(to - s.start))
	s.start, s.pos = to, to
}

// fill reads more input behind what is held, and reports false at its end. What is held is the frame under way, all
// of it looked at, so a frame is moved in memory once, and once more whenever it makes the buffer grow.
func (s *Scanner) fill() bool {
	if s.err != nil {
		return false
	}
	if s.over() {
		if !s.tooLong {
			s.damaged[TooLong].Add(1)
			s.tooLong = true
		}
		s.skipTo(s.pos - 1) // the last byte may be the FF of a SOI
		s.pos++
	}
	held := s.buf[s.start:s.end]
	if len(held) == 0 || s.end+readSize > len(s.buf) {
		if len(held)+readSize > len(s.buf) {
			limit := max(s.maxFrame(), 2*maxStatus) + len(frameStart) + readSize
			s.buf = make([]byte, min(2*(len(s.buf)+readSize), limit))
		}
		s.end = copy(s.buf, held)
		s.pos -= s.start
		s.start = 0
	}
	for range maxEmptyReads {
		n, err := s.in.Read(s.buf[s.end : s.end+readSize])
		s.end += n
		s.bytes.Add(int64(n))
		s.err = err
		if n > 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
	s.err = io.ErrNoProgress
	return false
}

// finish accounts for what is left when the input has ended.
func (s *Scanner) finish() {
	if s.state >= markerFF {
		s.drop(Cut, s.end)
	}
	s.skipTo(s.end)
}

func (s *Scanner) maxFrame() int {
	if s.MaxFrame > 0 {
		return s.MaxFrame
	}
	return DefaultMaxFrame
}

// Stats returns the counters. Any goroutine may call it at any time.
func (s *Scanner) Stats() Stats {
	st := Stats{
		Bytes: s.bytes.Load(), Frames: s.frames.Load(), Skipped: s.skipped.Load(),
		JunkFrames: s.junkFrames.Load(), JunkBytes: s.junkBytes.Load(),
	}
	for i := range st.Damaged {
		st.Damaged[i] = s.damaged[i].Load()
	}
	return st
}

// Stats counts what a Scanner has seen. Bytes = bytes in frames + Skipped, once the input has ended.
type Stats struct {
	Bytes      int64            // read from the input
	Frames     int64            // whole frames given out
	JunkFrames int64            // of those: with junk between their segments
	JunkBytes  int64            // of that, in all of them
	Skipped    int64            // bytes that belonged to no whole frame
	Damaged    [NumDamage]int64 // frames dropped, by cause
}

// Plus returns the sums of two Scanners' counters.
func (st Stats) Plus(other Stats) Stats {
	st.Bytes += other.Bytes
	st.Frames += other.Frames
	st.JunkFrames += other.JunkFrames
	st.JunkBytes += other.JunkBytes
	st.Skipped += other.Skipped
	for i, n := range other.Damaged {
		st.Damaged[i] += n
	}
	return st
}

// Damage says why a Scanner dropped a frame that had begun.
type Damage int

// The causes.
const (
	Torn      Damage = iota // the next frame began before this one ended
	Malformed               // an impossible segment length or marker
	TooLong                 // longer than MaxFrame
	Cut                     // the input ended in the middle
	NumDamage = iota
)

// String returns the cause in words, such as "too long".
func (d Damage) String() string {
	switch d {
	case Torn:
		return "torn"
	case Malformed:
		return "malformed"
	case TooLong:
		return "too long"
	case Cut:
		return "cut"
	}
	return fmt.Sprintf("Damage(%d)", int(d))
}

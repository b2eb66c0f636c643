package mjpeg

import "io"

// DefaultMaxFrame is the frame limit of a Scanner whose MaxFrame is 0, in bytes.
const DefaultMaxFrame = 16 << 20

// Scanner cuts a byte stream into whole JPEG pictures.
type Scanner struct {
	MaxFrame int // longest accepted frame in bytes, 0 means DefaultMaxFrame; set before the first Scan
}

// NewScanner returns a Scanner that reads from r.
func NewScanner(r io.Reader) *Scanner { panic("todo") }

// Scan advances to the next whole picture and reports whether there is one.
func (s *Scanner) Scan() bool { panic("todo") }

// Frame returns SOI through EOI of the picture that Scan found. The caller may change the bytes; they are valid until
// the next Scan.
func (s *Scanner) Frame() []byte { panic("todo") }

// Err returns the first error of the reader other than io.EOF.
func (s *Scanner) Err() error { panic("todo") }

// Stats may be called from any goroutine at any time.
func (s *Scanner) Stats() Stats { panic("todo") }

// Stats counts what a Scanner has seen. Bytes = bytes in frames + Skipped, once the input has ended.
type Stats struct {
	Bytes   int64            // read from the input
	Frames  int64            // whole pictures given out
	Skipped int64            // bytes that belonged to no whole picture
	Damaged [NumDamage]int64 // pictures dropped, by cause
}

// Damage says why a Scanner dropped a picture that had begun.
type Damage int

// The causes.
const (
	Torn      Damage = iota // the next picture began before this one ended
	Malformed               // an impossible segment length or marker
	TooLong                 // longer than MaxFrame
	Cut                     // the input ended in the middle
	NumDamage = iota
)

func (d Damage) String() string { panic("todo") }

package mjpeg

import (
	"io"
	"sync/atomic"
	"time"
)

// Reader reads the frames of a byte stream as Frames, with their stamps parsed and taken out. It allocates nothing
// for a frame but for strings of its stamp that differ from the frame's before. One goroutine at a time may use it;
// only ScanStats and Trouble are for any.
type Reader struct {
	scanner *Scanner
	stamp   Stamp
	stamped bool   // stamp is that of the last frame, or status message
	seq     uint64 // of the last frame
	trouble atomic.Pointer[string]
}

// NewReader returns a Reader of r. maxFrame is the longest accepted frame in bytes; 0 means DefaultMaxFrame.
func NewReader(r io.Reader, maxFrame int) *Reader {
	s := NewScanner(r)
	s.MaxFrame = maxFrame
	s.StatusMessages = true
	return &Reader{scanner: s}
}

// Next returns the next whole frame. The error is io.EOF after the last one, else the first error of the reader.
//
// Received is the time at which Next found it. A stamp gives Seq and Captured. Captured is put right by the stamp's
// Offset if it is Synced; if not, it is the sender's clock as it is, and wrong by as much as that and this computer's
// differ: Stamp tells. Without a stamp Captured is zero, and Seq is one more than that of the frame before.
func (r *Reader) Next() (Frame, error) {
	for {
		f, err := r.NextOrStatus()
		if err != nil || f.JPEG != nil {
			return f, err
		}
	}
}

// NextOrStatus is Next that also returns at a status message (see [Stamp.AppendStatus]), with a Frame that only has
// Received. Stamp returns the status message then.
func (r *Reader) NextOrStatus() (Frame, error) {
	if !r.scanner.Scan() {
		if err := r.scanner.Err(); err != nil {
			return Frame{}, err
		}
		return Frame{}, io.EOF
	}
	f := Frame{JPEG: r.scanner.Frame(), Received: time.Now()}
	if f.JPEG == nil {
		r.stamped = r.stamp.ParseStatus(r.scanner.StatusMessage()) > 0
		if old := r.trouble.Load(); old == nil || *old != r.stamp.Trouble {
			trouble := r.stamp.Trouble
			r.trouble.Store(&trouble)
		}
		return f, nil
	}
	if r.trouble.Load() != nil {
		r.trouble.Store(nil)
	}
	r.seq++ // unless the stamp knows better
	n := r.stamp.Parse(f.JPEG)
	r.stamped = n > 0
	if r.stamped {
		f.JPEG = Unstamp(f.JPEG, n)
		if r.stamp.Seq > 0 {
			r.seq = r.stamp.Seq
		}
		f.Captured = r.stamp.Time
		if r.stamp.Synced && !f.Captured.IsZero() {
			f.Captured = f.Captured.Add(r.stamp.Offset)
		}
	}
	f.Seq = r.seq
	return f, nil
}

// Trouble is why there are no frames, by the sender's last status message; "" if a frame has come since. It is the
// peer's word. Any goroutine may call it at any time.
func (r *Reader) Trouble() string {
	if t := r.trouble.Load(); t != nil {
		return *t
	}
	return ""
}

// Stamp returns the stamp of the frame that Next returned last, and whether that had one.
func (r *Reader) Stamp() (Stamp, bool) {
	if !r.stamped {
		return Stamp{}, false
	}
	return r.stamp, true
}

// ScanStats returns the scanner's counters. Any goroutine may call it at any time.
func (r *Reader) ScanStats() Stats { return r.scanner.Stats() }

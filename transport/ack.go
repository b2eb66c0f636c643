package transport

import (
	"bytes"
	"strconv"
	"time"
)

// An ack is one line of text that a receiver writes for each stamped frame, on the connection it came from:
//
//	ack <seq> <received> <sent>
//
// seq is the stamp's, received is when the frame's last byte had come, sent is when the ack was written, both in ns of
// Unix time by the receiver's clock. Later versions may put more behind these; lines that begin otherwise are skipped.
// An ack holds for all frames before it as well.

// appendAck appends an ack, with its end of line.
func appendAck(dst []byte, seq uint64, received, sent time.Time) []byte {
	dst = append(dst, "ack "...)
	dst = strconv.AppendUint(dst, seq, 10)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, received.UnixNano(), 10)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, sent.UnixNano(), 10)
	return append(dst, '\n')
}

// parseAck reads a line, with or without its end. ok is false for what is no ack.
func parseAck(line []byte) (seq uint64, received, sent time.Time, ok bool) {
	rest, ok := bytes.CutPrefix(bytes.TrimRight(line, "\r\n"), []byte("ack "))
	if !ok {
		return 0, time.Time{}, time.Time{}, false
	}
	var field []byte
	field, rest, _ = bytes.Cut(rest, []byte(" "))
	seq, err := strconv.ParseUint(string(field), 10, 64)
	if err != nil {
		return 0, time.Time{}, time.Time{}, false
	}
	var ns [2]int64
	for i := range ns {
		field, rest, _ = bytes.Cut(rest, []byte(" "))
		if ns[i], err = strconv.ParseInt(string(field), 10, 64); err != nil {
			return 0, time.Time{}, time.Time{}, false
		}
	}
	return seq, time.Unix(0, ns[0]), time.Unix(0, ns[1]), true
}

// clock estimates how far the receiver's clock is ahead of this one.
//
// NTP (RFC 5905) halves the round trip, which is right where both ways take equally long. Here they do not: a frame
// takes long to go over a slow link, and waits in queues on the way; an ack is small and goes the idle way. So only the
// acks' way is measured: an ack's time of arrival by this clock is its time of sending by the receiver's, less the
// difference of the clocks, plus its time on the way, which is least for the luckiest ack. That least time is half of
// the least round trip of the connection, for which the kernel's (of small packets) is best.
type clock struct {
	// The greatest difference seen (receiver's time of sending less our time of arrival) in this period and the last.
	best, last time.Duration
	since      time.Time // beginning of the period; zero: no ack yet
}

const (
	clockPeriod = 10 * time.Second // in which two clocks drift apart by less than a ms
	clockStep   = time.Second      // a difference that is off by more than this is a clock that was set
)

// add takes an ack into account: sent by the receiver's clock, and now by ours.
func (c *clock) add(sent, now time.Time) {
	diff := sent.Sub(now)
	switch off := diff - max(c.best, c.last); {
	case c.since.IsZero(), off > clockStep, off < -clockStep:
		c.best, c.last, c.since = diff, diff, now
	case now.Sub(c.since) > clockPeriod:
		c.best, c.last, c.since = diff, c.best, now
	default:
		c.best = max(c.best, diff)
	}
}

// offset returns the receiver's clock less ours, by what add has been given. roundTrip is the least one.
func (c *clock) offset(roundTrip time.Duration) (d time.Duration, ok bool) {
	return max(c.best, c.last) + roundTrip/2, !c.since.IsZero()
}

package transport

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// shortQueue makes the kernel take more bytes of a connection only when less than queueLimit waits to leave. The send
// buffer itself stays as long as the network needs: what is on the way does not count.
func shortQueue(conn net.Conn) {
	control(conn, func(fd int) {
		// Without it, as on a kernel older than 3.12, frames only arrive later.
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, queueLimit)
	})
}

// roundTrip returns the least round trip that the kernel has seen on the connection; 0 means not known.
func roundTrip(conn net.Conn) (d time.Duration) {
	control(conn, func(fd int) {
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err == nil && info.Min_rtt != ^uint32(0) {
			d = time.Duration(info.Min_rtt) * time.Microsecond
		}
	})
	return d
}

// lastHeard returns how long ago the peer's kernel confirmed anything, be it only that its buffer is still full; ok is
// false where that is not known.
func lastHeard(conn net.Conn) (d time.Duration, ok bool) {
	control(conn, func(fd int) {
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err == nil {
			d, ok = time.Duration(info.Last_ack_recv)*time.Millisecond, true
		}
	})
	return d, ok
}

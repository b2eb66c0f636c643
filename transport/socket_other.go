//go:build !linux && !darwin

package transport

import (
	"net"
	"time"
)

// shortQueue keeps the whole send buffer short, for want of TCP_NOTSENT_LOWAT: room for what is on the way as well.
func shortQueue(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(4 * queueLimit)
	}
}

// roundTrip is not known here.
func roundTrip(net.Conn) time.Duration { return 0 }

// lastHeard is not known here.
func lastHeard(net.Conn) (time.Duration, bool) { return 0, false }

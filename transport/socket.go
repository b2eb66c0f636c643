package transport

import (
	"net"
	"syscall"
	"time"
)

// queueLimit is how many bytes may wait in the kernel of a sender, behind those on the way. Less keeps a slow link
// fresher (32 KiB take 50 ms at 5 Mbit/s), more saves a fast one some waking up.
const queueLimit = 32 << 10

// keepAlive notices within some 11 s that the computer at the other end is gone, also when there is nothing to send.
func keepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}
}

// control calls f with the connection's file descriptor, unless it has none or is closed.
func control(conn net.Conn, f func(fd int)) {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return
	}
	if raw, err := sc.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { f(int(fd)) }) // fails where the connection is closed
	}
}

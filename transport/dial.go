package transport

import (
	"context"
	"net"
)

// Dial connects once to addr, which is as for ParseAddr; Pull does so again and again.
func Dial(ctx context.Context, addr string) (net.Conn, error) {
	addr, err := ParseAddr(addr)
	if err != nil {
		return nil, err
	}
	return connect(ctx, addr, dialTimeout)
}

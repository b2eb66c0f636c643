package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"

	"picam/internal/linklocal"
)

// ParseAddr turns what a user types for the other end into host:port: "pi.local", "pi.local:8002", "192.168.1.5",
// "::1", "[::1]:8002", each with or without tcp:// before it. A port left out is DefaultPort. ":8002" has no host,
// which is for listening only. The error says what to type instead.
func ParseAddr(text string) (string, error) {
	addr := strings.TrimPrefix(strings.TrimSpace(text), "tcp://")
	bad := func(why string) (string, error) {
		return "", fmt.Errorf("address %q: %s; type HOST:PORT, such as raspberrypi.local:%s", text, why, DefaultPort)
	}
	if scheme, _, ok := strings.Cut(addr, "://"); ok {
		return bad("frames go over plain TCP, not " + scheme)
	}
	host, port := addr, DefaultPort
	bare := addr
	if strings.HasPrefix(addr, "[") && strings.HasSuffix(addr, "]") {
		bare = addr[1 : len(addr)-1]
	}
	if _, err := netip.ParseAddr(bare); err == nil {
		host = bare
	} else if strings.Contains(addr, ":") {
		if host, port, err = net.SplitHostPort(addr); err != nil {
			return bad("this is neither a host and a port nor an IPv6 address")
		}
	} else if _, err := strconv.Atoi(addr); err == nil {
		return bad("a port without a host")
	}
	if addr == "" || strings.ContainsAny(host, " \t/\\?#@") {
		return bad("not the name of a host")
	}
	if hint, lasting := linklocal.Hint(host); lasting {
		return bad(hint)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return bad(fmt.Sprintf("port %q is not a number from 1 to 65535", port))
	} else {
		port = strconv.FormatUint(n, 10)
	}
	return net.JoinHostPort(host, port), nil
}

// ParseListen is ParseAddr for an address to listen on, which may be without a host.
func ParseListen(text string) (string, error) {
	if _, err := strconv.ParseUint(text, 10, 16); err == nil {
		return "", fmt.Errorf("address %q: a port has a colon before it: did you mean :%s?", text, text)
	}
	return ParseAddr(text)
}

// Listen listens on addr, which is as for ParseListen; without a host it is every address of this computer. The error
// says what to do.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	addr, err := ParseListen(addr)
	if err != nil {
		return nil, err
	}
	lc := net.ListenConfig{KeepAliveConfig: keepAlive()}
	lc.SetMultipathTCP(false) // the socket options below are those of plain TCP
	l, err := lc.Listen(ctx, "tcp", addr)
	if err == nil {
		return l, nil
	}
	_, port, _ := net.SplitHostPort(addr)
	switch {
	case isErrno(err, syscall.EADDRINUSE, wsaEADDRINUSE):
		next := DefaultPort
		if n, _ := strconv.Atoi(port); n < 65535 {
			next = strconv.Itoa(n + 1)
		}
		return nil, fmt.Errorf("port %s is taken, perhaps by another picam: end that, or use --listen :%s", port, next)
	case isErrno(err, syscall.EACCES, wsaEACCES):
		return nil, fmt.Errorf("port %s is not allowed for this user: use one above 1023, such as --listen :%s",
			port, DefaultPort)
	case isErrno(err, syscall.EADDRNOTAVAIL, wsaEADDRNOTAVAIL):
		return nil, fmt.Errorf("%s is no address of this computer: use --listen :%s for all that it has", addr, port)
	}
	return nil, fmt.Errorf("cannot listen on %s: %w", addr, cause(err))
}

// Windows has numbers of its own; elsewhere nothing has these.
const (
	wsaEACCES        = syscall.Errno(10013)
	wsaEADDRINUSE    = syscall.Errno(10048)
	wsaEADDRNOTAVAIL = syscall.Errno(10049)
	wsaECONNABORTED  = syscall.Errno(10053)
	wsaECONNRESET    = syscall.Errno(10054)
)

// isErrno reports whether err is one of the system's errors given.
func isErrno(err error, numbers ...syscall.Errno) bool {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return false
	}
	for _, n := range numbers {
		if errno == n {
			return true
		}
	}
	return false
}

// isReset reports whether err says that the peer has closed the connection without ceremony.
func isReset(err error) bool {
	return isErrno(err, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, wsaECONNRESET, wsaECONNABORTED)
}

// cause takes off what net puts around an error: the addresses, which differ at each try by the local port.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// host is the address of a peer without its port, which differs from connection to connection.
func host(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap().String()
	}
	return addr.String()
}

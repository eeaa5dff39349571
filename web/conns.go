package web

import (
	"net"
	"net/netip"
	"sync"
)

// boundedListener closes connections beyond its bounds as soon as they are made, so that one
// address cannot use up those of all. Addresses of this machine have the common bound alone.
type boundedListener struct {
	net.Listener
	max, maxOfAddr int

	mu   sync.Mutex // guards open and all
	open map[netip.Addr]int
	all  int
}

// Accept implements net.Listener.
func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		tcp, is := c.RemoteAddr().(*net.TCPAddr)
		if !is {
			return c, nil
		}
		from := tcp.AddrPort().Addr().Unmap()
		if l.enter(from) {
			return &boundedConn{Conn: c, leave: sync.OnceFunc(func() { l.leave(from) })}, nil
		}
		_ = c.Close() // it has had no request
	}
}

func (l *boundedListener) enter(from netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= l.max || !from.IsLoopback() && l.open[from] >= l.maxOfAddr {
		return false
	}
	l.all++
	l.open[from]++
	return true
}

func (l *boundedListener) leave(from netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.open[from]--; l.open[from] == 0 {
		delete(l.open, from)
	}
}

type boundedConn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *boundedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

package bounded

import (
	"net"
	"sync"
)

// Listen bounds the connections of a listener, those of all addresses and those of one:
// one too many is closed at once.
func Listen(l net.Listener, most, mostEach int64) net.Listener {
	return &listener{Listener: l, open: NewBudget(most, mostEach)}
}

type listener struct {
	net.Listener
	open *Budget
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := Host(c.RemoteAddr().String())
		if l.open.Take(from, 1) {
			return &connection{Conn: c, ended: sync.OnceFunc(func() { l.open.GiveBack(from, 1) })}, nil
		}
		_ = c.Close()
	}
}

// connection is counted until it is closed.
type connection struct {
	net.Conn
	ended func()
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.ended()
	return c.Conn.Close()
}

// Host is the address without its port.
func Host(address string) string {
	h, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return h
}

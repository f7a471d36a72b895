package guard

import (
	"net"
	"sync"
)

const (
	// maxConnections is how many there are at most. One that is kept open takes up
	// to 0.2 MB.
	maxConnections = 400
	// maxConnectionsEach is how many come from one address at most. An API server
	// has one, and some more when it has more than maxStreams questions at once.
	maxConnectionsEach = maxConnections / 4
)

// Listen bounds the connections of a listener: one too many is closed at once.
func Listen(l net.Listener) net.Listener {
	return &listener{Listener: l, open: newBudget(maxConnections, maxConnectionsEach)}
}

type listener struct {
	net.Listener
	open *budget
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := host(c.RemoteAddr().String())
		if l.open.take(from, 1) {
			return &connection{Conn: c, ended: sync.OnceFunc(func() { l.open.giveBack(from, 1) })}, nil
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

// host is the address without its port.
func host(address string) string {
	h, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return h
}

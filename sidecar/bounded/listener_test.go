package bounded_test

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/bounded"
)

func TestConnectionsAreBounded(t *testing.T) {
	inner, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	const maxConnections, maxConnectionsEach = 40, 10
	l := bounded.Listen(inner, maxConnections, maxConnectionsEach)
	defer func() { _ = l.Close() }()
	accepted := make(chan net.Conn, maxConnections+1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	dial := func(from string) net.Conn {
		t.Helper()
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		c, err := d.DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetReadDeadline(time.Now().Add(time.Minute)) // for a test that fails
		return c
	}
	refused := func(from string) {
		t.Helper()
		if n, err := dial(from).Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a connection too many is open: %d bytes, %v", n, err)
		}
	}
	var open []net.Conn
	for _, from := range []string{"127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"} {
		for range maxConnectionsEach {
			dial(from)
			open = append(open, <-accepted)
		}
		for range 2 * maxConnectionsEach {
			refused(from)
		}
	}
	refused("127.0.0.5")
	// A connection may be closed more than once.
	_, _ = open[0].Close(), open[0].Close()
	dial("127.0.0.5")
	open = append(open[1:], <-accepted)
	refused("127.0.0.1")
	for _, c := range open {
		_ = c.Close()
	}
	dial("127.0.0.1")
	_ = (<-accepted).Close()
}

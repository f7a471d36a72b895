package webhooktest

import (
	"net"
	"testing"
)

// FreePort is a TCP port that nobody listened on a moment ago.
func FreePort(t *testing.T) int {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return Port(l)
}

// Port is the TCP port of a listener.
func Port(l net.Listener) int {
	if address, ok := l.Addr().(*net.TCPAddr); ok {
		return address.Port
	}
	return 0
}

package webhooktest

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// Ports below those that the kernel gives to outgoing connections, so that none of
// those can take one before the test listens on it.
const firstPort, lastPort = 10000, 19999

// ports are those that FreePort has given: one that is not yet listened on looks free.
var ports sync.Map

// FreePort is a TCP port that nobody listened on a moment ago, another at each call.
func FreePort(t *testing.T) int {
	t.Helper()
	const attempts = 20
	for range attempts {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort("", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if _, given := ports.LoadOrStore(port, true); given {
			continue
		}
		return port
	}
	t.Fatalf("no port of %d tried is free", attempts)
	return 0
}

// Port is the TCP port of a listener.
func Port(l net.Listener) int {
	if address, ok := l.Addr().(*net.TCPAddr); ok {
		return address.Port
	}
	return 0
}

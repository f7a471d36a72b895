package contender

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Ports below those that the kernel gives to outgoing connections, which so
// can't take one between its choice and its use.
const firstPort, lastPort = 20000, 29999

var (
	portsMu sync.Mutex
	ports   = map[int]bool{}
)

// FreePort is a TCP port that nobody listens on, on any address, and that this
// process has not been given before.
func FreePort(ctx context.Context) (string, error) {
	portsMu.Lock()
	defer portsMu.Unlock()
	const tries = 100
	var errs []error
	for range tries {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		if ports[port] {
			continue
		}
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", ":"+strconv.Itoa(port))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		ports[port] = true
		return strconv.Itoa(port), l.Close()
	}
	return "", fmt.Errorf("find a free port: %w", errors.Join(errs...))
}

// givePort gives back a port.
func givePort(port string) {
	portsMu.Lock()
	defer portsMu.Unlock()
	// It came from FreePort, and so is a number.
	n, _ := strconv.Atoi(port)
	delete(ports, n)
}

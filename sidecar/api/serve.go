package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/bounded"
)

// Listen takes the address of a server, and the same port of [::1] beside
// 127.0.0.1 where there is one. The error names the address: it is taken, or
// not this machine's.
func Listen(ctx context.Context, address string) ([]net.Listener, error) {
	var config net.ListenConfig
	first, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", address, err)
	}
	listeners := []net.Listener{first}
	if host, port, err := net.SplitHostPort(address); err == nil && host == "127.0.0.1" {
		second, err := config.Listen(ctx, "tcp", net.JoinHostPort("::1", port))
		switch {
		case err == nil:
			listeners = append(listeners, second)
		case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT):
			// A pod without IPv6 has no such address, which is no fault.
		default:
			_ = first.Close()
			return nil, fmt.Errorf("listen on %q: %w", net.JoinHostPort("::1", port), err)
		}
	}
	return listeners, nil
}

const (
	// maxProbes is how many connections the probe port has at most, and maxProbesEach
	// how many of them come from one address. Every pod of the cluster can reach it, and
	// one that is kept open takes some 20 kB.
	maxProbes, maxProbesEach = 512, 32
)

// boundedProbes bounds the connections of listeners that others can reach.
func boundedProbes(listeners []net.Listener) []net.Listener {
	all := make([]net.Listener, len(listeners))
	for i, l := range listeners {
		all[i] = bounded.Listen(l, maxProbes, maxProbesEach)
	}
	return all
}

// slowest is how long the header of a question may take to come, and slowestProbe that of
// a probe, of which no connection is kept: others could keep the kubelet out by doing nothing.
const slowest, slowestProbe = 10 * time.Second, 2 * time.Second

// Serve answers on the listeners until ctx ends, and then closes them with all
// that is open. That comes when the candidate has left the election.
func Serve(ctx context.Context, handler http.Handler, listeners []net.Listener) error {
	return serve(ctx, &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: slowest,
		IdleTimeout:       time.Minute,
	}, listeners)
}

// ServeProbes does the same for those who ask once, on bounded connections.
func ServeProbes(ctx context.Context, handler http.Handler, listeners []net.Listener) error {
	server := &http.Server{Handler: handler, ReadTimeout: slowestProbe, WriteTimeout: slowest}
	server.SetKeepAlivesEnabled(false)
	return serve(ctx, server, boundedProbes(listeners))
}

func serve(ctx context.Context, server *http.Server, listeners []net.Listener) error {
	server.MaxHeaderBytes = 1 << 14
	server.BaseContext = func(net.Listener) context.Context { return ctx }
	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { failed <- server.Serve(l) }()
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	var errs []error
	for range listeners {
		if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
			errs = append(errs, fmt.Errorf("serve: %w", err))
			_ = server.Close()
		}
	}
	return errors.Join(errs...)
}

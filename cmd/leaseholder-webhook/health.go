package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/leaseholder-dev/leaseholder/sidecar/bounded"
)

// maxConnections bounds those of a port, of probes or scrapers, and maxConnectionsEach those
// of one address. The kubelet and Prometheus have one or two. Each takes some 20 kB.
const maxConnections, maxConnectionsEach = 256, 8

// httpTimeout bounds what an answer may take, and the end of a server.
const httpTimeout = 5 * time.Second

// asking is how long a question may take to come. No connection is kept for another one,
// or others could keep the kubelet out by doing nothing.
const asking = 2 * time.Second

// check is one condition of readiness, nil while it holds.
type check struct {
	name string
	ok   func(*http.Request) error
}

// health answers the kubelet.
type health struct {
	checks   []check
	draining atomic.Bool
}

// drain makes the process unready for good, so that API servers are led
// elsewhere while it still answers.
func (h *health) drain() { h.draining.Store(true) }

func (h *health) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { say(w, h.ready(r)) })
	return mux
}

// ready names everything that is missing.
func (h *health) ready(r *http.Request) error {
	if h.draining.Load() {
		return errors.New("shutting down")
	}
	var errs []error
	for _, c := range h.checks {
		if err := c.ok(r); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(errs...)
}

func say(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}

// serveHTTP serves until ctx is done, and finishes what is under way.
func serveHTTP(ctx context.Context, port int, handler http.Handler) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := newHTTPServer(handler)
	var group errgroup.Group
	group.Go(func() error {
		if err := server.Serve(bounded.Listen(listener, maxConnections, maxConnectionsEach)); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), httpTimeout)
		defer cancel()
		return server.Shutdown(ctx)
	})
	return group.Wait()
}

// newHTTPServer gives a server that answers one question on each connection.
func newHTTPServer(handler http.Handler) *http.Server {
	server := &http.Server{Handler: handler, ReadTimeout: asking, WriteTimeout: asking + httpTimeout, MaxHeaderBytes: 1 << 14}
	server.SetKeepAlivesEnabled(false)
	return server
}

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

// maxConnections bounds those of probes and scrapers together, and maxConnectionsEach
// those of one address.
const maxConnections, maxConnectionsEach = 200, 50

// httpTimeout bounds what probes and scrapers may take, and the end of a server.
const httpTimeout = 5 * time.Second

// idleTimeout is how long a connection is kept for the next scrape.
const idleTimeout = 2 * time.Minute

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
	server := &http.Server{Handler: handler, ReadTimeout: httpTimeout, WriteTimeout: 2 * httpTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: 1 << 14}
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

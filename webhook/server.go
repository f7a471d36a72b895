package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/leaseholder-dev/leaseholder/webhook/guard"
)

// finishing is how long requests that are under way may take when the server ends.
const finishing = time.Minute

// Server is the HTTPS server that asks a handler about pods, at Path and at the
// path of each policy. Its Start serves until its context is done, and then
// finishes the requests that are under way. What callers can take of it is bounded by
// package guard.
type Server struct {
	port      int
	config    *tls.Config
	mux       *http.ServeMux
	listening atomic.Bool
	draining  atomic.Bool
}

// NewServer gives a server that shows what certificate gives, and answers everybody.
func NewServer(port int, certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error), handler admission.Handler) *Server {
	s := &Server{
		port:   port,
		config: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate},
		mux:    http.NewServeMux(),
	}
	for _, policy := range policies() {
		s.Register(PathOf(policy), &admission.Webhook{
			Handler:         handler,
			WithContextFunc: func(ctx context.Context, _ *http.Request) context.Context { return WithPolicy(ctx, policy) },
		})
	}
	return s
}

// RequireClients makes the server answer only those who show a certificate of one of
// these authorities. It is called before Start.
func (s *Server) RequireClients(authorities *x509.CertPool) {
	s.config.ClientCAs, s.config.ClientAuth = authorities, tls.RequireAndVerifyClientCert
}

// Register adds a page to those that Drain concerns.
func (s *Server) Register(path string, hook http.Handler) {
	s.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		if s.draining.Load() {
			w.Header().Set("Connection", "close") // over HTTP/2 it becomes a GOAWAY
		}
		hook.ServeHTTP(w, r)
	})
}

// Start serves until ctx is done.
func (s *Server) Start(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("", strconv.Itoa(s.port)))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := guard.NewServer(s.mux)
	server.TLSConfig = s.config
	server.BaseContext = func(net.Listener) context.Context { return ctx }
	s.listening.Store(true)
	group, ending := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer s.listening.Store(false)
		if err := server.ServeTLS(guard.Listen(listener), "", ""); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ending.Done()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishing)
		defer cancel()
		return server.Shutdown(ctx)
	})
	return group.Wait()
}

// Started is nil once the server listens, and until it ends.
func (s *Server) Started(*http.Request) error {
	if !s.listening.Load() {
		return errors.New("not listening")
	}
	return nil
}

// Drain makes every answer the last on its connection. API servers keep theirs
// for as long as they can, whatever the Service says meanwhile, and a request
// that they send while the server closes an idle one would be lost. It is
// called some seconds before Start's context ends.
func (s *Server) Drain() { s.draining.Store(true) }

package webhook

import (
	"context"
	"crypto/tls"
	"net/http"
	"sync/atomic"

	crwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// Server is the HTTPS server that asks a handler about pods, at Path and at the
// path of each policy. Its Start serves until its context is done, and then
// finishes the requests that are under way.
type Server struct {
	crwebhook.Server
	draining atomic.Bool
}

// NewServer gives a server that shows what certificate gives.
func NewServer(port int, certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error), handler admission.Handler) *Server {
	s := &Server{Server: crwebhook.NewServer(crwebhook.Options{
		Port: port,
		TLSOpts: []func(*tls.Config){func(c *tls.Config) {
			c.MinVersion = tls.VersionTLS12
			c.GetCertificate = certificate
		}},
	})}
	for _, policy := range policies() {
		s.Register(PathOf(policy), &admission.Webhook{
			Handler:         handler,
			WithContextFunc: func(ctx context.Context, _ *http.Request) context.Context { return WithPolicy(ctx, policy) },
		})
	}
	return s
}

// Register adds a page to those that Drain concerns; see crwebhook.Server.
func (s *Server) Register(path string, hook http.Handler) {
	s.Server.Register(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.draining.Load() {
			w.Header().Set("Connection", "close") // over HTTP/2 it becomes a GOAWAY
		}
		hook.ServeHTTP(w, r)
	}))
}

// Drain makes every answer the last on its connection. API servers keep theirs
// for as long as they can, whatever the Service says meanwhile, and a request
// that they send while the server closes an idle one would be lost. It is
// called some seconds before Start's context ends.
func (s *Server) Drain() { s.draining.Store(true) }

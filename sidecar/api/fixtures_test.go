package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/election"
)

// source is a candidate whose status a test sets.
type source struct {
	mu      sync.Mutex
	status  election.Status
	changed chan struct{}
}

func newSource(s election.Status) *source { return &source{status: s, changed: make(chan struct{})} }

func (s *source) Status() (election.Status, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status, s.changed
}

func (s *source) set(status election.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *source) StepDown(context.Context) { s.set(standby) }

var (
	at      = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	leading = election.Status{
		Leader: "orders-0_0f3c_x", IsLeader: true, Token: 1767323045000,
		ValidFor: 2500 * time.Millisecond, ValidUntil: 100500 * time.Millisecond, Since: at, LastUpdate: at,
	}
	standby = election.Status{Leader: "orders-1_9a2b_y", Token: 1767323045001, Since: at, LastUpdate: at}
)

func settings(mode config.Standby) config.Settings {
	s := config.Default()
	s.Election, s.Namespace, s.PodName, s.PodUID, s.Standby = "deployment-orders", "shop", "orders-0", "0f3c", mode
	return s
}

func get(handler http.Handler, path string) (int, string) { return ask(handler, http.MethodGet, path) }

func ask(handler http.Handler, method, path string) (int, string) {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), method, path, http.NoBody))
	return w.Code, strings.TrimSpace(w.Body.String())
}

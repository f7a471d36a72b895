package check

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// TestWhoMayAskNothingLearnsNothing asks a server that refuses everything, the question
// what one may do too.
func TestWhoMayAskNothingLearnsNothing(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer server.Close()
	s := &snapshot{trial: try(t.Context(), kubernetes.NewForConfigOrDie(&rest.Config{Host: server.URL}), "shop")}
	if r := s.tried(); r.state != unknown {
		t.Errorf("it is %s: %s", r.state, r.message)
	}
}

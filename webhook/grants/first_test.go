package grants

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/rest"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

func TestAnElectionIsRememberedForTheLongestLeaseDuration(t *testing.T) {
	timing := config.Default().Timing
	timing.LeaseDuration = remembered
	if faults := timing.Faults(); len(faults) > 0 {
		t.Errorf("no lease can last that long: %v", faults)
	}
	if timing.LeaseDuration += time.Second; len(timing.Faults()) == 0 {
		t.Error("a lease can last longer")
	}

	e := view.Election{Namespace: "n", Name: "orders"}
	r := newTerm(Options{})
	r.setSeen(e)
	if again := r.forget(e); again <= 0 || !r.knows(e) {
		t.Errorf("forgotten at once, or not asked again: %s", again)
	}
	r.seen[e] = time.Now().Add(-remembered)
	if again := r.forget(e); again != 0 || r.knows(e) {
		t.Errorf("never forgotten: %s", again)
	}
}

// A replica knows nothing of the time before it began.
func TestTheDelayBeginsAnewWithEveryStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := view.Election{Namespace: "n", Name: "orders"}
		r := newTerm(Options{})
		if d := r.unusedFor(e); d != 0 {
			t.Errorf("unused for %s at the first look", d)
		}
		time.Sleep(time.Hour)
		if d := r.unusedFor(e); d != time.Hour {
			t.Errorf("unused for %s after an hour", d)
		}
		if d := newTerm(Options{}).unusedFor(e); d != 0 {
			t.Errorf("unused for %s after a start", d)
		}
		r.setUsed(e)
		if d := r.unusedFor(e); d != 0 {
			t.Errorf("unused for %s after it was used", d)
		}
	})
}

// RBAC allows everybody to get the version, and nobody anything else.
func TestTheClockIsAskedForAsIsAllowed(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		w.Header().Set("Date", "Thu, 26 Nov 2026 05:00:00 GMT")
	}))
	defer server.Close()
	now, err := newTerm(Options{Kube: &rest.Config{Host: server.URL}}).serverTime(t.Context())
	if err != nil || now.Unix() != time.Date(2026, 11, 26, 5, 0, 0, 0, time.UTC).Unix() || !slices.Equal(asked, []string{"GET /version"}) {
		t.Errorf("asked %q: %s %v", asked, now, err)
	}
}

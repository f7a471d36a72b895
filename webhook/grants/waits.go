package grants

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// Waits measures how long pods wait for rights that they do not have yet.
type Waits struct{ seconds prometheus.Histogram }

// NewWaits registers the histogram leaseholder_rights_wait_seconds.
func NewWaits(r prometheus.Registerer) (*Waits, error) {
	seconds := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "leaseholder_rights_wait_seconds",
		Help: "Time from when a pod was first seen by the replica that grants its service account new rights until the API server had taken them.",
		// From a few writes on a quiet API server to what somebody has to look into.
		Buckets: []float64{.005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30, 60},
	})
	if err := r.Register(seconds); err != nil {
		return nil, fmt.Errorf("register the histogram of waits for rights: %w", err)
	}
	return &Waits{seconds: seconds}, nil
}

func (w *Waits) observe(d time.Duration) {
	if w != nil {
		w.seconds.Observe(d.Seconds())
	}
}

// waiting takes note of every pod that came.
func (t *term) waiting(keys keysOf) keysOf {
	return func(before, after client.Object) []view.Election {
		all := keys(before, after)
		if before == nil {
			t.setCame(all)
		}
		return all
	}
}

func (t *term) setCame(elections []view.Election) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range elections {
		if _, waits := t.came[e]; !waits {
			t.came[e] = time.Now()
		}
	}
}

// takeCame is when the first of the pods came that wait; zero if none does.
func (t *term) takeCame(e view.Election) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := t.came[e]
	delete(t.came, e)
	return at
}

// putBack lets pods go on waiting that came at that time.
func (t *term) putBack(e view.Election, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !at.IsZero() {
		t.came[e] = at
	}
}

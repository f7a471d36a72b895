package webhook

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leaseholder-dev/leaseholder/injector"
)

// Decisions counts decisions by outcome and reason, which are codes and never a
// user's words.
type Decisions struct{ total *prometheus.CounterVec }

// NewDecisions registers the counter leaseholder_admission_decisions_total.
func NewDecisions(r prometheus.Registerer) (*Decisions, error) {
	total := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leaseholder_admission_decisions_total",
		Help: "Pods that were decided about, by outcome and reason.",
	}, []string{"outcome", "reason"})
	if err := r.Register(total); err != nil {
		return nil, fmt.Errorf("register the counter of decisions: %w", err)
	}
	return &Decisions{total: total}, nil
}

func (d *Decisions) count(decision injector.Decision) {
	if d != nil {
		d.total.WithLabelValues(string(decision.Outcome), string(decision.Reason)).Inc()
	}
}

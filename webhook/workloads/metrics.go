package workloads

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leaseholder-dev/leaseholder/injector"
)

// Findings counts what was found about workloads by its reason, which is a code
// and never a user's words.
type Findings struct{ total *prometheus.CounterVec }

// NewFindings registers the counter leaseholder_workload_findings_total.
func NewFindings(r prometheus.Registerer) (*Findings, error) {
	total := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leaseholder_workload_findings_total",
		Help: "Findings about workloads that were applied, by reason.",
	}, []string{"reason"})
	if err := r.Register(total); err != nil {
		return nil, fmt.Errorf("register the counter of findings: %w", err)
	}
	return &Findings{total: total}, nil
}

func (f *Findings) count(found []injector.Finding) {
	if f == nil {
		return
	}
	for i := range found {
		f.total.WithLabelValues(string(found[i].Reason)).Inc()
	}
}

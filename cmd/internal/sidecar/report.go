package sidecar

import (
	"context"
	"fmt"
	"log/slog"

	"k8s.io/client-go/rest"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/election"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/counted"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/sidecar/report"
)

// reporter gives what reports the election in its Lease until its context ends. That does
// nothing where the Lease is the lock itself, and where there is no cluster.
func reporter(kube *rest.Config, s config.Settings, c *election.Candidate, identity lock.Identity, log *slog.Logger) (func(context.Context), error) {
	if kube == nil || s.Lock.Scheme == config.LockLease {
		return func(context.Context) {}, nil
	}
	l, err := lease.NewReport(kube, s.Namespace, s.Election)
	if err != nil {
		return nil, fmt.Errorf("set up the report of the election: %w", err)
	}
	return report.New(counted.Report(l), c, report.Options{
		Lock:     s.Lock,
		Identity: identity,
		Timing:   s.Timing,
		Logger:   log.With("election", s.Election, "report", true),
	}).Run, nil
}

package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/election"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
)

// timing is shorter than the sidecars': while nobody leads here, the labels of the
// roles lag. Two that lead at once would do no harm, since whatever they write is
// bound to the version that they read.
var timing = config.Timing{LeaseDuration: 6 * time.Second, RenewDeadline: 4 * time.Second, RetryPeriod: time.Second}

// lead stands in the replicas' own election until ctx is done, and works in
// every term. The lock is released when the work has ended, so that two
// replicas never work at the same time.
func lead(ctx context.Context, kube *rest.Config, o options, work func(ctx context.Context) error) error {
	l, err := lease.New(kube, o.namespace, o.election)
	if err != nil {
		return err
	}
	unlock, err := election.LockPod(ctx, o.podUID, o.election)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer unlock()
	candidate := election.New(l, election.Options{
		Identity: lock.Identity{Pod: o.podName, UID: o.podUID, Start: newStart()},
		Timing:   timing,
		Logger:   slog.Default().With("election", o.election),
	})

	standing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var group errgroup.Group
	group.Go(func() error {
		candidate.Run(standing)
		return nil
	})
	group.Go(func() error {
		defer stop()
		leading := func() (bool, <-chan struct{}) {
			status, changed := candidate.Status()
			return status.IsLeader, changed
		}
		return terms(ctx, leading, work)
	})
	if err := group.Wait(); err != nil {
		return fmt.Errorf("stand in election %q: %w", o.election, err)
	}
	return nil
}

// newStart tells this process from earlier ones in the same pod.
func newStart() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, says its documentation
	return hex.EncodeToString(b[:])
}

package sidecar

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/client-go/rest"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/endpoints"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
)

// Open gives the lock that the settings name. It sends no request to it.
type Open func(ctx context.Context, kube *rest.Config, s config.Settings) (lock.Lock, error)

// Locks are the kinds of locks that a program knows.
type Locks map[config.LockScheme]Open

// InCluster are the locks that a cluster holds.
func InCluster() Locks {
	return Locks{
		config.LockLease: func(_ context.Context, kube *rest.Config, s config.Settings) (lock.Lock, error) {
			return lease.New(kube, s.Namespace, s.Election) //nolint:wrapcheck // open says what failed
		},
		config.LockEndpoints: func(_ context.Context, kube *rest.Config, s config.Settings) (lock.Lock, error) {
			return endpoints.New(kube, s.Namespace, s.Election) //nolint:wrapcheck // open says what failed
		},
	}
}

// knows refuses a lock that the program does not know, in the words of package config.
func (l Locks) knows(a config.LockAddress) error {
	if l[a.Scheme] != nil {
		return nil
	}
	var known []string
	for _, scheme := range slices.Sorted(maps.Keys(l)) {
		known = append(known, string(scheme))
	}
	allowed := strings.Join(known, ", ") + ", which are the locks that this program knows"
	return config.Faults{{Setting: config.Lock, Value: a.String(), Allowed: allowed}}
}

// forms tells the addresses that the program knows, and who knows the others.
func (l Locks) forms() string {
	var known, others []string
	for _, scheme := range config.LockSchemes() {
		if l[scheme] != nil {
			known = append(known, scheme.Form())
		} else {
			others = append(others, string(scheme))
		}
	}
	told := strings.Join(known, ", ")
	if len(others) > 0 {
		told += "; " + strings.Join(others, ", ") + " are known to leaseholder-sidecar-cloud"
	}
	return told
}

// open gives the lock that the settings name.
func (l Locks) open(ctx context.Context, kube *rest.Config, s config.Settings) (lock.Lock, error) {
	opened, err := l[s.Lock.Scheme](ctx, kube, s)
	if err != nil {
		return nil, fmt.Errorf("set up the lock %s: %w", s.Lock, err)
	}
	return opened, nil
}

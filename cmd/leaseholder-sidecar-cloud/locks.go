package main

import (
	"context"

	"k8s.io/client-go/rest"

	"github.com/leaseholder-dev/leaseholder/cmd/internal/sidecar"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/azblob"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/gcs"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/s3"
)

// locks are those that a cluster holds, and one for each store.
//
//nolint:wrapcheck // the program says which lock it could not open
func locks() sidecar.Locks {
	all := sidecar.InCluster()
	all[config.LockGCS] = func(ctx context.Context, _ *rest.Config, s config.Settings) (lock.Lock, error) {
		return gcs.New(ctx, gcs.Options{
			Address:     s.Lock,
			Credentials: s.LockCredentials,
			Period:      s.Timing.RetryPeriod,
		})
	}
	all[config.LockAzureBlob] = func(_ context.Context, _ *rest.Config, s config.Settings) (lock.Lock, error) {
		return azblob.New(azblob.Options{
			Address:       s.Lock,
			PodUID:        s.PodUID,
			Credentials:   s.LockCredentials,
			Period:        s.Timing.RetryPeriod,
			LeaseDuration: s.Timing.LeaseDuration,
		})
	}
	all[config.LockS3] = func(ctx context.Context, _ *rest.Config, s config.Settings) (lock.Lock, error) {
		return s3.New(ctx, s3.Options{
			Address:     s.Lock,
			Credentials: s.LockCredentials,
			Period:      s.Timing.RetryPeriod,
		})
	}
	return all
}

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

// locks are those in the cluster and those outside of it.
func locks() sidecar.Locks {
	l := sidecar.InCluster()
	l[config.LockGCS] = func(ctx context.Context, _ *rest.Config, s config.Settings) (lock.Lock, error) {
		return gcs.New(ctx, gcs.Options{Address: s.Lock, Credentials: s.LockCredentials, Period: s.Timing.RetryPeriod})
	}
	l[config.LockAzureBlob] = func(_ context.Context, _ *rest.Config, s config.Settings) (lock.Lock, error) {
		return azblob.New(azblob.Options{
			Address:       s.Lock,
			PodUID:        s.PodUID,
			Period:        s.Timing.RetryPeriod,
			LeaseDuration: s.Timing.LeaseDuration,
			Credentials:   s.LockCredentials,
		})
	}
	l[config.LockS3] = func(ctx context.Context, _ *rest.Config, s config.Settings) (lock.Lock, error) {
		return s3.New(ctx, s3.Options{Address: s.Lock, Credentials: s.LockCredentials, Period: s.Timing.RetryPeriod})
	}
	return l
}

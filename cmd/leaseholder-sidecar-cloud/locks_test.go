package main

import (
	"testing"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

func TestEveryLockOutsideTheClusterIsKnown(t *testing.T) {
	known := locks()
	for _, scheme := range []config.LockScheme{config.LockLease, config.LockGCS, config.LockAzureBlob, config.LockS3} {
		if known[scheme] == nil {
			t.Errorf("there is no %q", scheme)
		}
	}
}

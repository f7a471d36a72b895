// Package azblob_test holds the lock in Azure Blob Storage against Azurite, through a
// proxy that does to requests what networks and clouds do.
package azblob_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock/locktest"
	"github.com/leaseholder-dev/leaseholder/test/clouds/azurite"
)

func TestConformance(t *testing.T) {
	server := azurite.Start(t)
	locktest.Run(t, func(t *testing.T) locktest.Backend {
		t.Helper()
		p := open(t, server)
		return locktest.Backend{
			Lock:   p.client("0f3c"),
			Delete: func(context.Context) error { return p.delete() },
		}
	})
}

// containerOf makes a container's name of a test's.
func containerOf(t *testing.T) string {
	t.Helper()
	sum := sha256.Sum256([]byte(t.Name()))
	return "test-" + hex.EncodeToString(sum[:8])
}

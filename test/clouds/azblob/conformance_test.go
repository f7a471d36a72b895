// Package azblob_test holds the lock in Azure Blob Storage against Azurite, through a
// proxy that does to requests what networks and clouds do.
package azblob_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log"
	"os"
	"testing"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock/azblob"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/locktest"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/objecttest"
	"github.com/leaseholder-dev/leaseholder/test/clouds/azurite"
)

// server is what all tests of the package ask, each in a container of its own.
var server *azurite.Server

func TestMain(m *testing.M) {
	var err error
	if server, err = azurite.Launch(context.Background(), os.Stderr); err != nil {
		log.Fatal(err)
	}
	code := m.Run()
	server.Stop()
	os.Exit(code)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	locktest.Run(t, func(t *testing.T) locktest.Backend {
		t.Helper()
		p := open(t)
		return locktest.Backend{
			Lock:   p.client("0f3c"),
			Delete: p.delete,
		}
	})
}

func TestStore(t *testing.T) {
	t.Parallel()
	objecttest.Run(t, func(t *testing.T) objecttest.Backend {
		t.Helper()
		p := open(t)
		store, err := azblob.NewStore(p.options("0f3c", server.URL))
		if err != nil {
			t.Fatal(err)
		}
		return objecttest.Backend{Store: store, Delete: p.delete}
	})
}

// containerOf makes a container's name of a test's.
func containerOf(t *testing.T) string {
	t.Helper()
	sum := sha256.Sum256([]byte(t.Name()))
	return "test-" + hex.EncodeToString(sum[:8])
}

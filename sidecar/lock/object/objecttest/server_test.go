package objecttest_test

import (
	"context"
	"testing"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/objecttest"
)

func TestServer(t *testing.T) {
	objecttest.Run(t, func(*testing.T) objecttest.Backend {
		server := objecttest.NewServer()
		return objecttest.Backend{
			Store:  server.Client(),
			Delete: func(context.Context) error { server.Delete(); return nil },
		}
	})
}

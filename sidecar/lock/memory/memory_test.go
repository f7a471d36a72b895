package memory_test

import (
	"context"
	"testing"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock/locktest"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/memory"
)

func TestConformance(t *testing.T) {
	locktest.Run(t, func(*testing.T) locktest.Backend {
		l := memory.New()
		return locktest.Backend{Lock: l, Delete: func(context.Context) error { l.Delete(); return nil }}
	})
}

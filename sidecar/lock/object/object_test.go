package object_test

import (
	"context"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock/locktest"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/objecttest"
)

func TestConformance(t *testing.T) {
	locktest.Run(t, func(*testing.T) locktest.Backend {
		server := objecttest.NewServer()
		return locktest.Backend{
			Lock:   object.New(server.Client(), object.Options{Name: "memory", Period: 10 * time.Millisecond}),
			Delete: func(context.Context) error { server.Delete(); return nil },
		}
	})
}

package object_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/election"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/objecttest"
)

// candidate runs one over a store of its own way, until end.
func candidate(store object.Store, pod string, timing config.Timing, pace time.Duration) (c *election.Candidate, end func()) {
	l := object.New(store, object.Options{Name: "x", Period: timing.RetryPeriod, MinWriteInterval: pace})
	c = election.New(l, election.Options{
		Identity: lock.Identity{Pod: pod, UID: pod, Start: "1"}, Timing: timing, Polled: true,
		Clock: bedClock{time.Now()}, Logger: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); c.Run(ctx) }()
	return c, func() { cancel(); <-ended }
}

// bedClock is a bubble's virtual time.
type bedClock struct{ start time.Time }

func (c bedClock) Now() election.Instant { return time.Since(c.start) }

// TestALeaderAtRestKeepsTheLead: with a period that is as short as two writes may be, and
// an answer that takes a while, renewals must not fall behind ever more.
func TestALeaderAtRestKeepsTheLead(t *testing.T) {
	timing := config.Timing{LeaseDuration: 5 * time.Second, RenewDeadline: 4 * time.Second, RetryPeriod: time.Second}
	for _, trip := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			client := objecttest.NewServer().Client()
			client.Trouble(func() objecttest.Fate { return objecttest.Fate{Before: trip / 2, After: trip / 2} })
			c, end := candidate(client, "a", timing, time.Second)
			defer end()
			time.Sleep(2 * timing.LeaseDuration)
			for begun := time.Now(); time.Since(begun) < 5*time.Minute; time.Sleep(trip) {
				if s, _ := c.Status(); !s.IsLeader {
					t.Fatalf("with %s a request, it lost the lead after %s", trip, time.Since(begun))
				}
			}
		})
	}
}

// TestATokenGrowsOverADeletionThatNobodySaw: what a standby was told of the store's clock
// must not grow old while it looks on.
func TestATokenGrowsOverADeletionThatNobodySaw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		timing := config.DefaultTiming()
		server := objecttest.NewServer()
		_, endA := candidate(server.Client(), "a", timing, 0)
		time.Sleep(2 * timing.LeaseDuration)
		b, endB := candidate(server.Client(), "b", timing, 0)
		defer endB()
		time.Sleep(time.Hour + timing.RetryPeriod/4)
		// Between two looks of the standby the leader lets go, another leads, and the object
		// is deleted and made anew.
		endA()
		_, endC := candidate(server.Client(), "c", timing, 0)
		time.Sleep(10 * time.Millisecond)
		states := server.History()
		last, err := object.Decode(states[len(states)-1].Value)
		if err != nil || lock.PodName(last.Record.Holder) != "c" {
			t.Fatalf("the object reads %+v, %v", last, err)
		}
		server.Delete()
		endC()
		server.Put(object.Entry{UID: "anew", Count: 1, WriteID: "d-1"}.Value())
		time.Sleep(2 * timing.LeaseDuration)
		if s, _ := b.Status(); !s.IsLeader || s.Token <= last.Record.Token {
			t.Errorf("after token %d: %+v", last.Record.Token, s)
		}
	})
}

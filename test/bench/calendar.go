package bench

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	boot "github.com/leaseholder-dev/leaseholder/sidecar/election"
)

// now reads the clock that all times here are of.
func now() time.Duration { return boot.BootTime{}.Now() }

// pause waits, and not longer than ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// upTo is a random duration below d.
func upTo(d time.Duration) time.Duration { return rand.N(d) }

// calendar keeps the ends of crashed leaders' leases apart from each other, and
// the starts of processes apart from them.
type calendar struct {
	apart time.Duration

	mu   sync.Mutex
	ends map[string]time.Duration
}

func newCalendar(apart time.Duration) *calendar {
	return &calendar{apart: apart, ends: map[string]time.Duration{}}
}

// reserve notes that a lease ends then, unless another ends too close to it.
func (c *calendar) reserve(lease string, end time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for other, taken := range c.ends {
		if other != lease && max(end-taken, taken-end) < c.apart {
			return false
		}
	}
	c.ends[lease] = end
	return true
}

// done says that the lease has been taken.
func (c *calendar) done(lease string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.ends, lease)
}

// busyUntil is when the lease that ends next, or has just ended, no longer
// minds a process being started; now or earlier if none does.
func (c *calendar) busyUntil(at time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	until := at
	for _, end := range c.ends {
		if at > end-c.apart && at < end+c.apart {
			until = max(until, end+c.apart)
		}
	}
	return until
}

// calm waits until no lease is about to end.
func (c *calendar) calm(ctx context.Context) error {
	for {
		at := now()
		until := c.busyUntil(at)
		if until <= at {
			return nil
		}
		if err := pause(ctx, until-at); err != nil {
			return err
		}
	}
}

package report

import (
	"context"
	"errors"
	"math/bits"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

func (r *Reporter) beginWatch(ctx context.Context, from lock.Version) {
	r.watch++
	number := r.watch
	watch, cancel := context.WithCancel(ctx)
	r.watching, r.begun, r.endWatch = true, time.Now(), cancel
	send := func(e event) {
		select {
		case r.events <- e:
		case <-watch.Done():
		}
	}
	r.wait.Go(func() {
		err := r.lease.Watch(watch, from, func(s lock.Snapshot) { send(event{watch: number, snapshot: s}) })
		send(event{watch: number, ended: true, err: err})
	})
}

// unwatch ends the watch, so that the Lease is read anew: what is known of it is wrong,
// or nothing is known of what a request has done.
func (r *Reporter) unwatch() {
	r.endWatch()
	r.watching = false
}

// take takes in what the watch delivered. It can be long past: nothing older than what
// is known is believed.
func (r *Reporter) take(ctx context.Context, e event) {
	switch {
	case e.watch != r.watch || !r.watching:
	case !e.ended:
		if e.snapshot.Version.Compare(r.state.lease.Version) > 0 {
			r.state.learn(time.Now(), e.snapshot)
		}
	default:
		r.unwatch()
		if time.Since(r.begun) >= 2*r.state.timing.RetryPeriod {
			r.watchFails = 0
		}
		r.retryAt = later(r.retryAt, time.Now().Add(r.backoff(r.watchFails)))
		r.watchFails++
		if e.err != nil {
			r.complain(ctx, "watch", e.err, r.watchFails)
		}
	}
}

// failed takes in that a request failed: the next is sent later and later. A first
// conflict is no failure; somebody else was faster.
func (r *Reporter) failed(ctx context.Context, request string, err error) {
	if r.failures > 0 || !errors.Is(err, lock.ErrConflict) {
		r.retryAt = later(r.retryAt, time.Now().Add(r.backoff(r.failures)))
	}
	r.failures++
	r.complain(ctx, request, err, r.failures)
}

// backoff is how long after a failure the next request is sent, after so many before in a
// row: doubling from a retry period to a lease duration, and spread.
func (r *Reporter) backoff(failures int) time.Duration {
	const enough = 16
	full := min(r.state.timing.RetryPeriod<<min(failures, enough), r.state.timing.LeaseDuration)
	return time.Duration((0.5 + r.state.random()/2) * float64(full))
}

// complain logs a failed request: the first of a row, and then ever more rarely.
func (r *Reporter) complain(ctx context.Context, request string, err error, failures int) {
	switch {
	case errors.Is(err, lock.ErrConflict):
		r.log.DebugContext(ctx, "the lease was changed meanwhile", "request", request)
	case bits.OnesCount(uint(failures)) == 1:
		r.log.WarnContext(ctx, "the lease does not report the election; trying on", "request", request, "failures", failures, "error", err)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

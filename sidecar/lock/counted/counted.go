// Package counted counts the requests to a lock, for the metrics of the
// process. It promises to change nothing else.
package counted

import (
	"context"
	"errors"
	"fmt"

	"github.com/VictoriaMetrics/metrics"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// Lock is a lock.Lock whose requests are counted by verb and result.
type Lock struct {
	next lock.Lock
	name string
}

var _ lock.Lock = Lock{}

// New counts the requests to next in leaseholder_lock_requests_total.
func New(next lock.Lock) Lock { return Lock{next: next, name: "leaseholder_lock_requests_total"} }

// Report counts the requests to a Lease that only reports the election, in
// leaseholder_report_requests_total.
func Report(next lock.Lock) Lock {
	return Lock{next: next, name: "leaseholder_report_requests_total"}
}

// Read implements lock.Lock.
func (l Lock) Read(ctx context.Context) (lock.Snapshot, error) {
	s, err := l.next.Read(ctx)
	l.count("read", err)
	return s, err //nolint:wrapcheck // a decorator adds nothing to an error
}

// Create implements lock.Lock.
func (l Lock) Create(ctx context.Context) error {
	err := l.next.Create(ctx)
	l.count("create", err)
	return err //nolint:wrapcheck // a decorator adds nothing to an error
}

// Write implements lock.Lock.
func (l Lock) Write(ctx context.Context, base lock.Snapshot, record lock.Record) (lock.Snapshot, error) {
	s, err := l.next.Write(ctx, base, record)
	l.count("write", err)
	return s, err //nolint:wrapcheck // a decorator adds nothing to an error
}

// Watch implements lock.Lock.
func (l Lock) Watch(ctx context.Context, from lock.Version, observe func(lock.Snapshot)) error {
	err := l.next.Watch(ctx, from, observe)
	l.count("watch", err)
	return err //nolint:wrapcheck // a decorator adds nothing to an error
}

func (l Lock) count(verb string, err error) {
	metrics.GetOrCreateCounter(fmt.Sprintf("%s{verb=%q,result=%q}", l.name, verb, result(err))).Inc()
}

func result(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, lock.ErrConflict), errors.Is(err, lock.ErrExists):
		return "conflict"
	case errors.Is(err, lock.ErrMissing):
		return "missing"
	case errors.Is(err, lock.ErrForbidden):
		return "forbidden"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	}
	return "error"
}

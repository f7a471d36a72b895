package object

import (
	"context"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// Watch implements lock.Lock. It ends with ctx, at a question that is not answered, and
// with ErrRewound.
func (l *Lock) Watch(ctx context.Context, from lock.Version, observe func(lock.Snapshot)) error {
	told := from
	for {
		known, changed, due := l.latest()
		switch order := known.version().Compare(told); {
		case known.seen && order < 0:
			return l.failed("watch", ErrRewound)
		case known.seen && order > 0:
			s := known.snapshot()
			s.From = ""
			observe(s)
			told = s.Version
			continue
		}
		woken, err := sleep(ctx, due, changed)
		if err != nil {
			return nil //nolint:nilerr // it ends with its context
		}
		if woken || !l.mayAsk() {
			continue
		}
		if err := l.poll(ctx); err != nil {
			return l.failed("watch", err)
		}
	}
}

// poll asks once.
func (l *Lock) poll(ctx context.Context) error {
	attempt, cancel := context.WithTimeout(ctx, max(l.options.Period, shortestPatience))
	defer cancel()
	_, err := l.ask(attempt)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// latest gives what is known, what tells when that changes, and when to ask.
func (l *Lock) latest() (known sight, changed <-chan struct{}, due time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.history.known, l.changed, l.asked.Add(l.options.Period)
}

// mayAsk says that no request has been sent or answered within the period.
func (l *Lock) mayAsk() bool {
	_, _, due := l.latest()
	return !time.Now().Before(due)
}

func (l *Lock) tell() {
	close(l.changed)
	l.changed = make(chan struct{})
}

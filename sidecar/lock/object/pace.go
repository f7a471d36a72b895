package object

import (
	"context"
	"fmt"
	"time"
)

// pace waits until the next write may be sent.
func (l *Lock) pace(ctx context.Context) error {
	for {
		l.mu.Lock()
		at := l.wrote.Add(l.options.MinWriteInterval)
		l.asked = time.Now() // as good as sent: no poll need come between
		l.mu.Unlock()
		if !time.Now().Before(at) {
			return ctx.Err() //nolint:wrapcheck // the caller says what it was for
		}
		if _, err := sleep(ctx, at, nil); err != nil {
			return fmt.Errorf("wait for %s after the last write: %w", l.options.MinWriteInterval, err)
		}
	}
}

// begin notes that a request is sent.
func (l *Lock) begin() (changes uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = time.Now()
	return l.history.changes
}

// beginPut is begin of a write.
func (l *Lock) beginPut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = time.Now()
	l.putAt = l.asked
}

// sleep returns at the given time, when woken, or with the context's error.
func sleep(ctx context.Context, until time.Time, wake <-chan struct{}) (woken bool, err error) {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false, ctx.Err() //nolint:wrapcheck // the caller's own
	case <-wake:
		return true, nil
	case <-timer.C:
		return false, nil
	}
}

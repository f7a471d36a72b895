package config

import (
	"fmt"
	"time"
)

// Bounds of the durations.
const (
	// maxLeaseDuration keeps a typing error from disabling failover for good.
	maxLeaseDuration = time.Hour
	// minRetryPeriod is the precision of a renewal's time: every write bears
	// another whole second than the last.
	minRetryPeriod = time.Second
	// minAttempt is the least time in which one request can be expected to end.
	minAttempt = 100 * time.Millisecond
	// attempts is how many requests in a row must fit between a renewal that
	// fails and the renew deadline, so that no single lost request ends a term.
	attempts = 3
	// clockRatio is the largest ratio between the rates of two machines' clocks
	// that the durations leave room for.
	clockRatio = 1.05
)

// Attempt is how long one request to the lock may take before it is given up:
// a third of what remains of the renew deadline after one retry period.
func (t Timing) Attempt() time.Duration { return (t.RenewDeadline - t.RetryPeriod) / attempts }

// Faults lists what is wrong with the durations: nothing when exclusion holds
// for an application that stops acting at once, which is
// 1.05 × RenewDeadline ≤ LeaseDuration.
func (t Timing) Faults() Faults {
	var faults Faults
	add := func(s Setting, d time.Duration, allowed string, args ...any) {
		faults = append(faults, Fault{Setting: s, Value: d.String(), Allowed: fmt.Sprintf(allowed, args...)})
	}
	if t.LeaseDuration < time.Second || t.LeaseDuration > maxLeaseDuration || t.LeaseDuration%time.Second != 0 {
		add(LeaseDuration, t.LeaseDuration, "whole seconds from 1s to %s", maxLeaseDuration)
	}
	if t.RetryPeriod < minRetryPeriod {
		add(RetryPeriod, t.RetryPeriod, "at least %s", minRetryPeriod)
	}
	if clockRatio*float64(t.RenewDeadline) > float64(t.LeaseDuration) {
		add(RenewDeadline, t.RenewDeadline, "at most the lease duration (%s) / %g, so that a leader has stopped before another begins",
			t.LeaseDuration, clockRatio)
	}
	if t.Attempt() < minAttempt {
		add(RenewDeadline, t.RenewDeadline, "at least the retry period (%s) + %s, so that a lost request can be repeated",
			t.RetryPeriod, attempts*minAttempt)
	}
	return faults
}

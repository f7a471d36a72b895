package election

import (
	"errors"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// reading notes that a quorum read is on its way.
func (m *machine) reading() { m.inFlight, m.asked = true, m.known.Version }

// making notes that the lock's creation is on its way.
func (m *machine) making() { m.inFlight = true }

// writing notes that a write is on its way, which the rules allow.
func (m *machine) writing() {
	m.inFlight = true
	m.myTerm = m.myTerm || !m.stopping
}

// madeDone takes in the answer to a creation. It never gives the lead, whoever
// made the lock: a read tells what is there.
func (m *machine) madeDone(now Instant, err error) {
	switch {
	case err == nil, errors.Is(err, lock.ErrExists):
		m.inFlight, m.fresh = false, false
	case errors.Is(err, lock.ErrForbidden):
		m.inFlight, m.makeAt = false, now+m.timing.RetryPeriod
	default:
		m.failed(now)
	}
}

// failed takes in that the request in flight failed or was given up. Neither
// success nor loss follows from it: only a quorum read tells.
func (m *machine) failed(now Instant) {
	m.inFlight, m.fresh = false, false
	m.retryAt = now + m.backoff(m.failures)
	m.failures++
}

// watchBegun notes that a watch runs from the read that was just answered.
func (m *machine) watchBegun(now Instant) {
	m.watching, m.watchStale, m.watchFrom = true, false, now
}

// watchEnded takes in that the watch ended. A read and a new watch follow, at
// once if it had lived for a while, later and later if it never does.
func (m *machine) watchEnded(now Instant) {
	m.watching, m.watchStale = false, false
	if now-m.watchFrom >= 2*m.timing.RetryPeriod {
		m.watchFails = 0
	}
	m.watchAt = now + m.backoff(m.watchFails)
	m.watchFails++
}

// firstBackoff is well below a retry period, so that several attempts fit into
// a validity.
const firstBackoff = 50 * time.Millisecond

// backoff is how long to wait after so many failures in a row: doubling up to
// one retry period, and spread, so that candidates that failed together do not
// come back together.
func (m *machine) backoff(failures int) time.Duration {
	const doublings = 16
	full := min(firstBackoff<<min(failures, doublings), m.timing.RetryPeriod)
	return time.Duration((0.5 + m.random()/2) * float64(full))
}

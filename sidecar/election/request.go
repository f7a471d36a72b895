package election

import (
	"errors"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// reading notes that a quorum read is on its way.
func (m *machine) reading(now Instant) {
	m.inFlight, m.askedAt, m.asked = true, now, m.known.Version
}

// making notes that the lock's creation is on its way.
func (m *machine) making(now Instant) { m.inFlight, m.askedAt = true, now }

// writing notes that a write is on its way, which the rules allow.
func (m *machine) writing(now Instant) {
	m.inFlight, m.askedAt = true, now
	m.myTerm = m.myTerm || !m.stopping
}

// madeDone takes in the answer to a creation. It never gives the lead, whoever
// made the lock: a read tells what is there.
func (m *machine) madeDone(now Instant, err error) {
	switch {
	case err == nil, errors.Is(err, lock.ErrExists):
		m.inFlight, m.fresh = false, false
	case errors.Is(err, lock.ErrForbidden):
		m.inFlight, m.lookFirst = false, true
		m.makeAt = now + 2*m.timing.RetryPeriod
		m.makeFails++
	default:
		m.failed(now)
	}
}

// failed takes in that a creation or write failed or was given up. Neither
// success nor loss follows from it: only a quorum read tells.
func (m *machine) failed(now Instant) {
	m.fresh = false
	m.readFailed(now)
}

// readFailed takes in that a read failed or was given up: nothing is known that
// was not known before. A request that took its time has waited already.
func (m *machine) readFailed(now Instant) {
	m.inFlight = false
	m.retryAt = max(now, m.askedAt+m.backoff(now, m.failures))
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
	m.watchAt = now + m.backoff(now, m.watchFails)
	m.watchFails++
}

// firstBackoff is well below a retry period, so that several attempts fit into
// a validity.
const firstBackoff = 50 * time.Millisecond

// lastBackoff bounds it for the one candidate that has something to lose, as long
// as nobody else may take the lock.
const lastBackoff = 200 * time.Millisecond

// backoff is how long after a request the next is sent, after so many failures
// in a row: doubling up to one retry period, and spread, so that candidates that
// failed together do not come back together.
func (m *machine) backoff(now Instant, failures int) time.Duration {
	const doublings = 16
	most := m.timing.RetryPeriod
	if m.leading || m.holds() && now < m.seenAt+m.timing.LeaseDuration {
		most = min(most, lastBackoff)
	}
	full := min(firstBackoff<<min(failures, doublings), most)
	return time.Duration((0.5 + m.random()/2) * float64(full))
}

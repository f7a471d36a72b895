package election

import (
	"errors"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// request is one request to the lock and, later, its answer.
type request struct {
	what action
	// sent is when it was sent, and base what was known then.
	sent Instant
	base lock.Snapshot
	// record is what it writes.
	record lock.Record

	// answer is the lock as a read or write answered it, or err how it failed.
	answer lock.Snapshot
	err    error
}

// send notes that a request is on its way, and gives it. The time that counts is
// taken before anything of the request happens. wall is the wall clock.
func (m *machine) send(what action, now Instant, wall time.Time) request {
	r := request{what: what, sent: now, base: m.known}
	m.inFlight, m.askedAt, m.asked, m.bid = true, now, m.known.Version, false
	if what == doWrite {
		r.record = m.record(now, wall)
		m.bid = !m.leading && !m.releasing() && !m.holds()
		m.myTerm = m.myTerm || !m.stopping
		if m.bid {
			m.bidToken = r.record.Token
		}
	}
	return r
}

// answered takes in how the request in flight ended.
func (m *machine) answered(now Instant, r request) {
	switch {
	case r.what == doMake:
		m.madeDone(now, r.err)
	case r.what == doRead && r.err != nil:
		m.readFailed(now)
	case r.what == doRead:
		m.readDone(now, r.sent, r.answer)
	case r.err != nil:
		if m.bid && errors.Is(r.err, lock.ErrConflict) {
			m.lost++
		}
		m.failed(now)
	default:
		m.writeDone(now, r.sent, r.base, r.answer)
	}
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
	m.retryAt = max(now, m.askedAt+m.backoff(m.failures, m.patience(now)))
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
	m.watchAt = now + m.backoff(m.watchFails, m.timing.RetryPeriod)
	m.watchFails++
}

// firstBackoff is well below a retry period, so that several attempts fit into
// a validity.
const firstBackoff = 50 * time.Millisecond

// lastBackoff bounds it for the one candidate that has something to lose, as long
// as nobody else may take the lock.
const lastBackoff = 200 * time.Millisecond

// patience bounds how long after a failed request the next is sent.
func (m *machine) patience(now Instant) time.Duration {
	if m.leading || m.holds() && now < m.seenAt+m.timing.LeaseDuration {
		return min(m.timing.RetryPeriod, lastBackoff)
	}
	return m.timing.RetryPeriod
}

// backoff is how long after a request the next is sent, after so many failures
// in a row: doubling up to a bound, and spread, so that candidates that failed
// together do not come back together.
func (m *machine) backoff(failures int, most time.Duration) time.Duration {
	const enough = 16
	full := min(firstBackoff<<min(failures, enough), most)
	return time.Duration((0.5 + m.random()/2) * float64(full))
}

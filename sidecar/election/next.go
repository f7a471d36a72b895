package election

// action is what a machine wants done.
type action int

const (
	// idle: nothing, until the instant at which to ask again.
	idle action = iota
	// doRead: a quorum read.
	doRead
	// doMake: the lock is to be made.
	doMake
	// doWrite: the lock is to be taken, renewed or released.
	doWrite
	// done: the candidate has left the election.
	done
)

func (a action) String() string {
	return [...]string{"wait", "read", "make", "write", "leave"}[a]
}

// never is an instant that does not come.
const never Instant = 1<<63 - 1

// next says what is due now or, with idle, when to ask again at the latest.
func (m *machine) next(now Instant) (action, Instant) {
	if m.leading && now >= m.validUntil {
		m.demote()
	}
	if m.resigning && m.left() {
		m.resigned(now)
	}
	switch {
	case m.stopping && (!m.release || m.left()):
		return done, 0
	case m.inFlight:
		return idle, m.expiry()
	case now < m.retryAt:
		return idle, min(m.retryAt, m.expiry())
	case !m.fresh:
		return doRead, 0
	case m.releasing():
		return doWrite, 0
	}
	due := m.nextStandby
	if m.leading {
		due = m.nextLeading
	}
	what, until := due(now)
	if what != idle {
		return what, 0
	}
	switch {
	case m.watching:
		m.failures = 0
		return idle, until
	case now >= m.watchAt:
		return doRead, 0
	}
	return idle, min(until, m.watchAt)
}

// nextLeading is for a leader whose validity has not run out. A holder other
// than this candidate has already ended the lead.
func (m *machine) nextLeading(now Instant) (action, Instant) {
	switch {
	case !m.known.Exists:
		return m.nextMissing(now, 0)
	case !m.mine():
		return doWrite, 0
	}
	if at := m.sentAt + m.timing.RetryPeriod; now < at {
		return idle, min(at, m.expiry())
	}
	return doWrite, 0
}

// nextStandby is for a candidate that does not lead.
func (m *machine) nextStandby(now Instant) (action, Instant) {
	if now < m.coolUntil {
		return idle, m.coolUntil
	}
	if !m.known.Exists {
		return m.nextMissing(now, m.seenAt+m.spread())
	}
	at := max(m.takeAt(), m.notBefore)
	if !m.heldByAnother() {
		return dueAt(now, at, doWrite)
	}
	// A read must have shown that the holder's silence is not this candidate's
	// deafness.
	if !m.confirmed && now >= m.confirmAt() {
		return doRead, 0
	}
	if now >= at {
		return doWrite, 0
	}
	// Somebody else should be renewing: silence means that the leader or the
	// watch has died.
	silent := m.silentAt()
	if now >= silent {
		return doRead, 0
	}
	if !m.confirmed {
		silent = min(silent, m.confirmAt())
	}
	return idle, min(at, silent)
}

// nextMissing is for a lock that is not there, which is to be made from at on.
func (m *machine) nextMissing(now, at Instant) (action, Instant) {
	at = max(at, m.makeAt)
	switch {
	case now < at:
		return idle, min(at, m.expiry())
	case m.lookFirst:
		return doRead, 0
	}
	return doMake, 0
}

func dueAt(now, at Instant, what action) (action, Instant) {
	if now < at {
		return idle, at
	}
	return what, 0
}

// expiry is when the lead ends by itself.
func (m *machine) expiry() Instant {
	if m.leading {
		return m.validUntil
	}
	return never
}

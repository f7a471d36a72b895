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
	switch {
	case m.stopping && m.left():
		return done, 0
	case m.inFlight:
		return idle, m.expiry()
	case now < m.retryAt:
		return idle, min(m.retryAt, m.expiry())
	case !m.fresh:
		return doRead, 0
	case m.stopping:
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

// left says that nothing is left to release: it shall not be released, or no
// write of this candidate can stand in the lock, or a read shows that none does.
func (m *machine) left() bool {
	return !m.release || !m.myTerm || !m.inFlight && m.fresh && !m.holds()
}

// nextLeading is for a leader whose validity has not run out. A holder other
// than this candidate has already ended the lead.
func (m *machine) nextLeading(now Instant) (action, Instant) {
	switch {
	case !m.known.Exists:
		return m.nextMissing(now)
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
	if !m.known.Exists {
		return m.nextMissing(now)
	}
	at := max(m.takeAt(), m.notBefore)
	if now < at {
		if !m.heldByAnother() {
			return idle, at
		}
		// Somebody else should be renewing: silence means that the leader or the
		// watch has died.
		silent := m.heardAt + 2*m.timing.RetryPeriod
		if now >= silent {
			return doRead, 0
		}
		return idle, min(at, silent)
	}
	if m.heldByAnother() && !m.confirmed {
		return doRead, 0
	}
	return doWrite, 0
}

// nextMissing is for a lock that is not there.
func (m *machine) nextMissing(now Instant) (action, Instant) {
	switch {
	case now < m.makeAt:
		return idle, min(m.makeAt, m.expiry())
	case m.lookFirst:
		return doRead, 0
	}
	return doMake, 0
}

// takeAt is when the lock, as it is known, may be taken.
func (m *machine) takeAt() Instant {
	holder := m.known.Record.Holder
	if m.holds() || holder != "" && holder == m.heir || m.released() || m.foreignRelease() {
		return 0
	}
	return m.seenAt + m.wait()
}

// released says that the last holder has let go. The mark of another than the
// last one known proves nothing about that one, which could still be valid.
func (m *machine) released() bool {
	by := m.known.Record.ReleasedBy()
	return by != "" && (m.lastHolder == "" || by == m.lastHolder)
}

// holds says that the record names this candidate by a write of its own.
func (m *machine) holds() bool { return m.mine() && m.known.Record.Stamped() && m.myTerm }

// heldByAnother says that the record names somebody whose silence must be
// proven by a read before it counts: anyone but this candidate and its heir,
// and this candidate's own name written by another hand.
func (m *machine) heldByAnother() bool {
	holder := m.known.Record.Holder
	return holder != "" && holder != m.heir && !m.holds()
}

// expiry is when the lead ends by itself.
func (m *machine) expiry() Instant {
	if m.leading {
		return m.validUntil
	}
	return never
}

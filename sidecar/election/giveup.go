package election

// giveUp ends the lead at once and the candidacy with it. With release, the
// lock is released first if it is held; without, it is left to run out.
func (m *machine) giveUp(release bool) {
	m.demote()
	m.stopping, m.release = true, release
}

// stepDown ends the lead at once. The lock is released, and this candidate takes
// it again only when another has led or one lease duration has passed. It does
// nothing to a candidate that does not lead and has written nothing by which it
// could.
func (m *machine) stepDown(now Instant) {
	if !m.leading && !m.myTerm {
		return
	}
	m.demote()
	m.resigning = true
	m.coolUntil = now + m.timing.LeaseDuration
}

// prefer names the pod that the others let go first when this term ends, empty for
// none: in the next renewal, or in the release. It does nothing to a candidate that
// does not lead, and ends with the term.
func (m *machine) prefer(now Instant, pod string) {
	if m.isLeader(now) {
		m.preferred = &pod
	}
}

// releasing says that the next write is a release.
func (m *machine) releasing() bool { return m.stopping || m.resigning }

// resigned notes, of a candidate that is resigning, that nothing is left to
// release. The time in which others can take the lock begins only now.
func (m *machine) resigned(now Instant) {
	m.resigning = false
	if m.coolUntil > 0 {
		m.coolUntil = now + m.timing.LeaseDuration
	}
}

// left says that nothing is left to release: no write of this candidate can
// stand in the lock, or a read shows that none does.
func (m *machine) left() bool {
	return !m.myTerm || !m.inFlight && m.fresh && !m.holds()
}

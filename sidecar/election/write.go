package election

import (
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// record is what to write now: a renewal, the first record of a new term, or a
// release. wall is the wall clock, for people to read.
func (m *machine) record(now Instant, wall time.Time) lock.Record {
	before := m.known.Record
	r := before
	r.Renewed = laterSecond(wall, before.Renewed)
	if m.preferred != nil {
		r.Preferred = *m.preferred
	}
	if m.releasing() {
		r.Holder, r.Stamp, r.Mark = "", "", lock.ReleaseMark(m.self.String(), r.Renewed)
		r.Duration = time.Second
		r.StepDown = ""
		return r
	}
	r.Holder, r.Stamp, r.Mark = m.self.String(), m.self.String(), ""
	r.Duration = m.timing.LeaseDuration
	if m.leading {
		// A lock that was cleared or made anew has lost these.
		r.Token, r.Acquired = max(m.token, before.Token), m.acquired
		return r
	}
	if m.heir != "" && before.StepDown == m.heir {
		// The earlier process of this pod was asked to hand over, and so is this one.
		r.StepDown = r.Holder
	} else {
		r.StepDown, r.Preferred = "", ""
	}
	r.Token = max(m.highest+1, m.serverNow(now))
	r.Acquired = r.Renewed
	if before.Holder != r.Holder {
		r.Transitions++
	}
	return r
}

// writeDone takes in that a write sent at sent, on base, succeeded as s.
func (m *machine) writeDone(now, sent Instant, base, s lock.Snapshot) {
	m.inFlight = false
	m.heardAt = now
	m.learnServerTime(now, s)
	if s.Version.Compare(base.Version) <= 0 {
		// A write that changes nothing makes no version, so nobody saw it.
		m.failed(now)
		return
	}
	if s.Version.Compare(m.known.Version) >= 0 {
		m.learn(now, s)
	}
	if m.releasing() || s.Record.Holder != m.self.String() || !m.myTerm {
		m.failures = 0
		return
	}
	if m.leading && now >= m.validUntil {
		m.demote()
	}
	if !m.leading && s.Record.Token <= m.token {
		// A renewal whose answer came after its term had ended. The lock is still
		// this candidate's, and its next write begins a term with a token of its own.
		// Where the lock does not keep tokens there is never a term, and no hurry.
		m.readFailed(now)
		return
	}
	m.failures = 0
	if !m.leading {
		m.acquired, m.preferred = s.Record.Acquired, nil
	}
	if until := sent + m.timing.RenewDeadline; now < until {
		m.leading, m.validUntil, m.sentAt, m.lost = true, until, sent, 0
		m.token = max(m.token, s.Record.Token)
	}
}

// laterSecond is now, or the next whole second after before: every write must
// differ from the last also where times are kept in whole seconds.
func laterSecond(now, before time.Time) time.Time {
	if next := before.Truncate(time.Second).Add(time.Second); now.Before(next) {
		return next
	}
	return now
}

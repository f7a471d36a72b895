package election

import (
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// watched takes in an event of the watch. It can be long past: nothing older
// than what is known is believed.
func (m *machine) watched(now Instant, s lock.Snapshot) {
	m.heardAt = now
	if s.ServerTime.UnixMilli() > m.serverNow(now) {
		m.learnServerTime(now, s)
	}
	if s.Version.Compare(m.known.Version) > 0 {
		m.learn(now, s)
	}
}

// readDone takes in the answer of a quorum read that was sent at sent.
func (m *machine) readDone(now, sent Instant, s lock.Snapshot) {
	first, heard := m.known.Version == "", m.heardAt
	m.inFlight, m.fresh, m.lookFirst = false, true, false
	m.heardAt = now
	m.learnServerTime(now, s)
	switch order := s.Version.Compare(m.known.Version); {
	case s.Version.Compare(m.asked) < 0, order == 0 && m.differs(s):
		m.rewound(now, s)
	case order > 0:
		// A watch that should have told this long ago tells nothing any more.
		// Of a lock that is still missing there was nothing to tell.
		m.watchStale = m.watching && sent >= heard+2*m.timing.RetryPeriod && (s.Exists || m.known.Exists)
		m.learn(now, s)
	case order == 0 && sent >= m.confirmFrom():
		m.confirmed = true
	}
	if first {
		m.inherit(s.Record)
	}
}

// learn makes s what is known.
func (m *machine) learn(now Instant, s lock.Snapshot) {
	r := s.Record
	if r.Holder != "" && r.Holder != m.known.Record.Holder {
		m.termD = r.Duration
	} else {
		m.termD = max(m.termD, r.Duration)
	}
	switch {
	case r.Stamped():
		m.foreign = nil
	case r.Holder != "":
		if !m.followsForeign(s) {
			m.foreignFrom = now + m.wait()
		}
		m.foreign = &s
	}
	if r.Holder != "" && r.Holder != m.self.String() {
		m.myTerm, m.preferred = false, nil
		m.coolUntil = 0
		m.demote()
	}
	if r.Holder == m.self.String() && !m.leading && r.Token < m.bidToken {
		m.myTerm = false
	}
	if r.Holder != "" {
		m.lastHolder = r.Holder
	}
	m.highest = max(m.highest, r.Token)
	if r.Holder != m.heir {
		m.heir = ""
	}
	m.known, m.seenAt, m.confirmed = s, now, false
	m.early, m.late = m.random(), m.random()
	switch {
	case r.Holder == m.self.String() && r.StepDown == r.Holder:
		m.stepDown(now)
	case m.holds() && now < m.coolUntil:
		m.resigning = true // a write from before it stepped down was late
	}
}

// differs says that s, which has the version of what is known, is not the same:
// versions come again when a history is rewound.
func (m *machine) differs(s lock.Snapshot) bool {
	k := m.known
	same := k.Exists == s.Exists && k.UID == s.UID && k.Record.Holder == s.Record.Holder &&
		k.Record.Token == s.Record.Token && k.Record.Renewed.Equal(s.Record.Renewed)
	return k.Version != "" && !same
}

// rewound forgets a history that the lock's server no longer has (a restored
// backup): what was won in it, others may never have seen.
func (m *machine) rewound(now Instant, s lock.Snapshot) {
	longest := m.termD
	m.demote()
	m.known, m.myTerm = lock.Snapshot{}, false
	m.learn(now, s)
	m.termD = max(m.termD, longest)
	m.notBefore = now + m.wait()
	m.watchStale = m.watching
}

// inherit remembers a holder that was an earlier process of this pod. Whoever
// holds the pod's mutex knows that it has ended.
func (m *machine) inherit(r lock.Record) {
	id, ok := lock.ParseIdentity(r.Holder)
	if ok && r.Stamped() && id.UID == m.self.UID && id != m.self {
		m.heir = r.Holder
	}
}

func (m *machine) learnServerTime(now Instant, s lock.Snapshot) {
	if !s.ServerTime.IsZero() {
		m.server, m.serverAt = s.ServerTime, now
	}
}

// followsForeign says that none of ours has held the lock since a stranger did: it
// would have changed our annotations, as long as it is the same object.
func (m *machine) followsForeign(s lock.Snapshot) bool {
	f := m.foreign
	return f != nil && f.UID == s.UID && f.Record.Stamp == s.Record.Stamp && f.Record.Token == s.Record.Token
}

// foreignRelease says that a holder who is not one of ours has let go, as
// client-go does: it empties the record, and names one second. That says nothing
// of a holder of ours from before, who must have run out.
func (m *machine) foreignRelease() bool {
	r := m.known.Record
	return r.Holder == "" && r.Duration == time.Second && m.followsForeign(m.known) && m.seenAt >= m.foreignFrom
}

package report

import (
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// state is what a reporter knows of the Lease. It is told what happened and when, and
// says what is due; it does nothing by itself.
type state struct {
	// address is that of the lock.
	address string
	self    lock.Identity
	timing  config.Timing
	random  func() float64

	// lease is the Lease as it is known, and seenAt when this version was first seen.
	lease  lock.Snapshot
	seenAt time.Time
	// own is the version that this reporter wrote last, and copied the version of the
	// lock that it says.
	own, copied lock.Version
	// copiedLapsed says that it was the lapse that was copied.
	copiedLapsed bool

	// differs is how the report differs from the lock, since when, and from which version
	// of the lock on. A standby leaves it to others for the delay.
	differs difference
	since   time.Time
	from    lock.Version
	delay   time.Duration

	// wished is whom the leader was told to prefer.
	wished wish
}

// difference is what a lock and a report say that do not say the same.
type difference struct {
	holder, reported     string
	token, reportedToken int64
	reports              string
}

// view is what the candidate knows.
type view struct {
	lock lock.Snapshot
	// leads says that the lock names this candidate, which is valid until then, unless it
	// renews.
	leads bool
	until time.Time
	// lapsed says that the lock, as far as is known, still names this candidate, which
	// has led in that term and does not any more: it is cut off from the lock, or about to
	// release it.
	lapsed bool
}

// record is what the report is to say: what the lock does, or that nobody leads here.
func (v view) record(self lock.Identity) lock.Record {
	r := v.lock.Record
	if v.lapsed {
		r.Holder, r.Stamp, r.Mark = "", "", lock.ReleaseMark(self.String(), r.Renewed)
		r.Duration = time.Second
	}
	return r
}

// learn takes in the Lease as an answer or event showed it.
func (s *state) learn(now time.Time, lease lock.Snapshot) {
	if lease.Version != s.lease.Version {
		s.seenAt = now
	}
	s.lease = lease
}

// due is when the report is to be written; false when nothing is to be, or not before
// something else happens.
func (s *state) due(now time.Time, v view) (at time.Time, due bool) {
	known, shown := v.record(s.self), s.lease.Record
	if !s.lease.Exists || !v.lock.Exists || s.says(v) {
		s.differs = difference{}
		return time.Time{}, false
	}
	d := difference{known.Holder, shown.Holder, known.Token, shown.Token, shown.Reports}
	if d != s.differs {
		s.differs, s.since, s.from = d, now, v.lock.Version
		s.delay = time.Duration((1 + 2*s.random()) * float64(s.timing.RetryPeriod))
	}
	switch older := s.older(known); {
	case v.leads, v.lapsed && !s.superseded(known), known.ReleasedBy() == s.self.String() && !v.lapsed && !older:
		at = now
	case !older:
		at = s.since.Add(s.delay)
	case v.lock.Version == s.from:
		return time.Time{}, false // an old view of the lock, for all that is known
	default:
		at = s.since.Add(s.timing.LeaseDuration + s.delay)
	}
	if silent := s.silentAt(); silent.After(at) {
		at = silent
	}
	return at, true
}

// says whether the report says what the lock does: the leader's own with its last
// renewal, another's without. A report that is as this one wrote it can't say more.
func (s *state) says(v view) bool {
	known, shown := v.record(s.self), s.lease.Record
	if s.own != "" && s.lease.Version == s.own && v.lock.Version == s.copied && v.lapsed == s.copiedLapsed {
		return true
	}
	return shown.Reports == s.address && shown.Holder == known.Holder && shown.Token == known.Token &&
		(!v.leads || sameSecond(shown.Renewed, known.Renewed))
}

// older says that the report is of a later term or renewal than what is known of the
// lock, or of the same. Renewals are in different seconds.
func (s *state) older(known lock.Record) bool {
	shown := s.lease.Record
	switch {
	case shown.Reports != s.address:
		return false // tokens of another lock say nothing
	case known.Token != shown.Token:
		return known.Token < shown.Token
	case shown.Released() && known.Holder != "":
		return true
	}
	return !known.Renewed.Truncate(time.Second).After(shown.Renewed)
}

// superseded says that the report is of a later term.
func (s *state) superseded(known lock.Record) bool {
	return s.lease.Record.Reports == s.address && known.Token < s.lease.Record.Token
}

func sameSecond(a, b time.Time) bool {
	return a.Truncate(time.Second).Equal(b.Truncate(time.Second))
}

// silentAt is from when on a Lease that shows no report of this lock is believed to be
// nobody's: twice as long as its holder, or the last one, is respected there, so that a
// successor would have come. One that was never held is nobody's at once.
func (s *state) silentAt() time.Time {
	r := s.lease.Record
	if r.Reports == s.address || r.Holder == "" && r.Token == 0 {
		return time.Time{}
	}
	return s.seenAt.Add(2 * max(s.timing.LeaseDuration, r.Duration))
}

// record is what to write: what the lock says, and of the report what was asked of its
// holder, as long as that has the same term.
func (s *state) record(v view) lock.Record {
	shown := s.lease.Record
	r := v.record(s.self)
	r.Reports = s.address
	// A lock may be without what a Lease must have.
	r.Duration = max(r.Duration, time.Second)
	r.Transitions = max(r.Transitions, 0)
	switch {
	case shown.Reports != s.address:
	case v.lapsed:
		r.StepDown, r.Preferred = "", shown.Preferred
	case shown.Holder == r.Holder && shown.Token == r.Token:
		r.StepDown, r.Preferred = shown.StepDown, shown.Preferred
	case v.leads && shown.StepDown == shown.Holder && s.predecessor(shown.Holder):
		// The earlier process of this pod was asked to hand over, and so is this one.
		r.StepDown, r.Preferred = r.Holder, shown.Preferred
	}
	return r
}

// predecessor says that a holder was an earlier process of this pod.
func (s *state) predecessor(holder string) bool {
	id, ok := lock.ParseIdentity(holder)
	return ok && id.UID == s.self.UID && id != s.self
}

// wrote takes in that what was seen of the lock in v was written.
func (s *state) wrote(now time.Time, v view, written lock.Snapshot) {
	s.learn(now, written)
	s.own, s.copied, s.copiedLapsed = written.Version, v.lock.Version, v.lapsed
}

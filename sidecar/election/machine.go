package election

import (
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// machine is the state of one candidate. It is told what happened and when,
// and answers what is due; it does nothing by itself and is not safe for
// concurrent use.
type machine struct {
	self   lock.Identity
	timing config.Timing
	// polled says that news of the lock can come a retry period late.
	polled bool
	// random gives a number in [0, 1). It spreads in time what several candidates
	// would do at once, and says nothing of what they may do.
	random func() float64

	// What is known of the lock. seenAt is when the newest version was seen;
	// every new version starts the wait anew.
	known  lock.Snapshot
	seenAt Instant
	// fresh says that no quorum read is owed.
	fresh bool
	// heardAt is the last sign of life from the lock, news or not.
	heardAt Instant
	// termD is the longest duration that the present holder, or the last one
	// before a release or deletion, has asked to be respected.
	termD time.Duration
	// lastHolder is the last holder known, whoever it was.
	lastHolder string
	// highest is the largest token ever seen in the lock.
	highest int64
	// foreign is the lock when it last named a holder who is not one of ours; nil
	// when one of ours held after it.
	foreign *lock.Snapshot
	// foreignFrom is from when on none of ours from before can be valid.
	foreignFrom Instant
	// confirmed says that a quorum read near the wait's end showed known unchanged.
	confirmed bool
	// early and late are two numbers in [0, 1), drawn anew for every version: how
	// much sooner this candidate reads, and later it writes, than the rules allow.
	early, late float64
	// heir is the record's holder when an earlier process of this pod left it.
	heir string
	// notBefore holds back every takeover after the lock's history was rewound.
	notBefore Instant
	// server is the lock's server's clock, as it was at serverAt.
	server   time.Time
	serverAt Instant

	// The term.
	leading    bool
	validUntil Instant
	sentAt     Instant // of the last renewal that succeeded
	token      int64
	acquired   time.Time // when the term began, by the wall clock
	// preferred, unless nil, is who is to be named as preferred in what this candidate
	// writes of its term.
	preferred *string
	// myTerm says that the record, if it names this candidate, does so because
	// of a write that the rules had allowed.
	myTerm bool
	// bidToken is the token of the last write that was to take the lock from another. What
	// bears this candidate's name with a smaller one is of an earlier term, and was brought
	// back.
	bidToken int64

	// Requests. One is in flight at a time; after a failure the next waits
	// until retryAt.
	inFlight bool
	askedAt  Instant      // when the request in flight was sent
	asked    lock.Version // what was known then
	bid      bool         // it is a write that takes the lock from another
	failures int
	retryAt  Instant
	// A lock that this candidate may not make is made by whoever may, and the
	// watch tells. From makeAt on it is looked for, in case the watch does not.
	makeAt    Instant
	makeFails int
	lookFirst bool

	// The watch. It begins at a quorum read; a stale one is to be ended.
	watching   bool
	watchStale bool
	watchFrom  Instant
	watchFails int
	watchAt    Instant

	// Giving up for good. With release, the lock is released first.
	stopping bool
	release  bool
	// Giving up this term alone: resigning until the lock is released or lost, and
	// no candidate until coolUntil or until another has led.
	resigning bool
	coolUntil Instant
	// lost counts the races for the lock that this candidate has lost since it last
	// led: the more, the larger or slower the crowd that it is in.
	lost int
}

func newMachine(self lock.Identity, timing config.Timing, random func() float64) *machine {
	return &machine{self: self, timing: timing, random: random}
}

// isLeader is the only place that says so.
func (m *machine) isLeader(now Instant) bool { return m.leading && now < m.validUntil }

func (m *machine) demote() { m.leading, m.validUntil = false, 0 }

// mine says that the record names this very process.
func (m *machine) mine() bool { return m.known.Exists && m.known.Record.Holder == m.self.String() }

// wait is how long the present version must stay unchanged before it may be
// taken: the longest of what either side counts with, and for a foreign holder
// one second more, since client-go's wait is the record's own.
func (m *machine) wait() time.Duration {
	d := m.termD
	if m.foreign != nil {
		d += time.Second
	}
	return max(m.timing.LeaseDuration, d)
}

// serverNow is the lock's server's clock in milliseconds, at the least, or zero if
// the server never told it. The time since then is counted as if this machine's
// clock were as fast as the promise allows: a token ahead of the server's clock
// would be larger than those that come after a deletion.
func (m *machine) serverNow(now Instant) int64 {
	if m.server.IsZero() {
		return 0
	}
	slowest := float64(m.timing.RenewDeadline) / float64(m.timing.LeaseDuration)
	return m.server.Add(time.Duration(float64(now-m.serverAt) * slowest)).UnixMilli()
}

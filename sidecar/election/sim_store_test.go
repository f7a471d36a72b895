package election

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// simKind is a kind of server that a lock can be on.
type simKind string

const (
	// watched is an API server with a Lease.
	watched simKind = "watched"
	// polled is a store of objects with conditional writes, as Google's and Amazon's
	// are: it can only be asked.
	polled simKind = "polled"
	// leased is a store that also leases its objects, as Azure's does.
	leased simKind = "leased"
	// endpoints is an API server with an Endpoints object, beside electors of 2016.
	endpoints simKind = "endpoints"
)

// simKinds are all of them.
var simKinds = []simKind{watched, polled, leased, endpoints}

// store says that it keeps objects, and has neither watches nor versions.
func (k simKind) store() bool { return k == polled || k == leased }

// simStore is what a store has beside what an API server has, too.
type simStore struct {
	// digest says that a revision is made of what is written, as S3's ETags are;
	// otherwise it is a number of its own, as Google's generations are.
	digest     bool
	generation int
	// pace is the least time between two writes of one object, if there is one.
	pace      time.Duration
	changedAt time.Duration
	// rate is that of the store's clock, by which its leases run out.
	rate float64
}

var errTooMany = errors.New("the store answers 429")

// revise gives the revision of a new state.
func (s *simServer) revise(state simState) string {
	switch {
	case !s.kind.store() || !state.Exists:
		return ""
	case s.digest:
		return fmt.Sprintf("%s/%d/%d-%d/%v", state.UID, state.count, state.writer, state.write, state.Record)
	}
	// Generations differ. They grow as long as the object lives; nobody promises more.
	if s.state.Exists && s.state.UID == state.UID {
		s.generation += 1 + s.w.random.IntN(1000)
	} else {
		s.generation = 1_000_000*s.w.random.IntN(1000) + len(s.log)
	}
	return strconv.Itoa(s.generation)
}

// interval is the least time between two writes of one process that succeed.
func (s *simServer) interval() time.Duration {
	if s.pace > 0 {
		return time.Second
	}
	return 0
}

// onePace is the pace of a store that takes one write a second: less than a second of
// the quickest clock, since such a bound is none to the millisecond.
const onePace = 800 * time.Millisecond

// furnish makes the server one of a kind: of stores there are several.
func (s *simServer) furnish(kind simKind) {
	w := s.w
	s.kind, s.rate = kind, 1
	if kind == polled {
		if s.digest = w.chance(0.5); !s.digest {
			s.pace = onePace
		}
	}
	if kind == leased {
		if s.rate = w.rate(); w.chance(0.3) {
			s.rate = w.between(time.Second/2, 2*time.Second).Seconds()
		}
	}
}

// replace is a conditional write of the whole object: on a revision, or on none.
func (s *simServer) replace(revision string, next simState) (simState, error) {
	switch {
	case next.lease.by == "" && s.leasedNow(), next.lease.by != "" && !s.leasedTo(next.lease.by):
		s.vain++
		return simState{}, lock.ErrConflict
	case revision == "" && s.state.Exists, revision != "" && (!s.state.Exists || s.state.Revision != revision):
		s.vain++
		return simState{}, lock.ErrConflict
	case s.pace > 0 && s.state.Exists && s.w.now < s.changedAt+s.pace:
		return simState{}, errTooMany
	}
	s.writes++
	s.written(next.Record)
	next.Exists, next.lease = true, s.state.lease
	if revision == "" {
		next.lease = simLease{}
	}
	s.put(next)
	s.w.logf("store: %s, count %d, revision %s: %s", next.UID, next.count, s.state.Revision, show(next.Record))
	return s.read(), nil
}

// simLease is a store's lease of an object to the processes of one pod, which it ends
// by its own clock.
type simLease struct {
	by       string
	until    time.Duration // true time
	breaking bool          // nobody can acquire it before it has ended
}

var errBreaking = errors.New("the lease is breaking")

func (s *simServer) leasedNow() bool { return s.state.lease.by != "" && s.w.now < s.state.lease.until }

func (s *simServer) leasedTo(by string) bool { return s.leasedNow() && s.state.lease.by == by }

// acquire leases the object for a while to whoever names a lease of its own, if it is
// not leased under another.
func (s *simServer) acquire(by string, d time.Duration, revision string) error {
	switch {
	case !s.state.Exists:
		return lock.ErrMissing
	case s.leasedNow() && s.state.lease.breaking:
		return errBreaking
	case s.leasedNow() && s.state.lease.by != by, s.state.Revision != revision:
		s.vain++
		return lock.ErrConflict
	}
	s.state.lease = simLease{by: by, until: s.w.now + time.Duration(float64(d)/s.rate)}
	s.w.logf("store: leased to %s until %s", by, s.state.lease.until)
	return nil
}

// leave ends the lease, if it is this one.
func (s *simServer) leave(by string) error {
	if s.state.lease.by != by {
		return lock.ErrConflict
	}
	s.state.lease = simLease{}
	s.w.logf("store: the lease of %s is released", by)
	return nil
}

package election

import "time"

// Status is what a candidate knows of its election at one moment.
type Status struct {
	// Leader is the identity of the holder that the lock names, empty when it
	// names none or is not known.
	Leader string
	// IsLeader is true only while this candidate's validity has not run out.
	IsLeader bool
	// ValidFor is how much of the validity is left, from before the status was
	// asked for; zero on a standby.
	ValidFor time.Duration
	// ValidUntil is the validity's end on the candidate's clock; zero on a standby.
	ValidUntil Instant
	// Token is the fencing token of this candidate's term while it leads, and of
	// the last term known otherwise; zero when none is known.
	Token int64
	// Since is the wall-clock time at which the leader took the lock.
	Since time.Time
	// LastUpdate is the wall-clock time at which the leader last changed in
	// this candidate's eyes.
	LastUpdate time.Time
	// Contact is the wall-clock time of the last answer or event from the lock;
	// zero before the first.
	Contact time.Time
}

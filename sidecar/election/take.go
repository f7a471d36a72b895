package election

import (
	"math"
	"time"
)

// takeAt is when this candidate takes the lock, as it is known: at once if it is
// its own, a little after the rules allow it otherwise.
func (m *machine) takeAt() Instant {
	holder := m.known.Record.Holder
	switch {
	case m.holds(), holder != "" && holder == m.heir:
		return 0
	case m.released() || m.foreignRelease():
		return m.seenAt + m.courtesy() + m.race()
	}
	return m.seenAt + m.wait() + m.courtesy() + m.spread()
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

// courtesy is how long the pod that is preferred goes first: beside the time that it may
// hear of it later, where the lock is only asked now and then.
func (m *machine) courtesy() time.Duration {
	if p := m.known.Record.Preferred; p == "" || p == m.self.Pod {
		return 0
	}
	if m.polled {
		return m.timing.RetryPeriod + m.timing.RetryPeriod/2
	}
	return m.timing.RetryPeriod / 2
}

// Candidates that may all take the lock at the same moment hold back for up to
// shortestSpread, so that few of them write in vain however many there are, and
// for longer when that proved to be too short: each of the first races lost
// doubles it. The times are drawn from a truncated exponential distribution that
// grows towards the end: of 2 candidates or of a crowd, few are first, and the
// others see the first one's write before their turn (J. Nonnenmacher and E. W.
// Biersack, "Scalable Feedback for Large Groups", IEEE/ACM Transactions on
// Networking, 1999). The first of a crowd comes long before the end.
const (
	shortestSpread = 70 * time.Millisecond
	doublings      = 2
	crowd          = 100
)

func (m *machine) spread() time.Duration {
	steepness := math.Log(crowd) + 1
	z := math.Log1p(m.late*math.Expm1(steepness)) / steepness
	longest := shortestSpread << min(m.lost, doublings)
	return time.Duration(z * float64(longest))
}

// race is the spread at a release, where a moment counts: none, until this
// candidate has lost a race.
func (m *machine) race() time.Duration {
	if m.lost == 0 {
		return 0
	}
	return m.spread()
}

// confirmFrom is from when on a read proves that the silent holder has not been
// heard of: up to one retry period before the lock may be taken, so that the
// write needs not wait for it.
func (m *machine) confirmFrom() Instant {
	return m.seenAt + m.wait() - m.timing.RetryPeriod
}

// confirmAt is when this candidate reads: between one retry period and a quarter
// of one before the lock may be taken, so that many do not read at once.
func (m *machine) confirmAt() Instant {
	return m.confirmFrom() + time.Duration(m.early*0.75*float64(m.timing.RetryPeriod))
}

// silentAt is when a watch that told nothing is no longer believed: up to two
// retry periods after the last sign of life.
func (m *machine) silentAt() Instant {
	return m.heardAt + time.Duration((2-m.early/4)*float64(m.timing.RetryPeriod))
}

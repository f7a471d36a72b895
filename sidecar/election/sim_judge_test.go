package election

import (
	"fmt"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// simJudge holds a world, after every event, against what package election
// promises: never two valid leaders; between a lead that ran out and the next
// as much time as the durations and rates leave; tokens that only grow.
type simJudge struct {
	w       *world
	seats   []*simSeat
	highest int64
	terms   int
	// beyond says that clocks are allowed to break the promise of one leader, which
	// is then counted.
	beyond bool
	broken int
	// excused counts the moments at which an elector of 2016 led beside one of ours
	// because it promises no better.
	excused int
	// wrong is what was found between two looks.
	wrong error
}

// simSeat is what the judge knows of one process.
type simSeat struct {
	node    *simNode
	leading bool
	token   int64
	// until is the end of the last validity, in true time; zero when there was
	// none, or when the process let go of the lock by itself.
	until time.Duration
	// renewed is when the last renewal was sent, in true time.
	renewed time.Duration
	// begun is when its present term began, in true time.
	begun time.Duration
	// contested says that since this term began the lock was for a moment not its.
	contested bool
}

// watch begins to judge a process. An earlier one of its pod has ended.
func (j *simJudge) watch(n *simNode) {
	for _, s := range j.seats {
		if s.node.identity.UID == n.identity.UID {
			s.until = 0
		}
	}
	j.seats = append(j.seats, &simSeat{node: n})
}

// released notes that the server has taken in a release.
func (j *simJudge) released(identity string) {
	if s := j.seat(identity); s != nil {
		s.until = 0
	}
}

func (j *simJudge) look() error {
	if j.wrong != nil {
		return j.wrong
	}
	if by := j.w.server.state.Record.ReleasedBy(); by != "" {
		j.released(by)
	}
	leaders := 0
	for _, r := range j.w.rivals {
		if r.leading() && len(j.w.elders) == 0 {
			leaders++
		}
	}
	for _, s := range j.seats {
		leading := s.node.isLeader()
		if leading {
			leaders++
			if !s.leading {
				if err := j.begins(s); err != nil {
					return err
				}
			}
			m := s.node.machine
			if m.token < s.token {
				return fmt.Errorf("the token of %s fell from %d to %d", s.node.identity, s.token, m.token)
			}
			s.token, s.until = m.token, s.node.clock.until(m.validUntil)
			s.renewed = s.node.clock.until(m.sentAt)
			if name := j.mixed(s); name != "" {
				if !j.beyond {
					return fmt.Errorf("%s leads beside %s", s.node.identity, name)
				}
				j.broken++
			}
		} else if s.leading {
			s.node.logf("no longer leads")
			if !j.beyond && j.w.now < s.until-time.Microsecond && !s.contested && !s.node.gone && !s.node.machine.givingUp(s.node.now()) {
				return fmt.Errorf("%s gave up its lead, which nobody contested", s.node.identity)
			}
		}
		s.leading = leading
	}
	switch {
	case leaders < 2:
	case j.beyond:
		j.broken++
	default:
		return fmt.Errorf("%d leaders at once", leaders)
	}
	return nil
}

// mixed names an elector of another kind that leads beside one of ours, where some of
// 2016 stand in the election: those promise less among themselves.
func (j *simJudge) mixed(s *simSeat) string {
	for _, e := range j.w.elders {
		if e.leading() {
			if !e.excused(s.begun) {
				return e.name
			}
			j.excused++
		}
	}
	for _, r := range j.w.rivals {
		if r.leading() && len(j.w.elders) > 0 {
			return r.name
		}
	}
	return ""
}

// changed notes a change of the lock.
func (j *simJudge) changed(state lock.Snapshot) {
	for _, s := range j.seats {
		if s.leading && state.Record.Holder != s.node.identity.String() {
			s.contested = true
		}
	}
}

// unordered notes a change of which nobody can tell that it is not an old state
// restored: a leader who sees it gives up.
func (j *simJudge) unordered() {
	for _, s := range j.seats {
		s.contested = s.contested || s.leading
	}
}

// givingUp says that the machine was asked to end its term.
func (m *machine) givingUp(now Instant) bool { return m.stopping || m.resigning || now < m.coolUntil }

// begins judges the beginning of a term.
func (j *simJudge) begins(s *simSeat) error {
	n := s.node
	state := j.w.server.state
	s.contested = state.Record.Holder != n.identity.String() || j.w.server.kind.store() && state.Revision != n.machine.known.Revision
	n.logf("leads, token %d", n.machine.token)
	s.begun = j.w.now
	j.terms++
	if n.machine.token <= j.highest {
		return fmt.Errorf("the token %d of %s follows %d", n.machine.token, n.identity, j.highest)
	}
	j.highest = n.machine.token
	return nil
}

// taken judges that the server lets a process take the lock from another: since
// the end of the other's validity as much time has gone by as the durations and
// the rates of the clocks leave.
func (j *simJudge) taken(by string) {
	taker := j.seat(by)
	if taker == nil || j.beyond {
		return
	}
	for _, other := range j.seats {
		if other == taker || other.until == 0 {
			continue
		}
		o, n := other.node, taker.node
		d, v := o.machine.timing.LeaseDuration, o.machine.timing.RenewDeadline
		margin := time.Duration(float64(d)/n.clock.rate - float64(v)/o.clock.rate)
		const rounding = time.Microsecond
		if gap := j.w.now - other.until; gap < margin-rounding && j.wrong == nil {
			j.wrong = fmt.Errorf("%s takes the lock %s after the end of %s, which must be at least %s", n.identity, gap, o.identity, margin)
		}
		other.until = 0 // whoever comes later follows this one
	}
}

// forget takes note of what is left of the history. Tokens that nothing shows any
// more are followed by larger ones only as the server's clock goes on.
func (j *simJudge) forget(left []simState) {
	j.highest = 0
	for _, s := range left {
		j.highest = max(j.highest, s.Record.Token)
	}
}

func (j *simJudge) seat(identity string) *simSeat {
	for _, s := range j.seats {
		if s.node.identity.String() == identity {
			return s
		}
	}
	return nil
}

// leader is who leads now, or nil.
func (j *simJudge) leader() *simNode {
	for _, s := range j.seats {
		if s.node.isLeader() {
			return s.node
		}
	}
	return nil
}

package mixed_test

import (
	"fmt"
	"testing"

	"github.com/leaseholder-dev/leaseholder/test/contender"
)

// kind is whose a contestant is.
type kind string

const (
	ours     kind = "ours"
	clientGo kind = "client-go"
	of2016   kind = "2016"
)

// both is a fleet of two of ours and two of another kind, of which some are away at times.
type both struct {
	*fleet
	members map[string]kind
	// timing is that of all.
	timing timing
	alive  map[string]*contender.Process
}

// newBoth gives a fleet that nobody stands in yet.
func newBoth(f *fleet, others kind, d timing) *both {
	return &both{fleet: f, timing: d, alive: map[string]*contender.Process{}, members: map[string]kind{
		"ours-0": ours, "ours-1": ours, "other-0": others, "other-1": others,
	}}
}

// arrive starts whoever is away, of a kind or, if it is empty, of both.
func (b *both) arrive(which kind) {
	b.t.Helper()
	start := map[kind]func(*fleet, string, timing) *contender.Process{
		ours: (*fleet).ours, clientGo: (*fleet).clientGo, of2016: (*fleet).of2016,
	}
	for name, k := range b.members {
		if b.alive[name] == nil && (which == "" || k == which) {
			b.alive[name] = start[k](b.fleet, name, b.timing)
		}
	}
}

// leader waits until exactly one leads and the lock names it.
func (b *both) leader() *contender.Process {
	b.t.Helper()
	var leader *contender.Process
	eventually(b.t, "exactly one leads", func() bool {
		leader = nil
		for _, p := range b.alive {
			if !p.Leading() {
				continue
			}
			if leader != nil {
				return false
			}
			leader = p
		}
		states := b.history.since(0)
		return leader != nil && heldBy(leader.Name())(states[len(states)-1])
	})
	return leader
}

// leaderOf waits until a contestant of a kind leads, any if the kind is empty. On a
// busy machine the lead may have gone to the other kind, which then has to go.
func (b *both) leaderOf(which kind) *contender.Process {
	b.t.Helper()
	for {
		p := b.leader()
		if which == "" || b.members[p.Name()] == which {
			return p
		}
		b.leave(which, nil)
		b.leader()
		b.arrive("")
	}
}

// leave kills all who are not of a kind, but for one.
func (b *both) leave(which kind, except *contender.Process) {
	b.t.Helper()
	for name, k := range b.members {
		if p := b.alive[name]; p != nil && p != except && k != which {
			b.kill(p)
			delete(b.alive, name)
		}
	}
}

// step is the end of a leader.
type step struct {
	// from is the kind of the leader that ends, and to that of the one that follows,
	// which is decided by who is there. An empty kind leaves it open.
	from kind
	end  func(*fleet, *contender.Process)
	to   kind
}

// walk goes through the steps, and gives how many hand-overs there were of which kind.
func (b *both) walk(steps []step) map[string]int {
	b.t.Helper()
	b.arrive(ours)
	b.leader()
	b.arrive("")
	handovers := map[string]int{}
	for i, s := range steps {
		old := b.leaderOf(s.from)
		if s.to != "" {
			b.leave(s.to, old)
		}
		s.end(b.fleet, old)
		delete(b.alive, old.Name())
		next := b.leader()
		if want := s.to; want != "" && b.members[next.Name()] != want {
			b.t.Fatalf("handover %d is to %s, want one of %s", i, next.Name(), want)
		}
		handovers[fmt.Sprint(b.members[old.Name()], " to ", b.members[next.Name()])]++
		b.arrive("")
	}
	b.end()
	b.t.Logf("handovers: %v", handovers)
	return handovers
}

func TestAFleetOfBothKindsNeverHasTwoLeaders(t *testing.T) {
	t.Parallel()
	b := newBoth(newFleet(t), clientGo, exclusive)
	kill, terminate := (*fleet).kill, (*fleet).terminate
	handovers := b.walk([]step{
		{ours, kill, clientGo},
		{clientGo, terminate, ours},
		{ours, terminate, clientGo},
		{clientGo, kill, ours},
		{"", kill, ""},
		{"", terminate, ""},
		{"", terminate, ""},
		{"", kill, ""},
	})
	b.excluded()
	for _, direction := range []string{"ours to client-go", "client-go to ours"} {
		if handovers[direction] < 2 {
			t.Errorf("%d handovers from %s: %v", handovers[direction], direction, handovers)
		}
	}
}

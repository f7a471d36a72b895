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
)

// both is a fleet of two of each kind, of which some are away at times.
type both struct {
	*fleet
	alive map[string]*contender.Process
}

var members = map[string]kind{"ours-0": ours, "ours-1": ours, "clientgo-0": clientGo, "clientgo-1": clientGo}

// arrive starts whoever is away, of a kind or, if it is empty, of both.
func (b *both) arrive(which kind) {
	b.t.Helper()
	for name, k := range members {
		switch {
		case b.alive[name] != nil, which != "" && k != which:
		case k == ours:
			b.alive[name] = b.fleet.ours(name, exclusive)
		default:
			b.alive[name] = b.fleet.clientGo(name, exclusive)
		}
	}
}

// leader waits until exactly one leads and the Lease names it.
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
		if which == "" || members[p.Name()] == which {
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
	for name, k := range members {
		if p := b.alive[name]; p != nil && p != except && k != which {
			b.kill(p)
			delete(b.alive, name)
		}
	}
}

func TestAFleetOfBothKindsNeverHasTwoLeaders(t *testing.T) {
	t.Parallel()
	b := &both{fleet: newFleet(t), alive: map[string]*contender.Process{}}
	kill, terminate := (*fleet).kill, (*fleet).terminate
	b.arrive(ours)
	b.leader()
	b.arrive("")
	handovers := map[string]int{}
	// Who may follow is decided by who is there; an empty kind leaves it open.
	for i, step := range []struct {
		from kind
		end  func(*fleet, *contender.Process)
		to   kind
	}{
		{ours, kill, clientGo},
		{clientGo, terminate, ours},
		{ours, terminate, clientGo},
		{clientGo, kill, ours},
		{"", kill, ""},
		{"", terminate, ""},
		{"", terminate, ""},
		{"", kill, ""},
	} {
		old := b.leaderOf(step.from)
		if step.to != "" {
			b.leave(step.to, old)
		}
		step.end(b.fleet, old)
		delete(b.alive, old.Name())
		next := b.leader()
		if want := step.to; want != "" && members[next.Name()] != want {
			t.Fatalf("handover %d is to %s, want one of %s", i, next.Name(), want)
		}
		handovers[fmt.Sprint(members[old.Name()], " to ", members[next.Name()])]++
		b.arrive("")
	}
	b.end()
	b.excluded()
	t.Logf("handovers: %v", handovers)
	for _, direction := range []string{"ours to client-go", "client-go to ours"} {
		if handovers[direction] < 2 {
			t.Errorf("%d handovers from %s: %v", handovers[direction], direction, handovers)
		}
	}
}

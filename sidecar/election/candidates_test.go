package election_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/election/electiontest"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/memory"
)

// line is one process's.
type line struct{ *memory.Line }

// Calm implements electiontest.Line.
func (l line) Calm() { l.Trouble(func() memory.Fate { return memory.Fate{} }) }

// join gives a lock through a line that delays and loses messages.
func join(m *memory.Lock, p electiontest.Process) (lock.Lock, electiontest.Line) {
	l := memory.NewLine(m)
	delay := func() time.Duration { return electiontest.Delay(p.Random, 20*time.Millisecond) }
	l.Trouble(func() memory.Fate {
		return memory.Fate{Before: delay(), After: delay(), Lost: p.Random.Float64() < electiontest.Trouble}
	})
	return l, line{l}
}

// byHand are what a hand does to the lock: it deletes it, clears it, and names a holder.
func byHand(f *electiontest.Fleet, m *memory.Lock) []electiontest.Fault {
	ifThere := func(note string, do func(at int)) func(int) {
		return func(at int) {
			if h := m.History(); len(h) > 0 && h[len(h)-1].Exists {
				f.Notef("%s (p%d)", note, at)
				do(at)
			}
		}
	}
	return []electiontest.Fault{
		{Chance: 0.0002, Do: ifThere("delete the lock", func(int) { m.Delete() })},
		{Chance: 0.0002, Do: ifThere("clear the lock", func(int) {
			m.Edit(func(r *lock.Record) { r.Holder, r.Duration = "", time.Second })
		})},
		{Chance: 0.0001, Do: ifThere("name a holder", func(at int) {
			m.Edit(func(r *lock.Record) { r.Holder = fmt.Sprintf("p%d_u%d_1", at, at) })
		})},
	}
}

// TestCandidates runs whole candidates, goroutines and all, through what the simulator
// runs their machines through, if less of it.
func TestCandidates(t *testing.T) {
	electiontest.Run(t, electiontest.Options{
		Fleets: 40, Settles: time.Minute,
		Open: func(f *electiontest.Fleet) electiontest.Backend {
			m := memory.New()
			return electiontest.Backend{
				Join:   func(p electiontest.Process) (lock.Lock, electiontest.Line) { return join(m, p) },
				Faults: byHand(f, m),
				History: func() (lines []string) {
					for _, s := range m.History() {
						lines = append(lines, fmt.Sprintf("version %s, exists %v: %+v", s.Version, s.Exists, s.Record))
					}
					return lines
				},
			}
		},
	})
}

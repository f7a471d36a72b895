package object_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/election/electiontest"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/objecttest"
)

var (
	errThrottled = errors.New("429: too many requests")
	errAway      = errors.New("503: no service")
	errLost      = errors.New("the answer is lost")
)

// fates draws what becomes of requests: they are delayed, now and then for so long that
// the candidate has given up while the request is still executed; lost; refused; sent
// twice.
func fates(random *rand.Rand) func() objecttest.Fate {
	delay := func() time.Duration { return electiontest.Delay(random, 100*time.Millisecond) }
	return func() objecttest.Fate {
		fate := objecttest.Fate{Before: delay(), After: delay(), Twice: random.Float64() < electiontest.Trouble}
		switch x := random.Float64(); {
		case x < electiontest.Trouble:
			fate.Refused = errThrottled
		case x < 2*electiontest.Trouble:
			fate.Refused = errAway
		case x < 3*electiontest.Trouble:
			fate.Lost = errLost
		}
		return fate
	}
}

// line is one process's.
type line struct {
	*objecttest.Client
	fates func() objecttest.Fate
}

// Cut implements electiontest.Line.
func (l line) Cut(cut bool) {
	if cut {
		l.Trouble(func() objecttest.Fate { return objecttest.Fate{Refused: errAway} })
	} else {
		l.Trouble(l.fates)
	}
}

// Calm implements electiontest.Line.
func (l line) Calm() { l.Trouble(func() objecttest.Fate { return objecttest.Fate{} }) }

// store is one fleet's object, and what hands do to it.
type store struct {
	*objecttest.Server
	fleet *electiontest.Fleet
}

func (s store) join(p electiontest.Process) (lock.Lock, electiontest.Line) {
	l := line{s.Client(), fates(p.Random)}
	l.Cut(false)
	return object.New(l, object.Options{Name: "memory", Period: p.Timing.RetryPeriod, MinWriteInterval: time.Second}), l
}

func (s store) delete(int) {
	s.fleet.Notef("delete the object")
	s.Delete()
}

// restore brings back any state that the object has been in. The token of a term that
// such a state has forgotten is the greater of those that were seen, and of the server's clock.
func (s store) restore(int) {
	history := s.History()
	if len(history) == 0 {
		return
	}
	if old := history[s.fleet.Random.IntN(len(history))]; old.Exists {
		s.bring("restore", old.Value)
	}
}

// edit changes the value by hand, and nothing else of the entry.
func (s store) edit(int) {
	history := s.History()
	if len(history) == 0 || !history[len(history)-1].Exists {
		return
	}
	e, err := object.Decode(history[len(history)-1].Value)
	if err != nil {
		s.fleet.Fatalf("an entry cannot be read: %v", err)
	}
	e.Record.Holder, e.Record.Duration = "", time.Second
	s.bring("clear", e.Value())
}

func (s store) bring(what, value string) {
	s.fleet.Notef("%s %s", what, value)
	s.Put(value)
	s.fleet.Spare(2 * s.fleet.Timing.LeaseDuration)
}

func (s store) told() (lines []string) {
	for _, state := range s.History() {
		lines = append(lines, fmt.Sprintf("revision %q: %s", state.Revision, state.Value))
	}
	return lines
}

// TestFleets runs whole candidates over a store that delays, loses, refuses and repeats
// requests, and whose object is deleted, restored and edited by hand.
func TestFleets(t *testing.T) {
	electiontest.Run(t, electiontest.Options{
		Fleets: 24, Settles: 2 * time.Minute,
		// 56 needs the epoch of an incarnation that is restored (history).
		Also: []uint64{56},
		Open: func(f *electiontest.Fleet) electiontest.Backend {
			s := store{objecttest.NewServer(), f}
			return electiontest.Backend{
				Join: s.join, History: s.told,
				Faults: []electiontest.Fault{{Chance: 0.0002, Do: s.delete}, {Chance: 0.0002, Do: s.restore}, {Chance: 0.0002, Do: s.edit}},
			}
		},
	})
}

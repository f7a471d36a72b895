// Package electiontest runs fleets of real candidates (election.New), goroutines and all,
// over a lock with faults, in virtual time: what the simulator of package election does
// with their machines, if less of it, through every line that a backend puts in between.
// It is for tests only.
//
// A backend says how a process opens the lock and what can go wrong with the lock and with
// its requests; that processes are cut off, crash, end in order and start again, in their
// pods or in new ones, and that their clocks run at rates of their own, comes on top. Every
// few virtual milliseconds a judge looks for what package election promises: never two
// leaders, tokens that grow from term to term and never fall within one, and, when nothing
// goes wrong any more, a leader. A seed repeats its fleet.
package electiontest

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/election"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// Options say which fleets are run.
type Options struct {
	// Fleets is how many, each with five virtual minutes of faults. Its number is its seed.
	Fleets int
	// Also are seeds beyond those, of fleets that have found what the others had not.
	Also []uint64
	// Settles is in which time somebody must lead when nothing goes wrong any more.
	Settles time.Duration
	// Open gives a fleet's lock, missing yet.
	Open func(*Fleet) Backend
}

// Backend is a fleet's lock, with what can go wrong with it.
type Backend struct {
	// Join opens the lock for one process, with faults on its line from the start.
	Join func(Process) (lock.Lock, Line)
	// Faults are what goes wrong beside cuts and ends.
	Faults []Fault
	// History is what the lock has been, in words, for whoever looks into a failure.
	History func() []string
}

// Process is one candidate's.
type Process struct {
	// UID is its pod's.
	UID string
	// Timing is the election's.
	Timing config.Timing
	// Random draws what becomes of its requests.
	Random *rand.Rand
}

// Line is one process's way to its lock.
type Line interface {
	// Cut cuts it, or mends it.
	Cut(cut bool)
	// Calm ends the faults of its requests.
	Calm()
	// Wait returns when no request is on its way any more.
	Wait()
}

// Fault is one thing that goes wrong now and then.
type Fault struct {
	// Chance is how likely, at each of the judge's looks.
	Chance float64
	// Do does it. at is one of the candidates, by its place in the fleet.
	Do func(at int)
}

// How fleets are disturbed, at each of the judge's looks.
const (
	candidates = 3
	step       = 5 * time.Millisecond
	steps      = 60000

	chanceOfCut  = 0.0003
	chanceOfHeal = 0.0005
	chanceOfEnd  = 0.0005
	// leastTerms is how many terms a fleet must have on average.
	leastTerms = 3
)

// Trouble is how likely a message is delayed for long, and how likely a fault of its own
// should befall it.
const Trouble = 0.03

// Delay draws how long a message is on its way: longest at most or, now and then, so long
// that the candidate has given up while the request is still executed.
func Delay(random *rand.Rand, longest time.Duration) time.Duration {
	if random.Float64() < Trouble {
		longest = 20 * time.Second
	}
	return time.Duration(random.Float64() * float64(longest))
}

// clock is a machine's, which runs at a rate of its own.
type clock struct {
	start time.Time
	rate  float64
}

// NewClock gives one that starts now.
func NewClock(rate float64) election.Clock { return clock{start: time.Now(), rate: rate} }

// Now implements election.Clock.
func (c clock) Now() election.Instant {
	return time.Hour + time.Duration(float64(time.Since(c.start))*c.rate)
}

// Run runs the fleets. The test fails with the first that breaks a promise, and also when
// there was too little to judge.
func Run(t *testing.T, o Options) {
	t.Helper()
	seeds, terms := slices.Clone(o.Also), 0
	for seed := range uint64(o.Fleets) {
		seeds = append(seeds, seed)
	}
	for _, seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, seed, o.Open)
			defer f.end()
			for pod := range candidates {
				f.add(pod)
			}
			for i := range steps {
				time.Sleep(step)
				f.now = time.Duration(i) * step
				f.judge()
				f.disturb()
			}
			f.settle(o.Settles)
			terms += f.terms
		})
	}
	t.Logf("%d fleets, %d terms", len(seeds), terms)
	if terms < leastTerms*len(seeds) {
		t.Errorf("%d terms in %d fleets: they do not exercise the election", terms, len(seeds))
	}
}

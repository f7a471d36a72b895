package electiontest

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/election"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// Fleet is one fleet, with what is drawn for it.
type Fleet struct {
	Seed   uint64
	Random *rand.Rand
	Timing config.Timing

	t       *testing.T
	backend Backend
	spread  float64 // of the clocks' rates around 1
	made    int
	alive   []*member
	lines   []Line

	terms int
	token int64
	now   time.Duration
	// spared is until when no process ends.
	spared time.Duration
	done   []string
}

// member is a candidate.
type member struct {
	*election.Candidate
	pod     int
	line    Line
	stop    context.CancelFunc
	done    chan struct{}
	crash   bool
	leading bool
	token   int64
}

// draws gives random numbers that the seed repeats.
func draws(seed, stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, stream)) //nolint:gosec // nothing secret is made of them
}

func newFleet(t *testing.T, seed uint64, open func(*Fleet) Backend) *Fleet {
	t.Helper()
	f := &Fleet{
		t: t, Seed: seed, Random: draws(seed, 0),
		// Tight margins: the defaults hide faults.
		Timing: config.Timing{LeaseDuration: 15 * time.Second, RenewDeadline: 12 * time.Second, RetryPeriod: 2 * time.Second},
		spread: 0.1,
	}
	if seed%2 == 0 {
		f.Timing.RenewDeadline, f.spread = 10*time.Second, 0.18
	}
	f.backend = open(f)
	return f
}

// Notef writes down what was done to the fleet.
func (f *Fleet) Notef(format string, args ...any) {
	f.done = append(f.done, fmt.Sprintf("%s: ", f.now)+fmt.Sprintf(format, args...))
}

// Spare lets no process end for so long: one that starts would believe what a fault has
// brought back.
func (f *Fleet) Spare(d time.Duration) { f.spared = f.now + d }

func (f *Fleet) add(pod int) {
	f.made++
	made := uint64(f.made)
	uid := "u" + strconv.Itoa(pod)
	l, line := f.backend.Join(Process{UID: uid, Timing: f.Timing, Random: draws(f.Seed, made)})
	ctx, stop := context.WithCancel(context.Background())
	m := &member{pod: pod, line: line, stop: stop, done: make(chan struct{})}
	m.Candidate = election.New(l, election.Options{
		Identity: lock.Identity{Pod: "p" + strconv.Itoa(pod), UID: uid, Start: strconv.Itoa(f.made)},
		Timing:   f.Timing,
		Clock:    NewClock(1 + f.spread*(2*f.Random.Float64()-1)),
		Logger:   slog.New(slog.DiscardHandler),
		Release:  func() bool { return !m.crash },
		Random:   draws(f.Seed, made+1000).Float64,
	})
	f.lines, f.alive = append(f.lines, line), append(f.alive, m)
	go func() {
		defer close(m.done)
		m.Run(ctx)
	}()
}

// remove ends a candidate, which may come back in the same pod.
func (f *Fleet) remove(at int, crash bool) {
	m := f.alive[at]
	f.alive = slices.Delete(f.alive, at, at+1)
	m.crash = crash
	m.stop()
	<-m.done
}

// disturb does, rarely, one thing that goes wrong.
func (f *Fleet) disturb() {
	at, x := f.Random.IntN(len(f.alive)), f.Random.Float64()
	drawn := func(chance float64) bool {
		x -= chance
		return x < 0
	}
	switch {
	case drawn(chanceOfCut):
		f.Notef("cut p%d", f.alive[at].pod)
		f.alive[at].line.Cut(true)
		return
	case drawn(chanceOfHeal):
		f.heal()
		return
	}
	for _, fault := range f.backend.Faults {
		if drawn(fault.Chance) {
			fault.Do(at)
			return
		}
	}
	if drawn(chanceOfEnd) && (f.spared == 0 || f.now > f.spared) {
		f.replace(at)
	}
}

// replace ends a candidate, and starts another in its pod or in a new one.
func (f *Fleet) replace(at int) {
	crash := f.Random.IntN(2) == 0
	pod := f.alive[at].pod
	f.Notef("end p%d, crash %v", pod, crash)
	f.remove(at, crash)
	if f.Random.IntN(2) == 0 {
		pod = f.made + 100
	}
	f.Notef("start p%d", pod)
	f.add(pod)
}

func (f *Fleet) heal() {
	f.Notef("heal all")
	for _, m := range f.alive {
		m.line.Cut(false)
	}
}

func (f *Fleet) end() {
	for len(f.alive) > 0 {
		f.remove(0, true)
	}
	for _, line := range f.lines {
		line.Wait()
	}
}

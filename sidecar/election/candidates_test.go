package election_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/election"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/memory"
)

// fleets is how many fleets TestCandidates runs, each for five virtual minutes.
const fleets = 40

// skewed is a machine's clock: it runs at a rate of its own.
type skewed struct {
	start time.Time
	rate  float64
}

func (c skewed) Now() election.Instant {
	return time.Hour + time.Duration(float64(time.Since(c.start))*c.rate)
}

const trouble = 0.03

// fates draws what becomes of messages: they are delayed, now and then for so long
// that the candidate has given up while the request is still executed, or lost.
func fates(random *rand.Rand) func() memory.Fate {
	delay := func() time.Duration {
		longest := 20 * time.Millisecond
		if random.Float64() < trouble {
			longest = 20 * time.Second
		}
		return time.Duration(random.Float64() * float64(longest))
	}
	return func() memory.Fate {
		return memory.Fate{Before: delay(), After: delay(), Lost: random.Float64() < trouble}
	}
}

// world is one simulated fleet.
type world struct {
	*testing.T
	seed   uint64
	random *rand.Rand
	lock   *memory.Lock
	timing config.Timing
	spread float64 // of the clocks' rates around 1
	made   int
	alive  []*inhabitant
	all    []*memory.Line

	terms int
	token int64
	now   time.Duration
	done  []string
}

// notef writes down what was done to the fleet.
func (w *world) notef(format string, args ...any) {
	w.done = append(w.done, fmt.Sprintf("%s: ", w.now)+fmt.Sprintf(format, args...))
}

// wrongf ends the test with all that explains it. The seed repeats it.
func (w *world) wrongf(format string, args ...any) {
	w.Helper()
	const last = 20
	for _, line := range w.done[max(0, len(w.done)-last):] {
		w.Log(line)
	}
	history := w.lock.History()
	for _, s := range history[max(0, len(history)-last):] {
		w.Logf("version %s, exists %v: %+v", s.Version, s.Exists, s.Record)
	}
	for _, i := range w.alive {
		status, _ := i.Status()
		w.Logf("p%d: %+v", i.pod, status)
	}
	w.Fatalf("seed %d at %s: %s", w.seed, w.now, fmt.Sprintf(format, args...))
}

type inhabitant struct {
	*election.Candidate
	pod     int
	line    *memory.Line
	stop    context.CancelFunc
	done    chan struct{}
	crash   bool
	leading bool
	token   int64
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{
		T: t, seed: seed, random: rand.New(rand.NewPCG(seed, 0)), lock: memory.New(),
		// Tight margins: the defaults hide faults.
		timing: config.Timing{LeaseDuration: 15 * time.Second, RenewDeadline: 12 * time.Second, RetryPeriod: 2 * time.Second},
		spread: 0.1,
	}
	if seed%2 == 0 {
		w.timing.RenewDeadline, w.spread = 10*time.Second, 0.18
	}
	return w
}

func (w *world) add(pod int) {
	w.made++
	line := memory.NewLine(w.lock)
	line.Trouble(fates(rand.New(rand.NewPCG(w.seed, uint64(w.made)))))
	ctx, stop := context.WithCancel(context.Background())
	i := &inhabitant{pod: pod, line: line, stop: stop, done: make(chan struct{})}
	i.Candidate = election.New(line, election.Options{
		Identity: lock.Identity{Pod: "p" + strconv.Itoa(pod), UID: "u" + strconv.Itoa(pod), Start: strconv.Itoa(w.made)},
		Timing:   w.timing,
		Clock:    skewed{start: time.Now(), rate: 1 + w.spread*(2*w.random.Float64()-1)},
		Logger:   slog.New(slog.DiscardHandler),
		Release:  func() bool { return !i.crash },
		Random:   rand.New(rand.NewPCG(w.seed, uint64(w.made)+1000)).Float64,
	})
	w.all, w.alive = append(w.all, line), append(w.alive, i)
	go func() {
		defer close(i.done)
		i.Run(ctx)
	}()
}

// remove ends a candidate, which may come back in the same pod.
func (w *world) remove(at int, crash bool) {
	i := w.alive[at]
	w.alive = slices.Delete(w.alive, at, at+1)
	i.crash = crash
	i.stop()
	<-i.done
}

// judge holds the fleet against what package election promises.
func (w *world) judge() {
	leaders := 0
	for _, i := range w.alive {
		s, _ := i.Status()
		if s.IsLeader {
			leaders++
		}
		if s.IsLeader && !i.leading {
			w.terms++
			if s.Token <= w.token {
				w.wrongf("token %d follows %d", s.Token, w.token)
			}
			w.token, i.token = s.Token, s.Token
		}
		if s.IsLeader && s.Token < i.token {
			w.wrongf("the token fell from %d to %d within a term", i.token, s.Token)
		}
		i.leading = s.IsLeader
	}
	if leaders > 1 {
		w.wrongf("%d leaders", leaders)
	}
}

// disturb does, rarely, one thing that goes wrong.
func (w *world) disturb() {
	history := w.lock.History
	exists := func() bool {
		h := history()
		return len(h) > 0 && h[len(h)-1].Exists
	}
	at := w.random.IntN(len(w.alive))
	switch x := w.random.Float64(); {
	case x < 0.0003:
		w.notef("cut p%d", w.alive[at].pod)
		w.alive[at].line.Cut(true)
	case x < 0.0008:
		w.notef("heal all")
		for _, i := range w.alive {
			i.line.Cut(false)
		}
	case x < 0.0010 && exists():
		w.notef("delete the lock")
		w.lock.Delete()
	case x < 0.0012 && exists():
		w.notef("clear the lock")
		w.lock.Edit(func(r *lock.Record) { r.Holder, r.Duration = "", time.Second })
	case x < 0.0013 && exists():
		w.notef("name p%d by hand", at)
		w.lock.Edit(func(r *lock.Record) { r.Holder = fmt.Sprintf("p%d_u%d_1", at, at) })
	case x < 0.0018:
		crash := w.random.IntN(2) == 0
		pod := w.alive[at].pod
		w.notef("end p%d, crash %v", pod, crash)
		w.remove(at, crash)
		if w.random.IntN(2) == 0 {
			pod = w.made + 100
		}
		w.notef("start p%d", pod)
		w.add(pod)
	}
}

func (w *world) end() {
	for len(w.alive) > 0 {
		w.remove(0, true)
	}
	for _, line := range w.all {
		line.Wait()
	}
}

// TestCandidates runs whole candidates, goroutines and all, through what the
// simulator runs their machines through, if less of it: delays, losses, late
// execution, cuts, crashes, restarts, hand edits and deletions, with clocks of
// different rates. It looks every few virtual milliseconds for a second leader and
// for a token that does not grow.
func TestCandidates(t *testing.T) {
	const step, steps = 5 * time.Millisecond, 60000
	terms := 0
	for seed := range uint64(fleets) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, seed)
			defer w.end()
			for pod := range 3 {
				w.add(pod)
			}
			for i := range steps {
				time.Sleep(step)
				w.now = time.Duration(i) * step
				w.judge()
				w.disturb()
			}
			terms += w.terms
		})
	}
	t.Logf("%d fleets, %d terms", fleets, terms)
	if terms < 3*fleets {
		t.Errorf("%d terms in %d fleets: the simulation does not exercise the election", terms, fleets)
	}
}

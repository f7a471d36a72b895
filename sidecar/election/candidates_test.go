package election_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
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

// network is one candidate's way to the lock. It delays requests and answers,
// now and then for so long that the candidate has given up while the request is
// still executed, loses answers, cuts the line, and ends watches.
type network struct {
	lock.Lock
	late sync.WaitGroup

	mu     sync.Mutex
	random *rand.Rand
	cut    bool
}

const trouble = 0.03

var errLost = errors.New("the answer is lost")

// fate is what becomes of one message.
func (n *network) fate() (delay time.Duration, lost, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	longest := 20 * time.Millisecond
	if n.random.Float64() < trouble {
		longest = 20 * time.Second
	}
	return time.Duration(n.random.Float64() * float64(longest)), n.random.Float64() < trouble, n.cut
}

func (n *network) set(cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut = cut
}

func (n *network) lifetime() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return time.Duration(n.random.ExpFloat64() * float64(40*time.Second))
}

// through sends a request. Whether or not somebody still waits, it is executed.
func through[T any](ctx context.Context, n *network, execute func() (T, error)) (T, error) {
	var none T
	before, _, cut := n.fate()
	after, lost, _ := n.fate()
	if cut {
		return none, errLost
	}
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	n.late.Go(func() {
		time.Sleep(before)
		value, err := execute()
		time.Sleep(after)
		answers <- answer{value, err}
	})
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case a := <-answers:
		if lost {
			return none, errLost
		}
		return a.value, a.err
	}
}

func (n *network) Read(ctx context.Context) (lock.Snapshot, error) {
	return through(ctx, n, func() (lock.Snapshot, error) { return n.Lock.Read(context.WithoutCancel(ctx)) })
}

func (n *network) Create(ctx context.Context) error {
	_, err := through(ctx, n, func() (struct{}, error) { return struct{}{}, n.Lock.Create(context.WithoutCancel(ctx)) })
	return err
}

func (n *network) Write(ctx context.Context, base lock.Snapshot, r lock.Record) (lock.Snapshot, error) {
	return through(ctx, n, func() (lock.Snapshot, error) { return n.Lock.Write(context.WithoutCancel(ctx), base, r) })
}

func (n *network) Watch(ctx context.Context, from lock.Version, observe func(lock.Snapshot)) error {
	ctx, cancel := context.WithTimeout(ctx, n.lifetime())
	defer cancel()
	return n.Lock.Watch(ctx, from, func(s lock.Snapshot) {
		delay, _, cut := n.fate()
		if cut {
			delay += 10 * time.Second
		}
		select {
		case <-ctx.Done():
		case <-time.After(delay):
			observe(s)
		}
	})
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
	all    []*network

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
	network *network
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
	n := &network{Lock: w.lock, random: rand.New(rand.NewPCG(w.seed, uint64(w.made)))}
	ctx, stop := context.WithCancel(context.Background())
	i := &inhabitant{pod: pod, network: n, stop: stop, done: make(chan struct{})}
	i.Candidate = election.New(n, election.Options{
		Identity: lock.Identity{Pod: "p" + strconv.Itoa(pod), UID: "u" + strconv.Itoa(pod), Start: strconv.Itoa(w.made)},
		Timing:   w.timing,
		Clock:    skewed{start: time.Now(), rate: 1 + w.spread*(2*w.random.Float64()-1)},
		Logger:   slog.New(slog.DiscardHandler),
		Release:  func() bool { return !i.crash },
		Random:   rand.New(rand.NewPCG(w.seed, uint64(w.made)+1000)).Float64,
	})
	w.all, w.alive = append(w.all, n), append(w.alive, i)
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
		w.alive[at].network.set(true)
	case x < 0.0008:
		w.notef("heal all")
		for _, i := range w.alive {
			i.network.set(false)
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
	for _, n := range w.all {
		n.late.Wait()
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

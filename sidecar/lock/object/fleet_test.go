package object_test

import (
	"context"
	"errors"
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
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/objecttest"
)

var (
	errThrottled = errors.New("429: too many requests")
	errAway      = errors.New("503: no service")
	errLost      = errors.New("the answer is lost")
)

// skewed is a machine's clock: it runs at a rate of its own.
type skewed struct {
	start time.Time
	rate  float64
}

func (c skewed) Now() election.Instant {
	return time.Hour + time.Duration(float64(time.Since(c.start))*c.rate)
}

const trouble = 0.03

// fates draws what becomes of requests: they are delayed, now and then for so long that
// the candidate has given up while the request is still executed; lost; refused; sent
// twice.
func fates(random *rand.Rand) func() objecttest.Fate {
	delay := func() time.Duration {
		longest := 100 * time.Millisecond
		if random.Float64() < trouble {
			longest = 20 * time.Second
		}
		return time.Duration(random.Float64() * float64(longest))
	}
	return func() objecttest.Fate {
		fate := objecttest.Fate{Before: delay(), After: delay(), Twice: random.Float64() < trouble}
		switch x := random.Float64(); {
		case x < trouble:
			fate.Refused = errThrottled
		case x < 2*trouble:
			fate.Refused = errAway
		case x < 3*trouble:
			fate.Lost = errLost
		}
		return fate
	}
}

func cutOff() objecttest.Fate { return objecttest.Fate{Refused: errAway} }

// fleet is one simulated fleet over one object.
type fleet struct {
	*testing.T
	seed   uint64
	random *rand.Rand
	server *objecttest.Server
	timing config.Timing
	spread float64 // of the clocks' rates around 1
	made   int
	alive  []*inhabitant
	all    []*objecttest.Client

	terms int
	token int64
	now   time.Duration
	// believed is until when a process that starts would believe what was restored.
	believed time.Duration
	done     []string
}

type inhabitant struct {
	*election.Candidate
	pod     int
	client  *objecttest.Client
	fates   func() objecttest.Fate
	stop    context.CancelFunc
	done    chan struct{}
	crash   bool
	leading bool
	token   int64
}

func newFleet(t *testing.T, seed uint64) *fleet {
	t.Helper()
	f := &fleet{
		T: t, seed: seed, random: rand.New(rand.NewPCG(seed, 0)), server: objecttest.NewServer(),
		// Tight margins: the defaults hide faults.
		timing: config.Timing{LeaseDuration: 15 * time.Second, RenewDeadline: 12 * time.Second, RetryPeriod: 2 * time.Second},
		spread: 0.1,
	}
	if seed%2 == 0 {
		f.timing.RenewDeadline, f.spread = 10*time.Second, 0.18
	}
	return f
}

// notef writes down what was done to the fleet.
func (f *fleet) notef(format string, args ...any) {
	f.done = append(f.done, fmt.Sprintf("%s: ", f.now)+fmt.Sprintf(format, args...))
}

// wrongf ends the test with all that explains it. The seed repeats it.
func (f *fleet) wrongf(format string, args ...any) {
	f.Helper()
	const last = 20
	for _, line := range f.done[max(0, len(f.done)-last):] {
		f.Log(line)
	}
	history := f.server.History()
	for _, s := range history[max(0, len(history)-last):] {
		f.Logf("revision %q: %s", s.Revision, s.Value)
	}
	for _, i := range f.alive {
		status, _ := i.Status()
		f.Logf("p%d: %+v", i.pod, status)
	}
	f.Fatalf("seed %d at %s: %s", f.seed, f.now, fmt.Sprintf(format, args...))
}

func (f *fleet) add(pod int) {
	f.made++
	i := &inhabitant{
		pod: pod, client: f.server.Client(), done: make(chan struct{}),
		fates: fates(rand.New(rand.NewPCG(f.seed, uint64(f.made)))),
	}
	i.client.Trouble(i.fates)
	l := object.New(i.client, object.Options{Name: "memory", Period: f.timing.RetryPeriod, MinWriteInterval: time.Second})
	i.Candidate = election.New(l, election.Options{
		Identity: lock.Identity{Pod: "p" + strconv.Itoa(pod), UID: "u" + strconv.Itoa(pod), Start: strconv.Itoa(f.made)},
		Timing:   f.timing,
		Clock:    skewed{start: time.Now(), rate: 1 + f.spread*(2*f.random.Float64()-1)},
		Logger:   slog.New(slog.DiscardHandler),
		Release:  func() bool { return !i.crash },
		Random:   rand.New(rand.NewPCG(f.seed, uint64(f.made)+1000)).Float64,
	})
	var ctx context.Context
	ctx, i.stop = context.WithCancel(context.Background())
	f.all, f.alive = append(f.all, i.client), append(f.alive, i)
	go func() {
		defer close(i.done)
		i.Run(ctx)
	}()
}

// remove ends a candidate, which may come back in the same pod.
func (f *fleet) remove(at int, crash bool) {
	i := f.alive[at]
	f.alive = slices.Delete(f.alive, at, at+1)
	i.crash = crash
	i.stop()
	<-i.done
}

// judge holds the fleet against what package election promises.
func (f *fleet) judge() {
	leaders := 0
	for _, i := range f.alive {
		s, _ := i.Status()
		if s.IsLeader {
			leaders++
		}
		if s.IsLeader && !i.leading {
			f.terms++
			if s.Token <= f.token {
				f.wrongf("token %d follows %d", s.Token, f.token)
			}
			f.token, i.token = s.Token, s.Token
		}
		if s.IsLeader && s.Token < i.token {
			f.wrongf("the token fell from %d to %d within a term", i.token, s.Token)
		}
		i.leading = s.IsLeader
	}
	if leaders > 1 {
		f.wrongf("%d leaders", leaders)
	}
}

// disturb does, rarely, one thing that goes wrong.
func (f *fleet) disturb() {
	at := f.random.IntN(len(f.alive))
	switch x := f.random.Float64(); {
	case x < 0.0003:
		f.notef("cut p%d", f.alive[at].pod)
		f.alive[at].client.Trouble(cutOff)
	case x < 0.0008:
		f.calm()
	case x < 0.0010:
		f.notef("delete the object")
		f.server.Delete()
	case x < 0.0012:
		f.restore()
	case x < 0.0014:
		f.edit()
	case x < 0.0019 && f.now > f.believed:
		crash := f.random.IntN(2) == 0
		pod := f.alive[at].pod
		f.notef("end p%d, crash %v", pod, crash)
		f.remove(at, crash)
		if f.random.IntN(2) == 0 {
			pod = f.made + 100
		}
		f.notef("start p%d", pod)
		f.add(pod)
	}
}

func (f *fleet) calm() {
	f.notef("heal all")
	for _, i := range f.alive {
		i.client.Trouble(i.fates)
	}
}

// restore brings back any state that the object has been in. The token of a term that
// such a state has forgotten is the greater of those that were seen, and of the server's clock.
func (f *fleet) restore() {
	history := f.server.History()
	if len(history) == 0 {
		return
	}
	if s := history[f.random.IntN(len(history))]; s.Exists {
		f.notef("restore %s", s.Value)
		f.server.Put(s.Value)
		f.believed = f.now + 2*f.timing.LeaseDuration
	}
}

// edit changes the value by hand, and nothing else of the entry.
func (f *fleet) edit() {
	history := f.server.History()
	if len(history) == 0 || !history[len(history)-1].Exists {
		return
	}
	e, err := object.Decode(history[len(history)-1].Value)
	if err != nil {
		f.wrongf("an entry cannot be read: %v", err)
	}
	e.Record.Holder, e.Record.Duration = "", time.Second
	f.notef("clear %s", e.Value())
	f.server.Put(e.Value())
	f.believed = f.now + 2*f.timing.LeaseDuration
}

// settles waits for a leader, when nothing goes wrong any more.
func (f *fleet) settles() {
	f.calm()
	for _, i := range f.alive {
		i.client.Trouble(func() objecttest.Fate { return objecttest.Fate{} })
	}
	const step, steps = 100 * time.Millisecond, 1200
	for range steps {
		time.Sleep(step)
		f.now += step
		f.judge()
	}
	for _, i := range f.alive {
		if s, _ := i.Status(); s.IsLeader {
			return
		}
	}
	f.wrongf("nobody leads in the end")
}

func (f *fleet) end() {
	for len(f.alive) > 0 {
		f.remove(0, true)
	}
	for _, client := range f.all {
		client.Wait()
	}
}

// fleets is how many fleets TestFleets runs, each for seven virtual minutes.
const fleets = 24

// TestFleets runs whole candidates over a store that delays, loses, refuses and repeats
// requests, and whose object is deleted, restored and edited by hand, with clocks of
// different rates. It looks every few virtual milliseconds for a second leader and for a
// token that does not grow, and in the end for a leader.
func TestFleets(t *testing.T) {
	const step, steps = 5 * time.Millisecond, 60000
	terms := 0
	for seed := range uint64(fleets) {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, seed)
			defer f.end()
			for pod := range 3 {
				f.add(pod)
			}
			for i := range steps {
				time.Sleep(step)
				f.now = time.Duration(i) * step
				f.judge()
				f.disturb()
			}
			f.settles()
			terms += f.terms
		})
	}
	t.Logf("%d fleets, %d terms", fleets, terms)
	if terms < 3*fleets {
		t.Errorf("%d terms in %d fleets: the simulation does not exercise the election", terms, fleets)
	}
}

package azblob

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
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/object/objecttest"
)

// fleets is how many fleets TestCandidates runs, each for five virtual minutes.
const fleets = 30

const trouble = 0.03

// skewed is a machine's clock: it runs at a rate of its own.
type skewed struct {
	start time.Time
	rate  float64
}

func (c skewed) Now() election.Instant {
	return time.Hour + time.Duration(float64(time.Since(c.start))*c.rate)
}

var errBusy = errors.New("the service answers 503 ServerBusy")

// fates draws what becomes of requests: they are delayed, now and then for so long that
// the candidate has given up while they are still executed, lost, doubled, or refused.
func fates(random *rand.Rand) func(string) objecttest.Fate {
	delay := func() time.Duration {
		longest := 20 * time.Millisecond
		if random.Float64() < trouble {
			longest = 20 * time.Second
		}
		return time.Duration(random.Float64() * float64(longest))
	}
	return func(string) objecttest.Fate {
		f := objecttest.Fate{Before: delay(), After: delay(), Twice: random.Float64() < trouble}
		if random.Float64() < trouble {
			f.Lost = errLost
		}
		if random.Float64() < trouble {
			f.Refused = errBusy
		}
		return f
	}
}

// world is one simulated fleet.
type world struct {
	*testing.T
	seed    uint64
	random  *rand.Rand
	service *service
	timing  config.Timing
	spread  float64 // of the clocks' rates around 1
	made    int
	alive   []*inhabitant
	all     []*wire

	terms int
	token int64
	now   time.Duration
	done  []string
}

type inhabitant struct {
	*election.Candidate
	pod     int
	wire    *wire
	stop    context.CancelFunc
	done    chan struct{}
	crash   bool
	leading bool
	token   int64
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{
		T: t, seed: seed, random: rand.New(rand.NewPCG(seed, 0)),
		// Tight margins: the defaults hide faults.
		timing: config.Timing{LeaseDuration: 15 * time.Second, RenewDeadline: 12 * time.Second, RetryPeriod: 2 * time.Second},
		spread: 0.1,
	}
	if seed%2 == 0 {
		w.timing.RenewDeadline, w.spread = 10*time.Second, 0.18
	}
	// The service's clock may be as wrong as it likes.
	w.service = newService([]float64{1, 0.3, 3}[seed%3])
	return w
}

func (w *world) add(number int) {
	w.made++
	wire := w.service.wire()
	wire.trouble(fates(rand.New(rand.NewPCG(w.seed, uint64(w.made)))))
	ctx, stop := context.WithCancel(context.Background())
	i := &inhabitant{pod: number, wire: wire, stop: stop, done: make(chan struct{})}
	uid := "u" + strconv.Itoa(number)
	i.Candidate = election.New(lockOf(wire, uid, w.timing.RetryPeriod), election.Options{
		Identity: lock.Identity{Pod: pod(number), UID: uid, Start: strconv.Itoa(w.made)},
		Timing:   w.timing,
		Clock:    skewed{start: time.Now(), rate: 1 + w.spread*(2*w.random.Float64()-1)},
		Logger:   slog.New(slog.DiscardHandler),
		Release:  func() bool { return !i.crash },
		Random:   rand.New(rand.NewPCG(w.seed, uint64(w.made)+1000)).Float64,
	})
	w.all, w.alive = append(w.all, wire), append(w.alive, i)
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

func (w *world) end() {
	for len(w.alive) > 0 {
		w.remove(0, true)
	}
	for _, wire := range w.all {
		wire.late.Wait()
	}
}

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
	records := w.service.records()
	for _, r := range records[max(0, len(records)-last):] {
		w.Logf("%+v", r)
	}
	for _, i := range w.alive {
		status, _ := i.Status()
		w.Logf("%s: %+v", pod(i.pod), status)
	}
	w.Fatalf("seed %d at %s: %s", w.seed, w.now, fmt.Sprintf(format, args...))
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
	at := w.random.IntN(len(w.alive))
	switch x := w.random.Float64(); {
	case x < 0.0003:
		w.notef("cut %s", pod(w.alive[at].pod))
		w.alive[at].wire.setCut(true)
	case x < 0.0008:
		w.notef("heal all")
		for _, i := range w.alive {
			i.wire.setCut(false)
		}
	case x < 0.0010:
		w.notef("delete the blob")
		w.service.delete()
	case x < 0.0012:
		w.notef("break the lease")
		w.service.breakLease(time.Duration(w.random.IntN(20)) * time.Second)
	case x < 0.0014:
		w.notef("lease the blob to a stranger")
		w.service.leaseTo("stranger", w.service.now()+time.Duration(w.random.IntN(40))*time.Second)
	case x < 0.0019:
		crash := w.random.IntN(2) == 0
		number := w.alive[at].pod
		w.notef("end %s, crash %v", pod(number), crash)
		w.remove(at, crash)
		if w.random.IntN(2) == 0 {
			number = w.made + 100
		}
		w.notef("start %s", pod(number))
		w.add(number)
	}
}

// TestCandidates runs whole candidates over one blob: through delays, losses, late and
// double execution, cuts, crashes, restarts, leases broken and given to strangers, and
// deletions, with clocks of different rates, the service's among them. It looks every few
// virtual milliseconds for a second leader and for a token that does not grow.
func TestCandidates(t *testing.T) {
	const step, steps = 5 * time.Millisecond, 60000
	terms := 0
	for seed := range uint64(fleets) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, seed)
			defer w.end()
			for number := range 3 {
				w.add(number)
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

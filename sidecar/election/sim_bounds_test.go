package election

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// What a message takes at most in a world without trouble: a request and its
// answer, and an event of a watch.
const (
	simRequest = 40 * time.Millisecond
	simEventL  = 20 * time.Millisecond
)

// reach is how long things take beside one kind of server, in a world without trouble.
type reach struct {
	// L is a request of the lock's with its answer, W until a standby hears of a change.
	L, W time.Duration
	// X is what a write that follows another at once may have to wait more.
	X time.Duration
	// H is what a takeover of a silent leader may take more, because the store itself
	// still holds the object for it.
	H time.Duration
}

var reaches = map[string]reach{
	"watched": {L: simRequest, W: simEventL},
	// A standby asks a period after the last answer.
	"polled": {L: simRequest, W: retry + simRequest},
	// One write a second: a release waits for its turn, and who takes the lock is refused
	// before, and tries again after twice as long.
	"polled, one write a second": {L: simRequest, W: retry + simRequest, X: 3*time.Second + 4*simRequest},
	// A write is two requests. Who takes a lock that is still leased is refused, and tries
	// again: soon after a release, within a period after a crash.
	"leased": {L: 2 * simRequest, W: retry + simRequest, X: 2*firstBackoff + 5*simRequest, H: retry + 5*simRequest},
}

// bound is one promise about how soon, or how late, there is a new leader. It is
// stated for clocks that are right; those of the world are up to 11 % fast or slow.
type bound struct {
	name string
	test func(b *bounded) error
	// when is the least and the most that passes, after the moment at which test returns,
	// until the new leader begins.
	when func(x reach) (least, most time.Duration)
}

// bounded is a world for one bound: a leader in pod a, and standbys in b and c.
type bounded struct {
	steps
	a, b, c *simNode
	before  int64 // the leader's token
	// mustBe is who the new leader must be, if it is set.
	mustBe *simNode
	reach  reach
}

const (
	lease = 15 * time.Second
	renew = 12 * time.Second
	retry = 2 * time.Second
)

var bounds = []bound{
	{"released", func(b *bounded) error {
		b.a.stop(true)
		return nil
	}, func(x reach) (time.Duration, time.Duration) { return 0, 2*x.L + x.W + x.X }},
	{"asked to step down", func(b *bounded) error {
		b.a.deliver(func(now Instant) { b.a.machine.stepDown(now) })
		return nil
	}, func(x reach) (time.Duration, time.Duration) { return 0, 2*x.L + x.W + x.X }},
	{"handed over to one that is away", func(b *bounded) error {
		b.server.edit("hand over", func(r *lock.Record) { r.StepDown, r.Preferred = r.Holder, "z" })
		return nil
	}, func(x reach) (time.Duration, time.Duration) { return retry / 4, 2*x.L + 2*x.W + retry/2 + x.X }},
	{"stepped down alone", func(b *bounded) error {
		b.b.kill()
		b.c.kill()
		b.a.deliver(func(now Instant) { b.a.machine.stepDown(now) })
		return nil
	}, func(x reach) (time.Duration, time.Duration) { return lease, lease + 2*x.L + x.X }},
	{"crashed", func(b *bounded) error {
		b.a.kill()
		return nil
	}, func(x reach) (time.Duration, time.Duration) {
		return lease - retry - x.L, lease + x.W + 2*x.L + shortestSpread + x.H
	}},
	{"crashed" + noWatch, func(b *bounded) error {
		b.b.stream.silent, b.c.stream.silent = true, true
		b.a.kill()
		return nil
	}, func(x reach) (time.Duration, time.Duration) {
		return lease - retry - x.L, lease + 2*retry + 3*x.L + shortestSpread
	}},
	{"released" + noWatch, func(b *bounded) error {
		b.b.stream.silent, b.c.stream.silent = true, true
		b.a.stop(true)
		return nil
	}, func(x reach) (time.Duration, time.Duration) { return 0, 2*retry + 3*x.L }},
	{"cut off", func(b *bounded) error {
		b.a.cut = true
		start := b.now
		for b.a.isLeader() && b.err == nil {
			b.wait(10 * time.Millisecond)
		}
		if took := b.now - start; took > slow(renew)+20*time.Millisecond {
			return fmt.Errorf("it says no only after %s", took)
		}
		return nil
	}, func(x reach) (time.Duration, time.Duration) {
		return quick(lease) - slow(renew), lease - renew + retry + x.W + 2*x.L + shortestSpread + (slow(lease) - quick(lease)) + x.H
	}},
	{"all restarted in their pods", func(b *bounded) error {
		for _, n := range []*simNode{b.b, b.c, b.a} {
			n.kill()
			b.start(n.identity.Pod, n.identity.UID, n.clock, b.timing)
		}
		return nil
	}, func(x reach) (time.Duration, time.Duration) { return 0, 2*x.L + x.X }},
	{"all restarted elsewhere", func(b *bounded) error {
		for _, n := range []*simNode{b.b, b.c, b.a} {
			n.kill()
			b.enter("new-"+n.identity.Pod, b.timing)
		}
		return nil
	}, func(x reach) (time.Duration, time.Duration) {
		return lease - x.L, lease + x.W + 3*x.L + shortestSpread + x.H
	}},
	{"the lock deleted, the leader dead", func(b *bounded) error {
		b.a.kill()
		b.server.remove()
		return nil
	}, func(x reach) (time.Duration, time.Duration) { return lease, lease + x.W + 3*x.L + 2*shortestSpread }},
	{"the lock cleared, the leader dead", func(b *bounded) error {
		b.a.kill()
		b.server.edit("cleared", func(r *lock.Record) { r.Holder = "" })
		return nil
	}, func(x reach) (time.Duration, time.Duration) { return lease - x.L, lease + x.W + 2*x.L + shortestSpread }},
	{"the server away for longer than a validity, not than a lease", func(b *bounded) error {
		b.outage(time.Hour)
		for b.a.isLeader() && b.err == nil {
			b.wait(10 * time.Millisecond)
		}
		b.server.down, b.mustBe = false, b.a
		return nil
	}, func(x reach) (time.Duration, time.Duration) { return 0, 2*x.L + 2*lastBackoff }},
	{"the server away for longer than a lease", func(b *bounded) error {
		return b.away(2 * lease)
	}, func(x reach) (time.Duration, time.Duration) { return 0, 3*x.L + 2*retry }},
}

// noWatch ends the name of what only a watch can do.
const noWatch = ", and no watch tells"

// stays are what a leader gets over without a gap.
var stays = map[string]func(b *bounded){
	"the lock deleted":           func(b *bounded) { b.server.remove() },
	"the lock cleared":           func(b *bounded) { b.server.edit("cleared", func(r *lock.Record) { r.Holder = "" }) },
	"the lock touched":           func(b *bounded) { b.server.edit("touched", func(*lock.Record) {}) },
	"its watch" + noWatch:        func(b *bounded) { b.a.stream.silent = true },
	"its watch ended":            func(b *bounded) { b.a.client.unwatch() },
	"the standbys restarted":     func(b *bounded) { b.b.kill(); b.c.stop(true); b.enter("d", b.timing) },
	"another asked to go":        func(b *bounded) { b.server.edit("step down", func(r *lock.Record) { r.StepDown = "somebody" }) },
	"a pod preferred, no more":   func(b *bounded) { b.server.edit("prefer", func(r *lock.Record) { r.Preferred = "b" }) },
	"a stop shorter than needed": func(b *bounded) { b.a.pause(renew-retry-renew/3, false) },
	"the server away for a moment": func(b *bounded) {
		b.outage(quick(renew - retry - (renew-retry)/3 - 2*simRequest))
	},
}

// slow and quick are a duration on the slowest and on the quickest clock.
func slow(d time.Duration) time.Duration  { return time.Duration(float64(d) / 0.89) }
func quick(d time.Duration) time.Duration { return time.Duration(float64(d) / 1.11) }

func (b *bounded) away(d time.Duration) error {
	b.outage(d)
	b.wait(d)
	if b.judge.leader() != nil {
		return fmt.Errorf("%s leads at the end of the outage", b.judge.leader().identity)
	}
	return b.err
}

func newBounded(kind string, seed uint64) *bounded {
	w := newWorld(seed, seconds(15, 12, 2))
	w.spread, w.tidy = 0.11, true
	name, paced, _ := strings.Cut(kind, ", ")
	w.server.furnish(simKind(name))
	if w.server.kind == leased {
		w.server.rate = w.rate()
	}
	if w.server.pace = 0; paced != "" {
		w.server.pace, w.server.digest = onePace, false
	}
	b := &bounded{steps: steps{world: w}, reach: reaches[kind]}
	b.a = b.enter("a", w.timing)
	b.wait(2 * lease)
	b.b, b.c = b.enter("b", w.timing), b.enter("c", w.timing)
	b.wait(w.between(retry, 4*retry))
	b.before = b.a.machine.token
	return b
}

// boundSeeds is how many worlds each bound is held against, beside an API server and
// beside a store.
func boundSeeds(kind string) uint64 {
	const beside, besideStore = 100, 30
	if kind == string(watched) {
		return beside
	}
	return besideStore
}

// TestBounds holds every case against how soon, and how late, it promises a new
// leader.
func TestBounds(t *testing.T) {
	for kind := range reaches {
		t.Run(kind, func(t *testing.T) { holdBounds(t, kind) })
	}
}

func holdBounds(t *testing.T, kind string) {
	t.Helper()
	for _, c := range bounds {
		if kind != string(watched) && strings.HasSuffix(c.name, noWatch) {
			continue // as there is none
		}
		t.Run(c.name, func(t *testing.T) {
			var all []time.Duration
			for seed := range boundSeeds(kind) {
				b := newBounded(kind, seed)
				if b.judge.leader() != b.a {
					t.Fatalf("seed %d: a does not lead at first: %v", seed, b.err)
				}
				took, err := b.measure(c)
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				all = append(all, took)
			}
			slices.Sort(all)
			least, most := c.when(reaches[kind])
			t.Logf("a new leader after %s to %s, promised: %s to %s", all[0], all[len(all)-1], quick(least), slow(most))
		})
	}
}

func (b *bounded) measure(c bound) (time.Duration, error) {
	err := c.test(b)
	start := b.now
	for err == nil && b.successor() == nil {
		if b.now-start > 5*lease {
			return 0, errors.New("nobody leads")
		}
		b.wait(time.Millisecond)
		err = b.err
	}
	if err != nil {
		return 0, err
	}
	took := b.now - start
	if least, most := c.when(b.reach); took < quick(least)-time.Millisecond || took > slow(most)+time.Millisecond {
		return took, fmt.Errorf("a new leader after %s, promised: %s to %s", took, quick(least), slow(most))
	}
	if b.mustBe != nil && b.successor() != b.mustBe {
		return took, fmt.Errorf("%s leads, not %s", b.successor().identity, b.mustBe.identity)
	}
	return took, nil
}

// successor leads in a term that is not the first one's.
func (b *bounded) successor() *simNode {
	if n := b.judge.leader(); n != nil && n.machine.token != b.before {
		return n
	}
	return nil
}

// TestALeaderStays: what need not end a term does not.
func TestALeaderStays(t *testing.T) {
	for kind := range reaches {
		t.Run(kind, func(t *testing.T) { stay(t, kind) })
	}
}

func stay(t *testing.T, kind string) {
	t.Helper()
	for name, disturb := range stays {
		if kind != string(watched) && strings.HasSuffix(name, noWatch) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			for seed := range boundSeeds(kind) {
				b := newBounded(kind, seed)
				disturb(b)
				for range 3000 {
					b.wait(10 * time.Millisecond)
					if b.err != nil || !b.a.isLeader() || b.a.machine.token != b.before {
						t.Fatalf("seed %d: the lead is lost at %s: %v", seed, b.now, b.err)
					}
				}
			}
		})
	}
}

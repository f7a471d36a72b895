package election

import (
	"errors"
	"fmt"
	"slices"
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

// bound is one promise about how soon, or how late, there is a new leader. It is
// stated for clocks that are right; those of the world are up to 11 % fast or slow.
type bound struct {
	name string
	test func(b *bounded) error
	// least and most are when, after the moment at which test returns, the new
	// leader begins.
	least, most time.Duration
}

// bounded is a world for one bound: a leader in pod a, and standbys in b and c.
type bounded struct {
	steps
	a, b, c *simNode
	before  int64 // the leader's token
	// mustBe is who the new leader must be, if it is set.
	mustBe *simNode
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
	}, 0, 2*simRequest + simEventL},
	{"asked to step down", func(b *bounded) error {
		b.a.deliver(func(now Instant) { b.a.machine.stepDown(now) })
		return nil
	}, 0, 2*simRequest + simEventL},
	{"handed over to one that is away", func(b *bounded) error {
		b.server.edit("hand over", func(r *lock.Record) { r.StepDown, r.Preferred = r.Holder, "z" })
		return nil
	}, retry / 4, 2*simRequest + 2*simEventL + retry/2},
	{"stepped down alone", func(b *bounded) error {
		b.b.kill()
		b.c.kill()
		b.a.deliver(func(now Instant) { b.a.machine.stepDown(now) })
		return nil
	}, lease, lease + 2*simRequest},
	{"crashed", func(b *bounded) error {
		b.a.kill()
		return nil
	}, lease - retry - simRequest, lease + simEventL + 2*simRequest + shortestSpread},
	{"crashed, and no watch tells", func(b *bounded) error {
		b.b.stream.silent, b.c.stream.silent = true, true
		b.a.kill()
		return nil
	}, lease - retry - simRequest, lease + 2*retry + 3*simRequest + shortestSpread},
	{"released, and no watch tells", func(b *bounded) error {
		b.b.stream.silent, b.c.stream.silent = true, true
		b.a.stop(true)
		return nil
	}, 0, 2*retry + 3*simRequest},
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
	}, quick(lease) - slow(renew), lease - renew + retry + simEventL + 2*simRequest + shortestSpread + (slow(lease) - quick(lease))},
	{"all restarted in their pods", func(b *bounded) error {
		for _, n := range []*simNode{b.b, b.c, b.a} {
			n.kill()
			b.start(n.identity.Pod, n.identity.UID, n.clock, b.timing)
		}
		return nil
	}, 0, 2 * simRequest},
	{"all restarted elsewhere", func(b *bounded) error {
		for _, n := range []*simNode{b.b, b.c, b.a} {
			n.kill()
			b.enter("new-"+n.identity.Pod, b.timing)
		}
		return nil
	}, lease - simRequest, lease + simEventL + 3*simRequest + shortestSpread},
	{"the lock deleted, the leader dead", func(b *bounded) error {
		b.a.kill()
		b.server.remove()
		return nil
	}, lease, lease + simEventL + 3*simRequest + 2*shortestSpread},
	{"the lock cleared, the leader dead", func(b *bounded) error {
		b.a.kill()
		b.server.edit("cleared", func(r *lock.Record) { r.Holder = "" })
		return nil
	}, lease - simRequest, lease + simEventL + 2*simRequest + shortestSpread},
	{"the server away for longer than a validity, not than a lease", func(b *bounded) error {
		b.outage(time.Hour)
		for b.a.isLeader() && b.err == nil {
			b.wait(10 * time.Millisecond)
		}
		b.server.down, b.mustBe = false, b.a
		return nil
	}, 0, 2*simRequest + 2*lastBackoff},
	{"the server away for longer than a lease", func(b *bounded) error {
		return b.away(2 * lease)
	}, 0, 3*simRequest + 2*retry},
}

// stays are what a leader gets over without a gap.
var stays = map[string]func(b *bounded){
	"the lock deleted":           func(b *bounded) { b.server.remove() },
	"the lock cleared":           func(b *bounded) { b.server.edit("cleared", func(r *lock.Record) { r.Holder = "" }) },
	"the lock touched":           func(b *bounded) { b.server.edit("touched", func(*lock.Record) {}) },
	"its watch silent":           func(b *bounded) { b.a.stream.silent = true },
	"its watch ended":            func(b *bounded) { b.a.stream.end(errLost) },
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

func newBounded(seed uint64) *bounded {
	w := newWorld(seed, seconds(15, 12, 2))
	w.spread = 0.11
	b := &bounded{steps: steps{world: w}}
	b.a = b.enter("a", w.timing)
	b.wait(2 * lease)
	b.b, b.c = b.enter("b", w.timing), b.enter("c", w.timing)
	b.wait(w.between(retry, 4*retry))
	b.before = b.a.machine.token
	return b
}

const boundSeeds = 100

// TestBounds holds every case against how soon, and how late, it promises a new
// leader.
func TestBounds(t *testing.T) {
	for _, c := range bounds {
		t.Run(c.name, func(t *testing.T) {
			var all []time.Duration
			for seed := range uint64(boundSeeds) {
				b := newBounded(seed)
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
			t.Logf("a new leader after %s to %s, promised: %s to %s", all[0], all[len(all)-1], quick(c.least), slow(c.most))
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
	if took < quick(c.least)-time.Millisecond || took > slow(c.most)+time.Millisecond {
		return took, fmt.Errorf("a new leader after %s, promised: %s to %s", took, quick(c.least), slow(c.most))
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
	for name, disturb := range stays {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(boundSeeds) {
				b := newBounded(seed)
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

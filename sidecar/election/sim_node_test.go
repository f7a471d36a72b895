package election

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// simNode is one process: a machine with what loop.go does around it.
type simNode struct {
	w        *world
	identity lock.Identity
	clock    *simClock
	machine  *machine

	client simClient
	number int // of all processes

	gone      bool // ended or killed
	leaving   bool // told to end
	paused    bool
	streaming bool
	inbox     []func(now Instant)
	ordered   []bool
	wake      int
	requests  int
	watch     int
	stream    *simWatch
	// cut is a network that lets nothing through.
	cut bool
	// twice is a proxy that sends every request to a store twice.
	twice bool
	// mayMake is the right to make the lock.
	mayMake bool
	// asked counts the requests sent, wrote those that write.
	asked, wrote int
	// ended is called when the process has left the election by itself.
	ended func()
}

// simClock is a machine's boot-time clock, and its wall clock, which is wrong.
type simClock struct {
	base      Instant
	rate      float64
	wall      time.Duration
	suspended time.Duration // for a clock that stops while the machine is suspended
}

func (c *simClock) at(t time.Duration) Instant {
	return c.base + time.Duration(float64(t-c.suspended)*c.rate)
}

// until is when this clock will show an instant.
func (c *simClock) until(i Instant) time.Duration {
	return time.Duration(float64(i-c.base)/c.rate) + c.suspended + 1
}

func (w *world) newClock() *simClock {
	return &simClock{base: w.between(time.Minute, time.Hour), rate: w.rate(), wall: w.between(-time.Minute, time.Minute)}
}

// start begins a process in a pod on a machine.
func (w *world) start(pod, uid string, clock *simClock, timing config.Timing) *simNode {
	w.made++
	n := &simNode{w: w, identity: lock.Identity{Pod: pod, UID: uid, Start: strconv.Itoa(w.made)}, clock: clock, mayMake: w.chance(0.5)}
	random := rand.New(rand.NewPCG(w.random.Uint64(), 2))
	n.machine = newMachine(n.identity, timing, random.Float64)
	n.number, n.client = w.made, &simAPI{n: n}
	if w.server.kind.store() {
		n.mayMake = true // whoever may write may make
		n.client = &simObject{n: n}
	}
	w.nodes = append(w.nodes, n)
	w.judge.watch(n)
	n.logf("starts, rate %.3f, lease %s", clock.rate, timing.LeaseDuration)
	w.after(0, func() { n.deliver(func(Instant) {}) })
	return n
}

func (n *simNode) logf(format string, args ...any) {
	if n.w.trace != nil {
		n.w.logf("%s: %s", n.identity, fmt.Sprintf(format, args...))
	}
}

func (n *simNode) now() Instant { return n.clock.at(n.w.now) }

// deliver lets the process see something, as soon as it runs.
func (n *simNode) deliver(see func(now Instant)) {
	switch {
	case n.gone:
	case n.paused:
		n.inbox, n.ordered = append(n.inbox, see), append(n.ordered, n.streaming)
	default:
		see(n.now())
		n.advance()
	}
}

// advance does what Candidate.Run does between two events.
func (n *simNode) advance() {
	m := n.machine
	if m.watchStale {
		n.client.unwatch()
	}
	for {
		what, until := m.next(n.now())
		switch what {
		case done:
			n.logf("leaves")
			n.gone = true
			if n.ended != nil {
				n.ended()
			}
			return
		case idle:
			n.wake++
			if until == never {
				return
			}
			number := n.wake
			n.w.after(n.clock.until(until)-n.w.now, func() {
				if n.wake == number {
					n.deliver(func(Instant) {})
				}
			})
			return
		default:
			n.send(m.send(what, n.now(), epoch.Add(n.w.now+n.clock.wall)))
		}
	}
}

// send takes a request to the server and the answer back, or not.
func (n *simNode) send(r request) {
	n.requests++
	if r.what == doWrite {
		n.wrote++
	}
	number, waiting := n.requests, true
	live := func() bool { return waiting || mistake == lateReplies }
	answer := func(state lock.Snapshot, err error) {
		if !live() {
			return
		}
		waiting = false
		now := n.now()
		if o, ok := n.client.(*simObject); ok && mistake == validFromLast {
			r.sent = o.begun
		}
		r.answer, r.err = state, err
		n.logf("request %d, %s: %s", number, r.what, outcome(err))
		n.machine.answered(now, r)
		if r.what == doRead && err == nil && !n.machine.watching {
			n.machine.watchBegun(now)
			n.watch++
			n.client.watch(n.watch, state.From)
		}
	}
	n.logf("request %d, %s on version %s", number, r.what, r.base.Version)
	n.later(n.now()+n.machine.timing.Attempt(), func() { answer(lock.Snapshot{}, context.DeadlineExceeded) })
	n.client.carry(r, live, answer)
}

// later lets the process do something when its clock shows an instant.
func (n *simNode) later(at Instant, do func()) {
	n.w.after(n.clock.until(at)-n.w.now, func() { n.deliver(func(Instant) { do() }) })
}

// hand passes something on within the process, as one goroutine does to another:
// nearly always at once.
func (n *simNode) hand(see func(now Instant)) {
	late := time.Duration(0)
	if n.w.chance(n.w.trouble) {
		late = n.w.between(0, time.Second/10)
	}
	n.w.after(late, func() { n.deliver(see) })
}

// exchange takes one message to the server and its answer back, or not. Whether or
// not somebody still waits, it is executed.
func (n *simNode) exchange(do func() (simState, error), back func(simState, error)) {
	w, s := n.w, n.w.server
	n.asked++
	if n.cut || w.chance(w.trouble/2) {
		return
	}
	execute := func(back func(simState, error)) {
		switch {
		case s.down:
			back(simState{}, errUnavailable)
			return
		case w.chance(s.failing):
			back(simState{}, errServer)
			return
		}
		state, err := do()
		if w.chance(s.failing) {
			err = errServer
		}
		back(state, err)
	}
	home := func(state simState, err error) {
		lost := n.cut || w.chance(w.trouble/2)
		w.after(w.delay(), func() {
			if !lost && !n.cut {
				n.deliver(func(Instant) { back(state, err) })
			}
		})
	}
	if s.kind.store() && (n.twice || w.chance(w.trouble/2)) { // a proxy that repeats it, and gives the second answer
		w.after(w.delay(), func() { execute(func(simState, error) { w.after(w.delay(), func() { execute(home) }) }) })
		return
	}
	w.after(w.delay(), func() { execute(home) })
	if w.chance(w.trouble / 2) { // a proxy that repeats it
		w.after(w.delay(), func() { execute(func(simState, error) {}) })
	}
}

// simAPI carries requests to an API server.
type simAPI struct{ n *simNode }

// carry implements simClient.
func (a *simAPI) carry(r request, _ func() bool, answer func(lock.Snapshot, error)) {
	a.n.exchange(func() (simState, error) { return a.n.execute(r) }, func(state simState, err error) { answer(state.Snapshot, err) })
}

// watch implements simClient.
func (a *simAPI) watch(number int, from lock.Version) { a.n.w.server.watch(a.n, number, from) }

// unwatch implements simClient.
func (a *simAPI) unwatch() {
	if a.n.stream != nil {
		a.n.stream.end(errLost)
	}
}

func (n *simNode) execute(r request) (simState, error) {
	s := n.w.server
	switch {
	case r.what == doRead:
		return s.read(), nil
	case r.what == doMake && !n.mayMake:
		return simState{}, lock.ErrForbidden
	case r.what == doMake:
		return simState{}, s.create()
	}
	return s.write(r.base, r.record)
}

func outcome(err error) string {
	if err == nil {
		return "succeeded"
	}
	return err.Error()
}

// pause stops the process for a while; what arrives meanwhile, it sees afterwards,
// answers and the events of its watch in any order of the two. In a suspend the whole machine stops, but for its clock.
func (n *simNode) pause(d time.Duration, suspend bool) {
	if n.gone || n.paused {
		return
	}
	n.paused = true
	n.logf("stops for %s", d)
	n.w.after(d, func() {
		n.paused = false
		if suspend && mistake == stopsInSuspend {
			n.clock.suspended += d
		}
		n.logf("goes on")
		inbox, ordered := n.inbox, n.ordered
		n.inbox, n.ordered = nil, nil
		var events []func(Instant)
		for i, see := range inbox {
			if ordered[i] {
				events = append(events, see)
			}
		}
		n.w.random.Shuffle(len(inbox), func(i, j int) {
			inbox[i], inbox[j] = inbox[j], inbox[i]
			ordered[i], ordered[j] = ordered[j], ordered[i]
		})
		for i := range inbox {
			if ordered[i] {
				inbox[i], events = events[0], events[1:]
			}
		}
		for _, see := range inbox {
			n.deliver(see)
		}
		n.deliver(func(Instant) {})
	})
}

// kill ends the process at once. What it has sent goes on its way.
func (n *simNode) kill() {
	n.logf("is killed")
	n.gone = true
	if n.stream != nil {
		n.stream.end(errLost)
	}
}

// stop asks the process to end, as SIGTERM does.
func (n *simNode) stop(release bool) {
	if n.gone || n.leaving {
		return
	}
	n.leaving = true
	n.deliver(func(now Instant) {
		n.logf("is told to end, release %v", release)
		n.machine.giveUp(release)
		n.w.after(n.clock.until(now+n.machine.timing.RenewDeadline)-n.w.now, func() {
			n.deliver(func(Instant) { n.machine.giveUp(false) })
		})
	})
}

// isLeader is what the process would answer if it were asked now.
func (n *simNode) isLeader() bool { return !n.gone && n.machine.isLeader(n.now()) }

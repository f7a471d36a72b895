package election

import (
	"strconv"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// simFault is one thing that goes wrong. It says what it did, or nothing when it
// could not.
type simFault struct {
	name string
	// weight is how often it comes, beside the others.
	weight float64
	// kind says where it may come.
	kind simPlace
	do   func(w *world) bool
}

type simPlace int

const (
	// everywhere: the promises hold whatever else there is.
	everywhere simPlace = iota
	// alone: not beside client-go, which promises nothing then.
	alone
	// equal: not beside other durations, which an emptied lock does not tell.
	equal
	// lasting: not where the history is rewound, which a new process cannot know.
	lasting
)

const longestPause = 40 * time.Second

// alive draws a process that runs, or gives nil.
func (w *world) alive() *simNode {
	var all []*simNode
	for _, n := range w.nodes {
		if !n.gone && !n.leaving {
			all = append(all, n)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[w.random.IntN(len(all))]
}

// toOne makes a fault of one that strikes one process.
func toOne(do func(w *world, n *simNode)) func(*world) bool {
	return func(w *world) bool {
		n := w.alive()
		if n == nil {
			return false
		}
		do(w, n)
		return true
	}
}

// byHand makes a fault of a change of the record.
func byHand(what string, change func(w *world, r *lock.Record)) func(*world) bool {
	return func(w *world) bool {
		exists := w.server.state.Exists
		w.server.edit(what, func(r *lock.Record) { change(w, r) })
		return exists
	}
}

var simFaults = []simFault{
	{"network cut", 3, everywhere, toOne(func(w *world, n *simNode) { n.lose(w.between(time.Second/2, longestPause)) })},
	{"server down", 1, everywhere, func(w *world) bool { return w.outage(w.between(time.Second/2, 25*time.Second)) }},
	{"server slow", 1, alone, func(w *world) bool {
		w.server.slow = w.between(0, 6*time.Second)
		w.after(w.between(time.Second, 30*time.Second), func() { w.server.slow = 0 })
		return true
	}},
	{"server errors", 1, alone, func(w *world) bool {
		w.server.failing = 0.6 * w.random.Float64()
		w.after(w.between(time.Second, 30*time.Second), func() { w.server.failing = 0 })
		return true
	}},
	{"process paused", 3, everywhere, toOne(func(w *world, n *simNode) { n.pause(w.between(time.Second/10, longestPause), false) })},
	{"machine suspended", 2, everywhere, toOne(func(w *world, n *simNode) { n.pause(w.between(time.Second, longestPause), true) })},
	{"process killed, again in its pod", 2, lasting, toOne(func(w *world, n *simNode) {
		n.kill()
		w.again(n)
	})},
	{"process killed, again elsewhere", 1, lasting, toOne(func(w *world, n *simNode) {
		n.kill()
		w.after(w.between(0, 10*time.Second), func() { w.startAnywhere() })
	})},
	{"process stopped, again in its pod", 2, lasting, toOne(func(w *world, n *simNode) {
		n.ended = func() { w.again(n) }
		n.stop(w.chance(0.8))
	})},
	{"process stopped, again elsewhere", 1, lasting, toOne(func(w *world, n *simNode) {
		n.ended = func() { w.startAnywhere() }
		n.stop(w.chance(0.8))
	})},
	{"pod replaced while its node is away", 1, lasting, toOne(func(w *world, n *simNode) {
		n.lose(longestPause)
		w.after(longestPause, n.kill)
		w.after(w.between(0, 5*time.Second), func() {
			w.made++
			w.start(n.identity.Pod, "u"+strconv.Itoa(w.made), w.newClock(), w.draw())
		})
	})},
	{"asked to step down", 2, everywhere, toOne(func(_ *world, n *simNode) {
		n.deliver(func(now Instant) {
			n.logf("is asked to step down")
			n.machine.stepDown(now)
		})
	})},
	{"asked to step down through the lock", 2, everywhere, byHand("step down", func(_ *world, r *lock.Record) { r.StepDown = r.Holder })},
	{"asked to hand over", 2, everywhere, byHand("hand over", func(w *world, r *lock.Record) {
		r.StepDown, r.Preferred = r.Holder, "p"+strconv.Itoa(w.random.IntN(5))
	})},
	{"lock deleted", 1, equal, func(w *world) bool {
		exists := w.server.state.Exists
		w.server.remove()
		return exists
	}},
	{"lock deleted and made anew", 1, equal, func(w *world) bool {
		exists := w.server.state.Exists
		w.server.remove()
		w.after(w.between(0, time.Second), func() { _ = w.server.create() })
		return exists
	}},
	{"lock cleared by hand", 1, equal, byHand("cleared", func(w *world, r *lock.Record) {
		r.Holder = ""
		if w.chance(0.5) && len(w.elders) == 0 {
			r.Duration = time.Second // as client-go's release: other electors are believed
		}
	})},
	{"holder named by hand", 1, alone, byHand("named", func(w *world, r *lock.Record) {
		r.Holder = "stranger"
		if n := w.alive(); n != nil && w.chance(0.8) && (len(w.elders) == 0 || n.identity.String() != r.Stamp) {
			r.Holder = n.identity.String()
		}
	})},
	{"duration edited by hand", 0.5, equal, byHand("duration", func(w *world, r *lock.Record) {
		least := time.Second
		if len(w.elders) > 0 {
			least *= 2 // what is cleared afterwards shall not look like client-go's release
		}
		r.Duration = w.between(least, 40*time.Second).Truncate(time.Second)
	})},
	{"token removed by hand", 0.5, everywhere, func(w *world) bool {
		if w.judge.highest >= w.server.wall().UnixMilli() {
			return false // in the very second it could come again
		}
		for _, n := range w.nodes {
			if !n.gone && n.machine.highest < w.judge.highest {
				return false // and so it could where somebody has not yet heard of it
			}
		}
		exists := w.server.state.Exists
		w.server.edit("token", func(r *lock.Record) { r.Token = 0 })
		return exists
	}},
	{"touched by hand", 1, everywhere, byHand("touched", func(*world, *lock.Record) {})},
	{"watch ended", 1, everywhere, toOne(func(_ *world, n *simNode) { n.client.unwatch() })},
}

// watchSilent is a fault of watches, which a store has not.
var watchSilent = simFault{"watch silent", 1, everywhere, toOne(func(_ *world, n *simNode) {
	if n.stream != nil {
		n.stream.silent = true
	}
})}

// kindFaults strike one kind of server.
var kindFaults = map[simKind][]simFault{
	watched:   {watchSilent},
	endpoints: {watchSilent},
	polled:    {replaced},
	leased: {replaced, {"lease broken by hand", 3, everywhere, func(w *world) bool {
		held := w.server.leasedNow()
		// At once, or after a while in which nobody can have it.
		if l := &w.server.state.lease; w.chance(0.5) {
			l.breaking, l.until = true, min(l.until, w.now+w.between(0, 10*time.Second))
		} else {
			*l = simLease{}
		}
		w.logf("by hand: the lease is broken")
		return held
	}}},
}

// replaced is somebody else's object in the place of the lock, for a while.
var replaced = simFault{"replaced by a foreign object", 0.5, equal, func(w *world) bool {
	if w.server.state.foreign || !w.server.state.Exists {
		return false
	}
	w.server.put(simState{Snapshot: lock.Snapshot{Exists: true}, foreign: true})
	w.logf("by hand: replaced by a foreign object")
	w.after(w.between(0, 30*time.Second), func() {
		if w.server.state.foreign {
			w.server.remove()
		}
	})
	return true
}}

// restored is a fault of some worlds alone.
var restored = simFault{"lock restored from a backup", 1, everywhere, func(w *world) bool {
	changes := 1 + w.random.IntN(20)
	if changes >= len(w.server.log) {
		return false
	}
	w.server.restore(changes)
	return true
}}

// rivalFaults strike client-go's electors.
var rivalFaults = []simFault{
	{"neighbour killed", 2, everywhere, toRival(func(w *world, r *simRival) { r.gone = true; r.leads = false; w.logf("%s: is killed", r.name) })},
	{"neighbour stopped", 2, everywhere, toRival(func(_ *world, r *simRival) { r.stop() })},
	{"neighbour cut off", 1, everywhere, toRival(func(w *world, r *simRival) {
		r.cut = true
		w.after(w.between(time.Second, longestPause), func() { r.cut = false })
	})},
}

func toRival(do func(*world, *simRival)) func(*world) bool {
	return func(w *world) bool {
		for _, r := range w.rivals {
			if !r.gone && w.chance(0.7) {
				do(w, r)
				if r.gone {
					w.after(w.between(0, 10*time.Second), func() { w.startRival("client-go", w.newClock()) })
				}
				return true
			}
		}
		return false
	}
}

// elderFaults strike electors of 2016.
var elderFaults = []simFault{
	{"elector of 2016 ended", 2, everywhere, toElder(func(w *world, e *simElder) {
		w.logf("%s: ends", e.name)
		e.gone = true
		w.after(w.between(0, 10*time.Second), func() { w.startElder(w.newClock()) })
	})},
	{"elector of 2016 cut off", 3, everywhere, toElder(func(w *world, e *simElder) {
		e.cut = true
		w.logf("%s: is cut off", e.name)
		w.after(w.between(time.Second, longestPause), func() { e.cut = false })
	})},
}

func toElder(do func(*world, *simElder)) func(*world) bool {
	return func(w *world) bool {
		for _, e := range w.elders {
			if !e.gone && w.chance(0.7) {
				do(w, e)
				return true
			}
		}
		return false
	}
}

// lose cuts a process off. Afterwards its watch has ended, or tells nothing.
func (n *simNode) lose(d time.Duration) {
	n.cut = true
	n.logf("is cut off for %s", d)
	n.w.after(d, func() {
		n.cut = false
		n.logf("is connected")
		if n.w.chance(0.5) {
			n.client.unwatch()
		}
	})
}

// outage takes the server down, and with it all watches.
func (w *world) outage(d time.Duration) bool {
	w.server.down = true
	w.logf("server: down for %s", d)
	for _, watch := range append([]*simWatch(nil), w.server.watches...) {
		watch.end(errUnavailable)
	}
	w.after(d, func() {
		w.server.down = false
		w.logf("server: up")
	})
	return true
}

// again starts a process in the pod of one that has ended.
func (w *world) again(n *simNode) {
	w.after(w.between(time.Millisecond, 5*time.Second), func() {
		w.start(n.identity.Pod, n.identity.UID, n.clock, w.draw())
	})
}

// startAnywhere starts a process in a new pod.
func (w *world) startAnywhere() {
	w.made++
	w.start("p"+strconv.Itoa(w.made), "u"+strconv.Itoa(w.made), w.newClock(), w.draw())
}

// strike does one fault, drawn from those that are allowed.
func (w *world) strike(allowed []simFault) {
	sum := 0.0
	for _, f := range allowed {
		sum += f.weight
	}
	at := w.random.Float64() * sum
	for _, f := range allowed {
		if at -= f.weight; at < 0 {
			if f.do(w) {
				w.faults[f.name]++
			}
			return
		}
	}
}

// heal ends everything that goes wrong, but for what was written by hand.
func (w *world) heal() {
	w.logf("everything is healed")
	w.trouble, w.server.down, w.server.slow, w.server.failing = 0, false, 0, 0
	for _, n := range w.nodes {
		n.cut = false
		if n.stream != nil && n.stream.silent {
			n.stream.end(errLost)
		}
	}
	for _, r := range w.rivals {
		r.cut = false
	}
	for _, e := range w.elders {
		e.cut = false
	}
	if w.server.state.foreign {
		w.server.remove() // a backup may have brought it back
	}
}

// control makes a missing lock, as the controller does.
func (w *world) control() {
	if !w.server.down {
		_ = w.server.create()
	}
	w.after(w.between(time.Second, 10*time.Second), w.control)
}

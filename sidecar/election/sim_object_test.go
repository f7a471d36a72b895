package election

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// simClient carries a process's requests to its lock.
type simClient interface {
	// carry does one request, and answers once, while the request is live: not yet
	// given up.
	carry(r request, live func() bool, answer func(lock.Snapshot, error))
	// watch begins to tell changes after a version.
	watch(number int, from lock.Version)
	// unwatch ends that.
	unwatch()
}

// simObject follows the rules of package sidecar/lock/object: it asks every period,
// and gives what it sees an order of its own.
type simObject struct {
	n       *simNode
	history simHistory
	// asked is when the last request was sent or answered, putAt when the last write was
	// sent, and wrote when the last one that was done was.
	asked, putAt, wrote Instant
	hasWritten          bool
	writes              int
	polls               *simPolls
	begun               Instant // when the last request was sent
}

// simPolls is one watch: questions, and what was told of their answers.
type simPolls struct {
	number int
	told   lock.Version
	wake   int
	asking bool
}

// simSight is one state as a process saw it.
type simSight struct {
	seen  bool
	epoch int64
	state simState
}

// simHistory is package object's history.
type simHistory struct {
	known     simSight
	changes   int
	low, high int64
}

const simFirstEpoch = 1_000_000

func (x simSight) version() lock.Version {
	return lock.Version(fmt.Sprintf("%d%09d", x.epoch, x.state.count))
}

// simEpoch is the inverse of version.
func simEpoch(v lock.Version) (epoch int64, count int) {
	at := max(0, len(v)-9)
	epoch, _ = strconv.ParseInt(string(v[:at]), 10, 64)
	count, _ = strconv.Atoi(string(v[at:]))
	return epoch, count
}

func (x simSight) snapshot() lock.Snapshot {
	s := x.state.Snapshot
	s.Version = x.version()
	s.From = s.Version
	return s
}

func (x simSight) is(state simState) bool {
	k := x.state
	return k.Exists == state.Exists && k.Revision == state.Revision && k.UID == state.UID && k.count == state.count && k.Record == state.Record
}

// take takes in an answer to a request that was sent when known had changed so many
// times. It is false if the answer proves nothing.
func (h *simHistory) take(changes int, state simState) bool {
	k := h.known
	switch {
	case !k.seen:
		h.low, h.high = simFirstEpoch, simFirstEpoch
		h.move(simSight{seen: true, epoch: simFirstEpoch, state: state})
	case k.is(state):
	case mistake == generationsOrdered && k.state.Exists && state.Exists:
		if revision(lock.Version(state.Revision)) > revision(lock.Version(k.state.Revision)) {
			h.high++
			h.move(simSight{seen: true, epoch: h.high, state: state})
		}
	case mistake == arrivalOrder:
		h.high++
		h.move(simSight{seen: true, epoch: h.high, state: state})
	case k.state.Exists && state.Exists && (k.state.UID == state.UID || mistake == epochKept) && k.state.count < state.count:
		h.move(simSight{seen: true, epoch: k.epoch, state: state})
	case changes != h.changes:
		return false
	case mistake == equalCountIgnored && k.state.Exists && state.Exists && k.state.UID == state.UID && k.state.count == state.count:
	case mistake == epochKept && k.state.Exists && state.Exists && k.state.UID != state.UID: // an old state, then
	case !state.Exists, k.state.UID != state.UID && state.Record.Holder == "" && state.Record.Mark == "":
		h.high++
		h.move(simSight{seen: true, epoch: h.high, state: state})
	case mistake == restoredIsNews:
		h.high++
		h.move(simSight{seen: true, epoch: h.high, state: state})
	default:
		h.low--
		h.move(simSight{seen: true, epoch: h.low, state: state})
	}
	return true
}

// written takes in that a write on base gave state.
func (h *simHistory) written(base string, state simState) {
	if k := h.known; k.state.Exists && k.state.Revision == base {
		h.move(simSight{seen: true, epoch: k.epoch, state: state})
	}
}

func (h *simHistory) move(s simSight) {
	h.known = s
	h.changes++
}

var (
	errRewound = errors.New("the object is back at an earlier state")
	errForeign = errors.New("the object is not a lock of ours")
)

func (l *simObject) period() time.Duration { return l.n.machine.timing.RetryPeriod }

func (l *simObject) begin() int {
	l.begun = l.n.now()
	l.asked = l.n.now()
	return l.history.changes
}

// ask gives the object as it is now, and takes it in.
func (l *simObject) ask(live func() bool, back func(simSight, error)) {
	changes := l.begin()
	l.n.exchange(func() (simState, error) { return l.n.w.server.read(), nil }, func(state simState, err error) {
		if !live() {
			return
		}
		l.asked = l.n.now()
		if err != nil {
			back(simSight{}, err)
			return
		}
		if state.foreign {
			back(simSight{}, errForeign)
			return
		}
		served := state.ServerTime
		state.From = ""
		before := l.history.changes
		if !l.history.take(changes, state) {
			l.ask(live, back)
			return
		}
		if l.history.changes != before && state.writer == l.n.number {
			l.wrote, l.hasWritten = l.putAt, true
		}
		seen := l.history.known
		seen.state.ServerTime = served
		if l.history.changes != before {
			l.tell()
		}
		back(seen, nil)
	})
}

// put writes, and takes in what it wrote.
func (l *simObject) put(base string, next simState, live func() bool, back func(simState, error)) {
	l.begin()
	l.putAt = l.asked
	l.n.exchange(func() (simState, error) { return l.n.w.server.replace(base, next) }, func(state simState, err error) {
		if !live() {
			return
		}
		if err != nil {
			back(state, err)
			return
		}
		l.asked = l.n.now()
		l.wrote, l.hasWritten = l.putAt, true
		state.From = ""
		if base != "" {
			before := l.history.changes
			l.history.written(base, state)
			if l.history.changes != before {
				l.tell()
			}
		}
		back(state, nil)
	})
}

// paced goes on when the next write may be sent.
func (l *simObject) paced(live func() bool, then func()) {
	at := l.wrote + l.n.w.server.interval()
	if !l.hasWritten || l.n.now() >= at {
		then()
		return
	}
	l.n.later(at, func() {
		if live() {
			l.paced(live, then)
		}
	})
}

// carry implements simClient.
func (l *simObject) carry(r request, live func() bool, answer func(lock.Snapshot, error)) {
	switch r.what {
	case doRead:
		l.ask(live, func(seen simSight, err error) {
			if err != nil {
				answer(lock.Snapshot{}, err)
				return
			}
			answer(seen.snapshot(), nil)
		})
	case doMake:
		l.paced(live, func() { l.create(live, answer) })
	default:
		l.paced(live, func() { l.write(r, live, answer) })
	}
}

func (l *simObject) create(live func() bool, answer func(lock.Snapshot, error)) {
	l.n.w.server.uids++
	fresh := simState{Snapshot: lock.Snapshot{UID: strconv.Itoa(l.n.w.server.uids)}, count: 1, writer: l.n.number, write: l.nextWrite()}
	l.put("", fresh, live, func(_ simState, err error) {
		if errors.Is(err, lock.ErrConflict) {
			err = lock.ErrExists
		}
		answer(lock.Snapshot{}, err)
	})
}

// write replaces the object, under a lease of the store's where it gives one.
func (l *simObject) write(r request, live func() bool, answer func(lock.Snapshot, error)) {
	epoch, count := simEpoch(r.base.Version)
	switch k := l.history.known; {
	case !r.base.Exists, k.seen && !k.state.Exists:
		answer(lock.Snapshot{}, lock.ErrMissing)
		return
	case k.seen && k.epoch != epoch:
		answer(lock.Snapshot{}, lock.ErrConflict)
		return
	}
	next := simState{Snapshot: lock.Snapshot{UID: r.base.UID, Record: r.record}, count: count + 1, writer: l.n.number, write: l.nextWrite()}
	done := func(state simState, err error) {
		if err != nil {
			answer(lock.Snapshot{}, err)
			return
		}
		s := simSight{epoch: epoch, state: state}.snapshot()
		s.From = ""
		answer(s, nil)
	}
	l.replace(r, next, live, func(state simState, err error) {
		if err != nil {
			l.settle(next, err, live, done)
			return
		}
		done(state, nil)
	})
}

// replace is one conditional write. Where the store leases, it is done under a lease
// of this process, which is asked for anew each time, and left after a release.
func (l *simObject) replace(r request, next simState, live func() bool, back func(simState, error)) {
	s, by := l.n.w.server, l.n.identity.UID
	if s.kind != leased {
		l.put(r.base.Revision, next, live, back)
		return
	}
	l.begin()
	next.lease.by = by
	release := r.record.Holder == ""
	first := func() (simState, error) {
		if release && mistake == leaseLeftFirst {
			return simState{}, s.leave(by)
		}
		return simState{}, s.acquire(by, l.n.machine.timing.LeaseDuration, r.base.Revision)
	}
	l.n.exchange(first, func(_ simState, err error) {
		switch {
		case !live():
		case err != nil && !errors.Is(err, errBreaking):
			back(simState{}, err)
		default:
			l.put(r.base.Revision, next, live, func(state simState, err error) {
				if err == nil && release {
					l.leave(by, live, func() { back(state, nil) })
					return
				}
				back(state, err)
			})
		}
	})
}

// leave gives the store's lease back, and tries again as long as the request is live.
func (l *simObject) leave(by string, live func() bool, then func()) {
	answered := false
	again := func(after time.Duration) {
		l.n.later(l.n.now()+after, func() {
			if live() && !answered {
				answered = true
				l.leave(by, live, then)
			}
		})
	}
	again(time.Second)
	l.n.exchange(func() (simState, error) { return simState{}, l.n.w.server.leave(by) }, func(_ simState, err error) {
		switch {
		case answered || !live():
		case err == nil, errors.Is(err, lock.ErrConflict), errors.Is(err, lock.ErrMissing):
			answered = true
			then()
		default:
			again(time.Second / 20)
		}
	})
}

// settle looks whether a write that failed was executed nevertheless.
func (l *simObject) settle(next simState, failure error, live func() bool, done func(simState, error)) {
	l.ask(live, func(seen simSight, err error) {
		switch {
		case err == nil && seen.state.writer == next.writer && seen.state.write == next.write && mistake != writesUnnamed:
			done(seen.state, nil)
		case err == nil && errors.Is(failure, lock.ErrConflict) && !seen.state.Exists:
			done(simState{}, lock.ErrMissing)
		default:
			done(simState{}, failure)
		}
	})
}

func (l *simObject) nextWrite() int {
	l.writes++
	return l.writes
}

// watch implements simClient.
func (l *simObject) watch(number int, from lock.Version) {
	l.polls = &simPolls{number: number, told: from}
	l.tell()
}

// unwatch implements simClient.
func (l *simObject) unwatch() { l.end(errLost) }

func (l *simObject) end(err error) {
	p := l.polls
	if p == nil {
		return
	}
	l.polls = nil
	l.n.hand(func(now Instant) {
		if p.number == l.n.watch {
			l.n.logf("the watch ended: %v", err)
			l.n.machine.watchEnded(now)
		}
	})
}

// tell passes on what is news, and sees to it that the object is asked for a period
// after the last request.
func (l *simObject) tell() {
	p, known := l.polls, l.history.known
	if p == nil {
		return
	}
	switch order := known.version().Compare(p.told); {
	case known.seen && order < 0:
		l.end(errRewound)
		return
	case known.seen && order > 0:
		s := known.snapshot()
		s.From, p.told = "", s.Version
		l.n.hand(func(now Instant) {
			if p.number == l.n.watch && !l.n.machine.watchStale {
				l.n.machine.watched(now, s)
			}
		})
	}
	if p.asking {
		return
	}
	p.wake++
	wake := p.wake
	l.n.later(l.asked+l.period(), func() {
		switch {
		case p != l.polls || wake != p.wake:
		case l.n.now() < l.asked+l.period():
			l.tell()
		default:
			l.poll(p)
		}
	})
}

// renewals is how many requests a leader at rest sends, at most.
func (n *simNode) renewals(d time.Duration) int {
	s, period := n.w.server, n.machine.timing.RetryPeriod
	each := 1
	if s.kind == leased || s.interval() >= period {
		// It asks for the lease first; or it waits for its turn to write, while the
		// next question falls due.
		each = 2
	}
	return each*int(float64(d)*n.clock.rate/float64(period)) + 2*each
}

// polls is how often a standby at rest asks, at most. Where a question comes just
// before the leader's renewal, the machine asks once more instead of the next.
func (n *simNode) polls(d time.Duration) int {
	return int(1.25*float64(d)*n.clock.rate/float64(n.machine.timing.RetryPeriod)) + 2
}

// poll asks once, within a period.
func (l *simObject) poll(p *simPolls) {
	p.asking = true
	waiting := true
	live := func() bool { return waiting && p == l.polls }
	end := func(err error) {
		if !live() {
			return
		}
		waiting, p.asking = false, false
		if err != nil {
			l.end(err)
			return
		}
		l.tell()
	}
	l.n.later(l.n.now()+l.period(), func() { end(errLost) })
	l.ask(live, func(_ simSight, err error) { end(err) })
}

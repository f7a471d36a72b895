package election

import (
	"strconv"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// simElder is a process that follows the rules of the leader-elector sidecar of 2016
// (kubernetes/contrib, election, with Kubernetes' pkg/client/leaderelection of then): it
// polls, knows its own ttl alone, counts from the answer, gives no request a time of its
// own, writes the whole object back, makes a missing one for itself, respects an empty
// record like any other, and never releases. While it leads, it asks every ttl/4, and
// looks only between two requests whether ttl/2 have passed.
type simElder struct {
	w     *world
	name  string
	clock *simClock

	gone, cut, leads bool
	observed         lock.Record
	seenUID          string
	seen             Instant
	began            Instant // the present loop of renewals, after the last success
	// asking is when the attempt under way began, in true time; slow says that one
	// since the last prompt success took longer than elderPatience.
	asking time.Duration
	busy   bool
	slow   bool
	// grabbed is when it took the lock that it leads by without having waited: one that
	// it made itself, or that nobody had held.
	grabbed time.Duration
}

const (
	elderTTL = 10 * time.Second
	// elderPatience is how long an attempt of an elector of 2016, two requests, may take
	// so that its deadline means something: with five seconds of renewals, another attempt
	// that is still under way, and the last one, this is below our wait of eleven.
	elderPatience = time.Second
	// elderHang is how long a request without a timeout hangs in a dead connection.
	elderHang = 30 * time.Second
)

func (w *world) startElder(clock *simClock) {
	w.made++
	e := &simElder{w: w, name: "elder-" + strconv.Itoa(w.made), clock: clock}
	w.elders = append(w.elders, e)
	w.logf("%s: starts, rate %.3f", e.name, clock.rate)
	w.after(w.between(0, time.Second), func() {
		// It makes sure that there is an object, and goes on.
		e.request(func() (simState, error) {
			if !w.server.state.Exists {
				_ = w.server.create()
				w.server.state.bare = true
			}
			return w.server.read(), nil
		}, func(simState, error) { e.acquire() })
	})
}

func (e *simElder) now() Instant { return e.clock.at(e.w.now) }

func (e *simElder) leading() bool { return !e.gone && e.leads }

// excused says that it may lead beside one whose last renewal was sent at a moment:
// its rules promise nothing of a request that lands late, nor of a lock that was missing.
func (e *simElder) excused(renewed time.Duration) bool {
	return e.slow || e.busy && e.w.now-e.asking > elderPatience || e.grabbed > renewed
}

// after lets it go on in a while of its clock.
func (e *simElder) after(d time.Duration, do func()) {
	e.w.after(time.Duration(float64(d)/e.clock.rate), func() {
		if !e.gone {
			do()
		}
	})
}

func (e *simElder) acquire() {
	e.try(func(success bool) {
		if success {
			e.w.logf("%s: leads", e.name)
			e.lead()
			return
		}
		const retry = elderTTL / 4
		e.after(retry+time.Duration(e.w.random.Float64()*1.2*float64(retry)), e.acquire)
	})
}

// lead begins a loop of renewals.
func (e *simElder) lead() {
	e.leads, e.began = true, e.now()
	e.renew()
}

// renew waits for the next tick of the loop, or for its end, after which one more
// attempt is made.
func (e *simElder) renew() {
	const tick, deadline = elderTTL / 4, elderTTL / 2
	gone := e.now() - e.began
	next := (gone/tick + 1) * tick
	last := gone >= deadline
	if next >= deadline && !last {
		next, last = deadline, e.w.chance(0.5) // the tick and the end come together
	}
	wait := next - gone
	if gone >= deadline {
		wait = 0
	}
	e.after(wait, func() {
		e.try(func(success bool) {
			switch {
			case success:
				e.lead()
			case last:
				e.w.logf("%s: stops leading", e.name)
				e.leads, e.slow, e.grabbed = false, false, 0
				e.acquire()
			default:
				e.renew()
			}
		})
	})
}

// try is one tryAcquireOrRenew.
func (e *simElder) try(back func(success bool)) {
	e.asking, e.busy = e.w.now, true
	start := e.now()
	made := false
	done := func(success bool) {
		e.busy = false
		late := e.w.now-e.asking > elderPatience
		e.slow = late || e.slow && !success
		if success && made {
			e.grabbed = e.w.now
		}
		back(success)
	}
	s := e.w.server
	e.request(func() (simState, error) { return s.read(), nil }, func(state simState, err error) {
		switch {
		case err != nil:
			done(false)
		case !state.Exists:
			made = true
			e.make(done)
		default:
			e.decide(state, start, done)
			made = state.bare || state.Record.Holder == "" && state.UID != e.seenUID
		}
	})
}

// make makes the lock, with a record that names it.
func (e *simElder) make(done func(bool)) {
	s := e.w.server
	e.request(func() (simState, error) {
		if err := s.create(); err != nil {
			return simState{}, err
		}
		s.edit("created by "+e.name, e.fill)
		return s.state, nil
	}, func(state simState, err error) { e.saw(state.Record, err, done) })
}

func (e *simElder) decide(state simState, start Instant, done func(bool)) {
	if !state.bare {
		if is := theirs(state.Record); is != e.observed {
			e.observed, e.seen, e.seenUID = is, e.now(), state.UID
		}
		if start < e.seen+elderTTL && state.Record.Holder != e.name {
			done(false)
			return
		}
	}
	// A record of nobody, all empty, is what it knows from its start: no news, and so no
	// reason to wait.
	record := state.Record
	e.fill(&record)
	e.request(func() (simState, error) { return e.w.server.write(state.Snapshot, record) },
		func(state simState, err error) { e.saw(state.Record, err, done) })
}

func (e *simElder) saw(record lock.Record, err error, done func(bool)) {
	if err == nil {
		e.observed, e.seen = theirs(record), e.now()
	}
	done(err == nil)
}

// theirs is what of a record electors of 2016 know.
func theirs(r lock.Record) lock.Record {
	return lock.Record{Holder: r.Holder, Duration: r.Duration, Acquired: r.Acquired, Renewed: r.Renewed, Transitions: r.Transitions}
}

// fill writes what it writes, and keeps the annotations.
func (e *simElder) fill(x *lock.Record) {
	now := epoch.Add(e.w.now + e.clock.wall)
	if x.Holder != e.name {
		x.Transitions++
		x.Acquired = now
	}
	x.Holder, x.Duration, x.Renewed = e.name, elderTTL, now
}

// request takes one to the server and its answer back, however long that takes. Once
// sent, it is executed whatever becomes of the process.
func (e *simElder) request(do func() (simState, error), back func(simState, error)) {
	w, s := e.w, e.w.server
	w.after(e.leg(), func() {
		var state simState
		err := errUnavailable
		switch {
		case s.down:
		case w.chance(s.failing):
			err = errServer
		default:
			if state, err = do(); w.chance(s.failing) {
				err = errServer
			}
		}
		w.after(e.leg(), func() {
			if !e.gone {
				back(state, err)
			}
		})
	})
}

// leg is how long one message travels: for long where the connection is dead.
func (e *simElder) leg() time.Duration {
	if e.cut || e.w.chance(e.w.trouble/2) {
		return e.w.between(0, elderHang)
	}
	return e.w.delay()
}

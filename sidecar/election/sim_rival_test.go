package election

import (
	"strconv"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// simRival is a process that follows the rules of client-go's elector
// (k8s.io/client-go/tools/leaderelection, from v0.27 on): it polls, counts from
// the answer, waits for the record's duration, takes any empty record, creates a
// missing one for itself, and goes on leading until a renewal has failed for a
// whole renew deadline. On an Endpoints object it is an older one, which waits for
// its own duration.
type simRival struct {
	w       *world
	name    string
	clock   *simClock
	release bool // ReleaseOnCancel

	gone     bool
	cut      bool
	leads    bool
	failing  Instant // from when on renewals fail; zero while they succeed
	observed lock.Record
	seen     Instant
	waiting  int
}

func (w *world) startRival(name string, clock *simClock) *simRival {
	w.made++
	r := &simRival{w: w, name: name + "-" + strconv.Itoa(w.made), clock: clock, release: w.chance(0.7)}
	w.rivals = append(w.rivals, r)
	w.logf("%s: starts, rate %.3f", r.name, clock.rate)
	w.after(w.between(0, time.Second), r.try)
	return r
}

func (r *simRival) leading() bool { return !r.gone && r.leads }

func (r *simRival) now() Instant { return r.clock.at(r.w.now) }

// try is one tryAcquireOrRenew and the wait for the next.
func (r *simRival) try() {
	if r.gone {
		return
	}
	t := r.w.timing
	r.waiting++
	number, start := r.waiting, r.now()
	next := func(success bool) {
		if r.gone || r.waiting != number {
			return
		}
		r.waiting++
		switch {
		case success:
			r.failing = 0
			if !r.leads {
				r.w.logf("%s: leads", r.name)
			}
			r.leads = true
		case r.leads && r.failing == 0:
			r.failing = start
		}
		pause := t.RetryPeriod
		if !r.leads {
			pause += time.Duration(r.w.random.Float64() * 1.2 * float64(t.RetryPeriod))
		}
		r.w.after(time.Duration(float64(pause)/r.clock.rate), r.try)
	}
	if r.leads {
		// One loop of renewals ends a whole renew deadline after it began.
		began := r.failing
		if began == 0 {
			began = r.now()
		}
		until := r.clock.until(began + t.RenewDeadline)
		r.w.after(until-r.w.now, func() {
			if r.waiting == number || r.failing == began && began != 0 {
				r.lose()
			}
		})
	}
	// Its client gives a request up.
	r.w.after(time.Duration(float64(t.RenewDeadline)/r.clock.rate), func() { next(false) })
	r.ask(next)
}

func (r *simRival) lose() {
	if r.gone || !r.leads {
		return
	}
	r.w.logf("%s: stops leading", r.name)
	r.leads, r.failing = false, 0
	r.waiting++
	r.w.after(time.Second, r.try)
}

// ask reads, decides and writes.
func (r *simRival) ask(next func(bool)) {
	s := r.w.server
	r.hop(func() {
		if s.down {
			r.hop(func() { next(false) })
			return
		}
		state := s.read()
		r.hop(func() { r.decide(state.Snapshot, next) })
	})
}

func (r *simRival) decide(state lock.Snapshot, next func(bool)) {
	if r.gone {
		return
	}
	s, t, now := r.w.server, r.w.timing, r.now()
	if !state.Exists {
		r.hop(func() {
			if s.create() != nil {
				r.hop(func() { next(false) })
				return
			}
			s.edit("created by "+r.name, func(x *lock.Record) { r.fill(x, t.LeaseDuration) })
			r.hop(func() { r.saw(s.state.Record); next(true) })
		})
		return
	}
	if state.Record != r.observed {
		r.observed, r.seen = state.Record, now
	}
	held := state.Record.Holder != "" && state.Record.Holder != r.name
	wait := state.Record.Duration
	if s.kind == endpoints {
		wait = t.LeaseDuration
	}
	if held && now < r.seen+wait {
		if r.leads {
			r.lose()
			return
		}
		next(false)
		return
	}
	record := state.Record
	r.fill(&record, t.LeaseDuration)
	r.hop(func() {
		after, err := s.write(state, record)
		r.hop(func() {
			if err == nil {
				r.saw(after.Record)
			}
			next(err == nil)
		})
	})
}

func (r *simRival) saw(record lock.Record) { r.observed, r.seen = record, r.now() }

// fill writes what client-go writes, and keeps the annotations.
func (r *simRival) fill(x *lock.Record, duration time.Duration) {
	now := epoch.Add(r.w.now + r.clock.wall)
	if x.Holder != r.name {
		x.Transitions++
		x.Acquired = now
	}
	x.Holder, x.Duration, x.Renewed = r.name, duration, now
}

// hop is one message, which is not late: client-go counts from the answer.
func (r *simRival) hop(arrive func()) {
	r.w.after(r.w.between(0, r.w.brisk), func() {
		if !r.cut && !r.gone {
			arrive()
		}
	})
}

// stop ends it: with ReleaseOnCancel it empties the record of which it knows.
func (r *simRival) stop() {
	if r.gone {
		return
	}
	held := r.leads
	r.gone, r.leads = true, false
	r.w.logf("%s: ends", r.name)
	s := r.w.server
	if held && r.release && !r.cut && s.state.Record.Holder == r.name {
		s.edit("released by "+r.name, func(x *lock.Record) { x.Holder, x.Duration, x.Renewed = "", time.Second, epoch.Add(r.w.now) })
	}
}

package election

import (
	"context"
	"sync"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// loop is one Run of a Candidate: it does what the machine says is due. All
// fields belong to Run's goroutine; the others only send.
type loop struct {
	*Candidate

	wait    sync.WaitGroup
	answers chan request
	events  chan event
	// endWatch ends the present watch, which is number watch.
	endWatch context.CancelFunc
	watch    int
}

// event is what one watch delivered.
type event struct {
	watch    int
	snapshot lock.Snapshot
	ended    bool
	err      error
}

// advance does what is due, and sets the timer for the next time to ask. It is
// false when the candidate has left the election.
func (l *loop) advance(ctx context.Context, timer *time.Timer) bool {
	l.mu.Lock()
	now := l.clock.Now()
	what, until := l.machine.next(now)
	news := l.tell(now)
	defer l.report(ctx, news)
	defer l.mu.Unlock()
	switch what {
	case done:
		return false
	case idle:
		if until == never {
			timer.Stop()
		} else {
			timer.Reset(until - now)
		}
	default:
		l.request(ctx, what, now)
	}
	return true
}

// request sends what is due.
func (l *loop) request(ctx context.Context, what action, now Instant) {
	r := l.machine.send(what, now, time.Now())
	l.wait.Go(func() {
		attempt, cancel := context.WithTimeout(ctx, l.attempt)
		defer cancel()
		switch what {
		case doRead:
			r.answer, r.err = l.lock.Read(attempt)
		case doMake:
			r.err = l.lock.Create(attempt)
		default:
			r.answer, r.err = l.lock.Write(attempt, r.base, r.record)
		}
		select {
		case l.answers <- r:
		case <-ctx.Done():
		}
	})
}

// apply tells the machine how a request ended.
func (l *loop) apply(ctx context.Context, r request) {
	failures := l.answered(ctx, r)
	if r.err != nil {
		l.complain(ctx, r.what.String(), r.err, failures)
	}
}

// answered is apply without what is said about it. It gives the failures in a
// row.
func (l *loop) answered(ctx context.Context, r request) (failures int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	m := l.machine
	m.answered(now, r)
	if r.err == nil {
		l.contact = time.Now()
	}
	if r.what == doRead && r.err == nil && !m.watching {
		m.watchBegun(now)
		l.beginWatch(ctx, r.answer.From)
	}
	if m.watchStale {
		l.endWatch()
	}
	if r.what == doMake {
		return max(m.failures, m.makeFails)
	}
	return m.failures
}

// take tells the machine what the present watch delivered.
func (l *loop) take(ctx context.Context, e event) {
	if e.watch != l.watch {
		return
	}
	failures := l.observe(e)
	if e.err != nil {
		l.complain(ctx, "watch", e.err, failures)
	}
}

// observe is take without what is said about it. It gives the watches in a row
// that ended early.
func (l *loop) observe(e event) (failures int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	switch {
	case e.ended:
		l.machine.watchEnded(now)
	case !l.machine.watchStale:
		l.contact = time.Now()
		l.machine.watched(now, e.snapshot)
	}
	return l.machine.watchFails
}

func (l *loop) beginWatch(ctx context.Context, from lock.Version) {
	l.watch++
	number := l.watch
	watch, cancel := context.WithCancel(ctx)
	l.endWatch = cancel
	send := func(e event) {
		select {
		case l.events <- e:
		case <-ctx.Done():
		}
	}
	l.wait.Go(func() {
		defer cancel()
		err := l.lock.Watch(watch, from, func(s lock.Snapshot) { send(event{watch: number, snapshot: s}) })
		send(event{watch: number, ended: true, err: err})
	})
}

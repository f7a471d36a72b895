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

	wait     sync.WaitGroup
	outcomes chan outcome
	events   chan event
	// endWatch ends the present watch, which is number watch.
	endWatch context.CancelFunc
	watch    int
}

// outcome is how one request ended.
type outcome struct {
	what     action
	sent     Instant
	base     lock.Snapshot
	snapshot lock.Snapshot
	err      error
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

// request sends what is due. The time that counts is taken before anything of
// the request happens.
func (l *loop) request(ctx context.Context, what action, now Instant) {
	o := outcome{what: what, sent: now, base: l.machine.known}
	var record lock.Record
	switch what {
	case doRead:
		l.machine.reading(now)
	case doMake:
		l.machine.making(now)
	default:
		record = l.machine.record(now, time.Now())
		l.machine.writing(now)
	}
	l.wait.Go(func() {
		attempt, cancel := context.WithTimeout(ctx, l.attempt)
		defer cancel()
		switch what {
		case doRead:
			o.snapshot, o.err = l.lock.Read(attempt)
		case doMake:
			o.err = l.lock.Create(attempt)
		default:
			o.snapshot, o.err = l.lock.Write(attempt, o.base, record)
		}
		select {
		case l.outcomes <- o:
		case <-ctx.Done():
		}
	})
}

// apply tells the machine how a request ended.
func (l *loop) apply(ctx context.Context, o outcome) {
	failures := l.record(ctx, o)
	if o.err != nil {
		l.complain(ctx, o.what.String(), o.err, failures)
	}
}

// record is apply without what is said about it. It gives the failures in a row.
func (l *loop) record(ctx context.Context, o outcome) (failures int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	m := l.machine
	if o.err == nil {
		l.contact = time.Now()
	}
	switch {
	case o.what == doMake:
		m.madeDone(now, o.err)
		return max(m.failures, m.makeFails)
	case o.what == doRead && o.err != nil:
		m.readFailed(now)
	case o.err != nil:
		m.failed(now)
	case o.what == doWrite:
		m.writeDone(now, o.sent, o.base, o.snapshot)
	default:
		m.readDone(now, o.sent, o.snapshot)
		if !m.watching {
			m.watchBegun(now)
			l.beginWatch(ctx, o.snapshot.From)
		}
	}
	if m.watchStale {
		l.endWatch()
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

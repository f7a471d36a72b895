package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/leaseholder-dev/leaseholder/test/bench/plane"
	"github.com/leaseholder-dev/leaseholder/test/bench/report"
	"github.com/leaseholder-dev/leaseholder/test/bench/stats"
)

// round is one failover.
type round struct {
	lease       string
	total, late time.Duration
	// from and to are when requests count to it, by the wall clock.
	from, to time.Time
}

// failovers measures series of failovers.
type failovers struct {
	*field
	series series
	// between is what stands between two failovers that happen alone.
	between func(context.Context) error

	calendar *calendar
	mu       sync.Mutex
	rounds   []round
}

// startElections starts those that a series needs.
func (f *field) startElections(ctx context.Context, s series) ([]*election, error) {
	var elections []*election
	for range s.elections {
		e, err := f.newElection(ctx, s.contestant, s.timing, s.candidates)
		if err == nil {
			elections = append(elections, e)
			err = e.fill(ctx)
		}
		if err != nil {
			return nil, errors.Join(err, stopAll(ctx, elections))
		}
	}
	return elections, nil
}

// failovers runs a series in these elections.
func (f *field) failovers(ctx context.Context, s series, elections []*election, between func(context.Context) error) (report.Failover, error) {
	run := &failovers{field: f, series: s, between: between, calendar: newCalendar(s.apart)}
	if _, err := f.plane.Audit.Requests(ctx); err != nil {
		return report.Failover{}, err
	}
	var taken atomic.Int64
	group, all := errgroup.WithContext(ctx)
	for _, e := range elections {
		group.Go(func() error {
			// Elections begin at different times, and stay apart.
			if err := pause(all, upTo(s.spacing())); err != nil {
				return err
			}
			for taken.Add(1) <= int64(s.rounds) {
				switch err := run.once(ctx, all, e); {
				case errors.Is(err, errEarlier):
					taken.Add(-1)
				case err != nil:
					return fmt.Errorf("%s: %w", s, err)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return report.Failover{}, err
	}
	requests, err := f.plane.Audit.Requests(ctx)
	if err != nil {
		return report.Failover{}, err
	}
	return run.report(requests), nil
}

// errEarlier says that the leader had lost its lead when it was told to go, as
// on a machine that is too busy: there was no failover to measure.
var errEarlier = errors.New("the leader had already lost its lead")

// spacing is how far apart elections begin.
func (s series) spacing() time.Duration {
	if s.kind == report.Crash {
		return s.timing.lease
	}
	return s.timing.retry
}

// once makes one leader go, and puts another candidate into its place. Processes
// live as long as ctx; all ends when another election fails.
func (run *failovers) once(ctx, all context.Context, e *election) error {
	// Every phase of the renewals comes as often, and new candidates have settled.
	const settled = time.Second
	if err := pause(all, settled+upTo(run.series.timing.retry)); err != nil {
		return err
	}
	old, _, err := e.await(all, nil, patience)
	if err != nil {
		return err
	}
	var r round
	if run.series.alone {
		giveBack, hushed := run.hush(all)
		if hushed != nil {
			return hushed
		}
		r, err = run.measure(all, e, old)
		if err == nil {
			err = run.between(all)
		}
		giveBack()
	} else {
		r, err = run.measure(all, e, old)
	}
	if err != nil && !errors.Is(err, errEarlier) {
		return err
	}
	if err == nil {
		if err := pause(all, run.series.aftermath); err != nil {
			return err
		}
		r.to = time.Now()
		run.mu.Lock()
		run.rounds = append(run.rounds, r)
		run.mu.Unlock()
	}
	if err := ended(all, old.process); err != nil {
		return err
	}
	if err := run.replace(ctx, all, e, old.slot); err != nil {
		return err
	}
	return err
}

// replace starts a new process when that disturbs nobody.
func (run *failovers) replace(ctx, all context.Context, e *election, slot int) error {
	giveBack, err := run.hush(all)
	if err != nil {
		return err
	}
	defer giveBack()
	if err := run.calendar.calm(all); err != nil {
		return err
	}
	e.serial++
	if err := e.start(ctx, all, slot, e.serial); err != nil {
		return err
	}
	// What a process does first takes more of the CPUs than all it does later.
	const first = 150 * time.Millisecond
	return pause(all, first)
}

// measure makes the leader go and waits for another.
func (run *failovers) measure(ctx context.Context, e *election, old *candidate) (round, error) {
	last, ok := run.watcher.last(e.name)
	if run.series.kind == report.Crash {
		defer run.calendar.done(e.name)
		for ok && !run.calendar.reserve(e.name, last.at+e.timing.lease) {
			// The next renewal moves the end.
			if err := pause(ctx, upTo(run.series.timing.retry)); err != nil {
				return round{}, err
			}
			last, ok = run.watcher.last(e.name)
		}
	}
	if !ok {
		return round{}, fmt.Errorf("%q leads, but the lease %q has not been seen", old.process.Name(), e.name)
	}
	r := round{lease: e.name, from: time.Now()}
	signalled := now()
	end := old.process.Terminate
	if run.series.kind == report.Crash {
		end = old.process.Kill
	}
	if err := end(); err != nil {
		return round{}, fmt.Errorf("end the leader %q: %w", old.process.Name(), err)
	}
	_, begun, err := e.await(ctx, old, patience+e.timing.lease)
	if err != nil {
		return round{}, err
	}
	if begun < signalled {
		return round{}, errEarlier
	}
	t, err := run.watcher.takeover(ctx, e.name, last.holder)
	if err != nil {
		return round{}, err
	}
	r.total = begun - signalled
	r.late, err = run.series.late(begun, t)
	return r, err
}

// late says how late the next leader began, as the Lease tells.
func (s series) late(begun time.Duration, t takeover) (time.Duration, error) {
	switch {
	case s.kind == report.Graceful && t.released == 0:
		return 0, errors.New("the leader went without a release")
	case s.kind == report.Crash && t.released != 0:
		// client-go releases what it can't renew.
		return 0, errEarlier
	case s.kind == report.Crash:
		return begun - (t.lastRenewal + s.timing.lease), nil
	}
	return begun - t.released, nil
}

// report counts the requests of each round.
func (run *failovers) report(requests []plane.Request) report.Failover {
	var total, late []time.Duration
	var conflicts, reads []float64
	for _, r := range run.rounds {
		total, late = append(total, r.total), append(late, r.late)
		c, n := r.count(requests)
		conflicts, reads = append(conflicts, float64(c)), append(reads, float64(n))
	}
	return report.Failover{
		Kind: run.series.kind, Contestant: run.series.contestant, Candidates: run.series.candidates,
		Elections: run.series.elections, Timing: run.series.timing.report(),
		Total: report.SampleOf(stats.Milliseconds(total)), Late: report.SampleOf(stats.Milliseconds(late)),
		Conflicts: report.SampleOf(stats.Of(conflicts...)), Reads: report.SampleOf(stats.Of(reads...)),
	}
}

// count gives the round's conflicts and quorum reads.
func (r round) count(requests []plane.Request) (conflicts, reads int) {
	for _, q := range requests {
		if q.Lease != r.lease || q.At.Before(r.from) || !q.At.Before(r.to) {
			continue
		}
		if q.Conflict() {
			conflicts++
		}
		if q.Read() {
			reads++
		}
	}
	return conflicts, reads
}

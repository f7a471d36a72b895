package report

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/election"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// Candidate is whose election is reported. *election.Candidate is one.
type Candidate interface {
	Status() (election.Status, <-chan struct{})
	Known() (lock.Snapshot, <-chan struct{})
	Prefer(pod string)
	StepDown(ctx context.Context)
}

// Options are what a Reporter needs to know.
type Options struct {
	// Lock is the address of the lock at which the election is held.
	Lock config.LockAddress
	// Identity and Timing are the candidate's.
	Identity lock.Identity
	Timing   config.Timing
	// Logger defaults to slog.Default().
	Logger *slog.Logger
	// Random gives numbers in [0, 1), which spread in time what several reporters would
	// do at once; default rand.Float64.
	Random func() float64
}

// Reporter reports one election in one Lease.
type Reporter struct {
	lease     lock.Lock
	candidate Candidate
	log       *slog.Logger
	state     state

	wait   sync.WaitGroup
	events chan event
	// The present watch is number watch, if there is one.
	watch    int
	watching bool
	endWatch context.CancelFunc
	begun    time.Time
	// Failed requests, and watches that ended early, in a row. Nothing is asked before
	// retryAt.
	failures, watchFails int
	retryAt              time.Time
	// led is the token of the term in which the candidate was last seen leading.
	led int64
	// left is the holder for whom the Lease was left alone, as was told last.
	left string
}

// event is what one watch delivered.
type event struct {
	watch    int
	snapshot lock.Snapshot
	ended    bool
	err      error
}

// New gives a reporter that does nothing before Run. The lease is to be one that takes
// reports: see lease.NewReport.
func New(lease lock.Lock, candidate Candidate, o Options) *Reporter {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	return &Reporter{
		lease:     lease,
		candidate: candidate,
		log:       o.Logger,
		events:    make(chan event),
		endWatch:  func() {},
		state:     state{address: o.Lock.String(), self: o.Identity, timing: o.Timing, random: o.Random},
	}
}

// Run reports until ctx ends, which should be when the candidate's Run has returned.
// What that left last is then still reported, for which it takes at most the time of
// one request. It must be called once.
func (r *Reporter) Run(ctx context.Context) {
	requests, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer r.wait.Wait()
	defer cancel()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		v, learned, changed := r.view()
		r.pass(requests, v)
		request, at := r.next(time.Now(), v)
		if request != nil {
			request(requests, v)
			continue
		}
		timer.Stop()
		if !at.IsZero() {
			timer.Reset(time.Until(at))
		}
		select {
		case <-ctx.Done():
		case <-learned:
		case <-changed:
		case <-timer.C:
		case e := <-r.events:
			r.take(requests, e)
		}
	}
	r.last(requests)
}

// view asks the candidate, with channels that are closed when there is news of the lock
// and of the candidate. It leads only if both answers are of one term.
func (r *Reporter) view() (v view, learned, changed <-chan struct{}) {
	known, learned := r.candidate.Known()
	status, changed := r.candidate.Status()
	own := known.Record.Holder == r.state.self.String() && known.Record.Token == status.Token
	v = view{lock: known, leads: status.IsLeader && own}
	if v.leads {
		r.led, v.until = status.Token, time.Now().Add(status.ValidFor)
	}
	v.lapsed = own && !v.leads && r.led == status.Token
	return v, learned, changed
}

// pass passes on what the report asks of the candidate.
func (r *Reporter) pass(ctx context.Context, v view) {
	asked := r.state.relay(v)
	if asked.prefer != nil {
		r.candidate.Prefer(*asked.prefer)
	}
	if asked.stepDown {
		r.log.InfoContext(ctx, "asked to hand over", "preferred", r.state.wished.pod)
		r.candidate.StepDown(ctx)
	}
}

// next is the request that is due now or, with none, when to ask again at the latest;
// zero when that is not before something happens.
func (r *Reporter) next(now time.Time, v view) (request func(context.Context, view), at time.Time) {
	switch {
	case now.Before(r.retryAt):
		return nil, r.retryAt
	case !r.watching:
		return r.read, at
	case !r.state.lease.Exists && v.leads:
		return r.make, at
	}
	at, due := r.state.due(now, v)
	switch {
	case !due:
		r.failures = 0
		return nil, v.until
	case !now.Before(at):
		return r.write, at
	}
	r.tellLeft()
	return nil, at
}

// tellLeft says that the Lease is somebody's lock, once for each holder.
func (r *Reporter) tellLeft() {
	shown := r.state.lease.Record
	if r.state.silentAt().IsZero() || r.left == shown.Holder {
		return
	}
	r.left = shown.Holder
	r.log.Warn("the lease is held as a lock, and left alone until nobody has renewed it for twice its duration",
		"holder", shown.Holder, "reports", shown.Reports)
}

// read reads the Lease and watches it from there on.
func (r *Reporter) read(ctx context.Context, _ view) {
	r.unwatch()
	attempt, cancel := context.WithTimeout(ctx, r.state.timing.Attempt())
	defer cancel()
	s, err := r.lease.Read(attempt)
	if err != nil {
		r.failed(ctx, "read", err)
		return
	}
	r.state.learn(time.Now(), s)
	r.beginWatch(ctx, s.From)
}

// make makes the Lease, where that is allowed; otherwise whoever may does, and the watch
// tells.
func (r *Reporter) make(ctx context.Context, _ view) {
	attempt, cancel := context.WithTimeout(ctx, r.state.timing.Attempt())
	defer cancel()
	if err := r.lease.Create(attempt); err != nil && !errors.Is(err, lock.ErrExists) {
		r.failed(ctx, "create", err)
		return
	}
	r.read(ctx, view{})
}

// write reports what v shows.
func (r *Reporter) write(ctx context.Context, v view) {
	attempt, cancel := context.WithTimeout(ctx, r.state.timing.Attempt())
	defer cancel()
	s, err := r.lease.Write(attempt, r.state.lease, r.state.record(v))
	if err != nil {
		r.unwatch()
		r.failed(ctx, "write", err)
		return
	}
	r.failures = 0
	r.state.wrote(time.Now(), v, s)
}

// last reports how the candidate's own term ended.
func (r *Reporter) last(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, r.state.timing.Attempt())
	defer cancel()
	v, _, _ := r.view()
	if v.lock.Record.ReleasedBy() != r.state.self.String() {
		return
	}
	const attempts = 3 // a standby's request to hand over can come between, and a renewal on its way
	for range attempts {
		if !r.watching {
			r.read(ctx, v)
		}
		at, due := r.state.due(time.Now(), v)
		if !r.watching || !due || at.After(time.Now()) {
			return
		}
		r.write(ctx, v)
	}
}

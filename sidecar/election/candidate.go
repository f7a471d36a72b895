package election

import (
	"context"
	"errors"
	"log/slog"
	"math/bits"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// Options are what a Candidate needs to know.
type Options struct {
	// Identity names this process. Two processes of one pod must not run at
	// the same time: LockPod before Run.
	Identity lock.Identity
	// Timing must be the same in all candidates, and without Faults.
	Timing config.Timing
	// Release is asked when Run's context ends: false leaves the lock to run
	// out instead of releasing it. Default: always released.
	Release func() bool
	// Clock defaults to BootTime.
	Clock Clock
	// Logger defaults to slog.Default().
	Logger *slog.Logger
	// Random gives numbers in [0, 1), which spread in time what several candidates
	// would do at once; default rand.Float64.
	Random func() float64
}

// Candidate stands in one election over one lock. Its methods are safe for
// concurrent use.
type Candidate struct {
	lock    lock.Lock
	clock   Clock
	release func() bool
	log     *slog.Logger
	attempt time.Duration

	mu         sync.Mutex
	machine    *machine
	told       Status
	changed    chan struct{}
	learned    chan struct{} // nil while nobody waits for it
	version    lock.Version  // what was known when it was closed last
	kick       chan struct{} // makes Run ask the machine again
	lastUpdate time.Time
	contact    time.Time
}

// New gives a candidate that does nothing before Run.
func New(l lock.Lock, o Options) *Candidate {
	c := &Candidate{
		lock:    l,
		clock:   o.Clock,
		release: o.Release,
		log:     o.Logger,
		attempt: o.Timing.Attempt(),
		machine: newMachine(o.Identity, o.Timing, o.Random),
		changed: make(chan struct{}),
		kick:    make(chan struct{}, 1),
	}
	c.lastUpdate = time.Now()
	if c.machine.random == nil {
		c.machine.random = rand.Float64
	}
	if c.clock == nil {
		c.clock = BootTime{}
	}
	if c.release == nil {
		c.release = func() bool { return true }
	}
	if c.log == nil {
		c.log = slog.Default()
	}
	return c
}

// Status is what the candidate knows at this moment, and a channel that is
// closed when anything but ValidFor has changed. Validity is judged now,
// so a process that was paused or suspended never gets a stale true.
func (c *Candidate) Status() (Status, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status(c.clock.Now()), c.changed
}

func (c *Candidate) status(now Instant) Status {
	m := c.machine
	s := Status{
		Leader:     m.known.Record.Holder,
		IsLeader:   m.isLeader(now),
		Token:      m.highest,
		Since:      m.known.Record.Acquired,
		LastUpdate: c.lastUpdate,
		Contact:    c.contact,
	}
	switch {
	case s.IsLeader:
		s.Token, s.ValidUntil, s.ValidFor = m.token, m.validUntil, m.validUntil-now
	case lock.PodName(s.Leader) == m.self.Pod:
		// The lock names this pod, which does not lead: clients that compare the
		// leader's name with their own must not take themselves for it.
		s.Leader = ""
	case now-m.heardAt > m.wait():
		// Whoever it was may have been followed by another.
		s.Leader = ""
	}
	return s
}

// Known is the lock as this candidate knows it, and a channel that is closed when it
// knows another state of it. Before the first answer that is the zero Snapshot.
func (c *Candidate) Known() (lock.Snapshot, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.learned == nil {
		c.learned, c.version = make(chan struct{}), c.machine.known.Version
	}
	return c.machine.known, c.learned
}

// Run stands in the election until ctx ends. Then it first says that it no
// longer leads, releases the lock if it holds it, for which it takes at most
// one renew deadline, and returns. It must be called once. Nothing that the
// lock answers ends it.
func (c *Candidate) Run(ctx context.Context) {
	requests, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l := &loop{Candidate: c, answers: make(chan request), events: make(chan event)}
	defer l.wait.Wait()
	defer cancel()

	stop := ctx.Done()
	var deadline <-chan time.Time
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if !l.advance(requests, timer) {
			return
		}
		select {
		case r := <-l.answers:
			l.apply(requests, r)
		case e := <-l.events:
			l.take(requests, e)
		case <-timer.C:
		case <-c.kick:
		case <-stop:
			stop = nil
			c.stop(requests, c.release())
			deadline = time.After(c.machine.timing.RenewDeadline)
		case <-deadline:
			c.log.WarnContext(requests, "the lock could not be released in time and runs out by itself")
			c.stop(requests, false)
		}
	}
}

func (c *Candidate) stop(ctx context.Context, release bool) {
	c.mu.Lock()
	c.machine.giveUp(release)
	news := c.tell(c.clock.Now())
	c.mu.Unlock()
	c.report(ctx, news)
}

// StepDown ends this candidate's lead: when it returns, IsLeader is false. The
// lock is then released, and the candidate stands again when another has led or
// one lease duration has passed. It does nothing to a standby.
func (c *Candidate) StepDown(ctx context.Context) {
	c.mu.Lock()
	now := c.clock.Now()
	c.machine.stepDown(now)
	news := c.tell(now)
	c.mu.Unlock()
	c.report(ctx, news)
	select {
	case c.kick <- struct{}{}:
	default: // Run has not yet seen the last one
	}
}

// Prefer names the pod that the other candidates let go first when this candidate's
// term ends, empty for none; a StepDown that follows hands over to it. It is written with
// the next renewal or with the release, and ends with the term. It does nothing to a
// standby.
func (c *Candidate) Prefer(pod string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.machine.prefer(c.clock.Now(), pod)
}

// news is a change of leader in this candidate's eyes.
type news struct{ before, after Status }

// tell wakes everybody who waits for a change, if there is one. A change of
// leader comes back, to be reported when the lock is free: a log that blocks must
// not hold up anybody.
func (c *Candidate) tell(now Instant) *news {
	if c.learned != nil && c.machine.known.Version != c.version {
		close(c.learned)
		c.learned = nil
	}
	after, before := c.status(now), c.told
	sameLeader := after.Leader == before.Leader && after.IsLeader == before.IsLeader
	if sameLeader && after.Token == before.Token && after.ValidUntil == before.ValidUntil {
		return nil
	}
	close(c.changed)
	c.changed = make(chan struct{})
	c.told = after
	if sameLeader {
		return nil
	}
	c.lastUpdate = time.Now()
	return &news{before: before, after: after}
}

func (c *Candidate) report(ctx context.Context, n *news) {
	switch {
	case n == nil:
	case n.after.IsLeader:
		c.log.InfoContext(ctx, "leading", "token", n.after.Token)
	case n.before.IsLeader:
		c.log.InfoContext(ctx, "no longer leading", "leader", n.after.Leader)
	default:
		c.log.InfoContext(ctx, "the leader changed", "leader", n.after.Leader, "token", n.after.Token)
	}
}

// complain logs a failed request: the first of a row, and then ever more rarely.
func (c *Candidate) complain(ctx context.Context, request string, err error, failures int) {
	switch {
	case errors.Is(err, lock.ErrConflict), errors.Is(err, lock.ErrExists):
		c.log.DebugContext(ctx, "another candidate was faster", "request", request)
	case bits.OnesCount(uint(failures)) == 1:
		c.log.WarnContext(ctx, "the lock does not answer as it should; trying on", "request", request, "failures", failures, "error", err)
	}
}

package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/test/bench/plane"
	"github.com/leaseholder-dev/leaseholder/test/contender"
)

// patience bounds every wait for a process or a leader, lease durations aside.
const patience = 3 * time.Minute

// candidate is one process in an election.
type candidate struct {
	slot    int
	process *contender.Process
}

// election is one Lease and the processes that stand for it. Its methods are
// for one goroutine at a time.
type election struct {
	*field
	name       string
	contestant string
	timing     timing
	candidates []*candidate
	serial     int

	pumps   sync.WaitGroup
	mu      sync.Mutex
	changed chan struct{}
	// leading is who says that it leads, and since when.
	leading map[*candidate]time.Duration
}

// newElection makes the Lease, marked as free, so that nobody waits for a
// leader from before.
func (f *field) newElection(ctx context.Context, contestant string, t timing, candidates int) (*election, error) {
	if err := f.reserve(candidates); err != nil {
		return nil, err
	}
	f.elections++
	e := &election{
		field: f, name: "bench-" + strconv.Itoa(f.elections), contestant: contestant, timing: t,
		candidates: make([]*candidate, candidates), changed: make(chan struct{}), leading: map[*candidate]time.Duration{},
	}
	l := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: e.name}}
	lease.Free(l, time.Now())
	if _, err := f.plane.Leases().Create(ctx, l, metav1.CreateOptions{}); err != nil {
		return nil, fmt.Errorf("make the lease %q: %w", e.name, err)
	}
	return e, nil
}

// fill starts a process for every slot, some at a time, and waits for a leader.
func (e *election) fill(ctx context.Context) error {
	const atOnce = 4
	group, starting := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for slot := range e.candidates {
		e.serial++
		serial := e.serial
		group.Go(func() error { return e.start(ctx, starting, slot, serial) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	_, _, err := e.await(ctx, nil, patience)
	return err
}

// start puts a new process into a slot. It lives until it is ended or ctx is.
func (e *election) start(ctx, starting context.Context, slot, serial int) error {
	if err := starting.Err(); err != nil {
		return err
	}
	id := e.name + "-" + strconv.Itoa(serial)
	p, err := e.field.start(ctx, e.contestant, contender.Options{
		Name: id, UID: rand.Text(), Namespace: plane.Namespace, Election: e.name, Kubeconfig: e.kubeconfigs[slot],
		LeaseDuration: e.timing.lease, RenewDeadline: e.timing.renew, RetryPeriod: e.timing.retry, ReleaseOnCancel: true,
	})
	if err != nil {
		return fmt.Errorf("start %s for %q: %w", e.contestant, e.name, err)
	}
	c := &candidate{slot: slot, process: p}
	e.candidates[slot] = c
	e.pumps.Go(func() {
		for change := range p.Changes() {
			e.note(c, change)
		}
	})
	return nil
}

// note takes down who leads. What one process says comes in order, but that of two
// may not.
func (e *election) note(c *candidate, change contender.Change) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if change.Leading {
		e.leading[c] = change.At
	} else {
		delete(e.leading, c)
	}
	close(e.changed)
	e.changed = make(chan struct{})
}

// leader is who has begun to lead last of those that lead, and nil if none does.
func (e *election) leader() (last *candidate, begun time.Duration, changed <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for c, at := range e.leading {
		if last == nil || at > begun {
			last, begun = c, at
		}
	}
	return last, begun, e.changed
}

// await waits until a candidate other than the old one leads, and says since when.
func (e *election) await(ctx context.Context, old *candidate, patience time.Duration) (*candidate, time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("nobody leads after %s", patience))
	defer cancel()
	for {
		leader, begun, changed := e.leader()
		if leader != nil && leader != old {
			return leader, begun, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, 0, fmt.Errorf("wait for a leader of %q: %w", e.name, context.Cause(ctx))
		}
	}
}

// stop ends all processes at once.
func (e *election) stop(ctx context.Context) error {
	var errs []error
	for _, c := range e.candidates {
		if c != nil {
			errs = append(errs, c.process.Kill())
		}
	}
	for _, c := range e.candidates {
		if c != nil {
			errs = append(errs, ended(ctx, c.process))
		}
	}
	e.pumps.Wait()
	return errors.Join(errs...)
}

// ended waits for a process's end, however it ended.
func ended(ctx context.Context, p *contender.Process) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("it has not ended after %s", patience))
	defer cancel()
	if err := p.Wait(ctx); err != nil && ctx.Err() != nil {
		return fmt.Errorf("wait for the end of %q: %w", p.Name(), context.Cause(ctx))
	}
	return nil
}

// stopAll stops elections, also when ctx has ended.
func stopAll(ctx context.Context, elections []*election) error {
	var errs []error
	for _, e := range elections {
		errs = append(errs, e.stop(context.WithoutCancel(ctx)))
	}
	return errors.Join(errs...)
}

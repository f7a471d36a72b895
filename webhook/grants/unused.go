package grants

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/grants/rights"
	"github.com/leaseholder-dev/leaseholder/webhook/loop"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

func (t *term) setUsed(e view.Election) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.unused, e)
}

// unusedFor is for how long the election is known to have no pod.
func (t *term) unusedFor(e view.Election) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	since, known := t.unused[e]
	if !known {
		t.unused[e] = time.Now()
		return 0
	}
	return time.Since(since)
}

// removeUnused removes what an election without pods leaves behind, when it has
// had none for long enough.
func (t *term) removeUnused(ctx context.Context, e view.Election) (again time.Duration, err error) {
	l, err := t.leftBehind(ctx, e)
	if err != nil {
		return 0, err
	}
	if l.none() {
		return t.forget(e), nil
	}
	if left := t.UnusedAfter - t.unusedFor(e); left > 0 {
		return left, nil
	}
	if l.held {
		return t.UnusedAfter, nil
	}
	if pods, err := t.live(ctx, e); err != nil {
		return 0, err
	} else if len(running(pods)) > 0 {
		return 0, loop.ErrBehind // they are about to be known here
	}
	if err := t.revoke(ctx, e); err != nil {
		return 0, err
	}
	for _, lock := range l.locks {
		if lock.token > 0 {
			if again, err := t.fenced(ctx, e, lock.object, lock.token); again > 0 || err != nil {
				return again, err
			}
		}
		if err := t.delete(ctx, lock.object); apierrors.IsConflict(err) {
			return 0, loop.ErrBehind // somebody has just written it, of which no event tells here
		} else if err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// remains are the objects of an election.
type remains struct {
	// locks are the Lease, and the Endpoints.
	locks  []leftLock
	rights bool
	// held says that somebody without a pod uses them.
	held bool
}

// leftLock is what a lock is kept in, with the fencing token of its last term; zero where
// no token is lost with it.
type leftLock struct {
	object client.Object
	token  int64
}

func (r remains) none() bool { return len(r.locks) == 0 && !r.rights }

// leftBehind finds the objects of an election that we may remove: a Lease that
// an administrator has handed over bears no election's label, and stays. Endpoints are
// handed over with that label, and are ours to remove.
func (t *term) leftBehind(ctx context.Context, e view.Election) (remains, error) {
	var r remains
	add := func(o client.Object, token int64, held bool) {
		r.held = r.held || held
		if o.GetLabels()[injector.LabelElection] == e.Name {
			r.locks = append(r.locks, leftLock{object: o, token: token})
		}
	}
	var l coordinationv1.Lease
	switch err := t.Cache.Get(ctx, rights.LeaseKey(e), &l); {
	case client.IgnoreNotFound(err) != nil:
		return r, fmt.Errorf("read Lease %s: %w", e, err)
	case err == nil:
		// A report says who leads elsewhere, which nobody needs this Lease for.
		reported := rights.LockOf(&l)
		token := lease.Decode(&l).Token
		if inStore(reported) {
			token = 0 // the store has it
		}
		add(&l, token, reported == config.Default().Lock && heldOutside(&l, t.UnusedAfter))
	}
	endpoints := view.EndpointsMetadata()
	switch err := t.Cache.Get(ctx, rights.LeaseKey(e), endpoints); {
	case client.IgnoreNotFound(err) != nil:
		return r, fmt.Errorf("read Endpoints %s: %w", e, err)
	case err == nil:
		add(endpoints, endpointsToken(endpoints), heldEndpoints(endpoints, t.UnusedAfter))
	}
	for _, object := range []client.Object{&rbacv1.Role{}, &rbacv1.RoleBinding{}} {
		err := t.Cache.Get(ctx, rights.Key(e), object)
		if client.IgnoreNotFound(err) != nil {
			return r, fmt.Errorf("read %s %s: %w", kindOf(object), rights.Key(e), err)
		}
		r.rights = r.rights || err == nil
	}
	return r, nil
}

// heldOutside says whether somebody without a pod seems to hold the Lease: a
// candidate that was started by hand, or another elector.
func heldOutside(l *coordinationv1.Lease, within time.Duration) bool {
	record := lease.Decode(l)
	return record.Holder != "" && time.Since(record.Renewed) < within
}

package grants

import (
	"context"
	"fmt"
	"slices"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/webhook/event"
	"github.com/leaseholder-dev/leaseholder/webhook/grants/rights"
	"github.com/leaseholder-dev/leaseholder/webhook/onelock"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// ReasonLockKept says that a pod gets no lock, because the lock of its election was in a
// store, where pods of other clusters may still hold it.
const ReasonLockKept = "LockKept"

// place is where an election's lock is.
type place struct {
	lock config.LockAddress
	// seen is what the Lease said of it when that was decided; lock itself without one.
	seen config.LockAddress
	// kept says that the Lease alone says so, and no pod.
	kept bool
}

// lockOf is where the election's lock is: as its Lease has it, for as long as a pod lives
// that was told so. Afterwards it is where the pods were told. But pods of other clusters,
// which nobody here knows, can still hold a lock in a store: no lock in the cluster comes
// after one before somebody has deleted the Lease. The Lease alone never gives anything:
// whoever may write it could else get rights to something.
func (t *term) lockOf(ctx context.Context, e view.Election, pods []corev1.Pod) (place, error) {
	locks := view.LocksOf(pods)
	next := firstOf(locks)
	var l coordinationv1.Lease
	switch err := t.Cache.Get(ctx, rights.LeaseKey(e), &l); {
	case apierrors.IsNotFound(err):
		return place{lock: next, seen: next}, nil
	case err != nil:
		return place{}, fmt.Errorf("read Lease %s: %w", e, err)
	}
	recorded := rights.LockOf(&l)
	if slices.Contains(locks, recorded) {
		return place{lock: recorded, seen: recorded}, nil
	}
	// Another replica may know a pod of the old lock, which this one does not yet.
	alive, err := t.live(ctx, e)
	if err != nil {
		return place{}, err
	}
	if slices.Contains(view.LocksOf(running(alive)), recorded) {
		return place{lock: recorded, seen: recorded}, nil
	}
	if inStore(recorded) && next.InCluster() {
		return place{lock: recorded, seen: recorded, kept: true}, nil
	}
	return place{lock: next, seen: recorded}, nil
}

// inStore says that pods of several clusters can hold the lock. What can't be read is no
// lock, and nobody's.
func inStore(lock config.LockAddress) bool {
	return lock != config.LockAddress{} && !lock.InCluster()
}

// firstOf is the same for all replicas: the Lease, or else the first in the alphabet.
func firstOf(locks []config.LockAddress) config.LockAddress {
	if slices.Contains(locks, config.Default().Lock) {
		return config.Default().Lock
	}
	return locks[0]
}

// tellOtherLocks tells pods that look for the lock elsewhere, which admission let in
// because it did not know of the others yet.
func (t *term) tellOtherLocks(ctx context.Context, e view.Election, at place, pods []corev1.Pod) {
	for i := range pods {
		own := view.LockOf(&pods[i])
		if own == at.lock {
			continue
		}
		reason := string(onelock.Reason)
		var note string
		switch other, found := onelock.Find(pods, own, ""); {
		case at.kept:
			reason, note = ReasonLockKept, tellKept(e, at.lock, own)
		case found:
			note = other.Tell(e.Namespace, e.Name, own)
		default: // those of the lock are known to the API server alone
			note = (&onelock.Other{Lock: at.lock}).Tell(e.Namespace, e.Name, own)
		}
		t.Logger.WarnContext(ctx, "a pod has another lock than its election", "election", e.String(), "pod", pods[i].Name, "lock", own.String(), "reason", reason)
		t.Teller.Tell(ctx, event.Event{
			Regarding: event.Reference("v1", "Pod", &pods[i]),
			Related:   leaseReference(e),
			Type:      corev1.EventTypeWarning,
			Reason:    reason,
			Action:    actionGrant,
			Note:      note,
			Occasion:  note,
		})
	}
}

// tellKept says why a pod waits for the lock of an election that was in a store, and the
// ways out.
func tellKept(e view.Election, kept, own config.LockAddress) string {
	return fmt.Sprintf("the Lease says that the lock of election %q in namespace %q is %.100q, and this pod's is %.100q: "+
		"pods of another cluster, which are not known here, may still elect by it, and two would lead; when no cluster uses that lock any more, "+
		"delete the Lease, which is then made anew: kubectl delete lease -n %s %s; or give this pod that lock with %s, or name another election with %s",
		e.Name, e.Namespace, kept.String(), own.String(), e.Namespace, e.Name, injector.AnnotationLock, injector.AnnotationElection)
}

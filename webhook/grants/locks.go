package grants

import (
	"context"
	"fmt"
	"slices"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/webhook/event"
	"github.com/leaseholder-dev/leaseholder/webhook/grants/rights"
	"github.com/leaseholder-dev/leaseholder/webhook/onelock"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// lockOf is where the election's lock is: as its Lease has it, for as long as a pod lives
// that was told so. Afterwards it is where the pods were told. The Lease alone never
// decides: whoever may write it could else get rights to something.
func (t *term) lockOf(ctx context.Context, e view.Election, pods []corev1.Pod) (config.LockAddress, error) {
	locks := view.LocksOf(pods)
	var l coordinationv1.Lease
	switch err := t.Cache.Get(ctx, rights.LeaseKey(e), &l); {
	case apierrors.IsNotFound(err):
		return firstOf(locks), nil
	case err != nil:
		return config.LockAddress{}, fmt.Errorf("read Lease %s: %w", e, err)
	}
	recorded := rights.LockOf(&l)
	if slices.Contains(locks, recorded) {
		return recorded, nil
	}
	// Another replica may know a pod of the old lock, which this one does not yet.
	alive, err := t.live(ctx, e)
	if err != nil {
		return config.LockAddress{}, err
	}
	if slices.Contains(view.LocksOf(running(alive)), recorded) {
		return recorded, nil
	}
	return firstOf(locks), nil
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
func (t *term) tellOtherLocks(ctx context.Context, e view.Election, lock config.LockAddress, pods []corev1.Pod) {
	for i := range pods {
		own := view.LockOf(&pods[i])
		if own == lock {
			continue
		}
		other, found := onelock.Find(pods, own, "")
		if !found { // those of the lock are known to the API server alone
			other = &onelock.Other{Lock: lock}
		}
		note := other.Tell(e.Namespace, e.Name, own)
		t.Logger.WarnContext(ctx, "a pod has another lock than its election", "election", e.String(), "pod", pods[i].Name, "lock", own.String())
		t.Teller.Tell(ctx, event.Event{
			Regarding: event.Reference("v1", "Pod", &pods[i]),
			Related:   leaseReference(e),
			Type:      corev1.EventTypeWarning,
			Reason:    string(onelock.Reason),
			Action:    actionGrant,
			Note:      note,
			Occasion:  note,
		})
	}
}

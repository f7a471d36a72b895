package grants

import (
	"context"
	"fmt"
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/grants/rights"
	"github.com/leaseholder-dev/leaseholder/webhook/ownership"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// ensureLease makes the Lease if there is none, with the record of whose it is and where
// the lock is. The first candidate of a Lease that was just made waits for a whole lease
// duration, since a leader from before could still be valid, but not if it is certain
// that there was none. The report of a lock elsewhere is taken by nobody.
func (t *term) ensureLease(ctx context.Context, e view.Election, at place, members []ownership.Member) (record ownership.Record, foreign client.Object, err error) {
	known, err := t.hadBefore(ctx, e)
	if err != nil {
		return record, nil, err
	}
	made, found := rights.Lease(e, at.lock, members), &coordinationv1.Lease{}
	// A Lease belongs to its candidates, so there is nothing to repair in it.
	asItIs := func(*coordinationv1.Lease) bool { return false }
	foreign, err = ensure(ctx, t, made, found, asItIs)
	if foreign != nil || err != nil {
		return record, foreign, err
	}
	t.setSeen(e)
	if made.UID == "" { // there was one
		record, err = t.keepRecord(ctx, found, at, members)
		return record, nil, err
	}
	if known || at.lock != config.Default().Lock {
		return ownership.Of(made), nil, nil
	}
	return ownership.Of(made), nil, t.free(ctx, e, made)
}

// hadBefore says whether the election had a Lease before, of which a leader could still
// be valid: this term has seen one, or the rights to one are there, which outlive a
// Lease that is deleted, and terms of the controller. Rights are made after the Lease,
// by every replica, so this is to be asked before there is one; then it costs nothing
// while the cache has the Lease.
func (t *term) hadBefore(ctx context.Context, e view.Election) (bool, error) {
	if t.knows(e) {
		return true, nil
	}
	err := t.Cache.Get(ctx, rights.LeaseKey(e), &coordinationv1.Lease{})
	if !apierrors.IsNotFound(err) {
		return true, err
	}
	for _, object := range []client.Object{&rbacv1.Role{}, &rbacv1.RoleBinding{}} {
		err := t.Client.Get(ctx, rights.Key(e), object)
		if !apierrors.IsNotFound(err) {
			return true, err
		}
	}
	return false, nil
}

// free marks a Lease that was just made as free if no sidecar of its election can
// have led before. Whoever leads from now on has written that very Lease, and then
// the mark, which names the version that was made, comes too late.
func (t *term) free(ctx context.Context, e view.Election, made *coordinationv1.Lease) error {
	never, err := t.neverRan(ctx, e)
	if err != nil || !never {
		return err
	}
	marked := made.DeepCopy()
	lease.Free(marked, time.Now())
	unchanged := client.MergeFromWithOptions(made, client.MergeFromWithOptimisticLock{})
	err = t.Client.Patch(ctx, marked, unchanged)
	if client.IgnoreNotFound(err) != nil && !apierrors.IsConflict(err) {
		return fmt.Errorf("mark Lease %s as free: %w", e, err)
	}
	return nil
}

// neverRan asks the API server itself whether all pods of the election are so
// new that no sidecar of theirs has been started. It is not asked about an election
// that had a Lease before: a pod's status lags, and pods can be deleted by force.
//
// A pod that the cache knows to be of the election, by what its sidecar was told, and
// that is not in the answer was deleted or given another label, and may have run.
func (t *term) neverRan(ctx context.Context, e view.Election) (bool, error) {
	// Before the answer: a pod that comes later is no pod that was lost.
	known, err := view.Pods(ctx, t.Cache, e)
	if err != nil {
		return false, err
	}
	pods, err := t.live(ctx, e)
	if err != nil {
		return false, err
	}
	there := map[types.UID]bool{}
	for i := range pods {
		there[pods[i].UID] = true
	}
	lost := slices.ContainsFunc(known, func(pod corev1.Pod) bool { return !there[pod.UID] })
	return !lost && !slices.ContainsFunc(pods, func(pod corev1.Pod) bool { return mayHaveRun(&pod) }), nil
}

// mayHaveRun says whether the sidecar may have been started.
func mayHaveRun(pod *corev1.Pod) bool {
	if pod.DeletionTimestamp != nil || view.Ended(pod) {
		return true
	}
	for i := range pod.Status.InitContainerStatuses {
		s := &pod.Status.InitContainerStatuses[i]
		if s.Name == injector.ContainerName && (s.ContainerID != "" || s.RestartCount > 0 || s.State.Waiting == nil) {
			return true
		}
	}
	return false
}

// remembered is for how long it counts that an election had a Lease: the longest
// lease duration, after which no leader of that time can be valid.
const remembered = time.Hour

// seeing takes note of every Lease that came, changed or went.
func (t *term) seeing(keys keysOf) keysOf {
	return func(before, after client.Object) []view.Election {
		object := after
		if object == nil {
			object = before
		}
		t.setSeen(view.Election{Namespace: object.GetNamespace(), Name: object.GetName()})
		return keys(before, after)
	}
}

func (t *term) setSeen(e view.Election) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen[e] = time.Now()
}

// knows says whether the election had a Lease before.
func (t *term) knows(e view.Election) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, seen := t.seen[e]
	return seen
}

// forget forgets an election of which nothing is left, and says when to be asked
// again if it is too soon for that.
func (t *term) forget(e view.Election) (again time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.unused, e)
	if left := remembered - time.Since(t.seen[e]); left > 0 {
		return left
	}
	delete(t.seen, e)
	return 0
}

package webhook

import (
	"context"
	"fmt"
	"slices"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/webhook/onelock"
	"github.com/leaseholder-dev/leaseholder/webhook/ownership"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// ownLabel marks what Leaseholder made.
const ownLabel = view.LabelManagedBy + "=" + view.ManagedBy

// KnownLeases tells who made a Lease: at no cost if Leaseholder did, which is so
// for all pods of an election but the first, and with one read otherwise.
type KnownLeases struct {
	// Own has the Leases that Leaseholder made.
	Own client.Reader
	// All reads at the API server.
	All client.Reader
}

var _ Leases = KnownLeases{}

// Elections tells who stands in an election already.
type Elections interface {
	// Record says whose an election is; one that is not known yet is open.
	Record(ctx context.Context, e view.Election) (ownership.Record, error)
	// Members are the pods of an election that have not ended.
	Members(ctx context.Context, e view.Election) ([]ownership.Member, error)
	// OtherLock looks for a pod that has not ended and has another lock, among all but
	// those of a workload, if one is given.
	OtherLock(ctx context.Context, e view.Election, lock config.LockAddress, workload string) (*onelock.Other, bool, error)
	// SharedLock looks for another election with that lock outside the cluster, among
	// all pods but those of a workload of this one's namespace, if one is given.
	SharedLock(ctx context.Context, e view.Election, lock config.LockAddress, workload string) (view.Election, bool, error)
}

// KnownElections tells what its cache knows, and so may miss what has just been
// made: who grants the rights judges again.
type KnownElections struct{ Cache client.Reader }

var _ Elections = KnownElections{}

// Record implements Elections.
func (k KnownElections) Record(ctx context.Context, e view.Election) (ownership.Record, error) {
	var lease coordinationv1.Lease
	err := k.Cache.Get(ctx, types.NamespacedName{Namespace: e.Namespace, Name: e.Name}, &lease)
	if client.IgnoreNotFound(err) != nil {
		return ownership.Record{}, fmt.Errorf("read Lease %s: %w", e, err)
	}
	return ownership.Of(&lease), nil
}

// Members implements Elections.
func (k KnownElections) Members(ctx context.Context, e view.Election) ([]ownership.Member, error) {
	pods, err := view.Pods(ctx, k.Cache, e)
	if err != nil {
		return nil, err
	}
	pods = slices.DeleteFunc(pods, func(pod corev1.Pod) bool { return view.Ended(&pod) })
	return ownership.MembersOf(pods, e.Name), nil
}

// OtherLock implements Elections. It is asked about every pod, and copies none.
func (k KnownElections) OtherLock(ctx context.Context, e view.Election, lock config.LockAddress, workload string) (*onelock.Other, bool, error) {
	pods, err := view.Pods(ctx, k.Cache, e, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, false, err
	}
	other, found := onelock.Find(pods, lock, workload)
	return other, found, nil
}

// SharedLock implements Elections. Like OtherLock, it copies no pod.
func (k KnownElections) SharedLock(ctx context.Context, e view.Election, lock config.LockAddress, workload string) (view.Election, bool, error) {
	pods, err := view.PodsAt(ctx, k.Cache, lock, client.UnsafeDisableDeepCopy)
	if err != nil {
		return view.Election{}, false, err
	}
	other, found := onelock.FindShared(pods, e, workload)
	return other, found, nil
}

// Foreign implements Leases.
func (k KnownLeases) Foreign(ctx context.Context, namespace, name string) (bool, error) {
	key := types.NamespacedName{Namespace: namespace, Name: name}
	if err := k.Own.Get(ctx, key, &coordinationv1.Lease{}); err == nil {
		return false, nil
	}
	found := &metav1.PartialObjectMetadata{}
	found.SetGroupVersionKind(coordinationv1.SchemeGroupVersion.WithKind("Lease"))
	err := k.All.Get(ctx, key, found)
	switch {
	case apierrors.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read Lease %s: %w", key, err)
	}
	return !view.Ours(found), nil
}

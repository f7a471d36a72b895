package grants

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// leaseFor is the Lease to make for an election that has none. Its first
// candidate has to wait for a whole lease duration, since a leader from before
// could still be valid; but not if it is certain that there was none.
func (t *term) leaseFor(ctx context.Context, e view.Election) (*coordinationv1.Lease, error) {
	l := newLease(e)
	if t.wasGranted(e) {
		return l, nil
	}
	switch err := t.Cache.Get(ctx, leaseKey(e), &coordinationv1.Lease{}); {
	case err == nil:
		return l, nil
	case !apierrors.IsNotFound(err):
		return nil, fmt.Errorf("read Lease %s: %w", e, err)
	}
	never, err := t.neverRan(ctx, e)
	if err != nil {
		return nil, err
	}
	if never {
		lease.Free(l, time.Now())
	}
	return l, nil
}

// neverRan asks the API server itself whether all pods of the election are so
// new that no sidecar of theirs can have led. What this term has granted before
// is not asked: a pod's status lags, and pods can be deleted by force.
func (t *term) neverRan(ctx context.Context, e view.Election) (bool, error) {
	var pods corev1.PodList
	if err := t.Client.List(ctx, &pods, client.InNamespace(e.Namespace), client.MatchingLabels{injector.LabelElection: e.Name}); err != nil {
		return false, fmt.Errorf("list the pods of %s: %w", e, err)
	}
	for i := range pods.Items {
		if mayHaveRun(&pods.Items[i]) {
			return false, nil
		}
	}
	return true, nil
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

func (t *term) wasGranted(e view.Election) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.granted[e]
}

func (t *term) setGranted(e view.Election) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.granted[e] = true
}

// forget forgets an election of which nothing is left.
func (t *term) forget(e view.Election) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.granted, e)
	delete(t.unused, e)
}

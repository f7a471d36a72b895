package view

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// LockOf is where the lock of a pod's election is, cached or not. As with ElectionOf, it
// is what the sidecar was told at admission, which nobody can change later.
func LockOf(pod *corev1.Pod) config.LockAddress {
	if lock, ok := config.ParseLock(Told(pod, config.Lock)); ok {
		return lock
	}
	return config.Default().Lock
}

// lockIndex finds the pods of all namespaces with one lock outside the cluster.
const lockIndex = "leaseholder.lock"

func remoteLockOf(object client.Object) []string {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return nil
	}
	lock := LockOf(pod)
	if _, elected := ElectionOf(pod); !elected || lock.InCluster() {
		return nil
	}
	return []string{lock.String()}
}

// PodsAt lists the cached pods, of all elections, with that lock outside the cluster.
func PodsAt(ctx context.Context, reader client.Reader, lock config.LockAddress, options ...client.ListOption) ([]corev1.Pod, error) {
	var list corev1.PodList
	if err := reader.List(ctx, &list, append(options, client.MatchingFields{lockIndex: lock.String()})...); err != nil {
		return nil, fmt.Errorf("list the pods with the lock %s: %w", lock, err)
	}
	return list.Items, nil
}

// LocksOf are the different locks that these pods were told, sorted.
func LocksOf(pods []corev1.Pod) []config.LockAddress {
	var locks []config.LockAddress
	for i := range pods {
		if lock := LockOf(&pods[i]); !slices.Contains(locks, lock) {
			locks = append(locks, lock)
		}
	}
	slices.SortFunc(locks, func(a, b config.LockAddress) int { return cmp.Compare(a.String(), b.String()) })
	return locks
}

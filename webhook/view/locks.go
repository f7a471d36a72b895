package view

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"

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

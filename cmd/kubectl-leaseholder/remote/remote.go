// Package remote tells leaders that are in another cluster. An election whose lock is
// outside the cluster can have one; here there is only a report of it.
package remote

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// Lock is the address of the lock that a Lease's record is of or reports.
func Lock(r lock.Record) string {
	if r.Reports == "" {
		return string(config.LockLease)
	}
	return r.Reports
}

// Possible says whether the record reports a lock that candidates of other clusters can
// hold.
func Possible(r lock.Record) bool {
	address, _ := config.ParseLock(r.Reports)
	return r.Reports != "" && !address.InCluster()
}

// Leader says whether the record names a leader in another cluster: one of ours that is
// none of these pods, which are those of this cluster that it could be. A pod of this one
// that is gone looks the same.
func Leader(r lock.Record, pods []corev1.Pod) bool {
	id, _ := lock.ParseIdentity(r.Holder)
	return Possible(r) && r.Stamped() && !slices.ContainsFunc(pods, func(p corev1.Pod) bool { return string(p.UID) == id.UID })
}

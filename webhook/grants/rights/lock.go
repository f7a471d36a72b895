package rights

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
)

// LockOf is where the lock of an election is, as its Lease says. What can't be read is
// the zero value, which is nobody's.
func LockOf(l metav1.Object) config.LockAddress {
	address, elsewhere := l.GetAnnotations()[lease.LockAnnotation]
	if !elsewhere {
		return config.Default().Lock
	}
	lock, ok := config.ParseLock(address)
	if !ok {
		return config.LockAddress{}
	}
	return lock
}

// WriteLock marks a Lease as the report of a lock elsewhere, or as none. What had been a
// report says nothing of who let go of the Lease itself: its first holder waits as for a
// leader from before.
func WriteLock(l *metav1.ObjectMeta, lock config.LockAddress) {
	if lock == config.Default().Lock {
		if _, report := l.Annotations[lease.LockAnnotation]; report {
			delete(l.Annotations, lease.LockAnnotation)
			delete(l.Annotations, lease.MarkAnnotation)
		}
		return
	}
	metav1.SetMetaDataAnnotation(l, lease.LockAnnotation, lock.String())
}

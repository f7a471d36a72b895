package rights

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
)

// LockAnnotation is on a Lease that is the report of a lock elsewhere: its address. The
// Lease of an election whose lock it is has none.
const LockAnnotation = injector.Prefix + string(config.Lock)

// LockOf is where the lock of an election is, as its Lease says. What can't be read is
// the zero value, which is nobody's.
func LockOf(l metav1.Object) config.LockAddress {
	address, elsewhere := l.GetAnnotations()[LockAnnotation]
	if !elsewhere {
		return config.Default().Lock
	}
	lock, ok := config.ParseLock(address)
	if !ok {
		return config.LockAddress{}
	}
	return lock
}

// WriteLock marks a Lease as the report of a lock elsewhere, or as none.
func WriteLock(l *metav1.ObjectMeta, lock config.LockAddress) {
	if lock == config.Default().Lock {
		delete(l.Annotations, LockAnnotation)
		return
	}
	metav1.SetMetaDataAnnotation(l, LockAnnotation, lock.String())
}

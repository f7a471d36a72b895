package lease

import (
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/leaseholder-dev/leaseholder/sidecar/lock/kube"
)

// Free marks a Lease that is about to be made as released, so that its first
// candidate need not wait for a leader from before. Whoever marks a Lease so
// must know that no candidate of its election has ever run: one that has could
// still be valid, and no other would wait for it.
func Free(l *coordinationv1.Lease, now time.Time) {
	renewed := metav1.NewMicroTime(now.Truncate(time.Second))
	l.Spec.RenewTime = &renewed
	kube.Free(&l.ObjectMeta, renewed.Time)
}

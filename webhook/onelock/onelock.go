package onelock

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// Reason is the stable code of a refusal because of another lock.
const Reason injector.Reason = "OtherLock"

// ReasonShared is the stable code of a warning that another election has the lock.
const ReasonShared injector.Reason = "SharedLock"

// Other is a pod whose lock is not that of another pod of its election: each of
// the two locks would have a leader.
type Other struct {
	// Pod is the pod's name.
	Pod string
	// Lock is where its lock is.
	Lock config.LockAddress
}

// Find looks among the pods of an election, cached or not, for one that has
// not ended and has another lock; of several it gives the first in the alphabet, so
// that the same is said the next time. What is of the workload does not count, unless
// that is empty.
func Find(pods []corev1.Pod, lock config.LockAddress, workload string) (other *Other, found bool) {
	for i := range pods {
		pod := &pods[i]
		theirs := view.LockOf(pod)
		if theirs == lock || view.Ended(pod) || workload != "" && injector.WorkloadOf(pod) == workload {
			continue
		}
		if other == nil || pod.Name < other.Pod {
			other = &Other{Pod: pod.Name, Lock: theirs}
		}
	}
	return other, other != nil
}

// Tell says who has another lock, and the ways out.
func (o *Other) Tell(namespace, election string, lock config.LockAddress) string {
	return fmt.Sprintf("election %q in namespace %q has pods with another lock, such as %q with %.100q, and this pod's is %.100q: "+
		"with two locks there would be two leaders; let those pods end first (scale to 0, or spec.strategy.type \"Recreate\" of a Deployment), "+
		"give all the same %s, or name another election with %s",
		election, namespace, o.Pod, o.Lock.String(), lock.String(), injector.AnnotationLock, injector.AnnotationElection)
}

// FindShared looks among pods with one lock, cached or not, for an election that is not
// this one; of several it gives the first in the alphabet. What has ended does not count,
// nor what is of the workload, which changes its election, unless that is empty.
func FindShared(pods []corev1.Pod, e view.Election, workload string) (other view.Election, found bool) {
	for i := range pods {
		pod := &pods[i]
		of, elected := view.ElectionOf(pod)
		own := workload != "" && of.Namespace == e.Namespace && injector.WorkloadOf(pod) == workload
		if !elected || of == e || own || view.Ended(pod) {
			continue
		}
		if !found || of.String() < other.String() {
			other, found = of, true
		}
	}
	return other, found
}

// TellShared says what comes of it, and the ways out. Nobody is told a name of another
// namespace.
func TellShared(e, other view.Election, lock config.LockAddress) string {
	who := "an election in another namespace"
	if other.Namespace == e.Namespace {
		who = fmt.Sprintf("election %q", other.Name)
	}
	return fmt.Sprintf("the lock %.100q of election %q is that of %s, too: only one of the two has a leader at a time; "+
		"give each a lock of its own with %s, or name one election with %s",
		lock.String(), e.Name, who, injector.AnnotationLock, injector.AnnotationElection)
}

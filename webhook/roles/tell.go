package roles

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/webhook/event"
)

// Reasons of the Events.
const (
	// ReasonElected is told on the pod and on the Lease when a term begins.
	ReasonElected = "LeaderElected"
	// ReasonReleased is told on both when the leader let go by itself. A report says the
	// same of one that has lost sight of its lock.
	ReasonReleased = "LeadershipReleased"
	// ReasonLost is told on the pod that led when another holds the lock.
	ReasonLost = "LeadershipLost"
	// ReasonRefused warns on the pod when the API server refuses to change its label.
	ReasonRefused = "RoleRefused"

	actionElection = "Election"
)

// tell makes the Events of one change of leader, which the term's token tells
// from others. The pods are those that are known of the election.
func (c *Controller) tell(ctx context.Context, l *coordinationv1.Lease, record lock.Record, pods []corev1.Pod, change change) {
	pod := event.Reference("v1", "Pod", change.pod)
	lease := event.Reference(coordinationv1.SchemeGroupVersion.String(), "Lease", l)
	tell := func(on, with corev1.ObjectReference, reason, note string, args ...any) {
		c.o.Teller.Tell(ctx, event.Event{
			Regarding: on,
			Related:   with,
			Type:      corev1.EventTypeNormal,
			Reason:    reason,
			Action:    actionElection,
			Note:      fmt.Sprintf(note, args...),
			Occasion:  strconv.FormatInt(record.Token, 10),
		})
	}
	both := func(reason, note string, args ...any) {
		tell(pod, lease, reason, note, args...)
		tell(lease, pod, reason, note, args...)
	}
	switch {
	case change.role == injector.RoleLeader:
		both(ReasonElected, "pod %s leads election %s with token %d", change.pod.Name, l.Name, record.Token)
	case record.Released() && record.Reports != "":
		both(ReasonReleased, "pod %s does not lead election %s any more: it let go, or lost sight of its lock", change.pod.Name, l.Name)
	case record.Released():
		both(ReasonReleased, "pod %s has released the lead of election %s", change.pod.Name, l.Name)
	default:
		tell(pod, lease, ReasonLost, "pod %s leads election %s no more: %s does", change.pod.Name, l.Name, holder(record, pods))
	}
}

// holder is who holds the lock, in a sentence. One in a store can be held by a pod of
// another cluster, which can have the name of one of this.
func holder(record lock.Record, pods []corev1.Pod) string {
	leader := leaderUID(record)
	here := func(pod corev1.Pod) bool { return string(pod.UID) == leader }
	address, known := config.ParseLock(record.Reports)
	if leader == "" || !known || address.InCluster() || slices.ContainsFunc(pods, here) {
		return lock.PodName(record.Holder)
	}
	return fmt.Sprintf("a pod of another cluster (%s)", record.Holder)
}

// tellRefused warns once a term that the pod's label says something else than the Lease.
func (c *Controller) tellRefused(ctx context.Context, l *coordinationv1.Lease, record lock.Record, change change, err error) {
	c.o.Teller.Tell(ctx, event.Event{
		Regarding: event.Reference("v1", "Pod", change.pod),
		Related:   event.Reference(coordinationv1.SchemeGroupVersion.String(), "Lease", l),
		Type:      corev1.EventTypeWarning,
		Reason:    ReasonRefused,
		Action:    actionElection,
		Note: fmt.Sprintf("the label %s of pod %s should be %q in election %s, but the API server refuses that: %v",
			injector.LabelRole, change.pod.Name, change.role, l.Name, err),
		Occasion: strconv.FormatInt(record.Token, 10),
	})
}

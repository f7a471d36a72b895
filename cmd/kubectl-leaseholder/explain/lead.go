package explain

import (
	"fmt"
	"slices"
	"strings"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// controller is what to look at when something is not there that it makes.
const controller = "see whether the webhook's pods run: its controller makes what is missing, in every namespace but kube-* and its own"

// rights says what the pod's account may do with the Lease.
func (r *report) rights() {
	if r.denied.err == nil {
		if denied := *r.denied.value; len(denied) > 0 {
			r.wrongf(controller, "Service account %q may not %s lease %q, so the sidecar can't take part", account(r.pod), strings.Join(denied, ", "), r.election)
			return
		}
		r.factf("Service account %q may %s lease %q", account(r.pod), strings.Join(view.Verbs(), ", "), r.election)
		return
	}
	name := view.RightsPrefix + r.election
	if r.role.err != nil || r.binding.err != nil {
		r.factf("You may neither ask for the rights of service account %q nor read Role and RoleBinding %q, so nothing is said about them", account(r.pod), name)
		return
	}
	switch {
	case r.role.value == nil:
		r.wrongf(controller, "There is no Role %q, which the sidecar needs", name)
	case !view.Ours(r.role.value):
		r.wrongf("rename it, or name another election with "+injector.AnnotationElection, "Leaseholder did not make Role %q", name)
	case r.binding.value == nil:
		r.wrongf(controller, "There is no RoleBinding %q, which the sidecar needs", name)
	case !r.bound():
		r.wrongf(controller, "RoleBinding %q does not name service account %q", name, account(r.pod))
	default:
		r.factf("RoleBinding %q gives service account %q the Role of its election", name, account(r.pod))
	}
}

func (r *report) bound() bool {
	for _, s := range r.binding.value.Subjects {
		if s.Kind == "ServiceAccount" && s.Name == account(r.pod) {
			return r.binding.value.RoleRef.Name == view.RightsPrefix+r.election
		}
	}
	return false
}

// lead says who leads, and why it is not this pod.
func (r *report) lead() {
	switch l := r.lease.value; {
	case r.lease.err != nil:
		r.unread(fmt.Sprintf("lease %q", r.election), r.lease.err)
	case l == nil:
		r.wrongf(controller, "There is no lease %q, so nobody can lead", r.election)
	case !view.Ours(l):
		r.wrongf(fmt.Sprintf("name another election with %s, or hand it over with the label %s=%s", injector.AnnotationElection, view.LabelManagedBy, view.ManagedBy),
			"Leaseholder did not make lease %q, so it gives no rights to it", r.election)
		r.holder(l)
	default:
		r.holder(l)
		r.requests(l)
	}
}

// holder says who holds the Lease, by the Lease's own times.
func (r *report) holder(l *coordinationv1.Lease) {
	record := lease.Decode(l)
	id, ours := lock.ParseIdentity(record.Holder)
	leads := ours && id.UID == string(r.pod.UID)
	switch {
	case record.Released():
		r.factf("Nobody leads: %s let go %s, and the next candidate takes the lead at once", lock.PodName(record.ReleasedBy()), r.ago(record.Renewed))
		return
	case record.Holder == "":
		r.factf("Nobody leads: the lease is new or was emptied, and candidates wait for a whole lease duration before one takes it")
		return
	case leads:
		r.factf("This pod leads with token %d, and was elected %s", record.Token, r.ago(record.Acquired))
	case !record.Stamped():
		r.wrongf("end the elector or undo the edit that wrote it, if it should not be there", "The lease is held by %q, which is none of Leaseholder's sidecars, and took it %s", record.Holder, r.ago(record.Acquired))
	default:
		r.factf("Pod %s leads with token %d, and was elected %s: this one is a standby", id.Pod, record.Token, r.ago(record.Acquired))
	}
	if r.now.After(record.Renewed.Add(record.Duration)) {
		r.wrongf("see the log of the leader's sidecar; another takes over a lease duration after the last renewal that it saw",
			"The last renewal was %s, longer than the lease duration of %s, unless the clocks of its holder and of this machine differ", r.ago(record.Renewed), record.Duration)
	} else {
		r.factf("The lease was renewed %s, and lasts %s; the clocks of its holder and of this machine may differ", r.ago(record.Renewed), record.Duration)
	}
	if !leads && record.Stamped() {
		r.leader(id)
	}
	r.label(leads, record.Token)
}

// leader compares this pod with the leader's.
func (r *report) leader(id lock.Identity) {
	if r.candidates.err != nil {
		r.unread("the election's pods", r.candidates.err)
		return
	}
	at := slices.IndexFunc(*r.candidates.value, func(p corev1.Pod) bool { return string(p.UID) == id.UID })
	if at < 0 {
		r.factf("The leader's pod is not in the list of pods of this election: it is gone, or runs outside the cluster")
		return
	}
	leader := &(*r.candidates.value)[at]
	mine, _ := injector.Priority(r.pod)
	theirs, _ := injector.Priority(leader)
	switch {
	case mine > theirs && view.Ready(r.pod):
		r.factf("Its priority %d is higher than the leader's %d, so it is given the lead when it has been ready beside it for half a minute or one lease duration", mine, theirs)
	case mine > theirs:
		r.wrongf("see why the pod is not ready", "Its priority %d is higher than the leader's %d, but it is not ready, and so is not given the lead", mine, theirs)
	case mine < theirs:
		r.factf("Its priority %d is lower than the leader's %d", mine, theirs)
	}
}

// label says whether the role that is shown is the one that it has.
func (r *report) label(leads bool, token int64) {
	want := injector.RoleStandby
	if leads {
		want = injector.RoleLeader
	}
	if got := r.pod.Labels[injector.LabelRole]; got != want {
		r.wrongf("look again in some seconds; if it stays, see whether the webhook's pods run, one of which sets it",
			"The label %s is %q, and by token %d of the lease it should be %q: it lags", injector.LabelRole, got, token, want)
		return
	}
	r.factf("The label %s is %q, as it should be", injector.LabelRole, want)
}

// requests says what was asked of the holder.
func (r *report) requests(l *coordinationv1.Lease) {
	record := lease.Decode(l)
	if record.StepDown != "" && record.StepDown == record.Holder {
		r.factf("The leader is asked to hand over (annotation %s of the lease)", lease.StepDownAnnotation)
	}
	if record.Preferred != "" {
		r.factf("Pod %s shall lead next (annotation %s of the lease)", record.Preferred, lease.PreferredAnnotation)
	}
}

package explain

import (
	"fmt"
	"slices"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/leaseholder-dev/leaseholder/cmd/kubectl-leaseholder/remote"
	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/config"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock/lease"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// lead says who leads, and why it is not this pod.
func (r *report) lead() {
	switch l := r.lease.value; {
	case r.lease.err != nil:
		r.unread(fmt.Sprintf("lease %q", r.election), r.lease.err)
	case l == nil && r.lock() != string(config.LockLease):
		r.wrongf(controller, "There is no lease %q, so the election, which is held at %s, is not reported in this cluster", r.election, r.lock())
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

// holds says whether the lease names this pod as its holder.
func (r *report) holds() bool {
	if r.lease.value == nil {
		return false
	}
	id, ours := lock.ParseIdentity(lease.Decode(r.lease.value).Holder)
	return ours && id.UID == string(r.pod.UID)
}

// holder says who holds the Lease, by the Lease's own times.
func (r *report) holder(l *coordinationv1.Lease) {
	record := lease.Decode(l)
	r.reports(record)
	switch {
	case record.Holder == "" && remote.Lock(record) != r.lock():
		return // it says nothing about this pod's election
	case record.Released() && record.Reports != "":
		r.factf("Nobody in this cluster leads: %s let go, or lost sight of the lock, after its renewal %s", lock.PodName(record.ReleasedBy()), r.ago(record.Renewed))
		return
	case record.Released():
		r.factf("Nobody leads: %s let go %s, and the next candidate takes the lead at once", lock.PodName(record.ReleasedBy()), r.ago(record.Renewed))
		return
	case record.Holder == "":
		r.factf("Nobody leads: the lease is new or was emptied, and candidates wait for a whole lease duration before one takes it")
		return
	}
	far := r.candidates.value != nil && remote.Leader(record, *r.candidates.value)
	expired := !far && !record.Renewed.IsZero() && r.now.After(record.Renewed.Add(record.Duration))
	r.name(record, expired)
	switch {
	case far:
		r.factf("The holder is no pod of this election in this cluster: it runs in another, or is gone. "+
			"The sidecars here write the report when the holder changes, last %s; nothing here tells of its renewals", r.ago(record.Renewed))
	case expired && record.Reports != "":
		r.wrongf("see the logs of the sidecars; a report follows the lock as soon as one of them reaches both, and the election needs none",
			"The report was last renewed %s, longer than the lease duration of %s: no leader's sidecar can write it, or nobody leads, or the clocks of its holder and of this machine differ",
			r.ago(record.Renewed), record.Duration)
	case expired:
		r.wrongf("see the log of its sidecar; another takes over a lease duration after the last renewal that it saw",
			"The last renewal was %s, longer than the lease duration of %s, unless the clocks of its holder and of this machine differ", r.ago(record.Renewed), record.Duration)
	default:
		r.factf("The lease was renewed %s, and lasts %s; the clocks of its holder and of this machine may differ", r.ago(record.Renewed), record.Duration)
	}
	if !r.holds() && record.Stamped() && !far {
		r.leader(record.Holder, expired)
	}
	if !view.Ended(r.pod) {
		r.label(record.Token)
	}
}

// lock is the address of the lock that this pod's sidecar was told.
func (r *report) lock() string { return view.LockOf(r.pod).String() }

// reports says of which lock the Lease tells, where it is not the lock itself.
func (r *report) reports(record lock.Record) {
	switch told := r.lock(); {
	case remote.Lock(record) != told && record.Reports == "":
		r.factf("This pod's lock is %s, which the lease does not report yet: what it says is of an election that was held otherwise", told)
	case remote.Lock(record) != told:
		r.wrongf("give all pods of the election one lock, with "+injector.Prefix+string(config.Lock),
			"This pod's lock is %s, but the lease reports an election that is held at %s", told, record.Reports)
	case record.Reports != "":
		r.factf("The election is held at %s, and the lease only reports it, a moment later", record.Reports)
	}
}

// name says who the holder is.
func (r *report) name(record lock.Record, expired bool) {
	leads, held := "leads", "is held"
	if expired {
		leads, held = "held the lead last", "was held last"
	}
	id, _ := lock.ParseIdentity(record.Holder)
	switch elected := r.ago(record.Acquired); {
	case r.holds():
		r.factf("This pod %s with token %d, and was elected %s", leads, record.Token, elected)
	case !record.Stamped():
		r.wrongf("end the elector or undo the edit that wrote it, if it should not be there",
			"The lease %s by %q, which is none of Leaseholder's sidecars, and took it %s", held, record.Holder, elected)
	case view.Ended(r.pod):
		r.factf("Pod %s %s with token %d, and was elected %s", id.Pod, leads, record.Token, elected)
	default:
		r.factf("Pod %s %s with token %d, and was elected %s: this one is a standby", id.Pod, leads, record.Token, elected)
	}
}

// leader compares this pod with the leader's.
func (r *report) leader(holder string, expired bool) {
	if r.candidates.err != nil {
		r.unread("the election's pods", r.candidates.err)
		return
	}
	id, _ := lock.ParseIdentity(holder)
	at := slices.IndexFunc(*r.candidates.value, func(p corev1.Pod) bool { return string(p.UID) == id.UID })
	if at < 0 {
		r.factf("The holder's pod is not in the list of pods of this election: it is gone, or runs outside the cluster")
		return
	}
	leader := &(*r.candidates.value)[at]
	mine, _ := injector.Priority(r.pod)
	theirs, _ := injector.Priority(leader)
	switch {
	case expired || view.Ended(r.pod): // it is not compared any more
	case mine > theirs && view.Ready(r.pod):
		r.factf("Its priority %d is higher than the leader's %d, so it is given the lead when it has been ready beside it for half a minute or one lease duration", mine, theirs)
	case mine > theirs:
		r.wrongf("see why the pod is not ready", "Its priority %d is higher than the leader's %d, but it is not ready, and so is not given the lead", mine, theirs)
	case mine < theirs:
		r.factf("Its priority %d is lower than the leader's %d", mine, theirs)
	}
}

// label says whether the role that is shown is the one that it has.
func (r *report) label(token int64) {
	want := injector.RoleStandby
	if r.holds() {
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

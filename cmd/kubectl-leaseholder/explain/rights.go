package explain

import (
	"strings"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/webhook/ownership"
	"github.com/leaseholder-dev/leaseholder/webhook/view"
)

// controller is what to look at when something is not there that it makes.
const controller = "see whether the webhook's pods run: its controller makes what is missing, in every namespace but kube-* and its own; where the chart's rights.mode is none, make it from the manifest with kubectl leaseholder rbac"

// rights says what the pod's account may do with the Lease.
func (r *report) rights() {
	if refusal, refused := r.stranger(); refused {
		whose, cure, _ := strings.Cut(refusal.Tell(r.pod.Namespace, r.election), ": ")
		r.wrongf(cure, "The pod must not stand in an election of others: %s", whose)
	}
	if r.denied.err == nil {
		if denied := *r.denied.value; len(denied) > 0 {
			r.lacksf("Service account %q may not %s lease %q, so the sidecar can't take part", account(r.pod), strings.Join(denied, ", "), r.election)
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
		r.lacksf("There is no Role %q, which the sidecar needs", name)
	case !view.Ours(r.role.value):
		r.wrongf("rename it, or name another election with "+injector.AnnotationElection+", unless rights.mode is none and it is meant for this one", "Leaseholder did not make Role %q", name)
	case r.binding.value == nil:
		r.lacksf("There is no RoleBinding %q, which the sidecar needs", name)
	case !r.bound():
		r.lacksf("RoleBinding %q does not name service account %q", name, account(r.pod))
	default:
		r.factf("RoleBinding %q gives service account %q the Role of its election", name, account(r.pod))
	}
}

// lacksf tells of something that is not there, and what to look at if nothing else
// that is told explains it.
func (r *report) lacksf(format string, args ...any) {
	_, refused := r.stranger()
	if refused || r.lease.value != nil && !view.Ours(r.lease.value) {
		r.factf(format, args...)
		return
	}
	r.wrongf(controller, format, args...)
}

// stranger is why the pod must not stand in its election, as the controller judges
// it that grants the rights.
func (r *report) stranger() (*ownership.Refusal, bool) {
	if r.lease.value == nil {
		return nil, false
	}
	var others []ownership.Member
	if r.candidates.value != nil {
		for i := range *r.candidates.value {
			if pod := &(*r.candidates.value)[i]; !view.Ended(pod) {
				others = append(others, ownership.MemberOf(pod, r.election))
			}
		}
	}
	return ownership.Of(r.lease.value).Refuses(ownership.MemberOf(r.pod, r.election), others)
}

func (r *report) bound() bool {
	for _, s := range r.binding.value.Subjects {
		if s.Kind == "ServiceAccount" && s.Name == account(r.pod) {
			return r.binding.value.RoleRef.Name == view.RightsPrefix+r.election
		}
	}
	return false
}
